"""What a guest shows now, and what of it has changed.

Displays write what they are told; the framebuffer compares it with what was there, because servers
report much as changed that is not, and notes the tiles that really differ.
"""

from __future__ import annotations

from collections.abc import Iterator

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
    """A screen's pixels, with the unused byte of each always 0.

    pixels: the last whole picture. What displays write comes in beside it, and becomes part of it when
    the damage is taken; so nobody ever sees half of the next picture, and comparing is done once for a
    picture however small the pieces in which it came.
    """

    def __init__(self) -> None:
        self.size = Size(0, 0)
        self.pixels: Pixels = np.zeros((0, 0), "<u4")
        self._incoming = self.pixels
        self._touched = Region(self.size)
        self._all_new = False

    def resize(self, size: Size) -> None:
        """Give the screen a new size; what fits is kept, and everything becomes damage.

        Raises ValueError beyond MAX_SIDE.
        """
        if not (0 <= size.width <= MAX_SIDE and 0 <= size.height <= MAX_SIDE):
            raise ValueError(f"a screen of {size} pixels; at most {MAX_SIDE} each way")
        incoming: Pixels = np.zeros((size.height, size.width), "<u4")
        height, width = min(size.height, self.size.height), min(size.width, self.size.width)
        incoming[:height, :width] = self._incoming[:height, :width]
        self.size = size
        self.pixels = incoming.copy()
        self._incoming = incoming
        self._touched = Region(size)
        self._all_new = True

    def write(self, rect: Rect, pixels: Pixels) -> None:
        """Take in new pixels for `rect`, of shape (rect.height, rect.width).

        They are copied; the caller may use its buffer again. Raises ValueError when `rect` is not on
        the screen or the shape is another.
        """
        self._check(rect)
        if pixels.shape != (rect.height, rect.width):
            raise ValueError(f"{pixels.shape} pixels for {rect}")
        np.bitwise_and(pixels, _COLOUR, out=self._incoming[rect.y : rect.bottom, rect.x : rect.right])
        self._touched.tiles[tile_span(rect)] = True

    def take_damage(self) -> Region:
        """Make what was written the picture, and return what has changed since the last call."""
        touched, self._touched = self._touched, Region(self.size)
        changed = Region(self.size)
        for rect in _steps(touched):
            self._settle(rect, changed)
        if self._all_new:
            self._all_new = False
            return Region.whole(self.size)
        return changed

    def _settle(self, rect: Rect, changed: Region) -> None:
        new = self._incoming[rect.y : rect.bottom, rect.x : rect.right]
        old = self.pixels[rect.y : rect.bottom, rect.x : rect.right]
        tiles = _changed_tiles(new, old)
        if tiles.any():
            changed.tiles[tile_span(rect)] = tiles
            old[:] = new

    def copy(self, source: Rect, x: int, y: int) -> None:
        """Copy `source` to where its top left corner is at (x, y); the two may overlap.

        Raises ValueError when either is not on the screen.
        """
        self._check(source)
        moved = self._incoming[source.y : source.bottom, source.x : source.right].copy()
        self.write(Rect(x, y, source.width, source.height), moved)

    def fill(self, rect: Rect, pixel: int) -> None:
        """Give every pixel of `rect` one value. Raises ValueError when it is not on the screen."""
        self._check(rect)
        row = np.full((1, rect.width), pixel & 0xFFFFFF, "<u4")
        self.write(rect, np.broadcast_to(row, (rect.height, rect.width)))

    def _check(self, rect: Rect) -> None:
        if rect.width < 0 or rect.height < 0 or not rect.within(self.size):
            raise ValueError(f"{rect} is not on a screen of {self.size}")


def _steps(touched: Region) -> Iterator[Rect]:
    """Cut a region into parts that stay in the processor's cache, on the borders of tiles.

    Rows of tiles that were touched in much the same columns are taken together: a few more pixels to
    compare cost less than a further step.
    """
    size = touched.size
    rows = np.flatnonzero(touched.tiles.any(axis=1)).tolist()
    while rows:
        columns = np.flatnonzero(touched.tiles[rows[0]])
        first, last = int(columns[0]), int(columns[-1]) + 1
        most = max(_STEP_PIXELS // ((last - first) * TILE_COLUMNS * TILE_ROWS), 1)
        count = 1
        while count < min(most, len(rows)) and rows[count] == rows[0] + count:
            count += 1
        band = np.flatnonzero(touched.tiles[rows[0] : rows[0] + count].any(axis=0))
        x, y = int(band[0]) * TILE_COLUMNS, rows[0] * TILE_ROWS
        right = min((int(band[-1]) + 1) * TILE_COLUMNS, size.width)
        yield Rect(x, y, right - x, min(y + count * TILE_ROWS, size.height) - y)
        del rows[:count]


def _changed_tiles(new: Pixels, old: Pixels) -> Grid:
    """Compare two pictures whose top left corner is a tile's; return one boolean a tile.

    Booleans are combined eight at a time, viewed as 64-bit words: rows first, because that runs along
    memory; what is left for the columns is small.
    """
    height, width = new.shape
    columns = -(-width // TILE_COLUMNS)
    differs = np.empty((height, columns * TILE_COLUMNS), np.bool_)
    differs[:, width:] = False
    np.not_equal(new, old, out=differs[:, :width])
    words = np.bitwise_or.reduceat(differs.view(np.uint64), np.arange(0, height, TILE_ROWS), axis=0)
    return np.asarray(words.reshape(-1, columns, TILE_COLUMNS // 8).any(axis=2))
