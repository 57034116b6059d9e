"""Sizes and rectangles in pixels; the origin is the top left corner."""

from __future__ import annotations

from typing import NamedTuple


class Size(NamedTuple):
    """A screen's size."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


class Rect(NamedTuple):
    """A rectangle; empty when width or height is 0."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """First column beyond the rectangle."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """First row beyond the rectangle."""
        return self.y + self.height

    @property
    def part(self) -> tuple[slice, slice]:
        """The index of its pixels in a picture of (height, width)."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    def within(self, size: Size) -> bool:
        """Tell whether the rectangle lies wholly on a screen of `size`."""
        return self.x >= 0 and self.y >= 0 and self.right <= size.width and self.bottom <= size.height

    def clipped(self, size: Size) -> Rect:
        """Return the part of the rectangle that lies on a screen of `size`."""
        x, y = max(self.x, 0), max(self.y, 0)
        right, bottom = min(self.right, size.width), min(self.bottom, size.height)
        return Rect(x, y, max(right - x, 0), max(bottom - y, 0))

    def union(self, other: Rect) -> Rect:
        """Return the smallest rectangle that holds both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Rect(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def holds(self, other: Rect) -> bool:
        """Tell whether the other lies wholly inside."""
        return self.union(other) == self

    def overlaps(self, other: Rect) -> bool:
        """Tell whether the two have pixels in common."""
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )
