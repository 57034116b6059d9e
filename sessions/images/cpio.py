"""The archive that the kernel unpacks as its first file system ("newc", see the kernel's
Documentation/driver-api/early-userspace/buffer-format.rst). Pure.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A file of the archive. mode: type and rights as in stat(2); device: major, minor of a device node."""

    path: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(path: str) -> Entry:
    """A directory that everybody may read."""
    return Entry(path, stat.S_IFDIR | 0o755)


def file(path: str, content: bytes, rights: int = 0o644) -> Entry:
    """A regular file."""
    return Entry(path, stat.S_IFREG | rights, content)


def console() -> Entry:
    """The device that the first program's output goes to; the kernel opens it before anything is mounted."""
    return Entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))


def modules(files: Iterable[tuple[str, bytes]], parameters: Mapping[str, str]) -> list[Entry]:
    """Kernel modules below modules/, and modules/order: a line each, the file and its parameters.

    files: names ("virtio-gpu.ko") and contents in the order to load them; parameters: by module name.
    """
    entries, order = [], ""
    for name, content in files:
        entries.append(file(f"modules/{name}", content))
        module = name.removesuffix(".ko").replace("-", "_")
        order += f"{name} {parameters.get(module, '')}".rstrip() + "\n"
    return [*entries, file("modules/order", order.encode())]


def pack(entries: Iterable[Entry]) -> bytes:
    """The archive, all owned by root and without times, so that equal content gives equal bytes."""
    end = Entry("TRAILER!!!", 0)
    return b"".join(_pack(number, entry) for number, entry in enumerate([*entries, end], 1))


def _pack(number: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    fields = (number, entry.mode, 0, 0, 1, 0, len(entry.content), 0, 0, *entry.device, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % value for value in fields) + name
    return _aligned(head) + _aligned(entry.content)


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
