"""Comparing against plain NumPy: exactly the tiles that differ, and `update` leaves the same picture."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.pixels.compare import update
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import Region
from tests.sessions.pixels.pictures import different_tiles


@given(st.integers(1, 400), st.integers(1, 200), st.integers(0, 2**32), st.floats(0, 1))
@settings(max_examples=150)
def test_exactly_the_tiles_that_differ(width: int, height: int, seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    old = rng.integers(0, 1 << 24, (height, width)).astype("<u4")
    new = np.where(rng.random((height, width)) < density / 50, old ^ 1, old).astype("<u4")
    where = Region(Size(width, height))
    where.tiles[:] = rng.random(where.tiles.shape) < 0.7
    expected = different_tiles(old, new) & where.tiles
    shown = old.copy()
    assert np.array_equal(update(shown, new, where).tiles, expected)
    for rect in where.rects():
        part = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
        assert np.array_equal(shown[part], new[part])
        shown[part] = old[part]
    assert np.array_equal(shown, old), "nothing is touched outside"


@given(st.integers(-90, 90), st.integers(-60, 60), st.integers(0, 2**32))
@settings(max_examples=60)
def test_a_picture_that_has_moved_is_updated_from_where_it_was(down: int, right: int, seed: int) -> None:
    size = Size(2000, 600)  # more than one step
    rng = np.random.default_rng(seed)
    old = rng.integers(0, 1 << 24, (600, 2000)).astype("<u4")
    new = old.copy()
    rect = Rect(64, 96, 1792, 400)
    new[rect.y : rect.bottom, rect.x : rect.right] = old[
        rect.y - down : rect.bottom - down, rect.x - right : rect.right - right
    ]
    y, x = int(rng.integers(rect.y, rect.bottom)), int(rng.integers(rect.x, rect.right))
    new[y, x] ^= 1
    where = Region(size)
    where.add(rect)
    shown = old.copy()
    differs = update(shown, new, where, down, right)
    assert np.argwhere(differs.tiles).tolist() == [[y // 16, x // 64]]
    assert np.array_equal(shown, new)
