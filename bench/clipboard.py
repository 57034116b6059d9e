"""What a large clipboard costs, and what it costs typing meanwhile: `python -m bench.clipboard [--mb 10]`.

A real Xvnc is the desktop: somebody types into a terminal there, over TLS through gateway and session host,
with nothing in the clipboard, then while contents go in and out again and again, by turns. In: a program in
the desktop pastes. Out: what it has copied, which a VNC server gives out up to a megabyte of.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bench.product import Connection, Product, cpu_seconds
from sessions.wire import tsg
from sessions.wire.tsg import Capability, ClipboardFormat

KEYS = 60
OUT_BYTES = 900_000
PAUSE = 0.03
_A, _ENTER = (0x1E, 0x61), (0x1C, 0xFF0D)


class Xvnc:
    """A desktop with a terminal in it."""

    def __init__(self, folder: Path) -> None:
        self.socket = str(folder / "vnc")
        read, write = os.pipe()
        options = [
            "-geometry",
            "1280x800",
            "-depth",
            "24",
            "-SecurityTypes",
            "None",
            "-MaxCutText",
            str(64 << 20),
        ]
        command = ["Xvnc", "-displayfd", str(write), "-rfbunixpath", self.socket, "-rfbport", "-1", *options]
        null = subprocess.DEVNULL
        self._children = [subprocess.Popen(command, pass_fds=[write], stdout=null, stderr=null)]
        os.close(write)
        with os.fdopen(read) as number:
            self._environment = {**os.environ, "DISPLAY": f":{number.readline().strip()}"}
        self.start("xterm", "-geometry", "100x40+0+0", "-e", "cat")

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a program in it."""
        null = subprocess.DEVNULL
        child = subprocess.Popen(command, env=self._environment, stdin=null, stdout=null, stderr=null)
        self._children.append(child)
        return child

    def end(self) -> None:
        """End it."""
        for child in reversed(self._children):
            child.terminate()
            child.wait()


class Viewer:
    """A viewer that types, measures, and does what the clipboard asks of it."""

    def __init__(self, connection: Connection, content: bytes) -> None:
        self.connection = connection
        self.content = content
        self.frames = 0
        self.arrived = 0  # bytes of contents from the desktop
        self.copy = 0  # the number of what the desktop offers
        self.takes = 0
        self._sent = self._acknowledged = 0

    def turn(self, seconds: float) -> None:
        """Act on what comes within this time, or at once."""
        for data in self.connection.messages(seconds):
            message = tsg.decode(data, tsg.FROM_SERVER)
            match message:
                case tsg.Frame():
                    self.frames += 1
                    self.connection.send(tsg.Ack(message.number, 500, 1000))
                case tsg.ClipboardOffer() if message.parts:
                    self.copy = message.id
                case tsg.ClipboardTaken():
                    self.takes += 1
                case tsg.ClipboardRequest():
                    self._sent = self._acknowledged = 0
                    self._go_on(message.id)
                case tsg.ClipboardAck():
                    self._acknowledged = message.received
                    self._go_on(message.id)
                case tsg.ClipboardData():
                    self.arrived += len(message.data)
                    at = message.size if self.arrived % message.size == 0 else self.arrived % message.size
                    self.connection.send(tsg.ClipboardAck(message.id, message.format, at))

    def _go_on(self, id: int) -> None:
        size = len(self.content)
        while self._sent < size and self._sent - self._acknowledged < tsg.CLIPBOARD_WINDOW:
            piece = self.content[self._sent : self._sent + tsg.CLIPBOARD_PIECE]
            self._sent += len(piece)
            self.connection.send(tsg.ClipboardData(id, ClipboardFormat.TEXT, size, piece))

    def settle(self) -> None:
        """Take what comes until nothing comes."""
        while True:
            before = self.frames, self.arrived
            self.turn(0.3)
            if (self.frames, self.arrived) == before:
                return

    def type(self, count: int) -> list[float]:
        """Type so many characters, one after the other; return the milliseconds to each one's picture."""
        times = []
        for number in range(count):
            code, symbol = _ENTER if number % 40 == 39 else _A
            before, began = self.frames, time.monotonic()
            for down in (1, 0):
                self.connection.send(tsg.Key(down, code, symbol))
            while self.frames == before and time.monotonic() - began < 5:
                self.turn(1)
            times.append((time.monotonic() - began) * 1000)
            until = time.monotonic() + PAUSE
            while (left := until - time.monotonic()) > 0:
                self.turn(left)
        return times


