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

log = Logger()

NAME = "life.json"
MAX_SIZE = 64 * 1024


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


def write(folder: Path, table: Mapping[str, Any]) -> None:
    """Keep it. A full disk costs no session its life: it is logged, and what was kept before stays."""
    try:
        write_whole(folder / NAME, json.dumps({**table, "boot": boot()}).encode(), sync=False)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        log.error("{folder}: {name} cannot be written: {why}", folder=folder.name, name=NAME, why=why)
