"""The picture of the pointer."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.pixels.geometry import Size


@dataclass(frozen=True, slots=True)
class Cursor:
    """A pointer's picture.

    pixels: size.width × size.height × 4 bytes of B, G, R, A with straight (not premultiplied) alpha;
    a size of 0×0 hides the pointer. hot_x, hot_y: the pixel that points.
    """

    size: Size
    hot_x: int
    hot_y: int
    pixels: bytes


HIDDEN = Cursor(Size(0, 0), 0, 0, b"")
