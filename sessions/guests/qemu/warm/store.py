"""The folder of warm templates.

    KEY/template.json    what it is (`Template`)
    KEY/memory           the guest's memory, sparse                   (memory.py)
    KEY/holder           which process shares it now
    KEY/devices          the state of its devices                     (devices.py)
    KEY/pointer          how the pointer looked                       (../pointer.py)
    KEY/disk.qcow2       what it had written, an overlay on the image's disk, where that has one
    KEY.failures         when building or cloning it failed, and why: a line each
    KEY.partial-…/       one that is being built
    building             locked by who builds

The image's own files are not needed: a clone takes them from the image, whose version the key holds.
Everything here blocks.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import RLock

from sessions.guests.qemu import disk
from sessions.guests.qemu.state import POINTER
from sessions.guests.qemu.warm import memory
from sessions.images.shelf import Partial, Shelf

DESCRIPTION, DEVICES, FAILURES, BUILDING = "template.json", "devices", ".failures", "building"
MAX_FAILURES = 3
FAILURE_SECONDS = 24 * 3600.0
"""After so many failures within so long no more is tried with a template of that key."""
_MAX_DESCRIPTION = 64 * 1024


@dataclass(frozen=True)
class Template:
    """A template of an image's version, for machines of a size.

    qemu: the version that made it. made: seconds since 1970.
    """

    key: str
    image: str
    version: str
    memory_mb: int
    cpus: int
    qemu: tuple[int, ...]
    made: float

    @property
    def slot(self) -> str:
        """Which others it replaces: all of the same image and size."""
        return slot_of(self.image, self.memory_mb, self.cpus)


def slot_of(image: str, memory_mb: int, cpus: int) -> str:
    """Return what templates that replace each other have in common."""
    return f"{image}, {memory_mb} MiB, {cpus} processors"


@dataclass
class Taken:
    """What a clone needs of a template: descriptors, closed by `close`."""

    template: Template
    memory: int
    devices: int

    def close(self) -> None:
        """Let go of it."""
        for descriptor in (self.memory, self.devices):
            if descriptor >= 0:
                os.close(descriptor)
        self.memory = self.devices = -1


class WarmStore:
    """The templates below one folder, which need not exist yet. now: seconds since 1970."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shelf = Shelf(folder)
        self._memories: dict[str, tuple[int, int]] = {}  # by key: descriptor, and inode of the file
        self._lock = RLock()  # of what is above: threads come here at once

    def list(self) -> list[Template]:
        """All templates that can be read."""
        found = []
        for name in self._shelf.names():
            with contextlib.suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
                found.append(_read(self.folder / name))
        return found

    def has(self, key: str) -> bool:
        """Whether there is one of that key."""
        return (self.folder / key / DESCRIPTION).is_file()

    def take(self, key: str, folder: Path) -> Taken | None:
        """Give a guest's folder what it needs to be a clone; None when there is no such template.

        Raises OSError, GuestError, ValueError when it is damaged.
        """
        entry = self.folder / key
        with self._shelf.steady():
            if not self.has(key):
                return None
            taken = Taken(_read(entry), self._memory(key), -1)
            try:
                taken.devices = os.open(entry / DEVICES, os.O_RDONLY | os.O_CLOEXEC)
                for name, own in ((disk.OVERLAY, disk.WARM), (POINTER, POINTER)):
                    if (entry / name).exists():
                        (folder / own).unlink(missing_ok=True)
                        disk.own(entry / name, folder / own)
            except BaseException:
                taken.close()
                raise
        return taken

    def warm_up(self, key: str) -> None:
        """Have the memory ready before the first clone needs it. Raises OSError."""
        with self._shelf.steady():
            if self.has(key):
                os.close(self._memory(key))

    def begin(self, key: str) -> Partial:
        """Return a folder to fill; what interrupted builds left is removed. Raises OSError."""
        return self._shelf.begin(key)

    def describe(self, folder: Path, template: Template) -> None:
        """Write a template's description. Raises OSError."""
        (folder / DESCRIPTION).write_text(json.dumps(asdict(template), indent=2) + "\n", encoding="utf-8")

    def put(self, partial: Partial, template: Template) -> None:
        """Put a filled folder in place; older ones of the same slot go. Clones have links of their own."""
        partial.put()
        self._close(template.key)
        for other in self.list():
            if other.slot == template.slot and other.key != template.key:
                self.remove(other.key)

    def remove(self, key: str) -> None:
        """Remove a template. Raises OSError."""
        self._shelf.remove(key)
        (self.folder / f"{key}{FAILURES}").unlink(missing_ok=True)
        self._close(key)

    def spoil(self, key: str, why: str) -> None:
        """Remove a template that does not work, or none where it could not be made; remember that."""
        with contextlib.suppress(OSError):
            self._shelf.remove(key)
        self._close(key)
        with contextlib.suppress(OSError):  # then it is tried once more
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f"{key}{FAILURES}").open("a", encoding="utf-8") as file:
                file.write(f"{time.time():.0f} {' '.join(why.split())[:1000]}\n")

    def given_up(self, key: str) -> bool:
        """Whether it has failed so often that it is left alone for a day."""
        recent = 0
        with contextlib.suppress(OSError, ValueError, IndexError):
            for line in (self.folder / f"{key}{FAILURES}").read_text(encoding="utf-8").splitlines()[-100:]:
                recent += float(line.split()[0]) > time.time() - FAILURE_SECONDS
        return recent >= MAX_FAILURES

    @contextlib.contextmanager
    def building(self) -> Iterator[bool]:
        """Within the block nobody else builds here; gives False when somebody does. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.folder / BUILDING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            yield False
            return
        try:
            yield True
        finally:
            os.close(lock)

    def close(self) -> None:
        """Let go of all memory."""
        for key in list(self._memories):
            self._close(key)

    def _memory(self, key: str) -> int:
        """Return a descriptor of the caller's own."""
        with self._lock:
            inode = (self.folder / key / memory.MEMORY).stat().st_ino
            held, of = self._memories.get(key, (-1, -1))
            if of != inode:
                self._close(key)
                held = memory.share(self.folder / key)
                self._memories[key] = held, inode
            return os.dup(held)

    def _close(self, key: str) -> None:
        with self._lock:
            held, _ = self._memories.pop(key, (-1, -1))
            if held >= 0:
                os.close(held)


def _read(folder: Path) -> Template:
    """Raises OSError, ValueError, TypeError, KeyError, RecursionError."""
    with (folder / DESCRIPTION).open("rb") as file:
        told = json.loads(file.read(_MAX_DESCRIPTION))
    return Template(
        folder.name, str(told["image"]), str(told["version"]), int(told["memory_mb"]), int(told["cpus"]),
        tuple(int(part) for part in told["qemu"]), float(told["made"]),
    )  # fmt: skip
