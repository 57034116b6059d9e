"""A tiny guest to test with, and what can be seen of it from outside."""

import base64
import contextlib
import os
import tempfile
from pathlib import Path

import numpy as np
from twisted.internet import reactor
from twisted.internet.task import deferLater

from sessions.guests.base import Place
from sessions.guests.qemu.guest import QemuGuest
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from tests.contracts.display_contract import Recorder
from tests.images_fixture import image_store, tiny_image

SECONDS = 180


class Machine:
    """A guest with its folder; everything it shows and says."""

    def __init__(self, folder, images=None, spec=None, house=None, **settings):
        self.folder = folder
        self.endings = []
        self.progress = []
        self.log = b""
        if images is None:
            images = tiny_image().folder.parent
        self.place = Place(
            folder, images, self.endings.append, reactor, {"accelerator": "tcg", **settings}, Size(1280, 800),
            user="ada", desktop="test", house=house,
        )  # fmt: skip
        self.guest = QemuGuest(spec or {"kind": "qemu", "template": "tiny"}, self.place)

    async def start(self):
        await self.guest.start(lambda percent, text: self.progress.append((percent, text)))
        return self

    def successor(self):
        """The same guest as a new session host sees it."""
        other = Machine.__new__(Machine)
        other.__dict__.update(self.__dict__, endings=[])
        other.place = Place(
            self.folder,
            self.place.images,
            other.endings.append,
            reactor,
            self.place.settings,
            Size(1280, 800),
        )
        other.guest = QemuGuest({"kind": "qemu", "template": "tiny"}, other.place)
        return other

    async def screen(self):
        """Open the display: (display, framebuffer, events), with the first picture there."""
        framebuffer = Framebuffer()
        events = Recorder(framebuffer)
        display = await self.guest.open_display(framebuffer, events)
        await events.until(lambda: events.updates)
        return display, framebuffer, events

    async def says(self, *lines):
        """Wait until the guest has said these lines on its serial port, in this order."""
        for _ in range(int(SECONDS / 0.05)):
            new = await self.execute("ringbuf-read", device="serial", size=65536, format="base64")
            self.log += base64.b64decode(new)
            at = 0
            for line in lines:
                at = self.log.find(line.encode() + b"\r\n", at) + 1
                if not at:
                    break
            else:
                self.log = self.log[at:]
                return
            await deferLater(reactor, 0.05)
        raise AssertionError(f"the guest never said {lines}, but {self.log[-2000:]!r}")

    async def execute(self, command, **arguments):
        return await self.guest._vm.monitor.execute(command, arguments)

    async def screendump(self):
        """What the guest shows, as QEMU itself tells it: pixels like a framebuffer's."""
        descriptor, path = tempfile.mkstemp()
        os.close(descriptor)
        descriptor = os.open(path, os.O_WRONLY)  # as QEMU would open it
        # QEMU may open no file of ours: it is given this one.
        await self.guest._vm.monitor.execute("add-fd", {"fdset-id": 9}, [descriptor])
        os.close(descriptor)
        await self.execute("screendump", filename="/dev/fdset/9")
        await self.execute("remove-fd", **{"fdset-id": 9})
        return read_ppm(Path(path))

    @property
    def pid(self):
        return self.guest._vm.process.pid


def read_ppm(path):
    """A picture QEMU has written, as a framebuffer holds it; the file is removed."""
    kind, size, depth, rest = path.read_bytes().split(b"\n", 3)
    path.unlink()
    assert (kind, depth) == (b"P6", b"255")
    width, height = map(int, size.split())
    pixels = np.frombuffer(rest, np.uint8).reshape(height, width, 3).astype("<u4")
    return pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]


def status_of(pid):
    """What the kernel tells of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def qemu_count(name):
    """How many QEMU processes run for the guest of that folder."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().split(b"\0")
            count += f"tsgateway-{name}".encode() in words and b"setpriv" not in words[0]
    return count


def open_files():
    return sorted(os.listdir("/proc/self/fd"))


__all__ = ["Machine", "image_store", "open_files", "qemu_count", "status_of"]
