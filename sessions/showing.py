"""What a session shows: its screen is open while somebody looks, and rests afterwards.

A screen that is lost while somebody looks is opened again, patiently.
"""

from __future__ import annotations

from typing import Protocol

from sessions.displays.base import DisplayError
from sessions.guests.base import Guest, GuestError
from sessions.lifecycle import ATTENDED, EndReason
from sessions.thumbnail import Thumbnail, Thumbnails
from sessions.viewers import Viewers
from sessions.wire.tsg import SessionState
from sessions.work import Work


class Shown(Protocol):
    """The session that is shown."""

    state: SessionState

    def say(self, text: str) -> None:
        """Tell everybody how it stands with the screen; "" when all is well."""

    async def end(self, reason: str, how: EndReason) -> None:
        """End the session: it cannot be shown any more."""


class Showing:
    """The screen of one session's guest. name: the session's."""

    def __init__(
        self, name: str, guest: Guest, viewers: Viewers, thumbnails: Thumbnails, session: Shown
    ) -> None:
        self._guest = guest
        self._viewers = viewers
        self._screen = viewers.screen
        self._thumbnails = thumbnails
        self._session = session
        self.work = Work(name, self.look, session.end)
        """What goes on in the background, of the screen and the guest."""

    @property
    def _is_looked_at(self) -> bool:
        """Whether the guest runs and somebody sees it, those who shadow it included."""
        state = self._session.state
        return (state in ATTENDED or state is SessionState.DISCONNECTED) and self._viewers.is_there

    def look(self) -> None:
        """Whoever is there looks: see that the screen is open."""
        if self._is_looked_at and not self._screen.is_open and not self.work.is_going_on:
            self.work.begin(self.open(), EndReason.LOST)

    async def open(self) -> None:
        """Open the screen, patiently unless it is for the first time. Raises GuestError, DisplayError."""
        try:
            await self._screen.open(self._guest)
        except (GuestError, DisplayError) as error:
            if self._session.state is SessionState.STARTING:
                raise
            await self._reopen(error)

    async def _reopen(self, reason: GuestError | DisplayError) -> None:
        await self._screen.reopen(self._guest, reason, self._session.say, self.work.note)

    def lost(self, reason: DisplayError) -> None:
        """What the viewers look at is gone; the guest may still be there."""
        if self._is_looked_at and not self.work.is_going_on:
            self.work.begin(self._reopen(reason), EndReason.LOST)
        elif self._session.state is not SessionState.ENDED:
            self.work.note(reason)

    def rest(self) -> bool:
        """Let the screen rest if nobody looks (`quiet.Quieted`): it costs nothing from now on."""
        if self.work.is_going_on:  # it is being opened
            return False
        if not self._viewers.is_there:
            self.keep_picture()
            self._screen.rest()
        return True

    def keep_picture(self) -> None:
        """Keep a small picture of what is shown now."""
        if (pixels := self._screen.pixels) is not None:
            self._thumbnails.keep(pixels)

    async def thumbnail(self, width: int) -> Thumbnail:
        """Return a small picture of the screen, as it is or was when somebody looked last."""
        return await self._thumbnails.now(self._screen.pixels, width)

    def let_go(self) -> None:
        """Do nothing more, and let go of the screen; the picture stays."""
        self.work.cancel()
        self._screen.close()
