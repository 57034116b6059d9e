"""The display contract: where a session's pixels come from and where its input goes.

Order of calls. A guest opens a display with `open_display(framebuffer, events)`. The display then

1. calls `framebuffer.resize(size)` and `events.resized()` before the first pixel and at every change,
2. writes pixels with `framebuffer.write`, `.copy` or `.fill`,
3. calls `events.updated()` when what it has written makes a whole picture,
4. calls `events.injected(event, waited)` when it hands the guest an input, before the picture that answers,
5. calls `events.lost(reason)` once at most, when it can deliver no more; never after `close()`.

All calls are made on the reactor thread. Nothing here may block it.
"""

from __future__ import annotations

from typing import Protocol

from sessions.input.events import InputEvent
from sessions.pixels.cursor import Cursor
from sessions.pixels.geometry import Size


class DisplayError(Exception):
    """A display cannot be opened or has failed.

    The text is a sentence for the person at the screen; `detail` is for the log and the operator.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class DisplayEvents(Protocol):
    """What a display tells its session."""

    def resized(self) -> None:
        """The framebuffer has a new size."""

    def updated(self) -> None:
        """The framebuffer holds a whole new picture."""

    def cursor(self, cursor: Cursor) -> None:
        """The pointer looks like this now."""

    def pointing(self, relative: bool) -> None:
        """The guest takes from now on how the pointer moves (True), or where it is, which is the rule."""

    def injected(self, event: InputEvent, waited: float) -> None:
        """The guest has been handed an input event, which had waited in the display for so many seconds."""

    def lost(self, reason: DisplayError) -> None:
        """The display is gone; nothing follows."""


class Display(Protocol):
    """An open display."""

    @property
    def resizable(self) -> bool:
        """Whether `request_size` can have an effect."""

    @property
    def takes_text(self) -> bool:
        """Whether `Text` events reach the guest."""

    def send(self, event: InputEvent) -> None:
        """Pass one input event on. Never raises for a guest that is slow or gone; it is dropped then."""

    def request_size(self, size: Size) -> None:
        """Ask the guest for a screen of this size; `resized` tells if and when it follows."""

    def watch(self, watched: bool) -> None:
        """Learn whether anybody looks; while nobody does, a display may rest. One just opened is watched."""

    def close(self) -> None:
        """Let go of the display; the guest goes on. May be called twice."""
