"""What the next session host process has to know of a session's life: `life.json` in its folder.

Written at every change of state, and not for a power cut: no guest survives one. Times of the monotonic clock
in it are good as long as the machine has not been booted again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from sessions.files import write_whole
from sessions.thumbnail import MAX_KEPT, NOTHING, Thumbnail

log = Logger()

NAME = "life.json"
MAX_SIZE = 64 * 1024
JPEG = b"\xff\xd8\xff"
"""What its files begin with."""


@cache
def boot() -> str:
    """Return what names this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def read(folder: Path) -> dict[str, Any]:
    """Return what was kept; nothing if there is none or it cannot be read."""
    try:
        with (folder / NAME).open("rb") as file:
            table = json.loads(file.read(MAX_SIZE))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        log.warn("{folder}: {name} is of no use: {error}", folder=folder.name, name=NAME, error=str(error))
        return {}
    if not isinstance(table, dict):
        return {}
    if table.get("boot") != boot() or not isinstance(table.get("clock"), dict):
        table.pop("clock", None)
    return table


class Album:
    """The last small picture of a session's screen, in its folder (`thumbnail.Album`)."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "thumbnail.jpg"

    def read(self) -> Thumbnail:
        """Return it; nothing where there is none, or what is there is not one of ours."""
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_KEPT + 1)
                at = os.fstat(file.fileno()).st_mtime
        except OSError:
            return NOTHING
        return Thumbnail(data, at) if len(data) <= MAX_KEPT and data.startswith(JPEG) else NOTHING

    def write(self, file: bytes) -> None:
        """Keep it, if that can be; it is only a picture."""
        try:
            write_whole(self._path, file, sync=False)
        except OSError as error:
            log.warn("{path} cannot be written: {why}", path=self._path, why=error.strerror)


def write(folder: Path, table: Mapping[str, Any]) -> None:
    """Keep it. A full disk costs no session its life: it is logged, and what was kept before stays."""
    try:
        write_whole(folder / NAME, json.dumps({**table, "boot": boot()}).encode(), sync=False)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        log.error("{folder}: {name} cannot be written: {why}", folder=folder.name, name=NAME, why=why)
