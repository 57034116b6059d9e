"""Files that are there whole or not at all, and how many a process may have open."""

from __future__ import annotations

import os
import resource
from pathlib import Path


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


def raise_open_files() -> None:
    """Let this process have as many files and sockets open as it may at all.

    The soft limit is 1024 on many systems, for the sake of programs that use `select`; the reactor does not.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
