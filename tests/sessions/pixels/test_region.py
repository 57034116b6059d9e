"""Regions: rectangles cover the tiles exactly once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Region


@given(st.integers(1, 700), st.integers(1, 200), st.integers(0, 2**32), st.floats(0, 1))
def test_rects_cover_the_tiles_exactly_once(width: int, height: int, seed: int, density: float) -> None:
    region = Region(Size(width, height))
    region.tiles[:] = np.random.default_rng(seed).random(region.tiles.shape) < density
    counts = np.zeros((height, width), int)
    for rect in region.rects():
        assert rect.within(region.size)
        counts[rect.y : rect.bottom, rect.x : rect.right] += 1
    expected = np.kron(region.tiles, np.ones((TILE_ROWS, TILE_COLUMNS), int))[:height, :width]
    assert np.array_equal(counts, expected)


def test_equal_runs_below_each_other_become_one_rectangle() -> None:
    region = Region(Size(640, 480))
    region.add(Rect(64, 16, 128, 48))
    assert region.rects() == [Rect(64, 16, 128, 48)]
    region.add(Rect(0, 32, 10, 1))
    assert region.rects() == [Rect(64, 16, 128, 16), Rect(0, 32, 192, 16), Rect(64, 48, 128, 16)]


def test_parts_beyond_the_screen_are_ignored() -> None:
    region = Region(Size(100, 100))
    region.add(Rect(-50, -50, 60, 60))
    region.add(Rect(200, 0, 10, 10))
    assert region.rects() == [Rect(0, 0, 64, 16)]


def test_bounds_are_the_smallest_rectangle_of_whole_tiles() -> None:
    region = Region(Size(650, 490))
    assert region.bounds() == Rect(0, 0, 0, 0)
    region.add(Rect(70, 20, 1, 1))
    assert region.bounds() == Rect(64, 16, 64, 16)
    region.add(Rect(649, 489, 1, 1))
    assert region.bounds() == Rect(64, 16, 586, 474)
