"""A guest without a machine: a test card that moves, for trying things out and for tests.

Spec of a desktop of this kind:

    kind   = "testcard"
    width  = 1280     # pixels, 16 to 8192; likewise height = 720
    fps    = 15       # pictures a second, up to 120; 0: only input changes it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.displays.base import Display, DisplayEvents
from sessions.displays.testcard import TestcardDisplay
from sessions.guests.base import GuestError, Place, Progress
from sessions.guests.shown import OnlyShown
from sessions.pixels.framebuffer import MAX_SIDE, Framebuffer
from sessions.pixels.geometry import Size
from sessions.pixels.testcard import frame

MIN_SIDE = 16
MAX_FPS = 120

__all__ = ["TestcardGuest", "frame"]


class TestcardGuest(OnlyShown):
    """A guest that is only a picture."""

    __test__ = False  # not a test, whatever a test runner thinks of the name

    def __init__(self, spec: Mapping[str, Any], place: Place) -> None:
        super().__init__()
        self._size = Size(
            int(_number(spec, "width", 1280, MIN_SIDE, MAX_SIDE)),
            int(_number(spec, "height", 720, MIN_SIDE, MAX_SIDE)),
        )
        self._fps = _number(spec, "fps", 15, 0, MAX_FPS)
        self._place = place

    async def start(self, progress: Progress) -> None:
        """Do nothing; there is nothing to start."""
        progress(100, "Drawing the test card")

    async def open_display(self, framebuffer: Framebuffer, events: DisplayEvents) -> Display:
        """Start drawing."""
        reactor = self._place.reactor
        return self._keep(TestcardDisplay(reactor, framebuffer, events, self._size, self._fps))


def _number(spec: Mapping[str, Any], key: str, default: float, least: float, most: float) -> float:
    value = spec.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise GuestError(f"“{key}” of this test card is {value!r}, not a number from {least} to {most}.")
    return value
