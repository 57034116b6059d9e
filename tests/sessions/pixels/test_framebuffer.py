"""The framebuffer against plain NumPy: same pixels, and damage that covers what was written to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.pixels.framebuffer import MAX_SIDE, Framebuffer
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import Region


def screen(width: int, height: int) -> Framebuffer:
    framebuffer = Framebuffer()
    framebuffer.resize(Size(width, height))
    framebuffer.take_damage()
    return framebuffer


@given(st.data())
@settings(max_examples=150)
def test_random_writes_leave_the_same_pixels_and_their_damage(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 120))
    framebuffer = screen(width, height)
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    for _ in range(data.draw(st.integers(1, 4))):
        x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
        rect = Rect(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
        expected = framebuffer.pixels.copy()
        block = expected[rect.y : rect.bottom, rect.x : rect.right]
        if data.draw(st.booleans()):
            block[rng.integers(rect.height), rng.integers(rect.width)] ^= 1
        else:
            block[:] = rng.integers(0, 1 << 24, block.shape)
        garbage = np.uint32(int(rng.integers(256)) << 24)
        framebuffer.write(rect, (block | garbage).astype("<u4"))
        assert np.array_equal(framebuffer.pixels, expected)
        written = Region(framebuffer.size)
        written.add(rect)
        assert framebuffer.take_damage() == written


@pytest.mark.parametrize("size", [(1, 1), (1, MAX_SIDE), (MAX_SIDE, 1), (MAX_SIDE, 40), (65, 17)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    framebuffer = screen(*size)
    framebuffer.fill(Rect(0, 0, *size), 0x123456)
    assert (framebuffer.pixels == 0x123456).all()
    assert framebuffer.take_damage() == Region.whole(Size(*size))


def test_what_is_being_written_is_not_settled_until_its_damage_is_taken() -> None:
    framebuffer = screen(100, 100)
    assert framebuffer.settled
    framebuffer.fill(Rect(0, 0, 0, 0), 1)
    assert framebuffer.settled
    framebuffer.fill(Rect(0, 0, 1, 1), 1)
    assert not framebuffer.settled
    framebuffer.take_damage()
    assert framebuffer.settled


def test_copies_that_overlap() -> None:
    framebuffer = screen(100, 100)
    numbers = np.arange(10_000, dtype="<u4").reshape(100, 100)
    framebuffer.write(Rect(0, 0, 100, 100), numbers)
    framebuffer.copy(Rect(0, 0, 90, 90), 5, 3)
    assert np.array_equal(framebuffer.pixels[3:93, 5:95], numbers[:90, :90])


def test_resize_keeps_what_fits_and_damages_all() -> None:
    framebuffer = screen(100, 100)
    framebuffer.fill(Rect(0, 0, 100, 100), 7)
    framebuffer.resize(Size(150, 50))
    assert (framebuffer.pixels[:, :100] == 7).all()
    assert (framebuffer.pixels[:, 100:] == 0).all()
    assert framebuffer.take_damage() == Region.whole(Size(150, 50))


def test_what_is_not_on_the_screen_is_refused() -> None:
    framebuffer = screen(10, 10)
    with pytest.raises(ValueError, match="not on a screen"):
        framebuffer.fill(Rect(5, 5, 6, 1), 0)
    with pytest.raises(ValueError, match="not on a screen"):
        framebuffer.copy(Rect(0, 0, 5, 5), 6, 0)
    with pytest.raises(ValueError, match="pixels for"):
        framebuffer.write(Rect(0, 0, 2, 2), np.zeros((2, 3), "<u4"))
    with pytest.raises(ValueError, match="at most"):
        framebuffer.resize(Size(65535, 65535))


@pytest.mark.parametrize("pad", [0, 0xFF, 0x80])
def test_the_fourth_byte_is_zero_however_pixels_came(pad: int) -> None:
    screen = Framebuffer()
    screen.resize(Size(640, 400))
    screen.take_damage()
    pixels = np.full((40, 640), pad << 24 | 0x123456, "<u4")
    for top in (300, 80):
        memory = screen.memory(Rect(0, top, 640, 40))
        assert memory is not None
        memory[:] = pixels.tobytes()
    screen.write(Rect(0, 200, 30, 40), pixels[:, :30])
    screen.take_damage()
    assert (screen.pixels >> 24 == 0).all()
    assert (screen.pixels[80:120] == 0x123456).all()
    assert (screen.pixels[310] == 0x123456).all()
