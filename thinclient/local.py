"""Files on this machine: which are to be sent, what received ones may be called, and those not whole yet.

A file is written beside its place, under a name that tells of what it is the beginning, and gets its own name
when it is whole and right.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from sessions.transfer import names
from sessions.transfer.errors import TransferError
from thinclient.transfer import TransferFailed, amount

_TAG = re.compile(r'"([0-9A-Za-z-]{1,90})"')
_SUFFIX = ".part"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WINDOWS = re.compile(r'[<>:"|?*]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)', re.IGNORECASE)


def to_send(path: Path) -> Iterator[tuple[Path, str, bool]]:
    """Yield a file, or a folder and all that is in it.

    Each comes with what it is to be called below the folder that it goes to, and whether it is a folder that
    is empty. Links to folders are not followed; what is neither file nor folder is passed over. Raises
    TransferFailed.
    """
    name = path.resolve().name
    try:
        if stat.S_ISREG(path.stat().st_mode):
            yield path, name, False
            return
        if not path.is_dir():
            raise TransferFailed(f"{path} is neither a file nor a folder.")
        os.scandir(path).close()
    except OSError as error:
        raise TransferFailed(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from None
    for folder, folders, files in os.walk(path):
        folders.sort()
        below = "/".join((name, *Path(folder).relative_to(path).parts))
        if not folders and not files:
            yield Path(folder), below, True
        for file in sorted(files):
            with contextlib.suppress(OSError):  # it has gone meanwhile, or is a link to nowhere
                if stat.S_ISREG(os.stat(os.path.join(folder, file)).st_mode):
                    yield Path(folder, file), f"{below}/{file}", False


def local_name(name: str) -> str:
    """Return what something that a guest has named is called here. Raises TransferFailed.

    It stays in the folder that it goes to, whatever it was called.
    """
    try:
        checked = names.checked(name)
    except TransferError as error:
        raise TransferFailed(f"It cannot be called that here. {error}") from None
    return _WINDOWS.sub(lambda found: "_" * len(found[0]), checked) if os.name == "nt" else checked


def make_folder(folder: Path) -> None:
    """Make a folder where files are to go. Raises TransferFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        told = os.strerror(error.errno or 0)
        raise TransferFailed(f"The folder {folder} cannot be made: {told}.") from None


def plain(text: str) -> str:
    """Return a text for people without what could disturb it: guests give names, and sentences have them."""
    return "".join("\ufffd" if names.is_control(each) else each for each in text)


@dataclass
class Part:
    """The beginning of a file, in the folder where that goes. tag: of its content, "" without one."""

    path: Path
    tag: str

    @classmethod
    def find(cls, folder: Path, name: str, source: str) -> Part | None:
        """Return what was left of an earlier download; source: what it is of."""
        begins = _beginning(name, source)
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for each in entries:
                if each.name.startswith(begins) and each.name.endswith(_SUFFIX):
                    tag = each.name[len(begins) : -len(_SUFFIX)]
                    if each.is_file(follow_symlinks=False) and _TAG.fullmatch(f'"{tag}"'):
                        return cls(Path(each.path), f'"{tag}"')
        return None

    @classmethod
    def of(cls, folder: Path, name: str, source: str, tag: str) -> Part:
        """Return the one to write to. A tag that no file could be called after is no tag."""
        known = _TAG.fullmatch(tag)
        return cls(
            folder / f"{_beginning(name, source)}{known[1] if known else 'x'}{_SUFFIX}", tag if known else ""
        )

    def open(self, *, anew: bool) -> FileIO:
        """Open it to write, and to read what is there. Raises TransferFailed."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(self.path, flags, 0o666)
        except OSError as error:
            raise self.failed(error) from None
        file = FileIO(handle, "r+b")
        try:
            _lock(file)
            if anew:
                file.truncate(0)
        except OSError as error:
            file.close()
            raise self.failed(error) from None
        return file

    def failed(self, error: OSError) -> TransferFailed:
        """Return the error for what the disk does not do. What is there is kept."""
        folder = self.path.parent
        if error.errno in _FULL:
            there = self.path.stat().st_size if self.path.exists() else 0
            return TransferFailed(
                f"The disk of {folder} is full, or no more is allowed there. {amount(there)} of the file "
                "are kept: make room and load it again, then it goes on from there."
            )
        if error.errno in (errno.EAGAIN, errno.EACCES) and self.path.exists():
            return TransferFailed(f"Another program is loading this file into {folder}.")
        return TransferFailed(f"{folder} cannot be written to: {os.strerror(error.errno or 0)}.")

    def become(self, name: str, *, replace: bool, number: bool) -> Path:
        """Give it its own name, and return where it is then. number: with one behind it, where it is taken.

        Nothing is replaced unless that is said. Raises TransferFailed; FileExistsError.
        """
        for each in _numbered(name) if number else (name,):
            target = self.path.with_name(each)
            try:
                os.replace(self.path, target) if replace else _give_name(self.path, target)
            except FileExistsError:
                continue
            except OSError as error:
                raise self.failed(error) from None
            return target
        raise FileExistsError(name)


def _beginning(name: str, source: str) -> str:
    short = name.encode()[:90].decode(errors="ignore")
    return f".{short}.{hashlib.sha256(source.encode(errors='replace')).hexdigest()[:12]}."


def _numbered(name: str) -> Iterator[str]:
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    yield name
    for number in range(2, 1000):
        yield f"{stem} ({number}){dot}{ending}"


def _give_name(path: Path, target: Path) -> None:
    """Move a file where there is none; another one that comes first stays."""
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError, AttributeError):  # a file system without links
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.replace(path, target)
    else:
        os.unlink(path)


def _lock(file: FileIO) -> None:
    """Keep other programs from writing to the same part; it ends with the file. Raises OSError."""
    try:
        import fcntl
    except ImportError:
        return  # Windows, where it is noticed at the end: by the checksum
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
