"""What a person has chosen of sound, kept from one session to the next."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from thinclient import kept

_MOST = 4096
"""Bytes of the file."""


@dataclass(frozen=True, slots=True)
class Choices:
    """muted; volume: per cent; output, input: names of devices, "" for the system's own."""

    muted: bool = False
    volume: int = 100
    output: str = ""
    input: str = ""


def read() -> Choices:
    """Return what was kept; what cannot be read was not chosen."""
    try:
        with _path().open("rb") as file:
            found = json.loads(file.read(_MOST))
        made = Choices(**found)
    except (OSError, ValueError, TypeError, RecursionError):
        return Choices()
    return made if _is_sound(made) else Choices()


def _is_sound(made: Choices) -> bool:
    """Whether each is of its kind: whoever wrote the file may have written anything."""
    usual = asdict(Choices())
    alike = all(type(value) is type(usual[name]) for name, value in asdict(made).items())
    return alike and 0 <= made.volume <= 100


def keep(choices: Choices) -> None:
    """Remember them. Raises OSError."""
    kept.replace(_path(), json.dumps(asdict(choices)))


def _path() -> Path:
    return kept.folder() / "sound.json"
