"""A viewer's picture becomes the screen's, whatever happens on the way; and little is ever under way."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from sessions.composer import Composer
from sessions.encoders.base import FRAME_BYTES, Options
from sessions.encoders.history import HistoryStream
from sessions.encoders.still import Jpeg
from sessions.line import MAX_WINDOW, MIN_FRAMES
from sessions.pacing import FRAME_INTERVAL, Pacer
from sessions.pixels.framebuffer import Framebuffer, Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.wire import tsg
from tests.reference.picture import Picture
from tests.sessions.pixels.pictures import photograph, text

OPTIONS = Options(window_log=20)


class Line:
    """A pacer, its screen, and a viewer that acknowledges when told to."""

    def __init__(self, size: Size, stills: bool = True, copies: bool = True) -> None:
        self.clock = Clock()
        self.screen = Framebuffer()
        self.sent: list[bytes] = []
        self.picture = Picture(20)
        jpegs = (Jpeg(OPTIONS), Jpeg(Options(jpeg_quality=45))) if stills else None
        composer = Composer(self.screen, HistoryStream(OPTIONS), jpegs, copies)
        self.pacer = Pacer(self.screen, self.sent.append, self.clock, composer)
        self.resize(size)

    def resize(self, size: Size) -> None:
        self.screen.resize(size)
        self.screen.take_damage()
        self.sent.append(tsg.ScreenSize(*size).encode())
        self.pacer.resized()
        self.pacer.pump()

    def draw(self, rect: Rect, pixels: np.ndarray) -> None:
        self.screen.write(rect, pixels.astype("<u4"))
        self.pacer.add(self.screen.take_damage())

    def scroll(self, rng: np.random.Generator) -> None:
        """Move a part of the screen up or down, new rows coming in."""
        width, height = self.screen.size
        x, y = int(rng.integers(max(width // 2, 1))), int(rng.integers(max(height // 2, 1)))
        rect = Rect(x, y, width - x, height - y)
        rows = np.roll(
            self.screen.pixels[rect.y : rect.bottom, rect.x : rect.right], rng.integers(-50, 50), axis=0
        )
        rows[: int(rng.integers(9))] = 5
        self.draw(rect, rows)

    def deliver(self) -> list[tsg.Message]:
        sent, self.sent[:] = list(self.sent), []
        return [self.picture.take(data) for data in sent]

    def acknowledge(self, held: float = 0.0) -> None:
        numbers, self.picture.unacknowledged = self.picture.unacknowledged, []
        if numbers:
            self.pacer.acknowledged(numbers[-1], held)

    def settle(self) -> None:
        for _ in range(1000):
            self.deliver()
            self.acknowledge()
            if not self.sent and not self.clock.getDelayedCalls():
                return
            self.clock.advance(0.05)
        raise AssertionError("it never came to rest")

    def exact(self) -> bool:
        return np.array_equal(self.picture.pixels, self.screen.pixels)


def noise(rng: np.random.Generator, rect: Rect) -> np.ndarray:
    return rng.integers(0, 1 << 24, (rect.height, rect.width))


def flat(rng: np.random.Generator, rect: Rect) -> np.ndarray:
    return np.full((rect.height, rect.width), rng.integers(9))


STEPS = ["flat", "noise", "scroll", "scroll", "resize", "wait", "deliver", "ack", "restart", "lie"]


@given(st.data())
@settings(max_examples=60)
def test_after_things_calm_down_the_picture_is_exact(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    line = Line(Size(int(rng.integers(1, 700)), int(rng.integers(1, 500))))
    for _ in range(data.draw(st.integers(1, 15))):
        match data.draw(st.sampled_from(STEPS)):
            case "flat" | "noise" as what:
                size = line.screen.size
                x, y = int(rng.integers(size.width)), int(rng.integers(size.height))
                width, height = rng.integers(1, size.width - x + 1), rng.integers(1, size.height - y + 1)
                rect = Rect(x, y, int(width), int(height))
                line.draw(rect, noise(rng, rect) if what == "noise" else flat(rng, rect))
            case "scroll":
                line.scroll(rng)
            case "resize":
                line.resize(Size(int(rng.integers(1, 700)), int(rng.integers(1, 500))))
            case "wait":
                line.clock.advance(float(rng.random()))
            case "deliver":
                line.deliver()
            case "ack":
                line.acknowledge(float(rng.choice([0.0, 0.01, 1e6, -1.0])))
            case "restart":
                line.deliver()
                line.pacer.restart()
            case "lie":
                line.pacer.acknowledged(int(rng.integers(1 << 32)))
    line.settle()
    assert line.exact()


def test_a_viewer_that_never_acknowledges_is_sent_little() -> None:
    line = Line(Size(1920, 1080), stills=False)
    rng = np.random.default_rng(1)
    rect = Rect(0, 0, 1920, 1080)
    for _ in range(10):
        line.draw(rect, noise(rng, rect))
        line.clock.advance(1)
    under_way = sum(map(len, line.sent))
    assert under_way <= MAX_WINDOW + FRAME_BYTES + 64 * 1024
    assert under_way <= 4 * 1024 * 1024 + 64 * 1024


def test_small_pictures_stop_at_the_frame_limit_and_the_newest_wins() -> None:
    line = Line(Size(640, 480))
    line.settle()
    for number in range(1, 50):
        line.draw(Rect(0, 0, 10, 10), np.full((10, 10), number))
        line.clock.advance(1)
    assert len(line.sent) == MIN_FRAMES
    line.deliver()
    assert line.picture.pixels[0, 0] == MIN_FRAMES
    line.acknowledge()
    line.deliver()
    assert line.picture.pixels[0, 0] == 49


def test_the_first_change_after_rest_goes_at_once_and_the_next_waits_its_turn() -> None:
    line = Line(Size(640, 480))
    line.settle()
    line.clock.advance(1)
    line.draw(Rect(0, 0, 10, 10), np.full((10, 10), 1))
    assert len(line.sent) == 1
    line.draw(Rect(0, 0, 10, 10), np.full((10, 10), 2))
    assert len(line.sent) == 1
    line.clock.advance(FRAME_INTERVAL)
    assert len(line.sent) == 2


def test_a_large_picture_goes_in_parts_and_is_presented_whole() -> None:
    line = Line(Size(1920, 1080), stills=False)
    line.settle()
    line.clock.advance(1)
    line.draw(Rect(0, 0, 1920, 1080), np.full((1080, 1920), 0x00FF00))
    flags = [frame.flags for frame in line.deliver()]
    assert len(flags) == 3
    assert flags == [0, 0, tsg.FrameFlag.LAST]
    assert line.exact()


def test_damage_without_end_does_not_put_the_last_part_off() -> None:
    line = Line(Size(1920, 1080), stills=False)
    line.settle()
    rng = np.random.default_rng(1)
    lasts = 0
    for _ in range(12):
        rect = Rect(0, 0, 1920, 1080)
        line.draw(rect, noise(rng, rect))
        lasts += sum(bool(m.flags & tsg.FrameFlag.LAST) for m in line.deliver())
        line.acknowledge()
        line.clock.advance(0.1)
    assert lasts >= 3


def test_natural_content_goes_as_stills_and_becomes_exact_when_it_stands() -> None:
    line = Line(Size(640, 480))
    line.settle()
    rect = Rect(64, 64, 384, 256)
    for seed in range(5):
        line.draw(rect, noise(np.random.default_rng(seed), rect))
        line.clock.advance(0.1)
        line.deliver()
        line.acknowledge()
    assert line.picture.stills >= 5
    assert not line.exact()
    line.settle()
    assert line.exact()


def scrolled(picture: Pixels, copies: bool) -> Line:
    """Let a viewer follow a window in which `picture` is scrolled, ten times 24 rows, and back a little."""
    line = Line(Size(960, 800), copies=copies)
    for at in [*range(0, 240, 24), 230, 200]:
        line.draw(Rect(64, 80, 800, 640), picture[at : at + 640, :800])
        line.clock.advance(0.05)
        line.deliver()
        line.acknowledge()
    return line


@pytest.mark.parametrize("make", [photograph, lambda size: text(size, 12, seed=1)])
def test_what_scrolls_is_moved_and_costs_little(make: Callable[[Size], Pixels]) -> None:
    picture = make(Size(800, 880))
    moved, sent = scrolled(picture, copies=True), scrolled(picture, copies=False)
    assert moved.picture.copies == 11
    assert sent.picture.copies == 0
    assert moved.picture.bytes < sent.picture.bytes
    for line in (moved, sent):
        line.settle()
        assert line.exact()


def test_what_is_lossy_stays_so_when_it_is_moved_and_becomes_exact() -> None:
    line = scrolled(photograph(Size(800, 880)), copies=True)
    assert line.picture.stills
    assert not line.exact()
    before = line.picture.stills
    line.settle()
    assert line.exact()
    assert line.picture.stills == before


def test_a_viewer_without_jpeg_gets_exact_pixels_only() -> None:
    line = Line(Size(640, 480), stills=False)
    rect = Rect(64, 64, 384, 256)
    line.draw(rect, noise(np.random.default_rng(1), rect))
    line.settle()
    assert line.picture.stills == 0
    assert line.exact()


@pytest.mark.parametrize("size", [(1, 1), (1, 8192), (8192, 1), (8192, 8192), (1366, 768)])
def test_any_screen_size(size: tuple[int, int]) -> None:
    line = Line(Size(*size))
    line.draw(Rect(0, 0, *size), np.full(size[::-1], 0x123456))
    line.settle()
    assert line.exact()


def test_a_pointer_that_changes_all_the_time_takes_little_and_its_last_look_arrives() -> None:
    line = Line(Size(64, 64))
    line.settle()
    line.sent.clear()
    large = [tsg.Cursor(256, 256, 0, 0, bytes([shade]) * 4 * 256 * 256) for shade in range(200)]
    for cursor in large:
        line.pacer.pointer(cursor.encode())
        line.clock.advance(0.005)
    assert line.sent[0] == large[0].encode()
    assert len(line.sent) <= 25, "a second's worth"
    line.clock.advance(1)
    assert line.sent[-1] == large[-1].encode()
    assert not line.clock.getDelayedCalls()


def test_a_viewer_that_leaves_is_sent_no_pointer() -> None:
    line = Line(Size(64, 64))
    line.settle()
    for _ in range(2):
        line.pacer.pointer(tsg.Cursor(0, 0, 0, 0, b"").encode())
    line.pacer.close()
    line.sent.clear()
    line.clock.advance(1)
    assert line.sent == []
