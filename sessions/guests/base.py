"""The guest contract: a machine (or something like one) whose screen a session shows.

Order of calls. The session host makes a guest from its spec with `Kind(spec, place)`, then either
`start` (a new one) or `adopt` (one that an earlier session host process left running, found by its
state folder), then `open_display` any number of times, and `stop` at the end. `start` may be cancelled
(its Deferred); it leaves nothing behind then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sessions.displays.base import Display, DisplayEvents
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size


class GuestError(Exception):
    """A guest cannot be made, started or reached.

    The text is a sentence for the person who wants to use it; `detail` is for the log and the operator.
    """

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


Progress = Callable[[int | None, str], None]
"""Called with per cent done (None where unknown) and a short text while a guest starts."""


DEFAULT_SCREEN = Size(1280, 800)


@dataclass(frozen=True)
class Place:
    """Where a guest lives and what it may use.

    folder: the guest's own state folder (0700; the guest may write there, and it is removed at the end).
    images: the folder of the image store.
    ended: called once at most, with a sentence, when a started guest stops by itself; never after `stop`.
    reactor: clock and readers; everything time-dependent uses it.
    settings: the session host's settings for this kind of guest.
    screen: the size the person's screen has, for guests that can begin with it.
    """

    folder: Path
    images: Path
    ended: Callable[[str], None]
    reactor: Any
    settings: Mapping[str, Any]
    screen: Size = DEFAULT_SCREEN


class Guest(Protocol):
    """One guest."""

    def __init__(self, spec: Mapping[str, Any], place: Place) -> None:
        """Take the desktop's spec. Raises GuestError when the spec is not valid; does nothing else."""

    async def start(self, progress: Progress) -> None:
        """Start the guest so that its display can be opened. Raises GuestError."""

    async def adopt(self) -> None:
        """Take up a guest that is already running, from its state folder. Raises GuestError."""

    async def open_display(self, framebuffer: Framebuffer, events: DisplayEvents) -> Display:
        """Open the guest's display. Raises GuestError or DisplayError."""

    async def stop(self) -> None:
        """End the guest and free all it used but its folder. Never raises; may be called twice."""

    async def detach(self) -> None:
        """Let go of the guest without ending it (the session host is leaving)."""
