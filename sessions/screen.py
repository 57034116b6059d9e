"""The screen of a session: its guest's display, the picture that it draws, and those who are sent that.

The display is opened when somebody looks and let go of some time after nobody does any more: a screen that
rests has neither picture nor connection. One that is lost while it is looked at is opened again, patiently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred

from sessions.clock import Clock
from sessions.composer import Composer
from sessions.displays.base import Display, DisplayError
from sessions.encoders.base import Options
from sessions.guests.base import Guest, GuestError
from sessions.input.events import InputEvent
from sessions.pacing import InThread, Recipient
from sessions.pixels.cursor import Cursor
from sessions.pixels.framebuffer import Framebuffer, Pixels
from sessions.pixels.geometry import Size
from sessions.sharing import Sharing
from sessions.viewer import Viewer, make_composer
from sessions.wire import tsg

REOPEN_SECONDS = (0.1, 0.5, 1, 2, 4, 8, 15)
"""Waits between attempts to open a lost display again; after the last, it is lost for good."""


class Audience(Protocol):
    """Those who look at a screen."""

    @property
    def is_there(self) -> bool:
        """Whether anybody looks."""

    def tell(self, message: tsg.Message) -> None:
        """Send everybody a message."""

    def cursor(self, cursor: Cursor) -> None:
        """Show everybody the pointer."""

    def pointing(self, relative: bool) -> None:
        """The guest asks how the pointer moves, or where it is."""

    def injected(self, event: InputEvent, waited: float) -> None:
        """The guest has been handed an input event."""

    def fault(self, recipient: Recipient) -> None:
        """One of them cannot be sent frames any more; the log has been told why."""

    def lost(self, reason: DisplayError) -> None:
        """The display is gone; the guest may still be there."""


class Screen:
    """One session's screen; for its display it is `displays.base.DisplayEvents`.

    in_thread: runs what takes long on another thread.
    """

    def __init__(self, audience: Audience, options: Options, clock: Clock, in_thread: InThread) -> None:
        self._audience = audience
        self._options = options
        self._clock = clock
        self._framebuffer = Framebuffer()
        self._cursor: Cursor | None = None
        self._is_relative = False
        self._display: Display | None = None
        self._wish: Size | None = None
        self._sharing = Sharing(self._framebuffer, clock, in_thread, self._make_composer, audience.fault)

    @property
    def is_open(self) -> bool:
        """Whether there is a display."""
        return self._display is not None

    @property
    def pixels(self) -> Pixels | None:
        """What it shows; None while it rests. Written to as the screen changes."""
        return self._framebuffer.pixels if self._framebuffer.pixels.size else None

    async def open(self, guest: Guest) -> None:
        """Open the guest's display. Raises GuestError, DisplayError."""
        self._display = await guest.open_display(self._framebuffer, self)
        self._display.watch(self._audience.is_there)
        if self._wish is not None:
            self._display.request_size(self._wish)

    async def reopen(
        self,
        guest: Guest,
        reason: GuestError | DisplayError,
        say: Callable[[str], None],
        note: Callable[[GuestError | DisplayError], None],
    ) -> None:
        """Open a lost display again, patiently; the guest may only have restarted its screen.

        reason: why it was lost. say: tells people how it stands, and "" in the end; note: the log. Gives up
        when nobody looks any more. Raises DisplayError when it was all in vain.
        """
        for wait in REOPEN_SECONDS:
            note(reason)
            say(f"{reason} Trying again.")
            await sleep(self._clock, wait)
            if not self._audience.is_there:
                return
            try:
                await self.open(guest)
            except (GuestError, DisplayError) as error:
                reason = error
            else:
                say("")
                return
        raise DisplayError(str(reason), reason.detail)

    def close(self) -> None:
        """Let go of the display; the picture stays."""
        display, self._display = self._display, None
        if display is not None:
            display.close()

    def rest(self) -> None:
        """Let go of the display and of the picture, which nobody looks at."""
        self.close()
        self._framebuffer.resize(Size(0, 0))
        self._framebuffer.take_damage()
        self._cursor = None
        self._is_relative = False

    # ---- for those who look

    def show(self, viewer: Viewer) -> None:
        """Begin to send a viewer the screen, as soon as there is one; in the size that it wishes, if any."""
        if self._display is not None:
            self._display.watch(True)
        if viewer.shadow is None and viewer.wish is not None:
            self.request_size(viewer.wish)
        if self._framebuffer.size.width and self._framebuffer.size.height:
            viewer.tell(tsg.ScreenSize(*self._framebuffer.size))
        self._sharing.join(viewer.recipient)
        if self._cursor is not None:
            viewer.cursor(self._cursor)
        if self._is_relative:
            viewer.pointing(True)

    def hide(self, viewer: Viewer) -> None:
        """Send a viewer no more."""
        self._sharing.leave(viewer.recipient)

    def released(self, viewer: Viewer) -> None:
        """Let go of the keys and buttons that a viewer holds."""
        for event in viewer.ledger.release():
            if self._display is not None:
                self._display.send(event)

    def send(self, event: InputEvent, viewer: Viewer) -> bool:
        """Pass a viewer's input on; tell whether it went to the guest."""
        if self._display is None or not viewer.ledger.passes(event):
            return False
        self._display.send(event)
        return True

    def watch(self) -> None:
        """Learn whether anybody is there."""
        if self._display is not None:
            self._display.watch(self._audience.is_there)

    def request_size(self, size: Size) -> None:
        """Ask the guest for a screen of this size."""
        self._wish = size
        if self._display is not None:
            self._display.request_size(size)

    def acknowledged(self, viewer: Viewer, ack: tsg.Ack) -> None:
        """A viewer has a frame."""
        held = (ack.present_us or ack.decode_us) / 1e6
        self._sharing.acknowledged(viewer.recipient, ack.number, held)

    def restart(self, viewer: Viewer) -> None:
        """A viewer has lost its picture or its decoders."""
        self._sharing.restart(viewer.recipient)

    def give_up(self, viewer: Viewer, capability: int, codec: int) -> bool:
        """A viewer cannot decode a codec after all; tell whether that is news."""
        return self._sharing.give_up(viewer.recipient, capability, codec)

    def _make_composer(self, capabilities: frozenset[int]) -> Composer:
        return make_composer(self._framebuffer, capabilities, self._options)

    # ---- what the display tells (displays.base.DisplayEvents)

    def resized(self) -> None:
        """The framebuffer has a new size."""
        self._framebuffer.take_damage()
        self._audience.tell(tsg.ScreenSize(*self._framebuffer.size))
        self._sharing.resized()

    def updated(self) -> None:
        """The framebuffer holds a whole new picture."""
        self._sharing.add(self._framebuffer.take_damage())

    def cursor(self, cursor: Cursor) -> None:
        """The pointer looks like this now."""
        self._cursor = cursor
        self._audience.cursor(cursor)

    def pointing(self, relative: bool) -> None:
        """The guest asks how the pointer moves, or where it is."""
        if relative != self._is_relative:
            self._is_relative = relative
            self._audience.pointing(relative)

    def injected(self, event: InputEvent, waited: float) -> None:
        """The guest has been handed an input event."""
        self._audience.injected(event, waited)

    def lost(self, reason: DisplayError) -> None:
        """The display is gone; the guest may still be there."""
        self._display = None
        self._audience.lost(reason)


def sleep(clock: Clock, seconds: float) -> Deferred[None]:
    """Return what fires after so many seconds; cancelling it is free."""
    timer = Deferred[None](lambda _: call.cancel())
    call = clock.callLater(seconds, timer.callback, None)
    return timer
