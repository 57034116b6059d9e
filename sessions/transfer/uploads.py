"""Uploads: parts that grow piece by piece, and become files when they are whole.

    <share>/parts/<id>          what has come so far
    <share>/parts/<id>.json     what it shall be: {path, size, changed}

The id is made from what an upload is, so whoever begins the same one again, in another tab, after a reload or
after any process was killed, finds what is there. A file appears under its name at once and whole.
What is here blocks and runs on threads; a part is used by one thread at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from sessions.files import write_whole
from sessions.transfer import names
from sessions.transfer.errors import TransferError, WrongOffset
from sessions.transfer.names import Path
from sessions.transfer.quota import ENTRY, Account, in_words
from sessions.transfer.tree import Tree, told

MAX_SIZE = 1 << 44
MAX_PARTS = 1000
"""Unfinished uploads of one shared folder."""
SPARE_DISK = 256 << 20
"""Bytes of the server's disk that uploads leave free."""
_READ = 1 << 20
_ID = re.compile(r"[0-9a-f]{32}")
_TRIES = 10_000


@dataclass(frozen=True)
class Upload:
    """An upload. path: where the file shall be; size: bytes; changed: its time, as its owner has it.

    offset: how many bytes have come.
    """

    id: str
    path: Path
    size: int
    changed: float
    offset: int = 0


@dataclass(frozen=True)
class Stored:
    """An upload that has become a file."""

    path: Path
    size: int
    sha256: str


