"""How much a person's shared folders hold, counted across processes.

Gateway and session hosts write there, so the count is in a file that each of them locks for a moment. What it
says may be behind the disk after a power cut only: it is counted anew when the machine has been booted since.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sessions.transfer.errors import TransferError

ENTRY = 4096
"""What a file or folder counts beside its content, bytes, so that empty ones cannot be made without end."""
_KEPT = struct.Struct(">16sq")


class Account:
    """One person's account. file: keeps it; folder: what is counted; limit: bytes, 0 for no limit."""

    def __init__(self, file: Path, folder: Path, limit: int) -> None:
        self._file = file
        self._folder = folder
        self.limit = limit

    def used(self) -> int:
        """Return how many bytes there are."""
        with self._locked() as kept:
            return self._read(kept)

    def take(self, size: int) -> None:
        """Count so many bytes more, before they are written. Raises TransferError when that is too much."""
        with self._locked() as kept:
            used = self._read(kept)
            if self.limit and size > 0 and used + size > self.limit:
                raise full(self.limit)
            self._write(kept, max(0, used + size))

    def give(self, size: int) -> None:
        """Count so many bytes less."""
        self.take(-size)

    def check(self, size: int) -> None:
        """Raise TransferError when so many bytes more would be too much."""
        if self.limit and self.used() + size > self.limit:
            raise full(self.limit)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        kept = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(kept, fcntl.LOCK_EX)
            yield kept
        finally:
            os.close(kept)

    def _read(self, kept: int) -> int:
        data = os.pread(kept, _KEPT.size, 0)
        if len(data) == _KEPT.size:
            boot, used = _KEPT.unpack(data)
            if boot == _boot() and used >= 0:
                return int(used)
        used = sum(_counted(self._folder))
        self._write(kept, used)
        return used

    def _write(self, kept: int, used: int) -> None:
        os.pwrite(kept, _KEPT.pack(_boot(), used), 0)


def full(limit: int) -> TransferError:
    """Return what to say when there is no room left."""
    return TransferError(
        "quota_full",
        f"Your shared folder is full: it may hold {in_words(limit)}. Delete something there, then go on.",
    )


def in_words(size: int) -> str:
    """Return a size for people."""
    for unit, bytes_each in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= bytes_each:
            return f"{size / bytes_each:.4g} {unit}"
    return f"{size} bytes"


def _boot() -> bytes:
    return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))


def _counted(folder: Path) -> Iterator[int]:
    """Yield what counts below a person's folder: `<desktop>/files/**` and `<desktop>/parts/*`."""
    for desktop in folder.iterdir():
        if desktop.is_symlink() or not desktop.is_dir():
            continue
        for above, folders, files in os.walk(desktop / "files"):
            yield ENTRY * (len(folders) + len(files))
            for name in files:
                try:
                    yield os.lstat(os.path.join(above, name)).st_size
                except OSError:
                    continue
        parts = desktop / "parts"
        if parts.is_dir():
            yield from (each.lstat().st_size for each in parts.iterdir() if not each.suffix)
