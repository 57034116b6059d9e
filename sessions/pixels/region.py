"""Damage: which tiles of a screen have changed.

A region is a grid of booleans, one per tile of 16 rows × 64 columns, so merging costs the same however
much has happened and memory is bounded by the screen's size alone. The tile is wide because the history
stream likes long rows, and flat because text lines are: on recorded scrolling, 16×64 sends 13 % less
than 64×64 and costs no more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sessions.pixels.geometry import Rect, Size

TILE_ROWS = 16
TILE_COLUMNS = 64

Grid = npt.NDArray[np.bool_]
_Numbers = npt.NDArray[np.intp]


class Region:
    """A set of tiles of a screen of `size`.

    tiles: (⌈height / 16⌉, ⌈width / 64⌉) booleans; callers may combine them with NumPy.
    """

    def __init__(self, size: Size, tiles: Grid | None = None) -> None:
        self.size = size
        shape = -(-size.height // TILE_ROWS), -(-size.width // TILE_COLUMNS)
        if tiles is not None and tiles.shape != shape:
            raise ValueError(f"{tiles.shape} tiles for a screen of {size}")
        self.tiles: Grid = np.zeros(shape, np.bool_) if tiles is None else tiles

    @classmethod
    def whole(cls, size: Size) -> Region:
        """Return the region that covers a screen."""
        region = cls(size)
        region.tiles[:] = True
        return region

    def __len__(self) -> int:
        """Return how many tiles the region has."""
        return int(np.count_nonzero(self.tiles))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Region)
            and self.size == other.size
            and bool(np.array_equal(self.tiles, other.tiles))
        )

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Region:
        """Return an independent copy."""
        return Region(self.size, self.tiles.copy())

    def merge(self, other: Region) -> None:
        """Add the tiles of `other`, a region of the same screen size."""
        self.tiles |= other.tiles

    def add(self, rect: Rect) -> None:
        """Add every tile that `rect` touches; parts beyond the screen are ignored."""
        inside = rect.clipped(self.size)
        if inside.width and inside.height:
            self.tiles[tile_span(inside)] = True

    def bounds(self) -> Rect:
        """Return the smallest rectangle along tile borders that holds the region, clipped to the screen."""
        places = np.flatnonzero(self.tiles)
        if not len(places):
            return Rect(0, 0, 0, 0)
        across = self.tiles.shape[1]
        columns = places % across
        left, right = int(columns.min()), int(columns.max()) + 1
        top, bottom = int(places[0]) // across, int(places[-1]) // across + 1
        x, y = left * TILE_COLUMNS, top * TILE_ROWS
        width, height = right * TILE_COLUMNS - x, bottom * TILE_ROWS - y
        return Rect(x, y, min(width, self.size.width - x), min(height, self.size.height - y))

    def rects(self) -> list[Rect]:
        """Return disjoint rectangles that cover the region exactly, clipped to the screen.

        Runs of tiles in a row that stand directly below a run of the same columns extend it. They are in
        the order of their top left corners, row by row.
        """
        bounds = self.bounds()
        if self.tiles[tile_span(bounds)].all():  # nothing, or one rectangle
            return [bounds] if bounds.width else []
        rows, starts, ends = self._runs()
        order = np.lexsort((rows, ends, starts))  # a run is followed by the one below it
        rows, starts, ends = rows[order], starts[order], ends[order]
        first = np.ones(len(rows), np.bool_)
        first[1:] = (np.diff(rows) != 1) | (np.diff(starts) != 0) | (np.diff(ends) != 0)
        at = np.flatnonzero(first)
        top, left = rows[at], starts[at]
        below = rows[np.append(at[1:], len(rows)) - 1] + 1
        x, y = left * TILE_COLUMNS, top * TILE_ROWS
        width = np.minimum(ends[at] * TILE_COLUMNS, self.size.width) - x
        height = np.minimum(below * TILE_ROWS, self.size.height) - y
        table = np.stack((x, y, width, height), axis=1)[np.lexsort((left, top))]
        return [Rect(*row) for row in table.tolist()]

    def _runs(self) -> tuple[_Numbers, _Numbers, _Numbers]:
        """Return the runs of tiles: their rows, first columns, and columns beyond the last."""
        rows, columns = self.tiles.shape
        edges = np.zeros((rows, columns + 2), np.bool_)
        edges[:, 1:-1] = self.tiles
        row, column = np.divmod(np.flatnonzero(edges[:, 1:] != edges[:, :-1]), columns + 1)
        return row[::2], column[::2], column[1::2]


def tile_span(rect: Rect) -> tuple[slice[Any, Any, Any], slice[Any, Any, Any]]:
    """Return the rows and columns of tiles that a rectangle touches, as an index."""
    return (
        slice(rect.y // TILE_ROWS, -(-rect.bottom // TILE_ROWS)),
        slice(rect.x // TILE_COLUMNS, -(-rect.right // TILE_COLUMNS)),
    )
