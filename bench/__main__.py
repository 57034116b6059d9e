"""Measure the product: `make bench`, or `python -m bench [--trace FILE]`.

A trace is replayed by a VNC server of the bench's own, published as an `rfb` desktop, and watched by one
viewer over TLS. Everything is counted in the same run: bytes at the viewer, CPU of gateway and session
host, memory, the time from a key at the viewer to the key at the VNC server, and whether every frame
was exact.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from bench import traces
from bench.lines import Lines
from bench.product import Connection, Product, cpu_seconds, resident_mb
from sessions.pixels.framebuffer import Pixels
from sessions.wire import tsg
from tests.reference.picture import Picture

RENDERED = {
    "office": traces.office,
    "photos": traces.photo_scroll,
    "typing": traces.typing,
    "player": traces.player,
}
GOALS = {"bytes": 750_000, "cpu_ms": 200.0, "memory_mb": 200.0, "key_p95_ms": 10.0}
KEYS = 100


class Replay(Lines):
    """The bench's VNC server, a process of its own."""

    def __init__(self, trace: Path, fps: float) -> None:
        super().__init__("bench.replay", str(trace), str(fps))
        self.port: int = self.next()["port"]


class Watcher:
    """The bench's viewer: decodes, acknowledges, compares."""

    def __init__(self, connection: Connection, frames: list[Pixels]) -> None:
        self._connection = connection
        self._frames = frames
        self._next = -1
        self.picture = Picture()
        self.presented = 0
        self.exact = 0

    def watch(self, done: Callable[[], bool], seconds: float) -> None:
        """Take messages until `done()`; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError("the picture never became the trace's last frame")
            for data in self._connection.messages(0.5):
                began = time.monotonic()
                message = self.picture.take(data)
                if isinstance(message, tsg.Frame):
                    decoded = round((time.monotonic() - began) * 1e6)
                    self._connection.send(tsg.Ack(message.number, decoded, 0))
                    if message.flags & tsg.FrameFlag.LAST:
                        self._compare()

    def _compare(self) -> None:
        """Count a picture as exact when it is the trace's next frame, or a later one of the next few."""
        self.presented += 1
        for number in range(self._next + 1, min(self._next + 4, len(self._frames))):
            if np.array_equal(self.picture.pixels, self._frames[number]):
                self._next = number
                self.exact += 1
                return

    @property
    def finished(self) -> bool:
        """Whether the picture is the trace's last frame."""
        return np.array_equal(self.picture.pixels, self._frames[-1])


