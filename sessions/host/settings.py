"""What a session host is told when it starts: a JSON file that only its user can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sessions.clipboard.base import DEFAULT_MAXIMUM
from sessions.encoders.base import Options
from sessions.quiet import IDLE_SECONDS


class SettingsError(Exception):
    """The settings file cannot be used; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Settings:
    """A session host's settings.

    socket: the Unix socket to listen on. state: the folder of its sessions' folders.
    images: the image store. guests: settings for each kind of guest.
    idle_seconds: without input, after which a session counts as Idle. clipboard_bytes: of the largest content
    that passes a session's clipboard.
    """

    socket: Path
    state: Path
    images: Path
    guests: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    encoding: Options = field(default_factory=Options)
    idle_seconds: float = IDLE_SECONDS
    clipboard_bytes: int = DEFAULT_MAXIMUM
    log_level: str = "info"


def read(path: Path) -> Settings:
    """Read a settings file. Raises SettingsError."""
    try:
        table = json.loads(path.read_text())
        return Settings(
            socket=Path(table["socket"]),
            state=Path(table["state"]),
            images=Path(table["images"]),
            guests=dict(table.get("guests", {})),
            encoding=Options(**table.get("encoding", {})),
            idle_seconds=float(table.get("idle_seconds", IDLE_SECONDS)),
            clipboard_bytes=int(table.get("clipboard_bytes", DEFAULT_MAXIMUM)),
            log_level=str(table.get("log_level", "info")),
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SettingsError(f"{path} is not a session host's settings file: {error!r}") from None
