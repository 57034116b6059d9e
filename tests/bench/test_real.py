"""The peers, a real X server and the recorder, as they are."""

import itertools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench import record as recorder
from bench import traces
from bench.peers.base import Peer
from bench.peers.measure import measure
from bench.peers.processes import xvfb
from bench.peers.product import LOSSLESS, Tsgateway
from bench.peers.qemu import Qemu
from bench.peers.vnc import Xvnc
from bench.traces import HEIGHT, WIDTH
from bench.xscreen import XScreen, XScreenError
from sessions.pixels.geometry import Rect


@pytest.mark.parametrize(
    "peer", [Xvnc(), pytest.param(Qemu(), marks=pytest.mark.qemu)], ids=lambda each: each.name
)
def test_a_lossless_peer_shows_the_last_frame_exactly(peer: Peer, tmp_path: Path) -> None:
    frames = traces.office(4)
    traces.save(tmp_path / "a.bgrx.zst", frames)
    lossless = next(mode for mode in peer.modes if mode.lossless)
    result = measure(peer, lossless, tmp_path / "a.bgrx.zst", frames, 10)
    assert result["final_exact"]
    assert result["shown"] >= result["exact"] >= 1  # QEMU may take a picture that is half painted
    assert 10_000 < result["bytes"] < WIDTH * HEIGHT * 3
    assert result["cpu_ms"] > 0


def test_what_is_painted_is_captured() -> None:
    noise = np.random.default_rng(3).integers(0, 1 << 24, (HEIGHT, WIDTH), np.uint32)
    with xvfb(WIDTH, HEIGHT) as (display, _), XScreen(display) as screen:
        screen.cover()
        assert not screen.capture().any()
        part = Rect(11, 7, 301, 211)
        screen.paint(noise, [part])
        expected = np.zeros_like(noise)
        expected[7:218, 11:312] = noise[7:218, 11:312]
        assert np.array_equal(screen.capture(), expected)
        screen.paint(noise, [Rect(0, 0, WIDTH, HEIGHT)])
        assert np.array_equal(screen.capture(), noise)


def test_a_display_that_is_not_there() -> None:
    with pytest.raises(XScreenError, match="no X screen at :31999"):
        XScreen(":31999")
    done = CliRunner().invoke(recorder.main, ["x.bgrx.zst", "--display", ":31999"])
    assert done.exit_code == 1
    assert "Error: x.bgrx.zst could not be recorded: no X screen at :31999" in done.output


@pytest.mark.slow
@pytest.mark.long
def test_three_seconds_of_a_desktop_are_recorded_and_replayed(tmp_path: Path) -> None:
    path = tmp_path / "a.bgrx.zst"
    with xvfb(WIDTH, HEIGHT) as (display, _):
        command = ["xterm", "-display", display, "-geometry", "120x40+100+100", "-e"]
        counting = "i=0; while sleep 0.05; do i=$((i+1)); echo line $i of many; done"
        with subprocess.Popen([*command, "sh", "-c", counting]) as terminal:
            done = CliRunner().invoke(recorder.main, [str(path), "--display", display, "--seconds", "3"])
            terminal.terminate()
    assert done.exit_code == 0, done.output
    frames = traces.load(path)
    assert len(frames) > 5
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(frames))
    result = measure(Tsgateway(), LOSSLESS, path, frames, 15)
    assert result["final_exact"]
    assert result["exact"] == result["shown"] > 5


@pytest.mark.slow
def test_a_desktop_that_works_by_itself_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "a.bgrx.zst"
    done = CliRunner().invoke(
        recorder.main, [str(path), "--scenario", "drag", "--frames", "10", "--seconds", "30"]
    )
    assert done.exit_code == 0, done.output
    frames = traces.load(path)
    assert len(frames) == 10
    moved = [int((a != b).sum()) for a, b in itertools.pairwise(frames)]
    assert max(moved) > 20_000  # a window of text, not a cursor that blinks
    assert len(np.unique(frames[0][::4, ::4])) > 50  # the page and the terminal are there