def floor(trace: Path, fps: float, frames: int) -> float:
    """Return the CPU, in ms, of the least a Python process must do for this trace (bench/floor)."""
    replay = Replay(trace, fps)
    command = [sys.executable, "-m", "bench.floor", str(replay.port), str(frames)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            if process.stdout is None:
                raise RuntimeError("the floor has no output")
            process.stdout.readline()
            replay.go()
            return float(json.loads(process.stdout.readline())["cpu_ms"])
    finally:
        replay.end()


def key_latency(connection: Connection, replay: Replay) -> list[float]:
    """Return, in ms, the times from a key's sending by the viewer to its arrival at the VNC server."""
    times = []
    for number in range(KEYS):
        sent = time.monotonic()
        connection.send(tsg.Key(1, 0, 0x61 + number % 26))
        times.append((replay.next()["at"] - sent) * 1000)
        connection.send(tsg.Key(0, 0, 0x61 + number % 26))
        connection.messages(0.02)
    return times


def first_screen(product: Product, frames: list[Pixels], without: Sequence[tsg.Capability]) -> dict[str, Any]:
    """Attach once more, now that the last frame stands, and return what the whole picture took."""
    connection = product.connect(without=without)
    watcher = Watcher(connection, frames)
    watcher.watch(lambda: watcher.presented > 0, 30)
    milliseconds = (time.monotonic() - connection.attached) * 1000
    size = connection.received
    connection.close()
    return {"first_screen_kb": round(size / 1000, 1), "first_screen_ms": round(milliseconds, 1)}


def measure(trace: Path, fps: float, without: Sequence[tsg.Capability]) -> dict[str, Any]:
    """Replay one trace through the product and return what it cost."""
    frames = traces.load(trace)
    replay = Replay(trace, fps)
    try:
        with Product(f'kind = "rfb"\nhost = "127.0.0.1"\nport = {replay.port}') as product:
            connection = product.connect(without=without)
            watcher = Watcher(connection, frames)
            black = np.zeros((traces.HEIGHT, traces.WIDTH), "<u4")
            watcher.watch(lambda: np.array_equal(watcher.picture.pixels, black), 30)
            time.sleep(0.5)
            pids = product.processes()
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            received = connection.received
            began = time.monotonic()
            replay.go()
            watcher.watch(lambda: watcher.presented > 1, 30)
            first = {name: cpu_seconds(pid) for name, pid in pids.items()}
            first_bytes = connection.received
            watcher.watch(lambda: watcher.finished, 60 + len(frames) / fps)
            later = max(watcher.presented - 2, 1)
            frame_cpu = sum(cpu_seconds(pid) - first[name] for name, pid in pids.items()) * 1000 / later
            cpu = {name: (cpu_seconds(pid) - before[name]) * 1000 for name, pid in pids.items()}
            result = {
                "trace": trace.stem,
                "frames": len(frames),
                "seconds": round(time.monotonic() - began, 2),
                "presented": watcher.presented - 1,
                "exact": watcher.exact,
                "stills": watcher.picture.stills,
                "videos": watcher.picture.videos,
                "video_bytes": watcher.picture.video_bytes,
                "bytes": connection.received - received,
                "cpu_ms": round(sum(cpu.values()), 1),
                "cpu_ms_by_process": {name: round(value, 1) for name, value in cpu.items()},
                "frame_cpu_ms": round(frame_cpu, 2),
                "frame_kb": round((connection.received - first_bytes) / later / 1000, 2),
                "memory_mb": round(sum(map(resident_mb, pids.values())), 1),
            }
            while "done" not in replay.next():
                pass
            times = key_latency(connection, replay)
            result["key_p50_ms"] = round(float(np.percentile(times, 50)), 2)
            result["key_p95_ms"] = round(float(np.percentile(times, 95)), 2)
            connection.close()
            result |= first_screen(product, frames, without)
            result["floor_ms"] = floor(trace, fps, len(frames))
            result["cpu_to_floor"] = round(result["cpu_ms"] / result["floor_ms"], 2)
            return result
    finally:
        replay.end()


def show(results: list[dict[str, Any]]) -> None:
    """Print a table, with each figure's ratio to its goal."""
    click.echo(f"{'trace':<14}{'frames':>7}{'exact':>7}{'stills':>7}{'videos':>7}", nl=False)
    click.echo("".join(f"{name:>20}" for name in GOALS))
    for result in results:
        row = f"{result['trace']:<14}{result['presented']:>7}{result['exact']:>7}{result['stills']:>7}"
        row += f"{result['videos']:>7}"
        for name, goal in GOALS.items():
            row += f"{result[name]:>12,} ({result[name] / goal:4.2f})"
        click.echo(row)
    for result in results:
        click.echo(
            f"{result['trace']}: {result['cpu_to_floor']} times the processor time of the floor "
            f"({result['floor_ms']} ms: raw RFB in, comparison, zstd, TLS, in one process); "
            f"first screen: {result['first_screen_kb']} kB, {result['first_screen_ms']} ms; "
            f"a later frame: {result['frame_kb']} kB, {result['frame_cpu_ms']} ms of processor time"
        )
    click.echo("In brackets: the figure as a share of its goal, set for 57 frames of scrolled text.")


def _capabilities(names: Sequence[str]) -> list[tsg.Capability]:
    """Return what a viewer cannot do that is `--without` these."""
    named = [tsg.Capability[name.upper()] for name in names if name != "video"]
    return named + ([tsg.Capability[codec.name] for codec in tsg.Codec] if "video" in names else [])


@click.command()
@click.option(
    "--trace", "paths", type=click.Path(exists=True, path_type=Path), multiple=True, help="Replay this."
)
@click.option(
    "--without",
    type=click.Choice(["jpeg", "copy", "video"]),
    multiple=True,
    help="Be a viewer that cannot do this, to see what it is good for.",
)
@click.option("--fps", default=15.0, show_default=True, help="Frames a second.")
def main(paths: tuple[Path, ...], without: tuple[str, ...], fps: float) -> None:
    """Replay traces through the product; without --trace, traces the bench renders itself."""
    with tempfile.TemporaryDirectory(prefix="tsg-traces-") as folder:
        chosen = list(paths)
        if not chosen:
            for name, render in RENDERED.items():
                chosen.append(Path(folder) / f"{name}.bgrx.zst")
                click.echo(f"rendering {name} …", err=True)
                traces.save(chosen[-1], render())
        results = []
        for trace in chosen:
            click.echo(f"replaying {trace.name} …", err=True)
            pace = 2 * fps if trace.name.startswith("player") else fps
            results.append(measure(trace, pace, _capabilities(without)))
    show(results)
    out = Path(__file__).parent / "results"
    out.mkdir(exist_ok=True)
    report = out / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    machine = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "fps": fps,
        "without": without,
    }
    report.write_text(json.dumps(machine | {"results": results}, indent=2))
    click.echo(f"written: {report}")


if __name__ == "__main__":
    main()
