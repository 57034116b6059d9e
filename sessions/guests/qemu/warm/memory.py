"""A template's memory: one copy, shared with every clone, that none of them can change.

QEMU maps its guest's memory from a file. Its 7.2 opens that file for writing even where it maps it privately,
and clones run under user ids of their own, of which none may reach the others. So what they are given is no
file of the disk but a sealed memfd: everybody may open it and map it privately, nobody can write to it, not
even who has opened it for writing or is root (memfd_create(2), F_SEAL_WRITE).

The session hosts of one machine share it, too: `holder` beside the memory's file says which process has it
and under which number. It lasts as long as somebody holds it; then it is filled again, in 0.2 s.
Everything here blocks.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path

from sessions.files import write_whole
from sessions.guests.qemu.process import ProcessId

MEMORY, HOLDER = "memory", "holder"
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
_MAX_HOLDER = 4096
_PIECE = 1 << 20
_PAGE = 4096
_ZEROS = bytes(_PAGE)


def new(size: int) -> int:
    """Return a memfd for a machine to write its memory to, size in bytes. Raises OSError."""
    descriptor = os.memfd_create("tsgateway-memory", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def keep(memory: int, path: Path) -> None:
    """Write it to a file; what is only zeros takes no room there. Raises OSError."""
    with path.open("wb") as file:
        file.truncate(os.fstat(memory).st_size)
        for start, end in _written(memory):
            for at in range(start, end, _PIECE):
                piece = memoryview(os.pread(memory, min(_PIECE, end - at), at))
                for offset in range(0, len(piece), _PAGE):
                    page = piece[offset : offset + _PAGE]
                    if page != _ZEROS[: len(page)]:
                        os.pwrite(file.fileno(), page, at + offset)


def share(folder: Path) -> int:
    """Return a descriptor of the sealed memory of the template in `folder`. Raises OSError.

    Another process's if one holds it, else it is filled from the file.
    """
    with (folder / MEMORY).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # so that of several who come at once one fills it
        size = os.fstat(file.fileno()).st_size
        held = _held(folder, size)
        if held >= 0:
            return held
        memory = new(size)
        try:
            _fill(memory, file.fileno())
            fcntl.fcntl(memory, fcntl.F_ADD_SEALS, SEALS)
            _tell(folder, memory)
        except BaseException:
            os.close(memory)
            raise
        return memory


def _fill(memory: int, file: int) -> None:
    for start, end in _written(file):
        os.lseek(memory, start, os.SEEK_SET)
        at = start
        while at < end:
            copied = os.sendfile(memory, file, at, min(_PIECE, end - at))
            if not copied:
                raise OSError(5, "the template's memory is shorter than it was")
            at += copied


def _written(file: int) -> list[tuple[int, int]]:
    """Where a sparse file has something: (first byte, first byte after)."""
    found, at = [], 0
    with contextlib.suppress(OSError):  # ENXIO: nothing more
        while True:
            start = os.lseek(file, at, os.SEEK_DATA)
            at = os.lseek(file, start, os.SEEK_HOLE)
            found.append((start, at))
    return found


def _tell(folder: Path, memory: int) -> None:
    """Say that we have it. One that cannot be written down is just not found by others."""
    us = ProcessId.of(os.getpid())
    if us is not None:
        inode = os.fstat(memory).st_ino
        line = json.dumps({"pid": us.pid, "started": us.started, "descriptor": memory, "inode": inode})
        with contextlib.suppress(OSError):
            write_whole(folder / HOLDER, line.encode())


def _held(folder: Path, size: int) -> int:
    """Return a descriptor of our own for what another process holds, or -1."""
    try:
        with (folder / HOLDER).open("rb") as file:
            told = json.loads(file.read(_MAX_HOLDER))
        holder = ProcessId(int(told["pid"]), int(told["started"]))
        number, inode = int(told["descriptor"]), int(told["inode"])
    except (OSError, ValueError, TypeError, KeyError):
        return -1
    if not holder.alive:
        return -1
    try:
        found = os.open(f"/proc/{holder.pid}/fd/{number}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1
    with contextlib.suppress(OSError):  # EINVAL: the number is another kind of file by now
        status = os.fstat(found)
        sealed = fcntl.fcntl(found, fcntl.F_GET_SEALS) == SEALS
        if sealed and (status.st_ino, status.st_size) == (inode, size):
            return found
    os.close(found)
    return -1
