"""Where a local session host lives, and what it is told."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tsgateway.config import Config
from tsgateway.layout import Layout

HOST_COMMAND = (sys.executable, "-m", "sessions.host")


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
    """Return the place of a host, its folder made. Raises StartError."""
    folder = layout.host(number)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    guests = config.guests.model_dump(mode="json")
    guests["qemu"]["cache"] = str(folder)
    settings = {
        "state": str(folder / "guests"),
        "images": str(layout.images),
        "guests": guests,
        "encoding": config.encoding.model_dump(mode="json"),
        "idle_seconds": config.hosts.idle_minutes * 60,
        "log_level": config.server.log_level,
    }
    return HostPlace(number, folder, layout.socket(number), command, settings)
