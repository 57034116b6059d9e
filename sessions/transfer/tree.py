"""A folder and all below it, reached name by name: no link is ever followed, so nothing leads out of it.

Everything here blocks, is for threads, and raises OSError; a link that stands in the way is ELOOP or ENOTDIR.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import NamedTuple

from sessions.transfer.errors import TransferError
from sessions.transfer.names import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MAX_ENTRIES = 10_000
"""Of one folder that are listed."""


class Entry(NamedTuple):
    """Something in a folder. size: bytes, 0 for a folder; changed: Unix time."""

    name: str
    is_folder: bool
    size: int
    changed: float


class Tree:
    """The tree below a folder, which has to be there."""

    def __init__(self, root: FilePath) -> None:
        self.root = root

    @contextlib.contextmanager
    def folder(self, path: Path) -> Iterator[int]:
        """Open a folder; its descriptor is good within the block."""
        descriptor = os.open(self.root, _FOLDER)
        try:
            for name in path:
                below = os.open(name, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def entries(self, path: Path) -> list[Entry]:
        """Return what is in a folder, by name; what is neither a file nor a folder is left out."""
        found = []
        with self.folder(path) as descriptor, os.scandir(descriptor) as scanned:
            for each in scanned:
                with contextlib.suppress(OSError, UnicodeEncodeError):
                    each.name.encode()
                    if entry := _entry(each.name, each.stat(follow_symlinks=False)):
                        found.append(entry)
                if len(found) >= MAX_ENTRIES:
                    break
        return sorted(found, key=lambda entry: (not entry.is_folder, entry.name.casefold(), entry.name))

    def entry(self, path: Path) -> Entry:
        """Return what is at a path. FileNotFoundError also for what is neither a file nor a folder."""
        with self.folder(path[:-1]) as descriptor:
            if not path:
                return Entry("", True, 0, os.fstat(descriptor).st_mtime)
            found = _entry(path[-1], os.stat(path[-1], dir_fd=descriptor, follow_symlinks=False))
        if found is None:
            raise _error(errno.ENOENT, path[-1])
        return found

    def open(self, path: Path, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
        """Open a file; the caller closes it. What is no plain file is refused."""
        with self.folder(path[:-1]) as folder:
            nothing_waits = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(path[-1], flags | nothing_waits, mode, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise _error(errno.EISDIR, path[-1])
        return descriptor

    def make(self, path: Path) -> bool:
        """Make a folder; tell whether it was not there. What is above it has to be there."""
        with self.folder(path[:-1]) as above:
            try:
                os.mkdir(path[-1], 0o700, dir_fd=above)
            except FileExistsError:
                if not stat.S_ISDIR(os.stat(path[-1], dir_fd=above, follow_symlinks=False).st_mode):
                    raise
                return False
        return True

    def rename(self, old: Path, new: Path) -> None:
        """Move something; what has the new name already stays, with FileExistsError."""
        if new[: len(old)] == old:
            raise _error(errno.EINVAL, new[-1])
        with self.folder(old[:-1]) as source, self.folder(new[:-1]) as target:
            with contextlib.suppress(FileNotFoundError):
                os.stat(new[-1], dir_fd=target, follow_symlinks=False)
                raise _error(errno.EEXIST, new[-1])
            os.rename(old[-1], new[-1], src_dir_fd=source, dst_dir_fd=target)

    def sizes(self, path: Path) -> Iterator[int]:
        """Yield the size of everything at a path and below, 0 for each folder."""
        with self.folder(path[:-1]) as above:
            yield from _sizes(above, path[-1])

    def remove(self, path: Path) -> None:
        """Remove something, with all that is in it."""
        with self.folder(path[:-1]) as above:
            _remove(above, path[-1])


def _error(number: int, name: str) -> OSError:
    """Return what the system would raise; Python chooses the kind by the number."""
    return OSError(number, os.strerror(number), name)


def _entry(name: str, status: os.stat_result) -> Entry | None:
    if stat.S_ISDIR(status.st_mode):
        return Entry(name, True, 0, status.st_mtime)
    return Entry(name, False, status.st_size, status.st_mtime) if stat.S_ISREG(status.st_mode) else None


@contextlib.contextmanager
def _opened(name: str, above: int) -> Iterator[int]:
    """Open a folder that is in another; its descriptor is good within the block."""
    folder = os.open(name, _FOLDER, dir_fd=above)
    try:
        yield folder
    finally:
        os.close(folder)


def _sizes(above: int, name: str) -> Iterator[int]:
    status = os.stat(name, dir_fd=above, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode):
        yield status.st_size
        return
    yield 0
    with _opened(name, above) as folder:
        for each in os.listdir(folder):
            yield from _sizes(folder, each)


def _remove(above: int, name: str) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=above)
        return
    with _opened(name, above) as folder:
        for each in os.listdir(folder):
            _remove(folder, each)
    os.rmdir(name, dir_fd=above)


_SENTENCES = {
    errno.ENOENT: ("no_such_file", "“{name}” is not there any more."),
    errno.EEXIST: ("exists", "There is something called “{name}” already."),
    errno.ENOTDIR: ("not_a_folder", "“{name}” is not a folder."),
    errno.EISDIR: ("is_a_folder", "“{name}” is a folder."),
    errno.ENOTEMPTY: ("not_empty", "The folder “{name}” is not empty."),
    errno.ELOOP: ("refused", "“{name}” is a link, and links are not followed."),
    errno.EINVAL: ("refused", "“{name}” cannot be moved there."),
    errno.ENAMETOOLONG: ("name", "The name “{name}” is too long."),
    errno.ENOSPC: ("disk_full", "The server's disk is full; nothing is lost. Tell the administrator."),
    errno.EDQUOT: ("disk_full", "The server's disk is full; nothing is lost. Tell the administrator."),
    errno.EACCES: ("refused", "The server may not write to “{name}”. Tell the administrator."),
    errno.EROFS: ("refused", "The server may not write to “{name}”. Tell the administrator."),
}


def told(error: OSError, name: str) -> TransferError:
    """Return what to say for an error of the system about a file of this name."""
    number = error.errno or 0
    code, sentence = _SENTENCES.get(number, ("failed", "“{name}” cannot be used: {why}."))
    return TransferError(code, sentence.format(name=name, why=os.strerror(number)))
