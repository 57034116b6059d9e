"""Damage: which tiles of a screen have changed.

A region is a grid of booleans, one per tile of 16 rows × 64 columns, so merging costs the same however
much has happened and memory is bounded by the screen's size alone. The tile is wide because the history
stream likes long rows, and flat because text lines are: on recorded scrolling, 16×64 sends 13 % less
than 64×64 and costs no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sessions.pixels.geometry import Rect, Size

TILE_ROWS = 16
TILE_COLUMNS = 64

Grid = npt.NDArray[np.bool_]


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

    def __bool__(self) -> bool:
        return bool(self.tiles.any())

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

    def first(self, tiles: int) -> Region:
        """Return at most `tiles` tiles of the region, from the top."""
        flat = self.tiles.ravel()
        part = np.zeros_like(flat)
        part[np.flatnonzero(flat)[:tiles]] = True
        return Region(self.size, part.reshape(self.tiles.shape))

    def rects(self) -> list[Rect]:
        """Return disjoint rectangles that cover the region exactly, clipped to the screen.

        Runs of tiles in a row that stand directly below a run of the same columns extend it.
        """
        done: list[Rect] = []
        growing: dict[tuple[int, int], int] = {}
        for row, runs in self._runs():
            above, growing = growing, {}
            for start, end in runs:
                y = above.pop((start, end), row * TILE_ROWS)
                growing[start, end] = y
            done += self._finish(above, row)
        done += self._finish(growing, self.tiles.shape[0])
        return done

    def _runs(self) -> Iterator[tuple[int, list[tuple[int, int]]]]:
        """Yield, for every row of tiles, the runs (first column, column beyond the last)."""
        rows, columns = self.tiles.shape
        edges = np.zeros((rows, columns + 2), np.int8)
        edges[:, 1:-1] = self.tiles
        marks = np.flatnonzero(np.diff(edges, axis=1).ravel())
        flat = marks.tolist()
        at = 0
        for row in range(rows):
            runs = []
            base, limit = row * (columns + 1), (row + 1) * (columns + 1)
            while at < len(flat) and flat[at] < limit:
                runs.append((flat[at] - base, flat[at + 1] - base))
                at += 2
            yield row, runs

    def _finish(self, runs: dict[tuple[int, int], int], row: int) -> list[Rect]:
        bottom = min(row * TILE_ROWS, self.size.height)
        return [
            Rect(
                start * TILE_COLUMNS,
                y,
                min(end * TILE_COLUMNS, self.size.width) - start * TILE_COLUMNS,
                bottom - y,
            )
            for (start, end), y in runs.items()
        ]


def tile_span(rect: Rect) -> tuple[slice[Any, Any, Any], slice[Any, Any, Any]]:
    """Return the rows and columns of tiles that a rectangle touches, as an index."""
    return (
        slice(rect.y // TILE_ROWS, -(-rect.bottom // TILE_ROWS)),
        slice(rect.x // TILE_COLUMNS, -(-rect.right // TILE_COLUMNS)),
    )
