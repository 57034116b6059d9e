"""A viewer's picture becomes the screen's, whatever happens on the way; and little is ever under way."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from sessions.composer import Composer
from sessions.encoders.base import FRAME_BYTES, Options
from sessions.latency import Figures
from sessions.line import MAX_WINDOW, MIN_FRAMES
from sessions.pacing import FRAME_INTERVAL, Recipient
from sessions.pixels.framebuffer import Framebuffer, Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.sharing import Sharing
from sessions.viewer import make_composer
from sessions.wire import tsg
from sessions.wire.tsg import Capability, Codec
from tests.reference.picture import Picture
from tests.sessions.pixels.pictures import photograph, text

OPTIONS = Options(window_log=20)
VIDEOS = (Capability.H264, Capability.VP8, Capability.VP9, Capability.AV1)
EVERYTHING = (Capability.HISTORY, Capability.JPEG, Capability.COPY, *VIDEOS)


class Threads:
    """Does what is asked of other threads when the test says."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

    def __call__(self, work: Callable[[], Any]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self.waiting.append((work, done))
        return done

    def work(self) -> None:
        """Do what has waited longest."""
        work, done = self.waiting.pop(0)
        try:
            result = work()
        except Exception:
            done.errback(Failure())
        else:
            done.callback(result)


class Seat:
    """A viewer: it has what was delivered to it, and acknowledges when told to."""

    def __init__(self, sharing: Sharing, capabilities: Sequence[Capability] = EVERYTHING) -> None:
        self.sent: list[bytes] = []
        self.picture = Picture(20)
        self.sharing = sharing
        self.recipient = Recipient(self.sent.append, capabilities, Figures())

    def deliver(self) -> list[tsg.Message]:
        sent, self.sent[:] = list(self.sent), []
        return [self.picture.take(data) for data in sent]

    def acknowledge(self, held: float = 0.0) -> None:
        numbers, self.picture.unacknowledged = self.picture.unacknowledged, []
        if numbers:
            self.sharing.acknowledged(self.recipient, numbers[-1], held)


class Stage:
    """A screen, and viewers of it that may share."""

    def __init__(self, size: Size) -> None:
        self.clock = Clock()
        self.screen = Framebuffer()
        self.threads = self.other_threads()
        self.faults: list[Recipient] = []
        self.sharing = Sharing(self.screen, self.clock, self.threads, self.composer, self.faults.append)
        self.seats: list[Seat] = []
        self.resize(size)

    def other_threads(self) -> Threads:
        return Threads()

    def composer(self, capabilities: frozenset[int]) -> Composer:
        return make_composer(self.screen, capabilities, OPTIONS)

    def sit(self, capabilities: Sequence[Capability] = EVERYTHING) -> Seat:
        """Let a viewer come."""
        seat = Seat(self.sharing, capabilities)
        self.seats.append(seat)
        seat.sent.append(tsg.ScreenSize(*self.screen.size).encode())
        self.sharing.join(seat.recipient)
        return seat

    def stand(self, seat: Seat) -> None:
        """Let a viewer go."""
        self.seats.remove(seat)
        self.sharing.leave(seat.recipient)

    def resize(self, size: Size) -> None:
        self.screen.resize(size)
        self.screen.take_damage()
        for seat in self.seats:
            seat.sent.append(tsg.ScreenSize(*size).encode())
        self.sharing.resized()

    def draw(self, rect: Rect, pixels: np.ndarray) -> None:
        self.screen.write(rect, pixels.astype("<u4"))
        self.sharing.add(self.screen.take_damage())

    def scroll(self, rng: np.random.Generator) -> None:
        """Move a part of the screen up or down, new rows coming in."""
        width, height = self.screen.size
        x, y = int(rng.integers(max(width // 2, 1))), int(rng.integers(max(height // 2, 1)))
        rect = Rect(x, y, width - x, height - y)
        rows = np.roll(self.screen.pixels[rect.part], rng.integers(-50, 50), axis=0)
        rows[: int(rng.integers(9))] = 5
        self.draw(rect, rows)

    def film(self, rng: np.random.Generator, pictures: int) -> None:
        """Let something natural change, as fast as a film, somewhere."""
        width, height = self.screen.size
        x, y = int(rng.integers(max(width // 2, 1))), int(rng.integers(max(height // 2, 1)))
        rect = Rect(x, y, int(rng.integers(1, width - x + 1)), int(rng.integers(1, height - y + 1)))
        for _ in range(pictures):
            self.draw(rect, noise(rng, rect))
            if rng.random() < 0.7:
                self.turn(1 / 30)
            else:
                self.clock.advance(1 / 60)

    def encode(self) -> None:
        """Let the other threads do all they were asked for."""
        while self.threads.waiting:
            self.threads.work()

    def turn(self, seconds: float = 0.05) -> None:
        """Let everything be encoded, delivered and acknowledged, and time pass."""
        self.encode()
        for seat in self.seats:
            seat.deliver()
            seat.acknowledge()
        self.clock.advance(seconds)

    def settle(self) -> None:
        for _ in range(1000):
            self.turn()
            busy = self.threads.waiting or any(seat.sent for seat in self.seats)
            if not busy and not self.clock.getDelayedCalls():
                return
        raise AssertionError("it never came to rest")

    def exact(self) -> bool:
        """Whether everybody sees the screen. A few rows tell most often that it is not so."""
        steps = (37, 1)
        return all(
            np.array_equal(seat.picture.pixels[::step], self.screen.pixels[::step])
            for step in steps
            for seat in self.seats
        )


class Line(Stage):
    """A screen with one viewer."""

    def __init__(self, size: Size, without: Sequence[Capability] = VIDEOS) -> None:
        super().__init__(size)
        self.seat = self.sit([each for each in EVERYTHING if each not in without])
        self.sent, self.picture = self.seat.sent, self.seat.picture

    def deliver(self) -> list[tsg.Message]:
        return self.seat.deliver()

    def acknowledge(self, held: float = 0.0) -> None:
        self.seat.acknowledge(held)

    def acknowledged(self, number: int) -> None:
        self.sharing.acknowledged(self.seat.recipient, number, 0.0)


def noise(rng: np.random.Generator, rect: Rect) -> np.ndarray:
    return rng.integers(0, 1 << 24, (rect.height, rect.width))


def flat(rng: np.random.Generator, rect: Rect) -> np.ndarray:
    return np.full((rect.height, rect.width), rng.integers(9))


STEPS = [
    "flat", "noise", "scroll", "scroll", "film", "film", "resize", "wait", "deliver", "ack", "restart", "lie",
    "encode", "fail",
]  # fmt: skip


@given(st.data())
@settings(max_examples=60)
def test_after_things_calm_down_the_picture_is_exact(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    line = Line(Size(int(rng.integers(1, 700)), int(rng.integers(1, 500))), without=())
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
                line.sharing.restart(line.seat.recipient)
            case "film":
                line.film(rng, int(rng.integers(12)))
            case "encode":
                line.encode()
            case "fail":
                codec = Codec(int(rng.integers(4)))
                line.sharing.give_up(line.seat.recipient, Capability[codec.name], codec)
            case "lie":
                line.acknowledged(int(rng.integers(1 << 32)))
    line.settle()
    assert line.exact()


def test_a_viewer_that_never_acknowledges_is_sent_little() -> None:
    line = Line(Size(1920, 1080), without=EVERYTHING[1:])
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


def test_timers_that_are_late_do_not_make_pictures_fewer() -> None:
    line = Line(Size(640, 480))
    line.settle()
    line.clock.advance(1)
    before = next(line.seat.recipient.numbers)
    for number in range(300):
        line.draw(Rect(0, 0, 10, 10), np.full((10, 10), number))
        line.clock.advance(0.3 * FRAME_INTERVAL)
        line.deliver()
        line.acknowledge()
    assert 90 <= next(line.seat.recipient.numbers) - before <= 92


def test_a_large_picture_goes_in_parts_and_is_presented_whole() -> None:
    line = Line(Size(1920, 1080), without=EVERYTHING[1:])
    line.settle()
    line.clock.advance(1)
    line.draw(Rect(0, 0, 1920, 1080), np.full((1080, 1920), 0x00FF00))
    assert len(line.sent) == 1, "others have a turn before the next part"
    line.clock.advance(0)
    flags = [frame.flags for frame in line.deliver()]
    assert len(flags) == 3
    assert flags == [0, 0, tsg.FrameFlag.LAST]
    assert line.exact()


def test_damage_without_end_does_not_put_the_last_part_off() -> None:
    line = Line(Size(1920, 1080), without=EVERYTHING[1:])
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
        line.encode()
        line.deliver()
        line.acknowledge()
    assert line.picture.stills >= 5
    assert not line.exact()
    line.settle()
    assert line.exact()


def scrolled(picture: Pixels, copies: bool) -> Line:
    """Let a viewer follow a window in which `picture` is scrolled, ten times 24 rows, and back a little."""
    line = Line(Size(960, 800), VIDEOS if copies else (Capability.COPY, *VIDEOS))
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
    line = Line(Size(640, 480), without=EVERYTHING[1:])
    rect = Rect(64, 64, 384, 256)
    line.draw(rect, noise(np.random.default_rng(1), rect))
    line.settle()
    assert line.picture.stills == 0
    assert line.exact()


@pytest.mark.parametrize("size", [(1, 1), (1, 8192), (8192, 1), (8192, 8192), (1366, 768)])
def test_any_screen_size(size: tuple[int, int]) -> None:
    line = Line(Size(*size))
    line.draw(Rect(0, 0, *size), np.full(size[::-1], 0x123456, "<u4"))
    line.settle()
    assert line.exact()


def test_copies_come_first_in_a_picture() -> None:
    """Viewers decode exact pixels ahead of what is drawn before them (docs/protocol.md, COPY)."""
    line = Line(Size(1920, 1080))
    line.settle()
    line.clock.advance(1)
    page = np.repeat(np.random.default_rng(1).integers(0, 1 << 24, (1400, 960)), 2, axis=1)
    line.draw(Rect(0, 0, 1920, 1080), page[:1080])
    line.clock.advance(0.01)
    messages = line.deliver()
    line.clock.advance(1.0)  # so much took a second: the line is the limit, and news goes first
    for number in range(3):
        rows = np.roll(line.screen.pixels[:320], -32, axis=0)
        rows[288:] = 0x101010 * number
        line.draw(Rect(0, 0, 1920, 320), rows)
        line.acknowledge()
        messages += line.deliver()
        line.clock.advance(0.3)
    for _ in range(20):
        line.acknowledge()
        line.clock.advance(0.3)
        messages += line.deliver()
    before: list[int] = []
    for frame in messages:
        if isinstance(frame, tsg.Frame):
            for operation in frame.operations:
                assert operation.encoding != tsg.Encoding.COPY or set(before) <= {tsg.Encoding.COPY}
                before.append(operation.encoding)
            if frame.flags & tsg.FrameFlag.LAST:
                before.clear()
    line.settle()
    assert line.exact()
