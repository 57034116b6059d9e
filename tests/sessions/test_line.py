"""Slow lines, simulated to the byte: what is typed is seen soon, and the newest picture always comes first.

The line carries one message after the other at its rate, each arrives a delay later, and is acknowledged
when the acknowledgement has come back. Time is simulated, so these figures are the same everywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.line import MAX_WINDOW, MIN_WINDOW, Line
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.wire.tsg import Capability
from tests.sessions.pixels.pictures import photograph, text
from tests.sessions.test_pacing import VIDEOS
from tests.sessions.test_pacing import Line as Viewer
from tests.sessions.test_videos import film

SIZE = Size(1280, 800)
STEP = 0.005


class SlowLine(Viewer):
    """A viewer at the far end of a line of `rate` bytes a second and `delay` seconds each way."""

    def __init__(self, rate: float, delay: float, without: Sequence[Capability] = VIDEOS) -> None:
        self.rate, self.delay = rate, delay
        self.up = True
        self.free_at = 0.0
        self.coming: deque[tuple[float, bytes]] = deque()
        self.going: deque[tuple[float, int]] = deque()
        super().__init__(SIZE, without)

    @property
    def queued(self) -> float:
        """Seconds until what is on the line now has left."""
        return max(self.free_at - self.clock.seconds(), 0.0)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end = self.clock.seconds() + seconds
        while (now := self.clock.seconds()) < end:
            for message in self.sent:
                self.free_at = max(self.free_at, now) + len(message) / self.rate
                self.coming.append((self.free_at + self.delay, message))
            self.sent.clear()
            while self.up and self.coming and self.coming[0][0] <= now:
                self.picture.take(self.coming.popleft()[1])
            for number in self.picture.unacknowledged:
                self.going.append((now + self.delay, number))
            self.picture.unacknowledged.clear()
            while self.going and self.going[0][0] <= now:
                self.acknowledged(self.going.popleft()[1])
            self.encode()
            self.clock.advance(STEP)

    def until(self, condition: object, seconds: float) -> float:
        """Wait for a condition; return how long that took."""
        began = self.clock.seconds()
        while not condition():  # type: ignore[operator]
            self.wait(STEP)
            assert self.clock.seconds() - began < seconds, "in vain"
        return self.clock.seconds() - began

    def type(self, number: int) -> None:
        """Draw a character, each over the last."""
        self.draw(Rect(100, 780, 8, 14), np.full((14, 8), 0x102030 + number))

    def sees(self, number: int) -> float:
        """Wait until that character is seen; return how long that took."""
        return self.until(lambda: self.picture.pixels[784, 104] == 0x102030 + number, 20)


def scroll(line: SlowLine, page: Pixels, at: int) -> None:
    line.draw(Rect(0, 0, 1280, 700), page[at : at + 700])


@pytest.mark.parametrize("page", [text(Size(1280, 1500), 12, seed=2), photograph(Size(1280, 1500))])
@pytest.mark.parametrize(("rate", "delay"), [(125_000, 0.05), (32_000, 0.15), (1_250_000, 0.02)])
def test_what_is_typed_is_seen_soon_while_much_changes(page: Pixels, rate: float, delay: float) -> None:
    line = SlowLine(rate, delay)
    scroll(line, page, 0)
    line.until(lambda: line.picture.frames and not line.queued, 30)
    echoes = []
    for number in range(20):
        if number % 4 == 0:
            scroll(line, page, 40 * number)
        line.wait(0.2)
        line.type(number)
        echoes.append(line.sees(number))
    allowed = 0.15 if rate >= 125_000 else 0.5
    assert sorted(echoes)[18] <= delay + allowed + 2 * STEP, echoes
    line.until(line.exact, 200)


@pytest.mark.parametrize(("rate", "delay"), [(125_000, 0.05), (60_000, 0.1), (1_250_000, 0.02)])
def test_what_is_typed_is_seen_soon_while_a_film_plays(rate: float, delay: float) -> None:
    line = SlowLine(rate, delay, without=())
    scroll(line, text(Size(1280, 1500), 12, seed=2), 0)
    line.until(lambda: line.picture.frames and not line.queued, 30)
    line.wait(3)
    pictures = film(Size(480, 270))
    echoes, typed = [], 0
    for number in range(300):
        line.draw(Rect(300, 200, 480, 270), pictures(number))
        if number % 15 == 14 and number > 60:
            typed += 1
            line.type(typed)
            echoes.append(line.sees(typed))
        line.wait(1 / 30)
    assert line.picture.videos > (60 if rate >= 125_000 else 20), "it moves"
    assert sorted(echoes)[-2] <= delay + 0.15 + 2 * STEP, echoes
    line.until(line.exact, 60)


def test_photographs_come_coarse_where_the_line_is_slow() -> None:
    """Twice as many of them a second, and exact in the end."""
    sizes = {}
    for rate in (125_000, 12_500_000):
        line = SlowLine(rate, 0.01)
        scroll(line, text(Size(1280, 700), 12, seed=2), 0)
        line.wait(8)
        scroll(line, photograph(Size(1280, 700)), 0)
        line.until(lambda line=line: line.picture.still_pixels > 800_000, 20)
        sizes[rate] = line.picture.still_bytes / line.picture.still_pixels
        line.until(line.exact, 60)
    assert sizes[125_000] < 0.6 * sizes[12_500_000]


def test_a_line_that_stalls_shows_the_newest_picture_first() -> None:
    page = text(Size(1280, 1500), 12, seed=2)
    line = SlowLine(125_000, 0.05)
    scroll(line, page, 0)
    line.wait(8)
    line.up = False
    for number in range(200):
        scroll(line, page, 4 * number)
        line.type(number)
        line.wait(0.05)
    assert line.queued == 0
    assert sum(len(message) for _, message in line.coming) <= 125_000
    line.up = True
    newest = line.screen.pixels[:100].copy()
    assert line.until(lambda: np.array_equal(line.picture.pixels[:100], newest), 5) <= 0.4
    line.until(line.exact, 60)


def test_a_fast_line_is_not_held_back() -> None:
    line = SlowLine(100_000_000, 0.001)
    page = photograph(Size(1280, 1500))
    scroll(line, page, 0)
    line.wait(1)
    for at in range(0, 700, 100):
        scroll(line, page, at)
        assert line.until(lambda: not line.sent and not line.coming, 1) <= 0.1
        line.wait(0.02)


def test_a_line_that_becomes_fast_is_noticed() -> None:
    page = text(Size(1280, 1500), 12, seed=2)
    line = SlowLine(60_000, 0.05)
    scroll(line, page, 0)
    line.wait(10)
    line.rate = 12_500_000
    for number in range(60):
        scroll(line, np.roll(page, number * 97, axis=1), number)
        line.wait(0.3)
    scroll(line, page[::-1], 0)
    assert line.until(line.exact, 20) <= 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["send", "ack", "wait"]), st.floats(-1e9, 1e9), st.integers(1, 1 << 22))
    )
)
def test_whatever_a_viewer_claims_the_window_stays_within_bounds(steps: list[tuple[str, float, int]]) -> None:
    line, now, number = Line(), 0.0, 0
    for what, held, size in steps:
        if what == "send":
            number += 1
            line.sent(number, size, now)
        elif what == "ack":
            line.acknowledged(number + int(held) % 3 - 1, now, held)
        else:
            now += abs(held) % 60
        assert MIN_WINDOW <= line.window <= MAX_WINDOW
        assert line.part_bytes is None or line.part_bytes >= MIN_WINDOW // 2
    line.acknowledged(number, now, 0)
    assert line.has_room
    assert line.has_room_to_spare