def copied(desktop: Xvnc, viewer: Viewer, folder: Path) -> None:
    """Have the desktop hold something."""
    file = folder / "copied"
    file.write_bytes(b"0123456789abcde\n" * (OUT_BYTES // 16))
    desktop.start("xclip", "-selection", "clipboard", "-i", str(file))
    while not viewer.copy:
        viewer.turn(1)


def bring_in(desktop: Xvnc, viewer: Viewer, number: int) -> subprocess.Popen[bytes]:
    """Offer the content, and have a program paste it; it ends when it has it."""
    before = viewer.takes
    part = tsg.ClipboardPart(ClipboardFormat.TEXT, len(viewer.content))
    viewer.connection.send(tsg.ClipboardOffer(number, (part,)))
    while viewer.takes == before:
        viewer.turn(1)
    return desktop.start("sh", "-c", "exec xclip -selection clipboard -o")


@contextmanager
def product(desktop: Xvnc) -> Iterator[tuple[Product, Connection]]:
    """The gateway, and a viewer of the desktop."""
    with Product(f'kind = "rfb"\nsocket = "{desktop.socket}"') as made:
        clipboards = (Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT)
        yield made, made.connect(1280, 800, also=clipboards)


def _figures(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=20)
    return {"p50": round(statistics.median(times), 1), "p95": round(cuts[-1], 1), "max": round(max(times), 1)}


@click.command(help=__doc__)
@click.option("--mb", default=10, show_default=True, help="size of what is brought in, MB")
@click.option("--rounds", default=4, show_default=True, help="how often all of it is done")
def main(mb: int, rounds: int) -> None:
    """Print a JSON object."""
    content = b"".join(b"%015x\n" % number for number in range(mb * 65536))
    quiet: list[float] = []
    going_in: list[float] = []
    going_out: list[float] = []
    taken: dict[str, list[float]] = {"in_seconds": [], "in_cpu_seconds": [], "out_seconds": []}
    with tempfile.TemporaryDirectory(prefix="tsg-bench-") as folder:
        desktop = Xvnc(Path(folder))
        try:
            with product(desktop) as (made, connection):
                viewer = Viewer(connection, content)
                viewer.settle()
                connection.send(tsg.Pointer(100, 100, 0))  # what is under the pointer has the keyboard
                viewer.settle()
                pids = made.processes().values()
                for number in range(1, rounds + 1):
                    quiet += viewer.type(KEYS)
                    began, cpu = time.monotonic(), sum(map(cpu_seconds, pids))
                    pasting = bring_in(desktop, viewer, 2 * number)
                    while pasting.poll() is None:
                        viewer.turn(0.05)
                    taken["in_seconds"].append(time.monotonic() - began)
                    taken["in_cpu_seconds"].append(sum(map(cpu_seconds, pids)) - cpu)
                    pasting = bring_in(desktop, viewer, 2 * number + 1)
                    viewer.content = content[:-number] + b"x" * number  # another one, not kept anywhere
                    while pasting.poll() is None:
                        going_in += viewer.type(1)
                    viewer.copy = 0
                    copied(desktop, viewer, Path(folder))
                    began = time.monotonic()
                    for _ in range(mb):
                        due = viewer.arrived + OUT_BYTES // 16 * 16
                        viewer.connection.send(
                            tsg.ClipboardRequest(viewer.copy, ClipboardFormat.TEXT, 1 << 30)
                        )
                        while viewer.arrived < due:
                            going_out += viewer.type(1)
                    taken["out_seconds"].append(time.monotonic() - began)
                received = connection.received
        finally:
            desktop.end()
    best = {name: round(min(values), 3) for name, values in taken.items()}
    typing = {"nothing": _figures(quiet), "in": _figures(going_in), "out": _figures(going_out)}
    json.dump({"mb": mb, **best, "received": received, "typing_ms": typing}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
