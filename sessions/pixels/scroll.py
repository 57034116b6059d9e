"""Finding out by how much a part of the screen has been scrolled, however far. Pure.

Rows are told by a few sampled pixels, in groups of columns, so that a page is found beside things that
stand still. Distinct rows of the old picture vote for how far they have come.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect

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

_WEIGHTS = np.random.default_rng(0x5C011).integers(0, 1 << 32, 32, np.uint32) | np.uint32(1)


def find_scroll(new: Pixels, old: Pixels, box: Rect) -> tuple[Rect, int] | None:
    """Find the scroll within `box` for which most rows speak.

    Returns the part of the box whose groups of columns say so, and by how many rows it has come down,
    negative for up.
    """
    if box.width < _GROUP_COLUMNS:
        return None
    vote = _vote(_samples(new, box), _samples(old, box))
    if vote is None:
        return None
    down, groups = vote
    left = box.x + max(int(groups.min()) - 1, 0) * _GROUP_COLUMNS
    right = min(box.x + (int(groups.max()) + 2) * _GROUP_COLUMNS, box.right)
    return Rect(left, box.y, right - left, box.height), down


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
