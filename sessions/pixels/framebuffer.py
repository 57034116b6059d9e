"""What a guest shows now, and where it was written to.

Displays write what they are told. Whether that changes anything is found out when a picture is made for a
viewer (pixels/compare): at that time it is one comparison, however often the same place was written.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import Region, tile_span

MAX_SIDE = 8192
"""Largest width and height, pixels."""

Pixels = npt.NDArray[np.uint32]
"""(height, width) little-endian 32-bit pixels: the bytes are B, G, R and one that means nothing."""

COLOUR = np.uint32(0x00FFFFFF)
"""The bytes of a pixel that mean something."""


class Framebuffer:
    """A screen's pixels. The unused byte of each is 0 when the picture is whole."""

    def __init__(self) -> None:
        self.size = Size(0, 0)
        self.pixels: Pixels = np.zeros((0, 0), "<u4")
        self._damage = Region(self.size)
        self._received = slice(0, 0)  # rows among which `memory` was written to
        self.settled = True
        """Whether nothing has been written since the damage was taken: between the two, the pixels are
        part of one picture and part of the next."""

    def resize(self, size: Size) -> None:
        """Give the screen a new size; what fits is kept, and everything becomes damage.

        Raises ValueError beyond MAX_SIDE.
        """
        if not (0 <= size.width <= MAX_SIDE and 0 <= size.height <= MAX_SIDE):
            raise ValueError(f"a screen of {size} pixels; at most {MAX_SIDE} each way")
        pixels: Pixels = np.zeros((size.height, size.width), "<u4")
        height, width = min(size.height, self.size.height), min(size.width, self.size.width)
        pixels[:height, :width] = self.pixels[:height, :width]
        self.size = size
        self.pixels = pixels
        self._damage = Region.whole(size)
        self._received = slice(0, 0)
        self.settled = False

    def write(self, rect: Rect, pixels: Pixels) -> None:
        """Take in new pixels for `rect`, of shape (rect.height, rect.width).

        They are copied; the caller may use its buffer again. Raises ValueError when `rect` is not on
        the screen or the shape is another.
        """
        self._check(rect)
        if pixels.shape != (rect.height, rect.width):
            raise ValueError(f"{pixels.shape} pixels for {rect}")
        if not (rect.width and rect.height):
            return
        target = self.pixels[rect.part]
        np.bitwise_and(pixels, COLOUR, out=target)
        self._written(rect)

    def memory(self, rect: Rect) -> memoryview | None:
        """Return the bytes of `rect`, which is not empty, for the caller to write new pixels into at once.

        None, and nothing done, when it is narrower than the screen and so not in one piece. The memory is of
        no use once the screen has another size. Raises ValueError when `rect` is not on the screen.
        """
        self._check(rect)
        if rect.width < self.size.width:
            return None
        self._written(rect)
        before = self._received
        self._received = slice(
            min(rect.y, before.start) if before.stop else rect.y, max(rect.bottom, before.stop)
        )
        stride = self.size.width * 4
        return self.pixels.data.cast("B")[rect.y * stride : rect.bottom * stride]

    def copy(self, source: Rect, x: int, y: int) -> None:
        """Copy `source` to where its top left corner is at (x, y); the two may overlap.

        Raises ValueError when either is not on the screen.
        """
        self._check(source)
        moved = self.pixels[source.part].copy()
        self.write(Rect(x, y, source.width, source.height), moved)

    def fill(self, rect: Rect, pixel: int) -> None:
        """Give every pixel of `rect` one value. Raises ValueError when it is not on the screen."""
        self._check(rect)
        row = np.full((1, rect.width), pixel & 0xFFFFFF, "<u4")
        self.write(rect, np.broadcast_to(row, (rect.height, rect.width)))

    def take_damage(self) -> Region:
        """Return where something was written since the last call."""
        damage, self._damage = self._damage, Region(self.size)
        received = self.pixels[self._received]
        if (received[::4, ::61] & ~COLOUR).any():  # most servers send zeros there
            received &= COLOUR
        self._received = slice(0, 0)
        self.settled = True
        return damage

    def _written(self, rect: Rect) -> None:
        self._damage.tiles[tile_span(rect)] = True
        self.settled = False

    def _check(self, rect: Rect) -> None:
        if rect.width < 0 or rect.height < 0 or not rect.within(self.size):
            raise ValueError(f"{rect} is not on a screen of {self.size}")
