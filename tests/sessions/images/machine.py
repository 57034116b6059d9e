"""An image booted by QEMU as its README says, for tests that look at the image alone."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from sessions.images import Image

PATIENCE = 120  # seconds; an emulated guest on a busy machine is slow


class Machine:
    """A running guest: what it says on its serial port, its screen, its keys."""

    def __init__(self, image: Image, folder: Path) -> None:
        self.folder = folder
        self._said = b""
        self._news = threading.Condition()
        self._qemu = subprocess.Popen(
            _command(image, folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._monitor = _connected(folder / "qmp").makefile("rw")
        json.loads(self._monitor.readline())
        self.qmp("qmp_capabilities")

    def _listen(self) -> None:
        while chunk := self._qemu.stdout.read(4096):
            with self._news:
                self._said += chunk
                self._news.notify_all()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match in what the guest has said, soon or already."""

        def found() -> re.Match[str] | None:
            return re.search(pattern, self._said.decode("utf-8", errors="replace"))

        with self._news:
            if not self._news.wait_for(found, PATIENCE):
                raise AssertionError(
                    f"The guest did not say {pattern!r}, but:\n{self._said.decode()[-3000:]}"
                )
            return found()

    def forget(self) -> None:
        """Wait for new words only."""
        with self._news:
            self._said = b""

    def qmp(self, command: str, **arguments: Any) -> Any:
        self._monitor.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._monitor.flush()
        for line in self._monitor:
            answer = json.loads(line)
            if "error" in answer:
                raise AssertionError(answer["error"]["desc"])
            if "return" in answer:
                return answer["return"]
        raise AssertionError("QEMU ended")

    def event(self, *events: dict[str, Any]) -> None:
        self.qmp("input-send-event", events=list(events))

    def key(self, code: str) -> None:
        for down in (True, False):
            self.event({"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": code}}})

    def point(self, x: int, y: int, size: tuple[int, int]) -> None:
        axes = zip("xy", (x, y), size, strict=True)
        self.event(*({"type": "abs", "data": {"axis": a, "value": at * 32767 // of}} for a, at, of in axes))

    def button(self, name: str) -> None:
        for down in (True, False):
            self.event({"type": "btn", "data": {"button": name, "down": down}})

    def type_text(self, text: str) -> None:
        with contextlib.closing(_connected(self.folder / "text")) as port:
            port.sendall(base64.b64encode(text.encode()) + b"\n")

    def screen(self) -> Picture.Image:
        path = self.folder / "screen.png"
        # Not as PPM: QEMU 7.2 shears that when a row's bytes are no multiple of four.
        self.qmp("screendump", filename=str(path), format="png")
        return Picture.open(path).convert("RGB")

    def screen_when(self, good: Any) -> Picture.Image:
        """The screen as soon as it is `good`, else an error with the last one kept as a file."""
        end = time.monotonic() + PATIENCE
        while not good(shot := self.screen()):
            if time.monotonic() > end:
                shot.save(self.folder / "never.png")
                raise AssertionError(f"The screen never became good, see {self.folder}/never.png")
            time.sleep(0.25)
        return shot

    @contextlib.contextmanager
    def display(self) -> Iterator[Any]:
        """An RFB client's end; calling it with a size asks for the display to have it."""
        with contextlib.closing(_connected(self.folder / "vnc")) as rfb:
            rfb.recv(12)
            rfb.sendall(b"RFB 003.008\n")
            rfb.recv(2)
            rfb.sendall(b"\x01")
            rfb.recv(4)
            rfb.sendall(b"\x01")
            rfb.recv(4096)
            rfb.sendall(struct.pack(">BxHiiBBHHHH", 2, 2, 0, -308, 3, 0, 0, 0, 16, 16))

            def resize(width: int, height: int) -> None:
                # SetDesktopSize, community RFB protocol 7.5.7: one screen that fills it all
                rfb.sendall(struct.pack(">BxHHBxIHHHHI", 251, width, height, 1, 0, 0, 0, width, height, 0))

            yield resize

    def wait_for_end(self) -> int:
        return self._qemu.wait(PATIENCE)

    def kill(self) -> None:
        self._qemu.kill()
        self._qemu.wait()
        self._listener.join()
        self._qemu.stdout.close()
        self._monitor.close()


@contextlib.contextmanager
def booted(image: Image, folder: Path) -> Iterator[Machine]:
    machine = Machine(image, folder)
    try:
        yield machine
    finally:
        machine.kill()


def _command(image: Image, folder: Path) -> list[str]:
    def port(name: str, path: str) -> list[str]:
        return [
            *("-chardev", f"socket,id={path},path={folder / path},server=on,wait=off"),
            *("-device", f"virtserialport,chardev={path},name={name}"),
        ]

    disk = []
    if image.disk is not None:
        overlay = folder / "overlay.qcow2"
        create = [
            "qemu-img",
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            str(image.disk),
            "-F",
            "qcow2",
            str(overlay),
        ]
        subprocess.run(create, check=True)
        disk = [
            "-drive",
            f"file={overlay},if=none,id=disk,cache=unsafe",
            "-device",
            "virtio-blk-pci,drive=disk",
        ]
    return [
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "pc"),
        *("-accel", "tcg,tb-size=128", "-m", str(image.memory_mb)),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", image.append),
        *disk,
        *("-device", "virtio-vga,xres=1280,yres=800", "-display", "none", "-vnc", f"unix:{folder / 'vnc'}"),
        *("-device", "virtio-keyboard-pci", "-device", "virtio-tablet-pci", "-device", "virtio-serial-pci"),
        *port(image.text_port, "text"),
        *("-netdev", "user,id=net,restrict=on", "-device", "virtio-net-pci,netdev=net,romfile="),
        *("-serial", "stdio", "-qmp", f"unix:{folder / 'qmp'},server=on,wait=off"),
    ]


def _connected(path: Path) -> socket.socket:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(PATIENCE)
            connection.connect(str(path))
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
