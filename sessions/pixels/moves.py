"""Finding out that a part of the screen has moved: a page was scrolled, a window dragged. Pure.

A viewer that is told "this now stands there" needs no pixels for it: neither the history stream nor a still
has to say again what it already shows, and what it shows of a photograph moves along.

Scrolls are found by pixels/scroll. For drags, a few strips of the old picture that can be told apart are
looked for in the new one, near where they stood.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid, Region, tile_span
from sessions.pixels.scroll import find_scroll

_Places = npt.NDArray[np.intp]

LEAST_TILES = 48
"""Less is sent as cheaply by the history stream."""
_REACH_ROWS, _REACH_COLUMNS = 96, 128
"""So far strips are looked for each way: faster than a hand drags between two pictures."""
_STRIP = 16
"""Pixels of a strip, side by side."""
_TRIES = 96
"""Strips that are looked at, to find those that can be told apart."""
_PROBES = 14
_LEAST_COLOURS = 4
_MOST_HITS = 256
"""A pixel that is found so often near by tells nothing."""
_LEAST_VOTES = 4
_MOST = 0.6
"""A scroll that explains this share of the damage is taken without looking any further."""


class Move(NamedTuple):
    """A part of the screen that has moved.

    rect: where it is now, along tile borders. down, right: by how many rows and columns it has come; negative
    for up and left.
    """

    rect: Rect
    down: int
    right: int = 0


def find_move(new: Pixels, old: Pixels, damage: Region) -> Move | None:
    """Find the move that explains most of `damage`, the tiles where `new` may differ from `old`.

    It is found by samples: whether the pixels are really those is for the caller to compare.
    """
    count = len(damage)
    if count < LEAST_TILES or min(old.shape) < _STRIP:
        return None
    box = damage.bounds()
    scroll = find_scroll(new, old, box)
    found = None if scroll is None else _explained(new, old, damage, scroll[0], (scroll[1], 0))
    if found is not None and found[1] >= _MOST * count:
        return found[0]  # a drag takes three times as long to find
    way = _near(new, old, damage)
    drag = None if way is None else _explained(new, old, damage, box, way)
    best = max((each for each in (found, drag) if each is not None), key=lambda each: each[1], default=None)
    return None if best is None else best[0]


def _explained(
    new: Pixels, old: Pixels, damage: Region, box: Rect, way: tuple[int, int]
) -> tuple[Move, int] | None:
    """Return the move in `box` by `way` that gains most, and how many tiles that is."""
    rect = _with_source(box, *way, damage.size)
    if rect.width <= 0 or rect.height <= 0:
        return None
    moved = _worth_moving(_seems_moved(new, old, rect, *way), damage.tiles[tile_span(rect)])
    if moved is None:
        return None
    rows, columns, gain = moved
    x, y = rect.x + columns.start * TILE_COLUMNS, rect.y + rows.start * TILE_ROWS
    width, height = (columns.stop - columns.start) * TILE_COLUMNS, (rows.stop - rows.start) * TILE_ROWS
    return Move(Rect(x, y, width, height).clipped(Size(rect.right, rect.bottom)), *way), gain


def _near(new: Pixels, old: Pixels, damage: Region) -> tuple[int, int] | None:
    """Return how far most strips have come, (down, right); None when they do not agree."""
    votes: Counter[tuple[int, int]] = Counter()
    for number, (y, x, strip, pivot) in enumerate(_probes(new, old, damage)):
        votes.update(_come(new, y, x, strip, pivot))
        if number >= _PROBES // 2 and not votes:
            return None
        best = votes.most_common(2)
        if best and best[0][1] >= _LEAST_VOTES and (len(best) < 2 or best[0][1] >= 2 * best[1][1]):
            return best[0][0]
    return None


def _probes(new: Pixels, old: Pixels, damage: Region) -> list[tuple[int, int, Pixels, int]]:
    """Return strips of the old picture that have changed and can be told apart: y, x, pixels, and the
    place of the rarest of them.
    """
    rows, columns = np.nonzero(damage.tiles)
    chosen = np.arange(0, len(rows), max(len(rows) // _TRIES, 1))
    y = np.minimum(rows[chosen] * TILE_ROWS + chosen * 7 % TILE_ROWS, old.shape[0] - 1)
    x = np.minimum(columns[chosen] * TILE_COLUMNS + chosen * 23 % TILE_COLUMNS, old.shape[1] - _STRIP)
    across = x[:, None] + np.arange(_STRIP)
    strips = old[y[:, None], across]
    same = strips[:, :, None] == strips[:, None, :]
    alike = np.count_nonzero(same, axis=2)
    colours = (1 / alike).sum(axis=1)
    good = (colours > _LEAST_COLOURS - 0.5) & (strips != new[y[:, None], across]).any(axis=1)
    best = np.flatnonzero(good)
    best = best[np.argsort(-colours[best], kind="stable")][:_PROBES]
    return [(int(y[n]), int(x[n]), strips[n], int(alike[n].argmin())) for n in best]


def _come(new: Pixels, y: int, x: int, strip: Pixels, pivot: int) -> list[tuple[int, int]]:
    """Return by how much the strip at y, x may have come: (down, right), for each place where it is now."""
    top, left = max(y - _REACH_ROWS, 0), max(x - _REACH_COLUMNS, 0)
    near = new[top : y + _REACH_ROWS + 1, left : x + _REACH_COLUMNS + _STRIP]
    width = near.shape[1] - _STRIP + 1
    hits = np.flatnonzero(near[:, pivot : pivot + width] == strip[pivot])
    if not 0 < len(hits) <= _MOST_HITS:
        return []
    row, column = np.divmod(hits, width)
    whole = (near[row[:, None], column[:, None] + np.arange(_STRIP)] == strip).all(axis=1)
    ways = zip((row[whole] + top - y).tolist(), (column[whole] + left - x).tolist(), strict=True)
    return [way for way in ways if way != (0, 0)]


def _with_source(rect: Rect, down: int, right: int, screen: Size) -> Rect:
    """Return the part of `rect`, in whole tiles, whose pixels were on the screen before they came."""
    y, bottom = _span(rect.y, rect.bottom, down, screen.height, TILE_ROWS)
    x, end = _span(rect.x, rect.right, right, screen.width, TILE_COLUMNS)
    return Rect(x, y, end - x, bottom - y)


def _span(start: int, end: int, come: int, size: int, tile: int) -> tuple[int, int]:
    first = -(-max(start, come) // tile) * tile
    return first, min(end, (size + come) // tile * tile if come < 0 else size)


def _seems_moved(new: Pixels, old: Pixels, rect: Rect, down: int, right: int) -> Grid:
    """Tell of each tile of `rect` whether its first row came from so far up and left."""
    now = new[rect.y : rect.bottom : TILE_ROWS, rect.x : rect.right]
    before = old[rect.y - down : rect.bottom - down : TILE_ROWS, rect.x - right : rect.right - right]
    differs = np.zeros((len(now), -(-rect.width // TILE_COLUMNS) * TILE_COLUMNS), np.bool_)
    np.not_equal(now, before, out=differs[:, : rect.width])
    return np.asarray(~differs.reshape(len(now), -1, TILE_COLUMNS).any(axis=2))


def _worth_moving(moved: Grid, damaged: Grid) -> tuple[slice, slice, int] | None:
    """Return the rows and columns of tiles where moving gains most, and how much.

    What loses at the edges is cut. A tile gains that need not be sent; one loses that had not changed and is
    overwritten.
    """
    gain = (moved & damaged).astype(np.int32)
    gain -= ~moved & ~damaged
    columns = np.flatnonzero(gain.sum(axis=0) > 0)
    if not len(columns):
        return None
    across = slice(int(columns[0]), int(columns[-1]) + 1)
    rows = np.flatnonzero(gain[:, across].sum(axis=1) > 0)
    if not len(rows):
        return None
    down = slice(int(rows[0]), int(rows[-1]) + 1)
    total = int(gain[down, across].sum())
    return (down, across, total) if total >= LEAST_TILES // 2 else None
