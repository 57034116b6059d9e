"""Comparing two pictures of a screen, tile by tile. Pure.

Servers report much as changed that is not, and what a viewer shows may be older than the last update; so
what is sent is what differs from what the viewer shows.
"""

from __future__ import annotations

import numpy as np

from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid, Region, tile_span

_STEP_PIXELS = 128 * 1024
"""Comparing goes in steps of about this size: what a step has read is still in the processor's cache when
it is copied."""
_TILE_WORDS = TILE_COLUMNS // 8


def update(shown: Pixels, screen: Pixels, where: Region, down: int = 0, right: int = 0) -> Region:
    """Make `shown` the same as `screen` in `where`; return the tiles in which it was not.

    down, right: what counts as the same is what stands so many rows further up and columns further left in
    `shown` as it was: `shown` is moved by so much first. Where that comes from must be on the screen, and
    `where` one rectangle.
    """
    result = Region(where.size)
    for rect in where.rects():
        result.tiles[tile_span(rect)] = _Comparison(rect).run(screen, shown, down, right)
    return result


class _Comparison:
    """Compares a rectangle that begins at a tile's corner, in steps of whole rows of tiles."""

    def __init__(self, rect: Rect) -> None:
        self._rect = rect
        self._rows, self._columns = -(-rect.height // TILE_ROWS), -(-rect.width // TILE_COLUMNS)
        step = _STEP_PIXELS // (self._columns * TILE_COLUMNS * TILE_ROWS)
        self._step = min(max(step, 1), self._rows)
        self._differs = np.zeros((self._step * TILE_ROWS, self._columns * TILE_COLUMNS), np.bool_)

    def run(self, new: Pixels, old: Pixels, down: int, right: int) -> Grid:
        """Return one boolean a tile: whether `new` differed from `old`, moved; `old` becomes `new`.

        Rows are gone through from the side to which they move, so that none is overwritten before it has
        been compared.
        """
        found = np.empty((self._rows, self._columns), np.bool_)
        across = slice(self._rect.x, self._rect.right)
        before = slice(self._rect.x - right, self._rect.right - right)
        starts = range(0, self._rows, self._step)
        for row in reversed(starts) if down > 0 else starts:
            top = self._rect.y + row * TILE_ROWS
            bottom = min(top + self._step * TILE_ROWS, self._rect.bottom)
            here = new[top:bottom, across]
            np.not_equal(
                here,
                old[top - down : bottom - down, before],
                out=self._differs[: bottom - top, : self._rect.width],
            )
            found[row : row + self._step] = tiles = self._by_tiles(bottom - top)
            if down or right or np.count_nonzero(tiles):
                np.copyto(old[top:bottom, across], here)
        return found

    def _by_tiles(self, height: int) -> Grid:
        """Reduce the booleans of so many rows to one a tile.

        They are combined eight at a time, viewed as 64-bit words: rows first, because that runs along
        memory; what is left for the columns is small.
        """
        count = -(-height // TILE_ROWS)
        self._differs[height : count * TILE_ROWS] = False
        words = self._differs[: count * TILE_ROWS].view(np.uint64).reshape(count, TILE_ROWS, -1)
        combined = np.bitwise_or.reduce(words, axis=1).reshape(count, -1, _TILE_WORDS)
        return np.asarray(np.bitwise_or.reduce(combined, axis=2), np.bool_)
