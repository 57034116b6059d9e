"""QEMU's own VNC server, without a guest.

QEMU's test protocol (qtest) takes the place of a processor: over it the bench sets up a frame buffer in the
machine's memory (ramfb) as firmware would. That memory is a file, which the player paints into.
"""

from __future__ import annotations

import contextlib
import mmap
import socket
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.peers.base import Lines, Mode, PeerError, Run
from bench.peers.processes import free_port, missing, running, tree
from bench.peers.rfb import RfbViewer
from bench.peers.vnc import playing, viewer
from bench.traces import HEIGHT, WIDTH

LOSSY = Mode("usual", False, "-vnc …,lossy=on; Tight with JPEG, quality 8, compression 2")
LOSSLESS = Mode("lossless", True, "as QEMU does by itself; Tight without JPEG, compression 2")

_MEMORY = 64 << 20
_REQUEST, _SETTINGS, _PICTURE = 1 << 20, (1 << 20) + 64, 16 << 20  # addresses in the machine's memory
_SELECTOR, _DATA, _DMA_HIGH, _DMA_LOW = 0x510, 0x511, 0x514, 0x518  # ports of fw_cfg
_DIRECTORY = 0x19
_DMA_WRITE, _DMA_SELECT, _DMA_ERROR = 0x10, 0x08, 0x01
_XRGB8888 = int.from_bytes(b"XR24", "little")


class Qtest:
    """The machine's ports, through QEMU's test protocol: lines of words over a socket."""

    def __init__(self, path: Path) -> None:
        deadline = time.monotonic() + 60
        self._socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self._socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self._lines = self._socket.makefile("r")

    def command(self, text: str) -> str:
        """Return the answer to a command. Raises PeerError."""
        self._socket.sendall(text.encode() + b"\n")
        while (line := self._lines.readline()).startswith("IRQ"):
            pass
        if not line.startswith("OK"):
            raise PeerError(f"QEMU's test protocol answers {line.strip()!r} to {text}")
        return line[2:].strip()

    def close(self) -> None:
        """End the connection; QEMU goes on."""
        self._lines.close()
        self._socket.close()

    def configuration_file(self, name: bytes) -> int:
        """Return the selector of one of fw_cfg's files."""
        self.command(f"outw {_SELECTOR} {_DIRECTORY}")
        (count,) = struct.unpack(">I", self._read(4))
        for _ in range(count):
            _, selector, found = struct.unpack(">IHxx56s", self._read(64))
            if found.rstrip(b"\0") == name:
                return int(selector)
        raise PeerError(f"this QEMU has no {name.decode()}")

    def _read(self, count: int) -> bytes:
        return bytes(int(self.command(f"inb {_DATA}"), 16) for _ in range(count))


def show_memory(qtest: Qtest, memory: mmap.mmap) -> None:
    """Have the machine's screen show its memory from _PICTURE on."""
    selector = qtest.configuration_file(b"etc/ramfb")
    settings = struct.pack(">QIIIII", _PICTURE, _XRGB8888, 0, WIDTH, HEIGHT, WIDTH * 4)
    memory[_SETTINGS : _SETTINGS + len(settings)] = settings
    control = selector << 16 | _DMA_SELECT | _DMA_WRITE
    memory[_REQUEST : _REQUEST + 16] = struct.pack(">IIQ", control, len(settings), _SETTINGS)
    qtest.command(f"outl {_DMA_HIGH} 0")
    qtest.command(f"outl {_DMA_LOW} {int.from_bytes(_REQUEST.to_bytes(4, 'big'), 'little')}")
    if struct.unpack_from(">I", memory, _REQUEST)[0] & _DMA_ERROR:
        raise PeerError("QEMU does not take the frame buffer")


class _Awake:
    """A feed before which the pointer moves: QEMU looks at an idle screen every two seconds only."""

    def __init__(self, feed: Lines, watching: RfbViewer) -> None:
        self._feed, self._watching = feed, watching

    def go(self) -> None:
        """Start, with frame 0."""
        self._watching.move(1, 1)
        time.sleep(0.1)
        self._feed.go()

    def next(self) -> dict[str, Any]:
        """Return what happened."""
        return self._feed.next()


class Qemu:
    """QEMU's VNC server on a frame buffer in memory."""

    name = "QEMU"
    package = "qemu-system-x86"
    note = "its ramfb is compared whole at each look, as there is no guest that says what it drew"
    modes = (LOSSY, LOSSLESS)
    version_command = ("qemu-system-x86_64", "--version")

    def missing(self) -> str:
        """Return QEMU's command when it is not there."""
        return missing("qemu-system-x86_64")

    @contextlib.contextmanager
    def run(self, mode: Mode, trace: Path, fps: float) -> Iterator[Run]:
        """Start it, with a screen that shows a file."""
        with tempfile.TemporaryDirectory(prefix="tsg-bench-", dir="/dev/shm") as folder:
            ram, control, port = Path(folder) / "ram", Path(folder) / "qtest", _vnc_port()
            ram.write_bytes(b"")
            with ram.open("r+b") as file:
                file.truncate(_MEMORY)
                memory = mmap.mmap(file.fileno(), _MEMORY)
            command = [
                "qemu-system-x86_64",
                "-nodefaults",
                "-machine",
                "pc,accel=tcg,memory-backend=ram",
                "-S",
            ]
            command += [
                "-m",
                "64M",
                "-object",
                f"memory-backend-file,id=ram,size=64M,mem-path={ram},share=on",
            ]
            command += ["-vga", "none", "-device", "ramfb", "-qtest", f"unix:{control},server=on,wait=off"]
            lossy = "off" if mode.lossless else "on"
            command += ["-qtest-log", "none", "-vnc", f"127.0.0.1:{port - 5900},lossy={lossy}"]
            with running(command) as pid, contextlib.closing(Qtest(control)) as qtest:
                show_memory(qtest, memory)
                with playing(f"ram:{ram}:{_PICTURE}", trace, fps) as feed:
                    time.sleep(2.5)  # until QEMU has looked at the frame buffer: it tells viewers its size
                    watching = viewer(port, mode)
                    with contextlib.closing(watching):
                        yield Run(
                            _Awake(feed, watching),
                            watching,
                            lambda: {f"QEMU {each}": each for each in tree(pid)},
                        )


def _vnc_port() -> int:
    """Return a free port that QEMU can have: it counts displays from port 5900."""
    while (port := free_port()) < 5900:
        pass
    return port
