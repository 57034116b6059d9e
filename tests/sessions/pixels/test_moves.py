"""Scrolled pages and dragged windows are found, whatever stands still beside them.

What only looks so costs nothing but time.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.pixels.compare import update
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.moves import find_move
from sessions.pixels.region import Region
from tests.sessions.pixels.pictures import photograph, text

SIZE = Size(1280, 800)
TALL = Size(1280, 1600)
PAGE = Rect(256, 96, 896, 640)
PAGES = {"text": text(TALL, 13, seed=3), "photographs": photograph(TALL)}


def screen(page: Pixels, at: int) -> Pixels:
    """A window with a page scrolled to row `at`, on a desktop that stands still."""
    picture = photograph(SIZE, seed=9)
    picture[PAGE.y : PAGE.bottom, PAGE.x : PAGE.right] = page[at : at + PAGE.height, : PAGE.width]
    return picture


def damage(rect: Rect = PAGE) -> Region:
    region = Region(SIZE)
    region.add(rect)
    return region


@pytest.mark.parametrize("page", list(PAGES))
@pytest.mark.parametrize("by", [1, 7, 53, 300, -1, -19, -240])
def test_a_scrolled_page_is_found(page: str, by: int) -> None:
    old, new = screen(PAGES[page], 400), screen(PAGES[page], 400 + by)
    found = find_move(new, old, damage())
    assert found is not None
    assert found.down == -by
    rect = found.rect
    came = old[rect.y + by : rect.bottom + by, rect.x : rect.right]
    assert (new[rect.y : rect.bottom, rect.x : rect.right] == came).mean() > 0.95
    assert rect.height > PAGE.height - abs(by) - 32
    assert rect.width == PAGE.width


def test_damage_that_is_told_too_large_is_no_hindrance() -> None:
    old, new = screen(PAGES["text"], 400), screen(PAGES["text"], 437)
    found = find_move(new, old, Region.whole(SIZE))
    assert found is not None
    assert found.down == -37
    assert found.rect.x >= PAGE.x - 64
    assert found.rect.right <= PAGE.right + 64


@pytest.mark.parametrize("size", [SIZE, Size(1, 8192), Size(8192, 1), Size(300, 9), Size(1366, 768)])
def test_new_pictures_are_not_taken_for_scrolled_ones(size: Size) -> None:
    rng = np.random.default_rng(4)
    old = rng.integers(0, 1 << 24, (size.height, size.width)).astype("<u4")
    new = rng.integers(0, 1 << 24, old.shape).astype("<u4")
    assert find_move(new, old, Region.whole(size)) is None
    assert find_move(new, np.zeros_like(new), Region.whole(size)) is None
    assert find_move(np.zeros_like(new), old, Region.whole(size)) is None
    assert find_move(old, old, Region.whole(size)) is None


def test_stripes_that_fit_many_ways_do_no_harm() -> None:
    """A pattern that repeats may be found to have moved by any number of its periods."""
    lines = np.repeat(np.arange(8, dtype="<u4") * 0x102030, 5)
    old = np.tile(np.resize(lines, 800)[:, None], (1, 1280)).astype("<u4")
    new = np.roll(old, 11, axis=0)
    found = find_move(new, old, Region.whole(SIZE))
    if found is not None:
        assert found.rect.y - found.down >= 0
        assert found.rect.bottom - found.down <= SIZE.height
    assert update(old, new, Region.whole(SIZE))


def test_little_damage_is_not_looked_at() -> None:
    old, new = screen(PAGES["text"], 400), screen(PAGES["text"], 437)
    assert find_move(new, old, damage(Rect(256, 96, 200, 100))) is None


WINDOW = Size(640, 400)


def dragged(window: Pixels, x: int, y: int, desktop: Pixels) -> Pixels:
    picture = desktop.copy()
    picture[y : y + window.shape[0], x : x + window.shape[1]] = window
    return picture


@pytest.mark.parametrize("content", ["text", "photographs"])
@pytest.mark.parametrize(
    ("right", "down"), [(40, 0), (-31, 17), (3, -60), (-100, -90), (64, 64), (1, 1), (0, 25)]
)
def test_a_dragged_window_is_found(content: str, right: int, down: int) -> None:
    window = PAGES[content][: WINDOW.height, : WINDOW.width].copy()
    window[:24] = 0x336699
    desktop = text(SIZE, 11, seed=8)
    old, new = dragged(window, 300, 200, desktop), dragged(window, 300 + right, 200 + down, desktop)
    touched = damage(Rect(300, 200, *WINDOW))
    touched.add(Rect(300 + right, 200 + down, *WINDOW))
    found = find_move(new, old, touched)
    assert found is not None
    assert (found.down, found.right) == (down, right)
    shown = old.copy()
    moved = Region(SIZE)
    moved.add(found.rect)
    left = update(shown, new, moved, found.down, found.right)
    assert np.array_equal(shown[found.rect.part], new[found.rect.part])
    assert len(left) < 0.3 * len(moved)


@given(st.integers(-90, 90), st.integers(-120, 120), st.integers(0, 2**32))
@settings(max_examples=40)
def test_whatever_is_found_is_on_the_screen(down: int, right: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = Size(int(rng.integers(300, 900)), int(rng.integers(200, 600)))
    old = text(size, 12, seed=int(rng.integers(1, 9)))
    new = np.roll(old, (down, right), (0, 1))
    found = find_move(new, old, Region.whole(size))
    if found is not None:
        rect = found.rect
        assert rect.within(size)
        assert rect._replace(x=rect.x - found.right, y=rect.y - found.down).within(size)
        assert rect.x % 64 == 0
        assert rect.y % 16 == 0
