"""What the browser client costs and how smooth it is: `python -m bench.browser [--trace FILE]`.

A real gateway, a real Chromium without a GPU, and a desktop of 1920×1080 that scrolls: a trace that a VNC
server replays to and fro (bench/replay.py). Told are: pictures a second on the canvas and the time between
them; from a frame's arrival to its presentation; how long the page's own thread was busy in one go, as the
browser tells it ("long tasks", over 50 ms) and as a message to itself every 4 ms feels it; processor time of
browser, gateway and session host; what is transferred before the first picture, and how long after signing in
that stands; and how memory grows. In the end the same browser shows what it can at best (bench/ceiling.py).
docs/bench.md has figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bench import traces
from bench.ceiling import ceiling
from bench.scale import cpu_seconds
from tests.e2e.gateway import RealGateway
from tests.e2e.person import Person

SIZE = 1920, 1080
PASSES = 400
"""To and fro; more than anybody waits for."""

DESKTOP = """
[desktops.page]
title = "Page"
kind = "rfb"
host = "127.0.0.1"
port = {port}
groups = ["users"]
"""

WATCH = """
(() => {
  const felt = { gaps: [], tasks: [], drawn: [], ready: performance.now() };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) felt.tasks.push(duration);
  }).observe({ type: "longtask" });
  let last = performance.now();
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    const now = performance.now();
    felt.gaps.push(now - last - 4);
    last = now;
    setTimeout(() => channel.port2.postMessage(0), 4);
  };
  channel.port2.postMessage(0);
  window.felt = felt;
  window.Worker = class extends Worker {
    constructor(...values) {
      super(...values);
      this.addEventListener("message", ({ data }) => {
        if (data.kind === "drawn") felt.drawn.push(performance.now());
      });
    }
  };
})()
"""
TAKE = """(() => {
  const { gaps, tasks, drawn } = window.felt;
  Object.assign(window.felt, { gaps: [], tasks: [], drawn: [] });
  return { gaps, tasks, drawn, now: performance.now(), memory: performance.memory?.usedJSHeapSize ?? 0 };
})()"""
TRANSFERRED = """performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
  .reduce((sum, { transferSize }) => sum + transferSize, 0)"""


@contextmanager
def replay(trace: Path, fps: float) -> Iterator[subprocess.Popen[str]]:
    """Serve the trace; it begins when a line is written."""
    command = [sys.executable, "-m", "bench.replay", str(trace), str(fps), str(PASSES)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@dataclass
class Scrolling:
    """Somebody at a desktop that scrolls, once it is opened and begun."""

    served: subprocess.Popen[str]
    gateway: RealGateway
    person: Person

    def open(self) -> None:
        """Open the desktop, and wait for its first picture."""
        self.person.browser.click("[data-key=open-page]")
        self.person.picture()

    def begin(self) -> None:
        """Let it scroll from now on."""
        if self.served.stdin is None:
            raise RuntimeError("the desktop cannot be served")
        self.served.stdin.write("\n")
        self.served.stdin.flush()


@contextmanager
def scrolling(trace: Path | None, fps: float) -> Iterator[Scrolling]:
    """Serve a desktop, a gateway and a browser. trace: what scrolls, None: one is drawn."""
    with ExitStack() as stack:
        if trace is None:
            trace = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "office"
            with traces.Writer(trace) as writer:
                for frame in traces.office():
                    writer.append(frame)
        served = stack.enter_context(replay(trace, fps))
        if served.stdout is None:
            raise RuntimeError("the desktop cannot be served")
        port = json.loads(served.stdout.readline())["port"]
        # What it tells of each frame is not wanted; it would wait for ever once a pipe is full of it.
        threading.Thread(target=deque, args=(served.stdout, 0), daemon=True).start()
        gateway = RealGateway(DESKTOP.format(port=port))
        stack.callback(gateway.stop)
        person = Person(gateway)
        stack.callback(person.stop)
        person.browser.viewport(*SIZE)
        yield Scrolling(served, gateway, person)


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def used_by(pids: list[int]) -> float:
    """Return processor seconds of those that are still there."""
    total = 0.0
    for pid in pids:
        with suppress(OSError):
            total += cpu_seconds(pid)
    return total


def of(values: list[float], share: float) -> float:
    """Return a quantile, 0 of nothing."""
    return round(sorted(values)[min(int(share * len(values)), len(values) - 1)], 2) if values else 0.0


def told(felt: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return the figures of what the page has felt."""
    between = [b - a for a, b in zip(felt["drawn"], felt["drawn"][1:], strict=False)]
    return {
        "pictures_a_second": round(len(felt["drawn"]) / seconds, 1),
        "between_ms": {"p50": of(between, 0.5), "p95": of(between, 0.95), "max": of(between, 1)},
        "thread_busy_ms": {
            "p50": of(felt["gaps"], 0.5), "p99": of(felt["gaps"], 0.99), "max": of(felt["gaps"], 1)
        },
        "busy_over_16_ms": sum(gap > 16 for gap in felt["gaps"]),
        "long_tasks": len(felt["tasks"]),
        "heap_mb": round(felt["memory"] / 1e6, 1),
    }  # fmt: skip


def measure(person: Person, gateway: RealGateway, seconds: float, rounds: int) -> list[dict[str, Any]]:
    """Measure while it scrolls."""
    browser = person.browser
    groups = {
        "browser": family(browser._process.pid), "gateway": [gateway._process.pid],
        "session_host": [gateway.host_pid],
    }  # fmt: skip
    rows = []
    for _ in range(rounds):
        browser.evaluate(TAKE)
        before = {name: used_by(pids) for name, pids in groups.items()}
        began = time.monotonic()
        time.sleep(seconds)
        felt = browser.evaluate(TAKE)
        passed = time.monotonic() - began
        used = {name: round(100 * (used_by(pids) - before[name]) / passed) for name, pids in groups.items()}
        rows.append(told(felt, passed) | {"cpu_percent": used})
    return rows


@click.command()
@click.option(
    "--trace", type=click.Path(exists=True, path_type=Path), help="what to replay, else a trace is drawn"
)
@click.option("--fps", default=60.0, help="pictures a second of the desktop")
@click.option("--seconds", default=15.0, help="of each round")
@click.option("--rounds", default=2)
def main(trace: Path | None, fps: float, seconds: float, rounds: int) -> None:
    """Measure the browser client and print JSON."""
    with scrolling(trace, fps) as there:
        browser = there.person.browser
        browser.evaluate(WATCH)
        began = time.monotonic()
        there.open()
        first = time.monotonic() - began
        page = browser.evaluate(TRANSFERRED)
        there.begin()
        time.sleep(3)
        rows = measure(there.person, there.gateway, seconds, rounds)
        there.served.kill()
        best = ceiling(browser, seconds)
    print(json.dumps({
        "first_picture_s": round(first, 2), "transferred_kb": round(page / 1000), "asked_fps": fps,
        "rounds": rows, "ceiling": best,
        "of_ceiling": [round(row["pictures_a_second"] / best["pictures_a_second"], 2) for row in rows],
    }, indent=2))  # fmt: skip


if __name__ == "__main__":
    main()
