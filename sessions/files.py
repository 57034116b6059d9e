"""Files that are there whole or not at all, names for them, and how many a process may have open."""

from __future__ import annotations

import hashlib
import os
import resource
import urllib.parse
from pathlib import Path

_MAX_NAME = 200
"""Bytes of a safe name; file systems take 255."""


def write_whole(path: Path, data: bytes, mode: int = 0o600, sync: bool = True) -> None:
    """Write aside, then rename, so that a reader and a crash find the old content or the new one.

    Never readable by more than `mode` allows. sync: after a power cut, too. Raises OSError.
    """
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        if sync:
            file.flush()
            os.fsync(file.fileno())
    aside.rename(path)


def safe_name(name: str) -> str:
    """Return a name for a file that no other name has, whatever is in it.

    Letters, digits, dots, dashes and underscores stay, all else is %XX; a long one ends with its hash.
    """
    quoted = urllib.parse.quote(name, safe="", errors="surrogatepass")
    if quoted.startswith("."):
        quoted = f"%2E{quoted[1:]}"
    if 0 < len(quoted) <= _MAX_NAME:
        return quoted
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return f"{quoted[:100]}%%{digest}"  # no quoted name has %% in it


def raise_open_files() -> None:
    """Let this process have as many files and sockets open as it may at all.

    The soft limit is 1024 on many systems, for the sake of programs that use `select`; the reactor does not.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
