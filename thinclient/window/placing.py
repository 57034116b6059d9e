"""Where the guest's picture is on the widget, in the display's own pixels. Without Qt: numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

LARGEST = 8192
"""Pixels that a screen may have across or down, as the protocol says."""


@dataclass(frozen=True, slots=True)
class Placing:
    """scale: display pixels for one of the guest's; left, top: where its first is. width, height: of it."""

    scale: float
    left: int
    top: int
    width: int
    height: int

    def seen_from(self, left: int, top: int) -> Placing:
        """Return the same for a part of the room that begins there."""
        return replace(self, left=self.left - left, top=self.top - top)

    def to_guest(self, x: float, y: float) -> tuple[int, int]:
        """Return the guest's pixel below a place on the widget, the nearest one where there is none."""
        column, row = int((x - self.left) // self.scale), int((y - self.top) // self.scale)
        return min(max(column, 0), self.width - 1), min(max(row, 0), self.height - 1)

    def holds(self, x: float, y: float) -> bool:
        """Whether there is a pixel of the guest's below a place on the widget."""
        across, down = x - self.left, y - self.top
        return 0 <= across < self.width * self.scale and 0 <= down < self.height * self.scale


def placed(
    room: tuple[int, int], guest: tuple[int, int], *, fits: bool, look: tuple[float, float] = (0.5, 0.5)
) -> Placing:
    """Place a guest's screen in a room.

    fits: make it smaller or larger until it fits; else one pixel is one pixel, and of a screen larger than
    the room that part is seen which `look` (from 0, 0 to 1, 1) says.
    """
    width, height = guest
    scale = min(room[0] / width, room[1] / height) if fits and width and height else 1.0
    return Placing(
        scale or 1.0,
        _start(room[0], width * scale, look[0]),
        _start(room[1], height * scale, look[1]),
        width,
        height,
    )


def _start(room: int, size: float, look: float) -> int:
    left = room - size
    return round(left / 2 if left >= 0 else left * min(max(look, 0.0), 1.0))


class Monitor(NamedTuple):
    """One display, as the window system tells it. ratio: its pixels for one unit of width and height."""

    x: int
    y: int
    width: int
    height: int
    ratio: float


class Span(NamedTuple):
    """A room made of several displays, in their pixels. offsets: where each begins in it."""

    room: tuple[int, int]
    offsets: tuple[tuple[int, int], ...]


def spanned(monitors: Sequence[Monitor], *, places_are_pixels: bool) -> Span:
    """Lay displays into one room, pixel by pixel, as they stand to each other.

    places_are_pixels: x and y are pixels already, as X11 and Windows tell them. Where they are not, and the
    displays differ in density, they are taken apart as far as the densest needs, so that none overlap.
    """
    step = 1.0 if places_are_pixels else max(each.ratio for each in monitors)
    starts = [(round(each.x * step), round(each.y * step)) for each in monitors]
    sizes = [(round(each.width * each.ratio), round(each.height * each.ratio)) for each in monitors]
    left, top = (min(start[axis] for start in starts) for axis in (0, 1))
    across, down = (
        max(start[axis] + size[axis] for start, size in zip(starts, sizes, strict=True)) for axis in (0, 1)
    )
    return Span((across - left, down - top), tuple((x - left, y - top) for x, y in starts))
