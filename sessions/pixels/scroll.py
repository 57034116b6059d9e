"""Finding out that a part of the screen has been scrolled. Pure.

A viewer that is told "these rows now stand there" needs no pixels for them: neither the history stream nor
a still has to say again what it already shows, and what it shows of a photograph moves along.

Rows are told by a few sampled pixels, in groups of columns, so that a page is found beside things that
stand still. Distinct rows of the old picture vote for how far they have come.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid, Region, tile_span

_Hashes = npt.NDArray[np.uint32]

_GROUP_COLUMNS = 256
_SAMPLE = slice(112, 144)
"""The pixels of a group's row that are looked at: as few lines of the processor's cache as tell enough."""
_PLACES = np.arange(48) * ((5**0.5 - 1) / 2) % 1
"""Where the rows stand that may vote, once a group each, as shares of the height: spread evenly, but by no
step that the lines of a text might share."""
_LEAST_VOTES = 6
_MOST_HITS = 1 << 18
"""So often the voting rows may be found at most: a bound for memory."""
LEAST_TILES = 48
"""Less is sent as cheaply by the history stream."""

_WEIGHTS = np.random.default_rng(0x5C011).integers(0, 1 << 32, 32, np.uint32) | np.uint32(1)


class Scroll(NamedTuple):
    """A part of the screen that has moved up or down.

    rect: where it is now, along tile borders. down: by how many rows it has come down; negative for up.
    """

    rect: Rect
    down: int


def find_scroll(new: Pixels, old: Pixels, damage: Region) -> Scroll | None:
    """Find the scroll that explains most of `damage`, the tiles where `new` may differ from `old`.

    It is found by samples: whether the pixels are really those is for the caller to compare.
    """
    box = damage.bounds()
    if box.width < _GROUP_COLUMNS or len(damage) < LEAST_TILES:
        return None
    vote = _vote(_samples(new, box), _samples(old, box))
    if vote is None:
        return None
    down, groups = vote
    left = box.x + max(int(groups.min()) - 1, 0) * _GROUP_COLUMNS
    right = min(box.x + (int(groups.max()) + 2) * _GROUP_COLUMNS, box.right)
    rect = _with_source(Rect(left, box.y, right - left, box.height), down, damage.size)
    if rect.height <= 0:
        return None
    moved = _worth_moving(_seems_moved(new, old, rect, down), damage.tiles[tile_span(rect)])
    if moved is None:
        return None
    rows, columns = moved
    x, y = rect.x + columns.start * TILE_COLUMNS, rect.y + rows.start * TILE_ROWS
    width, height = (columns.stop - columns.start) * TILE_COLUMNS, (rows.stop - rows.start) * TILE_ROWS
    return Scroll(Rect(x, y, width, height).clipped(damage.size), down)


def _samples(pixels: Pixels, box: Rect) -> Pixels:
    """Return a view of what is looked at: (box.height, groups of columns, samples)."""
    groups = box.width // _GROUP_COLUMNS
    part = pixels[box.y : box.bottom, box.x : box.x + groups * _GROUP_COLUMNS]
    return part.reshape(box.height, groups, _GROUP_COLUMNS)[:, :, _SAMPLE]


def _hashes(rows: Pixels) -> _Hashes:
    """Return a number for each row of each group: (groups, rows), so that rows are compared in long runs."""
    result: _Hashes = np.einsum("rgs,s->gr", rows, _WEIGHTS, order="C")
    return result


def _vote(new: Pixels, old: Pixels) -> tuple[int, npt.NDArray[np.intp]] | None:
    """Return how far most rows have come down, and of each that says so its group.

    A few rows of the old picture are looked for among all of the new one, which is the one still in the
    processor's cache.
    """
    height = len(old)
    if height < 2:
        return None
    rows = 1 + (_PLACES * (height - 1)).astype(np.intp)
    after, before, above = _hashes(new), _hashes(old[rows]), _hashes(old[rows - 1])
    # Rows like the one above, blank ones above all, would fit everywhere.
    groups, probes = np.nonzero((before != after[:, rows]) & (before != above))
    if len(probes) < _LEAST_VOTES:
        return None
    fits = after[groups] == before[groups, probes][:, None]
    if int(np.count_nonzero(fits)) > _MOST_HITS:
        return None  # a pattern that repeats: nobody could tell how far it has come
    voter, row = np.divmod(np.flatnonzero(fits), height)
    come = row - rows[probes[voter]]
    votes = np.bincount(come + height, minlength=2 * height)
    down = int(votes.argmax()) - height
    if not down or votes[down + height] < max(_LEAST_VOTES, len(probes) // 8):
        return None
    return down, groups[voter[come == down]]


def _with_source(rect: Rect, down: int, screen: Size) -> Rect:
    """Return the part of `rect`, in whole tiles, whose pixels were on the screen before they came down."""
    top = -(-max(rect.y, down) // TILE_ROWS) * TILE_ROWS
    bottom = min(rect.bottom, (screen.height + down) // TILE_ROWS * TILE_ROWS if down < 0 else screen.height)
    return Rect(rect.x, top, rect.width, bottom - top)


def _seems_moved(new: Pixels, old: Pixels, rect: Rect, down: int) -> Grid:
    """Tell of each tile of `rect` whether its first row came from `down` rows further up."""
    across = slice(rect.x, rect.right)
    now = new[rect.y : rect.bottom : TILE_ROWS, across]
    before = old[rect.y - down : rect.bottom - down : TILE_ROWS, across]
    differs = np.zeros((len(now), -(-rect.width // TILE_COLUMNS) * TILE_COLUMNS), np.bool_)
    np.not_equal(now, before, out=differs[:, : rect.width])
    return np.asarray(~differs.reshape(len(now), -1, TILE_COLUMNS).any(axis=2))


def _worth_moving(moved: Grid, damaged: Grid) -> tuple[slice, slice] | None:
    """Return the rows and columns of tiles where moving gains most: what loses at the edges is cut.

    A tile gains that need not be sent; one loses that had not changed and is overwritten.
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
    return (down, across) if int(gain[down, across].sum()) >= LEAST_TILES // 2 else None
