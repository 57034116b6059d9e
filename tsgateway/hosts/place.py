"""Where a local session host lives, and what it is told."""

from __future__ import annotations

import fcntl
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsgateway.config import Config
from tsgateway.layout import Layout

HOST_COMMAND = (sys.executable, "-m", "sessions.host")

_SESSION = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class HostPlace:
    """One host's files and how it is started.

    command: program and arguments, before `--settings FILE`.
    settings: what the file says beyond the socket.
    """

    number: int
    folder: Path
    socket: Path
    command: tuple[str, ...]
    settings: dict[str, Any]


def host_place(config: Config, layout: Layout, number: int, command: tuple[str, ...]) -> HostPlace:
    """Return the place of a host, whose folder is made when it is first started. Raises StartError."""
    folder = layout.host(number)
    settings = {
        "state": str(folder / "guests"),
        "images": str(layout.images),
        "guests": guest_settings(config, layout),
        "encoding": config.encoding.model_dump(mode="json"),
        "idle_seconds": config.hosts.idle_minutes * 60,
        "clipboard_bytes": config.hosts.clipboard_mb << 20,
        "log_level": config.server.log_level,
    }
    return HostPlace(number, folder, layout.socket(number), command, settings)


def guest_settings(config: Config, layout: Layout) -> dict[str, dict[str, Any]]:
    """Return the settings of each kind of guest, as session hosts are given them."""
    guests: dict[str, dict[str, Any]] = config.guests.model_dump(mode="json")
    guests["qemu"]["cache"] = str(layout.root / "hosts")  # what one host has found out about KVM, all know
    guests["qemu"]["disks_folder"] = str(layout.disks)
    guests["qemu"]["warm_folder"] = str(layout.warm)
    guests["qemu"]["shares_folder"] = str(layout.shares)
    guests["qemu"]["share_quota"] = int(config.files.quota_gb * 1e9)
    guests["qemu-shared"] = guests["qemu"]
    return guests


def occupied(folder: Path) -> bool:
    """Tell whether a host of an earlier gateway runs in this folder, or has left sessions there."""
    return holds(folder) or runs(folder)


def holds(folder: Path) -> bool:
    """Tell whether there is something that a host in this folder must look after.

    Sessions, or machines that many people share and that may have nobody just now.
    """
    return remains(folder) > 0 or any((folder / "guests").glob("houses/*/*"))


def remains(folder: Path) -> int:
    """Return how many sessions a host's folder holds, those that are being ended included."""
    try:
        return sum(_SESSION.fullmatch(entry.name) is not None for entry in (folder / "guests").iterdir())
    except OSError:
        return 0


def runs(folder: Path) -> bool:
    """Tell whether a host runs in this folder, by the lock it holds."""
    try:
        with (folder / "guests" / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
