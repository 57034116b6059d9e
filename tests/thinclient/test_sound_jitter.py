"""What waits between the line and the loudspeakers, by the rules that the browser's tests have."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from sessions.wire.tsg import SOUND_RATE
from tests.sessions.sound.tones import pitch
from thinclient.sound.jitter import LEAST_TARGET, MOST_TARGET, JitterBuffer

PIECE = 480
STEEPEST = 0.035
"""The largest step of a tone of 440 Hz at half loudness is 0.029."""


def tone(hertz: float = 440) -> Iterator[np.ndarray]:
    for begin in itertools.count(step=PIECE):
        wave = 16384 * np.sin(2 * np.pi * hertz * np.arange(begin, begin + PIECE) / SOUND_RATE)
        yield np.repeat(wave.astype(np.int16)[:, None], 2, axis=1)


class Player:
    """A device that takes `quantum` frames at once, for one buffer."""

    def __init__(self, source: Iterator[np.ndarray] | None = None, quantum: int = PIECE) -> None:
        self.buffer = JitterBuffer()
        self._source = source or tone()
        self._quantum = quantum

    def play(self, seconds: float, arrives: Callable[[int], float]) -> np.ndarray:
        """Return the left channel; `arrives(frame)` says how many pieces have come by then."""
        out, pushed = [], 0
        for at in range(0, round(seconds * SOUND_RATE), self._quantum):
            while pushed < int(arrives(at)):
                self.buffer.push(next(self._source))
                pushed += 1
            out.append(self.buffer.pull(self._quantum))
        heard = np.concatenate(out)
        assert np.array_equal(heard[:, 0], heard[:, 1])
        return heard[:, 0]


def evenly(at: int) -> float:
    return at / PIECE


def together(at: int) -> float:
    """Twenty pieces come together, 200 ms after the first was due."""
    return 20 * (at // (20 * PIECE))


def steepest(heard: np.ndarray) -> float:
    return float(np.abs(np.diff(heard)).max())


@pytest.mark.parametrize("quantum", [128, 441, 480, 1000])
def test_what_comes_evenly_is_played_after_a_short_wait_as_it_is(quantum: int) -> None:
    player = Player(quantum=quantum)
    heard = player.play(3, evenly)
    begin = int(np.flatnonzero(heard)[0])
    assert begin <= LEAST_TARGET + PIECE + quantum
    assert pitch(heard[begin + SOUND_RATE :]) == pytest.approx(440, abs=5)
    assert steepest(heard) < STEEPEST
    assert (player.buffer.underruns, player.buffer.left_out) == (0, 0)


def test_a_line_that_is_uneven_makes_it_wait_longer_and_it_does_not_click() -> None:
    player = Player()
    heard = player.play(10, together)
    learned = player.buffer.underruns
    assert 0 < learned < 12
    assert LEAST_TARGET < player.buffer.target <= MOST_TARGET
    assert steepest(heard) < STEEPEST
    player.play(5, together)
    assert player.buffer.underruns - learned <= 1


def test_when_the_line_is_even_again_the_wait_gets_shorter() -> None:
    player = Player()
    player.play(5, together)
    learned = player.buffer.underruns
    player.play(120, evenly)
    assert player.buffer.target <= LEAST_TARGET + PIECE
    assert player.buffer.waiting < player.buffer.target + 3 * PIECE
    assert player.buffer.underruns == learned


@pytest.mark.parametrize("drift", [1.004, 0.996])
def test_a_desktop_whose_clock_is_another_is_followed(drift: float) -> None:
    player = Player()
    heard = player.play(60, lambda at: at * drift / PIECE)
    assert player.buffer.waiting < LEAST_TARGET + 3 * PIECE
    assert player.buffer.underruns <= 1
    assert player.buffer.left_out == 0
    assert pitch(heard[SOUND_RATE:]) == pytest.approx(440 * drift, abs=2)


def test_after_a_stall_old_sound_is_left_out() -> None:
    player = Player()
    heard = player.play(4, lambda at: SOUND_RATE // PIECE if SOUND_RATE < at < 3 * SOUND_RATE else evenly(at))
    assert player.buffer.left_out > SOUND_RATE
    assert player.buffer.waiting <= player.buffer.target + 2 * PIECE
    assert steepest(heard) < STEEPEST


def test_the_end_of_a_sound_is_not_taken_for_a_slow_line() -> None:
    silence = np.zeros((PIECE, 2), np.int16)
    player = Player(itertools.chain(itertools.islice(tone(), 50), itertools.repeat(silence, 20)))
    heard = player.play(2, lambda at: min(70, evenly(at)))
    assert player.buffer.underruns == 0
    assert not player.buffer.is_playing
    assert steepest(heard) < STEEPEST
    assert player.buffer.target == LEAST_TARGET


def test_what_came_while_nobody_played_is_left_out() -> None:
    player = Player()
    for piece in itertools.islice(tone(), 15):
        player.buffer.push(piece)
    player.buffer.catch_up()
    assert player.buffer.waiting == LEAST_TARGET
    assert player.buffer.left_out == 15 * PIECE - LEAST_TARGET
    player.buffer.catch_up()
    assert player.buffer.waiting == LEAST_TARGET


def test_nothing_is_nothing() -> None:
    buffer = JitterBuffer()
    buffer.push(np.zeros((0, 2), np.int16))
    assert buffer.pull(0).shape == (0, 2)
    assert not buffer.pull(480).any()