@dataclass
class _Growing:
    """A part in work. hashed: of its first `at` bytes."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    hashed: Any = field(default_factory=hashlib.sha256)
    at: int = 0


class Uploads:
    """The uploads to one shared folder. keep_seconds: for how long an unfinished one is kept."""

    def __init__(self, parts: FilePath, tree: Tree, account: Account, keep_seconds: float) -> None:
        self._parts = parts
        self._tree = tree
        self._account = account
        self._keep = keep_seconds
        self._growing: dict[str, _Growing] = {}
        self._lock = threading.Lock()

    def begin(self, path: Path, size: int, changed: float) -> tuple[Upload, str]:
        """Begin an upload, or go on with it; return it and the SHA-256 of what is there.

        Folders on the way are made. Raises TransferError.
        """
        if not path or not 0 <= size <= MAX_SIZE:
            raise TransferError("size", f"A file may have {in_words(MAX_SIZE)} at most.")
        self.clean()
        id = _id_of(path, size, changed)
        try:
            there = self._size(id)
            if there is None or not (self._parts / f"{id}.json").exists():
                self._make(Upload(id, path, size, changed))
            else:
                self._check_room(size - there)
            with self._grown(id) as growing:
                self._hash(id, growing, min(self._size(id) or 0, size))
                return Upload(id, path, size, changed, growing.at), growing.hashed.hexdigest()
        except OSError as error:
            raise told(error, path[-1]) from error

    def write(self, id: str, offset: int, data: bytes) -> int:
        """Add a piece; return how many bytes there are now. Raises TransferError, WrongOffset."""
        upload = self.find(id)
        with self._grown(id) as growing:
            there = self._size(id) or 0
            if offset != there or offset + len(data) > upload.size:
                raise WrongOffset(there)
            self._account.take(len(data))
            try:
                self._append(id, offset, data)
            except OSError as error:
                self._account.give(len(data))
                raise told(error, upload.path[-1]) from error
            if growing.at == offset:
                growing.hashed.update(data)
                growing.at += len(data)
        return offset + len(data)

    def finish(self, id: str, sha256: str) -> Stored:
        """Let it become a file, if it is what was sent. Raises TransferError, WrongOffset.

        A name that is taken gets a number.
        """
        upload = self.find(id)
        try:
            with self._grown(id) as growing:
                if (there := self._size(id) or 0) != upload.size:
                    raise WrongOffset(there)
                self._hash(id, growing, upload.size)
                found = growing.hashed.hexdigest()
                if found != sha256:
                    self._drop(id)
                    name = names.shown(upload.path[-1])
                    raise TransferError(
                        "hash_mismatch", f"“{name}” has not arrived as it was sent. Upload it again."
                    )
                path = self._land(upload)
                self._forget(id)
                self._date(path, upload.changed)
        except OSError as error:
            raise told(error, upload.path[-1]) from error
        return Stored(path, upload.size, found)

    def cancel(self, id: str) -> None:
        """Forget an upload and what has come of it. Raises TransferError."""
        self.find(id)
        with self._grown(id):
            self._drop(id)

    def find(self, id: str) -> Upload:
        """Return an upload that is not finished. Raises TransferError."""
        gone = TransferError("no_such_upload", "There is no such upload, or it was given up. Begin it again.")
        there = self._size(id) if _ID.fullmatch(id) else None
        if there is None:
            raise gone
        try:
            table = json.loads((self._parts / f"{id}.json").read_bytes())
            path = tuple(map(str, table["path"]))
            return Upload(id, path, int(table["size"]), float(table["changed"]), there)
        except (OSError, ValueError, KeyError, TypeError):
            raise gone from None

    def unfinished(self) -> list[Upload]:
        """Return those that are not finished."""
        found = []
        for part in sorted(self._parts.iterdir()):
            with contextlib.suppress(TransferError):
                if not part.suffix:
                    found.append(self.find(part.name))
        return found

    def clean(self) -> None:
        """Remove those that nobody has gone on with for too long, and what belongs to none."""
        for part in list(self._parts.iterdir()):
            with contextlib.suppress(OSError):
                is_old = time.time() - part.stat().st_mtime > self._keep
                if part.suffix:
                    if is_old and not part.with_suffix("").exists():
                        part.unlink()
                elif is_old:
                    self._drop(part.name)

    # ---- parts

    def _make(self, upload: Upload) -> None:
        self._check_room(upload.size + ENTRY)
        if sum(1 for _ in self._parts.iterdir()) >= 2 * MAX_PARTS:
            raise TransferError("too_many", "There are too many unfinished uploads. Give some of them up.")
        for depth in range(1, len(upload.path)):
            self._account.check(ENTRY)
            if self._tree.make(upload.path[:depth]):
                self._account.take(ENTRY)
        table = {"path": upload.path, "size": upload.size, "changed": upload.changed}
        write_whole(self._parts / f"{upload.id}.json", json.dumps(table).encode(), sync=False)
        os.close(os.open(self._parts / upload.id, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def _check_room(self, size: int) -> None:
        self._account.check(size)
        disk = os.statvfs(self._parts)
        if size > disk.f_bavail * disk.f_frsize - SPARE_DISK:
            raise TransferError(
                "disk_full", "The server's disk has no room for this file. Tell the administrator."
            )

    def _size(self, id: str) -> int | None:
        try:
            return (self._parts / id).lstat().st_size
        except FileNotFoundError:
            return None

    def _append(self, id: str, offset: int, data: bytes) -> None:
        part = os.open(self._parts / id, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            done = 0
            while done < len(data):
                done += os.pwrite(part, memoryview(data)[done:], offset + done)
        except OSError:
            os.ftruncate(part, offset)  # a piece is there whole or not at all
            raise
        finally:
            os.close(part)

    def _hash(self, id: str, growing: _Growing, size: int) -> None:
        """Bring the hash to this size; what this process has not written itself is read."""
        if growing.at > size:
            growing.hashed, growing.at = hashlib.sha256(), 0
        with (self._parts / id).open("rb") as part:
            part.seek(growing.at)
            while growing.at < size and (data := part.read(min(_READ, size - growing.at))):
                growing.hashed.update(data)
                growing.at += len(data)

    def _land(self, upload: Upload) -> Path:
        """Give the part its name, a free one; return it."""
        part, path = self._parts / upload.id, upload.path
        for depth in range(1, len(path)):
            if self._tree.make(path[:depth]):  # it was removed meanwhile
                self._account.take(ENTRY)
        self._account.take(ENTRY)
        with self._tree.folder(path[:-1]) as folder:
            for number in range(2, _TRIES):
                try:  # a link fails where a rename would replace
                    os.link(part, path[-1], dst_dir_fd=folder, follow_symlinks=False)
                except FileExistsError:
                    there = os.stat(path[-1], dir_fd=folder, follow_symlinks=False)
                    if not os.path.samestat(there, part.lstat()):  # else we were killed right after this
                        path = (*path[:-1], names.numbered(upload.path[-1], number))
                        continue
                return path
        self._account.give(ENTRY)
        raise FileExistsError(17, os.strerror(17), path[-1])

    def _date(self, path: Path, changed: float) -> None:
        with contextlib.suppress(OSError, OverflowError), self._tree.folder(path[:-1]) as folder:
            os.utime(path[-1], (time.time(), changed), dir_fd=folder, follow_symlinks=False)

    def _drop(self, id: str) -> None:
        """Remove a part and what it counts."""
        size = self._size(id) or 0
        self._forget(id)
        self._account.give(size)

    def _forget(self, id: str) -> None:
        for name in (id, f"{id}.json"):
            with contextlib.suppress(FileNotFoundError):
                (self._parts / name).unlink()
        with self._lock:
            self._growing.pop(id, None)

    @contextlib.contextmanager
    def _grown(self, id: str) -> Iterator[_Growing]:
        with self._lock:
            growing = self._growing.setdefault(id, _Growing())
        with growing.lock:
            yield growing


def _id_of(path: Path, size: int, changed: float) -> str:
    words = json.dumps([path, size, changed])
    return hashlib.sha256(words.encode(errors="surrogatepass")).hexdigest()[:32]
