"""A shared folder served to a guest's kernel: 9P2000.L requests in, answers out.

The guest is hostile. It names things only within the folder, whose tree follows no link; it can make none,
nor devices; and what it writes counts for its person's quota before it is written. Owners and modes are not
kept: everything is the desktop user's. All of this blocks and is for one thread.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sessions.transfer import names
from sessions.transfer.errors import TransferError
from sessions.transfer.names import Path
from sessions.transfer.quota import ENTRY
from sessions.transfer.shares import Share
from sessions.wire import ninep
from sessions.wire.ninep import Kind, Request

MAX_FIDS = 4096
"""Files and folders that a guest may have in hand."""
MAX_OPEN = 512
MAX_FILE = 1 << 44
MAX_LISTED = 100_000
_DATA = ninep.MSIZE - ninep.READ_ROOM
_O_ACCESS, _O_TRUNC, _O_EXCL = 0o3, 0o1000, 0o200
_SIZE, _ATIME, _MTIME, _ATIME_SET, _MTIME_SET = 0x8, 0x10, 0x20, 0x80, 0x100
_REMOVE_FOLDER = 0x200
_LOCK_DONE, _LOCK_FREE = 0, 2


@dataclass
class _Fid:
    """What a guest has in hand. descriptor: of an open file, -1; listed: of an open folder."""

    path: Path
    descriptor: int = -1
    writes: bool = False
    listed: list[bytes] | None = None


class Served:
    """One mount. uid: the desktop user's in the guest."""

    def __init__(self, share: Share, uid: int = 1000) -> None:
        self.share = share
        self.uid = uid
        self._fids: dict[int, _Fid] = {}

    def answer(self, request: Request) -> bytes:
        """Carry a request out; return the answer. Never raises."""
        act = self._ACTS.get(request.kind)
        try:
            if act is None:
                raise OSError(errno.EOPNOTSUPP, "")
            return ninep.answer(request.kind, request.tag, act(self, *request.fields))
        except OSError as error:
            number = error.errno or errno.EIO
        except TransferError as error:
            number = {"quota_full": errno.EDQUOT, "name": errno.EINVAL}.get(error.code, errno.EIO)
        except (KeyError, ValueError, OverflowError):
            number = errno.EINVAL
        return ninep.failed(request.tag, number)

    def close(self) -> None:
        """Let go of everything."""
        for each in self._fids.values():
            self._shut(each)
        self._fids.clear()

    # ---- what a guest has in hand

    def _version(self, msize: int, version: bytes) -> bytes:
        self.close()
        is_ours = version == ninep.VERSION and msize >= 4096
        said = ninep.VERSION if is_ours else b"unknown"
        return ninep.number32(min(msize, ninep.MSIZE)) + ninep.text(said)

    def _attach(self, fid: int, afid: int, user: bytes, where: bytes, uid: int) -> bytes:
        self._take(fid, _Fid(()))
        return self._qid(())

    def _walk(self, fid: int, new: int, steps: tuple[bytes, ...]) -> bytes:
        path, qids = self._fids[fid].path, []
        for step in steps:
            try:
                path = path[:-1] if step == b".." else (*path, _name(step))
                qids.append(self._qid(path))
            except OSError:
                if not qids:
                    raise
                break
        if len(qids) == len(steps):
            if new == fid:
                self._fids[fid].path = path
            else:
                self._take(new, _Fid(path))
        return len(qids).to_bytes(2, "little") + b"".join(qids)

    def _clunk(self, fid: int) -> bytes:
        self._shut(self._fids.pop(fid))
        return b""

    def _flush(self, tag: int) -> bytes:
        return b""  # each request is answered before the next is read

    def _take(self, number: int, fid: _Fid) -> None:
        if number in self._fids or len(self._fids) >= MAX_FIDS:
            raise OSError(errno.EMFILE, "")
        self._fids[number] = fid

    def _shut(self, fid: _Fid) -> None:
        descriptor, fid.descriptor = fid.descriptor, -1
        fid.listed = None
        if descriptor >= 0:
            os.close(descriptor)

    # ---- files

    def _lopen(self, fid: int, flags: int) -> bytes:
        of = self._fids[fid]
        self._shut(of)
        if self.share.tree.entry(of.path).is_folder:
            return self._qid(of.path) + ninep.number32(0)
        self._open(of, os.O_RDWR if flags & _O_ACCESS else os.O_RDONLY)
        if flags & _O_TRUNC and of.writes:
            self._resize(of.descriptor, 0)
        return self._qid(of.path) + ninep.number32(0)

    def _open(self, of: _Fid, flags: int) -> None:
        if sum(each.descriptor >= 0 for each in self._fids.values()) >= MAX_OPEN:
            raise OSError(errno.EMFILE, "")
        of.descriptor = self.share.tree.open(of.path, flags)
        of.writes = bool(flags & (os.O_RDWR | os.O_WRONLY))

    def _lcreate(self, fid: int, name: bytes, flags: int, mode: int, gid: int) -> bytes:
        of = self._fids[fid]
        path = (*of.path, _name(name))
        self.share.account.take(ENTRY)
        try:
            self._open(made := _Fid(path), os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except OSError as error:
            self.share.account.give(ENTRY)
            if error.errno != errno.EEXIST or flags & _O_EXCL:
                raise
            self._open(made := _Fid(path), os.O_RDWR)
        self._shut(of)
        self._fids[fid] = made
        return self._qid(path) + ninep.number32(0)

    def _read(self, fid: int, offset: int, count: int) -> bytes:
        descriptor = self._fids[fid].descriptor
        return ninep.data(os.pread(descriptor, min(count, _DATA), offset))

    def _write(self, fid: int, offset: int, content: bytes) -> bytes:
        of = self._fids[fid]
        if not of.writes:
            raise OSError(errno.EBADF, "")
        end, size = offset + len(content), os.fstat(of.descriptor).st_size
        if end > MAX_FILE:
            raise OSError(errno.EFBIG, "")
        more = max(0, end - size)
        self.share.account.take(more)
        written = 0
        try:
            written = os.pwrite(of.descriptor, content, offset)
        finally:
            missing = more - max(0, os.fstat(of.descriptor).st_size - size)
            if missing > 0:
                self.share.account.give(missing)
        return ninep.number32(written)

    def _resize(self, descriptor: int, size: int) -> None:
        before = os.fstat(descriptor).st_size
        if size > MAX_FILE:
            raise OSError(errno.EFBIG, "")
        self.share.account.take(max(0, size - before))
        try:
            os.ftruncate(descriptor, size)
        except OSError:
            self.share.account.give(max(0, size - before))
            raise
        self.share.account.give(max(0, before - size))

    def _fsync(self, fid: int) -> bytes:
        if (descriptor := self._fids[fid].descriptor) >= 0:
            os.fsync(descriptor)
        return b""

    def _lock(self, *_: Any) -> bytes:
        return bytes((_LOCK_DONE,))  # the guest's kernel keeps them among its own programs

    def _getlock(self, *fields: Any) -> bytes:
        _, _, start, length, process, client = fields
        numbers: bytes = (
            start.to_bytes(8, "little") + length.to_bytes(8, "little") + process.to_bytes(4, "little")
        )
        return bytes((_LOCK_FREE,)) + numbers + ninep.text(client)

    # ---- the tree

    def _readdir(self, fid: int, offset: int, count: int) -> bytes:
        of = self._fids[fid]
        if of.listed is None or offset == 0:
            of.listed = self._list(of.path)
        entries, size = [], 0
        for each in of.listed[offset:]:
            size += len(each)
            if size > min(count, _DATA):
                break
            entries.append(each)
        return ninep.data(b"".join(entries))

    def _list(self, path: Path) -> list[bytes]:
        found = [(b".", path), (b"..", path[:-1])]
        with self.share.tree.folder(path) as descriptor:
            for name in os.listdir(descriptor)[:MAX_LISTED]:
                with contextlib.suppress(UnicodeEncodeError):
                    found.append((name.encode(), (*path, name)))
        listed: list[bytes] = []
        for raw, where in found:
            with contextlib.suppress(OSError):  # neither a file nor a folder, or just removed
                is_folder = self.share.tree.entry(where).is_folder
                listed.append(ninep.entry(self._qid(where), len(listed) + 1, is_folder, raw))
        return listed

    def _mkdir(self, fid: int, name: bytes, mode: int, gid: int) -> bytes:
        path = (*self._fids[fid].path, _name(name))
        self.share.account.take(ENTRY)
        try:
            if not self.share.tree.make(path):
                raise FileExistsError(errno.EEXIST, "")
        except OSError:
            self.share.account.give(ENTRY)
            raise
        return self._qid(path)

    def _rename(self, fid: int, folder: int, name: bytes) -> bytes:
        of = self._fids[fid]
        self._move(of.path, (*self._fids[folder].path, _name(name)))
        return b""

    def _renameat(self, folder: int, name: bytes, target: int, new: bytes) -> bytes:
        old = (*self._fids[folder].path, _name(name))
        self._move(old, (*self._fids[target].path, _name(new)))
        return b""

    def _move(self, old: Path, new: Path) -> None:
        """Rename as programs expect it: a file takes the place of another one."""
        if new == old:
            return
        if not old or new[: len(old)] == old:
            raise OSError(errno.EINVAL, "")
        freed = 0
        with contextlib.suppress(FileNotFoundError):
            there = self.share.tree.entry(new)
            freed = ENTRY + there.size
        tree = self.share.tree
        with tree.folder(old[:-1]) as source, tree.folder(new[:-1]) as target:
            os.rename(old[-1], new[-1], src_dir_fd=source, dst_dir_fd=target)
        self.share.account.give(freed)
        for each in self._fids.values():
            if each.path[: len(old)] == old:
                each.path = new + each.path[len(old) :]

    def _unlinkat(self, folder: int, name: bytes, flags: int) -> bytes:
        self._remove_one((*self._fids[folder].path, _name(name)), is_folder=bool(flags & _REMOVE_FOLDER))
        return b""

    def _remove(self, fid: int) -> bytes:
        of = self._fids[fid]
        try:
            self._remove_one(of.path, is_folder=self.share.tree.entry(of.path).is_folder)
        finally:
            self._clunk(fid)
        return b""

    def _remove_one(self, path: Path, *, is_folder: bool) -> None:
        if not path:
            raise OSError(errno.EBUSY, "")
        with self.share.tree.folder(path[:-1]) as above:
            size = os.stat(path[-1], dir_fd=above, follow_symlinks=False).st_size
            if is_folder:
                os.rmdir(path[-1], dir_fd=above)
            else:
                os.unlink(path[-1], dir_fd=above)
        self.share.account.give(ENTRY + (0 if is_folder else size))

    # ---- what is told of files

    def _getattr(self, fid: int, mask: int) -> bytes:
        of = self._fids[fid]
        found = os.fstat(of.descriptor) if of.descriptor >= 0 else self._stat(of.path)
        is_folder = stat.S_ISDIR(found.st_mode)
        mode = stat.S_IFDIR | 0o755 if is_folder else stat.S_IFREG | 0o644
        size = 0 if is_folder else found.st_size
        times = (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns)
        return ninep.status(
            ninep.Status(_qid_of(found), mode, self.uid, self.uid, found.st_nlink, size, *times)
        )

    def _setattr(self, *fields: int) -> bytes:
        fid, valid, _, _, _, size, *seconds = fields
        read_s, read_ns, changed_s, changed_ns = seconds
        of = self._fids[fid]
        if valid & _SIZE:
            self._with_file(of, lambda descriptor: self._resize(descriptor, size))
        if valid & (_ATIME | _MTIME):
            now, found = time.time_ns(), self._stat(of.path)
            read = read_s * 10**9 + read_ns if valid & _ATIME_SET else now
            changed = changed_s * 10**9 + changed_ns if valid & _MTIME_SET else now
            times = (
                read if valid & _ATIME else found.st_atime_ns,
                changed if valid & _MTIME else found.st_mtime_ns,
            )
            with self.share.tree.folder(of.path[:-1]) as above:
                os.utime(of.path[-1] if of.path else ".", ns=times, dir_fd=above, follow_symlinks=False)
        return b""

    def _with_file(self, of: _Fid, act: Callable[[int], None]) -> None:
        if of.writes:
            act(of.descriptor)
            return
        descriptor = self.share.tree.open(of.path, os.O_RDWR)
        try:
            act(descriptor)
        finally:
            os.close(descriptor)

    def _statfs(self, fid: int) -> bytes:
        disk = os.statvfs(self.share.tree.root)
        total, free = disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize
        limit = self.share.account.limit
        if limit:
            total, free = limit, max(0, min(free, limit - self.share.account.used()))
        return ninep.room(total, free)

    def _stat(self, path: Path) -> os.stat_result:
        with self.share.tree.folder(path[:-1]) as above:
            found = os.stat(path[-1], dir_fd=above, follow_symlinks=False) if path else os.fstat(above)
        if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
            raise FileNotFoundError(errno.ENOENT, "")
        return found

    def _qid(self, path: Path) -> bytes:
        return _qid_of(self._stat(path))

    def _refused(self, *_: Any) -> bytes:
        raise PermissionError(errno.EPERM, "")

    def _unsupported(self, *_: Any) -> bytes:
        raise OSError(errno.EOPNOTSUPP, "")

    _ACTS: Any = {  # noqa: RUF012 - a table of this class's own functions, never written
        Kind.VERSION: _version, Kind.ATTACH: _attach, Kind.WALK: _walk, Kind.CLUNK: _clunk,
        Kind.FLUSH: _flush, Kind.LOPEN: _lopen, Kind.LCREATE: _lcreate, Kind.READ: _read,
        Kind.WRITE: _write, Kind.FSYNC: _fsync, Kind.LOCK: _lock, Kind.GETLOCK: _getlock,
        Kind.READDIR: _readdir, Kind.MKDIR: _mkdir, Kind.RENAME: _rename, Kind.RENAMEAT: _renameat,
        Kind.UNLINKAT: _unlinkat, Kind.REMOVE: _remove, Kind.GETATTR: _getattr, Kind.SETATTR: _setattr,
        Kind.STATFS: _statfs, Kind.SYMLINK: _refused, Kind.LINK: _refused, Kind.MKNOD: _refused,
        Kind.AUTH: _unsupported, Kind.XATTRWALK: _unsupported, Kind.XATTRCREATE: _unsupported,
        Kind.READLINK: _unsupported,
    }  # fmt: skip


def _name(raw: bytes) -> str:
    """Return a name that a guest gives. Raises OSError, TransferError."""
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "") from None
    (name,) = names.split(name) or ("",)
    return name


def _qid_of(found: os.stat_result) -> bytes:
    return ninep.qid(stat.S_ISDIR(found.st_mode), found.st_mtime_ns >> 10, found.st_ino)
