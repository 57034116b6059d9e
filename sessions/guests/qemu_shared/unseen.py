"""A machine's own screen, which nobody looks at."""

from __future__ import annotations

from sessions.displays.base import DisplayError
from sessions.guests.base import Guest
from sessions.input.events import InputEvent
from sessions.pixels.cursor import Cursor
from sessions.pixels.framebuffer import Framebuffer


class _Unseen:
    """What a display tells (displays.base.DisplayEvents), and nobody hears."""

    def resized(self) -> None:
        """Ignore it."""

    def updated(self) -> None:
        """Ignore it."""

    def cursor(self, cursor: Cursor) -> None:
        """Ignore it."""

    def pointing(self, relative: bool) -> None:
        """Ignore it."""

    def injected(self, event: InputEvent, waited: float) -> None:
        """Ignore it."""

    def lost(self, reason: DisplayError) -> None:
        """Ignore it."""


async def look_away(guest: Guest) -> None:
    """Close the display by which a guest was watched while it booted. Raises GuestError, DisplayError."""
    display = await guest.open_display(Framebuffer(), _Unseen())
    display.close()
