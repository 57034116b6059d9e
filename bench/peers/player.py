"""Play a trace into a screen, by the clock: an X screen, or memory that QEMU shows.

    python -m bench.peers.player x11::7 TRACE FPS          prints one line of JSON a happening:
    python -m bench.peers.player ram:FILE:OFFSET TRACE FPS
        {"ready": true}             the screen is black, and waits for a line on its input
        {"frame": n, "began": t}    at monotonic time t frame n began to be painted
        {"done": seconds}

Only what changed is painted, as the rectangles that bench/replay.py would send. A peer that is slower than
the clock misses frames; that is its own affair.
"""

from __future__ import annotations

import json
import mmap
import sys
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bench.traces import HEIGHT, WIDTH, load, updates
from bench.xscreen import XScreen
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect


class Surface(Protocol):
    """What can be painted on."""

    def paint(self, frame: Pixels, rects: list[Rect]) -> None:
        """Paint these parts of a frame."""


class Memory:
    """A frame buffer in a file that another process has mapped too."""

    def __init__(self, path: Path, offset: int) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), offset + WIDTH * HEIGHT * 4)
        self._pixels = np.frombuffer(self._map, "<u4", WIDTH * HEIGHT, offset).reshape(HEIGHT, WIDTH)

    def paint(self, frame: Pixels, rects: list[Rect]) -> None:
        """Paint these parts of a frame."""
        for rect in rects:
            rows, columns = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
            self._pixels[rows, columns] = frame[rows, columns]


def surface(place: str) -> Surface:
    """Return the surface that `x11:DISPLAY` or `ram:FILE:OFFSET` means."""
    kind, _, rest = place.partition(":")
    if kind == "ram":
        path, _, offset = rest.rpartition(":")
        return Memory(Path(path), int(offset))
    screen = XScreen(rest)
    if screen.size != (WIDTH, HEIGHT):
        raise SystemExit(f"the X screen {rest} is {screen.size}, not {WIDTH}×{HEIGHT}")
    screen.cover()
    return screen


def tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    place, trace, fps = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    steps = [(parts[0][0], [rect for _, rect in parts]) if parts else None for parts in updates(load(trace))]
    onto = surface(place)
    onto.paint(np.zeros((HEIGHT, WIDTH), "<u4"), [Rect(0, 0, WIDTH, HEIGHT)])
    tell(ready=True)
    sys.stdin.readline()
    start = time.monotonic()
    for number, step in enumerate(steps):
        time.sleep(max(0.0, start + number / fps - time.monotonic()))
        tell(frame=number, began=time.monotonic())
        if step is not None:
            onto.paint(*step)
    tell(done=round(time.monotonic() - start, 3))
    sys.stdin.readline()


if __name__ == "__main__":
    main()
