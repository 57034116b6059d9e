"""Traces are whole or not there; what is recorded is what changed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench import record as recorder
from bench import traces
from bench.traces import HEIGHT, WIDTH
from sessions.pixels.framebuffer import Pixels


def frame(value: int) -> Pixels:
    return np.full((HEIGHT, WIDTH), value, "<u4")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 1 << 24, (HEIGHT, WIDTH), np.uint32)
    traces.save(tmp_path / "a.bgrx.zst", [frame(0x123456), noise, frame(0x123456)])
    loaded = traces.load(tmp_path / "a.bgrx.zst")
    expected = [frame(0x123456), noise, frame(0x123456)]
    assert all(np.array_equal(a, b) for a, b in zip(loaded, expected, strict=True))
    assert [path.name for path in tmp_path.iterdir()] == ["a.bgrx.zst"]


def test_a_trace_that_failed_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.bgrx.zst"
    path.write_text("old")
    small = [frame(1), np.zeros((5, 5), "<u4")]
    with pytest.raises(ValueError, match="1920×1080, not 5×5"):
        traces.save(path, small)
    with traces.Writer(path):
        pass
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


class Time:
    """A clock that only sleep and work move."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_only_changes_are_kept() -> None:
    time, seen = Time(), []
    values: Iterator[int] = iter([1, 1, 2, 2, 2, 1, 1, 1, 3, 3])

    def capture() -> Pixels:
        seen.append(time.now - 100)
        return frame(next(values))

    kept = [int(each[0, 0]) for each in recorder.changes(capture, 10, 0.95, time.clock, time.sleep)]
    assert kept == [1, 2, 1, 3]
    assert seen == pytest.approx([0.1 * number for number in range(10)])


def test_a_slow_screen_is_not_made_up_for() -> None:
    time, seen = Time(), []

    def capture() -> Pixels:
        seen.append(round(time.now - 100, 3))
        time.now += 0.25 if len(seen) == 2 else 0.01
        return frame(len(seen))

    list(recorder.changes(capture, 10, 0.75, time.clock, time.sleep))
    assert seen == [0.0, 0.1, 0.35, 0.4, 0.5, 0.6, 0.7]


@pytest.mark.parametrize("size", [(600, 800), (1080, 1920), (2160, 3840)])
def test_other_screens_are_cut_or_filled_up(size: tuple[int, int]) -> None:
    fitted = recorder.fitted(np.full(size, 7, "<u4"))
    assert fitted.shape == (HEIGHT, WIDTH)
    assert int((fitted == 7).sum()) == min(size[0], HEIGHT) * min(size[1], WIDTH)


class Interrupted:
    """A screen before which somebody presses Ctrl-C."""

    def __init__(self) -> None:
        self.captures = 0

    def capture(self) -> Pixels:
        self.captures += 1
        if self.captures > 3:
            raise KeyboardInterrupt
        return frame(self.captures)


def test_ctrl_c_keeps_what_was_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.bgrx.zst"
    assert recorder.record(Interrupted(), path, 1000, 60, 0) == 3  # type: ignore[arg-type]
    assert [int(each[0, 0]) for each in traces.load(path)] == [1, 2, 3]
