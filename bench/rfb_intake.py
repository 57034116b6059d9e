"""What taking in full-motion raw RFB costs: CPU of our side only, before any encoding.

A child process serves full-HD raw updates, every pixel changed, at a fixed rate on a Unix socket. This
process takes them in through the display, compare and copy included, and reads its own CPU time.

    python -m bench.rfb_intake [--fps 30] [--seconds 10] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import socket
import struct
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.replay import exactly
from sessions.displays.base import DisplayError, DisplayEvents
from sessions.input.events import InputEvent
from sessions.pixels.compare import update
from sessions.pixels.cursor import Cursor
from sessions.pixels.framebuffer import Framebuffer, Pixels

WIDTH, HEIGHT = 1920, 1080


def serve(path: str, fps: float) -> None:
    """Be an RFB 3.8 server that sends a whole new screen at every tick."""
    noise = np.random.default_rng(1).integers(0, 1 << 24, (2, HEIGHT * WIDTH), np.uint32)
    frames = [frame.tobytes() for frame in noise]
    head = struct.pack(">BxH4Hi", 0, 1, 0, 0, WIDTH, HEIGHT, 0)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        connection, _ = server.accept()
    connection.sendall(b"RFB 003.008\n")
    exactly(connection, 12)
    connection.sendall(b"\1\1")
    exactly(connection, 1)
    connection.sendall(bytes(4))
    exactly(connection, 1)
    pixel_format = struct.pack(">4B3H3B3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
    connection.sendall(struct.pack(">HH", WIDTH, HEIGHT) + pixel_format + struct.pack(">I", 5) + b"bench")
    exactly(connection, 20)
    (encodings,) = struct.unpack(">xxH", exactly(connection, 4))
    exactly(connection, 4 * encodings)
    due = time.monotonic()
    try:
        for number in range(1 << 30):
            exactly(connection, 10)  # an update request
            due = max(due + 1 / fps, time.monotonic() - 0.5)
            time.sleep(max(due - time.monotonic(), 0))
            connection.sendall(head)
            connection.sendall(frames[number % 2])
    except (EOFError, OSError):
        pass


class Counter(DisplayEvents):
    """Counts updates, and takes the damage as a session would."""

    def __init__(self, framebuffer: Framebuffer) -> None:
        self.framebuffer = framebuffer
        self.updates = 0
        self.shown: Pixels | None = None

    def resized(self) -> None:
        pass

    def updated(self) -> None:
        self.updates += 1
        damage = self.framebuffer.take_damage()
        if self.shown is None:
            self.shown = self.framebuffer.pixels.copy()
        update(self.shown, self.framebuffer.pixels, damage)  # as is done for a viewer

    def cursor(self, cursor: Cursor) -> None:
        pass

    def pointing(self, relative: bool) -> None:
        """Nothing to learn."""

    def injected(self, event: InputEvent, waited: float) -> None:
        """Nothing to learn."""

    def lost(self, reason: DisplayError) -> None:
        raise SystemExit(str(reason))


def cpu_seconds() -> tuple[float, float]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime, usage.ru_stime


def listening(path: str) -> bool:
    return os.path.exists(path)


def measure(fps: float, seconds: float) -> dict[str, float]:
    from twisted.internet import reactor, task

    from sessions.displays.rfb import open_rfb
    from sessions.displays.sockets import connect_unix
    from sessions.wire.rfb import RfbClient

    framebuffer = Framebuffer()
    counter = Counter(framebuffer)
    result = {}

    async def run(path: str) -> None:
        while not listening(path):
            await task.deferLater(reactor, 0.05)
        connected = await connect_unix(reactor, path, 10)
        display = await open_rfb(reactor, connected, RfbClient(), framebuffer, counter)
        await task.deferLater(reactor, 1)  # everything is warm then
        start, (user, system), updates = time.monotonic(), cpu_seconds(), counter.updates
        await task.deferLater(reactor, seconds)
        elapsed = time.monotonic() - start
        user_now, system_now = cpu_seconds()
        frames = counter.updates - updates
        display.close()
        result.update(
            fps=frames / elapsed,
            mb_per_second=frames * WIDTH * HEIGHT * 4 / elapsed / 1e6,
            user_percent=(user_now - user) / elapsed * 100,
            system_percent=(system_now - system) / elapsed * 100,
            cpu_percent=(user_now - user + system_now - system) / elapsed * 100,
            cpu_ms_per_frame=(user_now - user + system_now - system) / max(frames, 1) * 1000,
        )

    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/rfb"
        child = multiprocessing.get_context("spawn").Process(target=serve, args=(path, fps), daemon=True)
        child.start()
        run_reactor(reactor, run(path))
        child.join(5)
        child.terminate()
    return result


def run_reactor(reactor, coroutine) -> None:
    from twisted.internet.defer import Deferred

    done = Deferred.fromCoroutine(coroutine)
    done.addErrback(lambda failure: failure.printTraceback())
    done.addBoth(lambda _: reactor.stop())
    reactor.run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    result = measure(arguments.fps, arguments.seconds)
    print("| RFB intake, raw 1920×1080 | frames/s | MB/s | user % | system % | CPU % of a core | ms/frame |")
    print("|---|---|---|---|---|---|---|")
    print(
        "| copy-in + compare | {fps:.1f} | {mb_per_second:.0f} | {user_percent:.1f} | {system_percent:.1f} "
        "| {cpu_percent:.1f} | {cpu_ms_per_frame:.2f} |".format(**result)
    )
    text = json.dumps({"rfb_intake": {key: round(value, 2) for key, value in result.items()}})
    print(text)
    if arguments.json:
        arguments.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
