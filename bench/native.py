"""What the native client costs and how prompt it is: `python -m bench.native [--trace FILE]`.

The real program on an X server without a screen (Xvfb), the real gateway, and a desktop of 1920×1080 that
a VNC server replays: a page that scrolls, and whole new pages one after the other. Told are milliseconds from
a picture's arrival until it is decoded and until the X server has it, the program's processor time and
memory. Beside that stands what the same machine takes in the same run for the least there is to do: to unpack
a page, and to copy it. docs/client.md has figures.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np
import zstandard

from bench import traces
from bench.browser import DESKTOP, SIZE, of, replay, used_by
from bench.memory import memory
from sessions.pixels.framebuffer import Pixels
from tests.e2e.gateway import PASSWORD, RealGateway
from tests.thinclient.display import Display
from tests.tsgateway.client.test_viewer import pin

PAGES = 12
REPAINTS_A_SECOND = 5.0
SETTLING = 3.0


def pages() -> list[Pixels]:
    """Return whole pictures of text that have nothing in common."""
    tall = traces.page(SIZE[0], PAGES * SIZE[1])
    return [np.ascontiguousarray(tall[number * SIZE[1] : (number + 1) * SIZE[1]]) for number in range(PAGES)]


def least(frames: list[Pixels]) -> dict[str, float]:
    """Return what unpacking and copying one picture takes at best, ms."""
    packed = [zstandard.ZstdCompressor(level=3).compress(frame.tobytes()) for frame in frames]
    into, unpacked, copied = np.empty_like(frames[0]), [], []
    for data, frame in zip(packed * 3, frames * 3, strict=True):
        began = time.perf_counter()
        zstandard.ZstdDecompressor().decompress(data)
        between = time.perf_counter()
        np.copyto(into, frame)
        copied.append(1000 * (time.perf_counter() - between))
        unpacked.append(1000 * (between - began))
    return {"unpack_ms": round(min(unpacked), 2), "copy_ms": round(min(copied), 2)}


class Client:
    """The program, in full screen on a display of its own."""

    def __init__(self, gateway: RealGateway, display: Display, folder: str, desktop: str = "page") -> None:
        words = ("--full-screen", "--name", "ada", "--pin", pin(gateway), gateway.url, desktop)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.native_client", *words],
            env=display.environment | {"TSCLIENT_FOLDER": folder, "TSCLIENT_PASSWORD": PASSWORD},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def pictures(self) -> list[tuple[float, float]]:
        """Return milliseconds until decoded, and until shown, of each picture since the last call."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the program cannot be asked")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        found: list[tuple[float, float]] = json.loads(self._process.stdout.readline())
        return found

    def measure(self, seconds: float) -> dict[str, Any]:
        """Return the figures of the next while."""
        self.pictures()
        before, began = used_by([self._process.pid]), time.monotonic()
        time.sleep(seconds)
        found, passed = self.pictures(), time.monotonic() - began
        used = used_by([self._process.pid]) - before
        there = memory(self._process.pid)
        decoded, shown = ([each[part] for each in found] for part in (0, 1))
        return {
            "pictures_a_second": round(len(found) / passed, 1),
            "decoded_ms": {"p50": of(decoded, 0.5), "p95": of(decoded, 0.95), "max": of(decoded, 1)},
            "shown_ms": {"p50": of(shown, 0.5), "p95": of(shown, 0.95), "max": of(shown, 1)},
            "cpu_percent": round(100 * used / passed, 1),
            "cpu_ms_a_picture": round(1000 * used / max(len(found), 1), 2),
            "memory_mib": there.whole(),
        }

    def end(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


@contextlib.contextmanager
def showing(trace: Path, fps: float, folder: str) -> Iterator[Client]:
    """Show a trace, which goes to and fro; it plays from the beginning of the block."""
    with ExitStack() as stack:
        served = stack.enter_context(replay(trace, fps))
        if served.stdout is None or served.stdin is None:
            raise RuntimeError("the desktop cannot be served")
        port = json.loads(served.stdout.readline())["port"]
        threading.Thread(target=deque, args=(served.stdout, 0), daemon=True).start()
        gateway = RealGateway(DESKTOP.format(port=port))
        stack.callback(gateway.stop)
        display = Display(*SIZE)
        stack.callback(display.stop)
        client = Client(gateway, display, folder)
        stack.callback(client.end)
        while not client.pictures():
            time.sleep(0.2)
        served.stdin.write("\n")
        served.stdin.flush()
        time.sleep(SETTLING)
        yield client


@click.command()
@click.option(
    "--trace", type=click.Path(exists=True, path_type=Path), help="what scrolls, else a trace is drawn"
)
@click.option("--fps", default=30.0, help="pictures a second while it scrolls")
@click.option("--seconds", default=10.0, help="of each part")
def main(trace: Path | None, fps: float, seconds: float) -> None:
    """Measure the native client and print JSON."""
    fresh = pages()
    result: dict[str, Any] = {"least": least(fresh)}
    with tempfile.TemporaryDirectory() as folder:
        if trace is None:
            trace = Path(folder) / "scroll"
            traces.save(trace, traces.office())
        repaint = Path(folder) / "pages"
        traces.save(repaint, fresh)
        for name, what, rate in (("scroll", trace, fps), ("whole pages", repaint, REPAINTS_A_SECOND)):
            with showing(what, rate, folder) as client:
                result[name] = client.measure(seconds)
    result["least again"] = least(fresh)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
