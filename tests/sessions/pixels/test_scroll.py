"""Scrolled pages are found, whatever stands still beside them; what only looks so costs nothing but time."""

import numpy as np
import pytest

from sessions.pixels.compare import update
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import Region
from sessions.pixels.scroll import find_scroll
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
    found = find_scroll(new, old, damage())
    assert found is not None
    assert found.down == -by
    rect = found.rect
    came = old[rect.y + by : rect.bottom + by, rect.x : rect.right]
    assert (new[rect.y : rect.bottom, rect.x : rect.right] == came).mean() > 0.95
    assert rect.height > PAGE.height - abs(by) - 32
    assert rect.width == PAGE.width


def test_damage_that_is_told_too_large_is_no_hindrance() -> None:
    old, new = screen(PAGES["text"], 400), screen(PAGES["text"], 437)
    found = find_scroll(new, old, Region.whole(SIZE))
    assert found is not None
    assert found.down == -37
    assert found.rect.x >= PAGE.x - 64
    assert found.rect.right <= PAGE.right + 64


@pytest.mark.parametrize("size", [SIZE, Size(1, 8192), Size(8192, 1), Size(300, 9), Size(1366, 768)])
def test_new_pictures_are_not_taken_for_scrolled_ones(size: Size) -> None:
    rng = np.random.default_rng(4)
    old = rng.integers(0, 1 << 24, (size.height, size.width)).astype("<u4")
    new = rng.integers(0, 1 << 24, old.shape).astype("<u4")
    assert find_scroll(new, old, Region.whole(size)) is None
    assert find_scroll(new, np.zeros_like(new), Region.whole(size)) is None
    assert find_scroll(np.zeros_like(new), old, Region.whole(size)) is None
    assert find_scroll(old, old, Region.whole(size)) is None


def test_stripes_that_fit_many_ways_do_no_harm() -> None:
    """A pattern that repeats may be found to have moved by any number of its periods."""
    lines = np.repeat(np.arange(8, dtype="<u4") * 0x102030, 5)
    old = np.tile(np.resize(lines, 800)[:, None], (1, 1280)).astype("<u4")
    new = np.roll(old, 11, axis=0)
    found = find_scroll(new, old, Region.whole(SIZE))
    if found is not None:
        assert found.rect.y - found.down >= 0
        assert found.rect.bottom - found.down <= SIZE.height
    assert update(old, new, Region.whole(SIZE))


def test_little_damage_is_not_looked_at() -> None:
    old, new = screen(PAGES["text"], 400), screen(PAGES["text"], 437)
    assert find_scroll(new, old, damage(Rect(256, 96, 200, 100))) is None
