"""What a guest shows now, and what of it has changed.

Displays write what they are told; the framebuffer compares it with what it holds, because servers
report much as changed that is not, and keeps the tiles that really differ.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid, Region, tile_span

MAX_SIDE = 8192
"""Largest width and height, pixels."""

Pixels = npt.NDArray[np.uint32]
"""(height, width) little-endian 32-bit pixels: the bytes are B, G, R, X."""

_COLOUR = np.uint32(0x00FFFFFF)
_STEP_PIXELS = 64 * 1024
"""Comparing goes in steps of about this size, so that a step stays in the processor's cache."""


class Framebuffer:
    """A screen's pixels, with the unused byte of each always 0."""

    def __init__(self) -> None:
        self.size = Size(0, 0)
        self.pixels: Pixels = np.zeros((0, 0), "<u4")
        self._damage = Region(self.size)
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
        self.settled = False
        self._masked = np.empty(_STEP_PIXELS, "<u4")
        self._differs = np.empty(_STEP_PIXELS, np.bool_)

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
        rows = _STEP_PIXELS // (rect.width + 2 * TILE_COLUMNS)
        for top in range(0, rect.height, rows):
            part = pixels[top : top + rows]
            self._write_step(Rect(rect.x, rect.y + top, rect.width, len(part)), part)

    def _write_step(self, rect: Rect, pixels: Pixels) -> None:
        masked = self._masked[: rect.width * rect.height].reshape(rect.height, rect.width)
        np.bitwise_and(pixels, _COLOUR, out=masked)
        target = self.pixels[rect.y : rect.bottom, rect.x : rect.right]
        changed = self._changed_tiles(rect, masked, target)
        if changed.any():
            self._damage.tiles[tile_span(rect)] |= changed
            target[:] = masked
            self.settled = False

    def _changed_tiles(self, rect: Rect, new: Pixels, old: Pixels) -> Grid:
        """Compare, and reduce to one boolean per tile that `rect` touches.

        Booleans are combined eight at a time, viewed as 64-bit words: rows first, because that runs
        along memory; what is left for the columns is small.
        """
        first = rect.x // TILE_COLUMNS * TILE_COLUMNS
        width = -(-rect.right // TILE_COLUMNS) * TILE_COLUMNS - first
        differs = self._differs[: rect.height * width].reshape(rect.height, width)
        inset = rect.x - first
        differs[:, :inset] = False
        differs[:, inset + rect.width :] = False
        np.not_equal(new, old, out=differs[:, inset : inset + rect.width])
        starts = np.arange(-(rect.y % TILE_ROWS), rect.height, TILE_ROWS)
        starts[0] = 0
        words = np.bitwise_or.reduceat(differs.view(np.uint64), starts, axis=0)
        return np.asarray(words.reshape(len(starts), -1, TILE_COLUMNS // 8).any(axis=2))

    def copy(self, source: Rect, x: int, y: int) -> None:
        """Copy `source` to where its top left corner is at (x, y); the two may overlap.

        Raises ValueError when either is not on the screen.
        """
        self._check(source)
        moved = self.pixels[source.y : source.bottom, source.x : source.right].copy()
        self.write(Rect(x, y, source.width, source.height), moved)

    def fill(self, rect: Rect, pixel: int) -> None:
        """Give every pixel of `rect` one value. Raises ValueError when it is not on the screen."""
        self._check(rect)
        row = np.full((1, rect.width), pixel & 0xFFFFFF, "<u4")
        self.write(rect, np.broadcast_to(row, (rect.height, rect.width)))

    def take_damage(self) -> Region:
        """Return what has changed since the last call."""
        damage, self._damage = self._damage, Region(self.size)
        self.settled = True
        return damage

    def _check(self, rect: Rect) -> None:
        if rect.width < 0 or rect.height < 0 or not rect.within(self.size):
            raise ValueError(f"{rect} is not on a screen of {self.size}")
