"""What is kept for a person: saved connections, and the certificates they have trusted. No secrets."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from thinclient.connection import MAX_FILE, Connection, WrongFile, read, written


def folder() -> Path:
    """Return where things are kept: TSCLIENT_FOLDER, else where programs keep things on this system."""
    if own := os.environ.get("TSCLIENT_FOLDER"):
        return Path(own)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home()) / "tsclient"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/tsclient"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tsclient"


@dataclass(frozen=True, slots=True)
class Pins:
    """The certificates that a person has trusted: a line `host:port sha256` for each, in one file."""

    path: Path

    @classmethod
    def usual(cls) -> Pins:
        """Return the person's own."""
        return cls(folder() / "known_gateways")

    def of(self, host: str, port: int) -> str:
        """Return the fingerprint that was trusted there, "" for none. Raises WrongFile, with the line."""
        return self._all().get(f"{host.lower()}:{port}", "")

    def trust(self, host: str, port: int, fingerprint: str) -> None:
        """Remember a certificate in place of an older one. Raises OSError; WrongFile."""
        self._write(self._all() | {f"{host.lower()}:{port}": fingerprint})

    def forget(self, host: str, port: int) -> bool:
        """Forget what was trusted there; tells whether there was something. Raises OSError; WrongFile."""
        pins = self._all()
        if pins.pop(f"{host.lower()}:{port}", None) is None:
            return False
        self._write(pins)
        return True

    def _all(self) -> dict[str, str]:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise WrongFile(
                f"{self.path} cannot be read: {getattr(error, 'strerror', 'it is no text')}."
            ) from None
        pins = {}
        for number, line in enumerate(text.splitlines(), 1):
            found = re.fullmatch(r"(\S+:\d{1,5}) ([0-9a-f]{64})", line.strip())
            if found is None:
                raise WrongFile(f"{self.path}, line {number}: it is not of the form “host:port fingerprint”.")
            pins[found[1]] = found[2]
        return pins

    def _write(self, pins: dict[str, str]) -> None:
        replace(self.path, "".join(f"{where} {pin}\n" for where, pin in sorted(pins.items())))


def saved() -> list[tuple[str, Connection | WrongFile]]:
    """Return the saved connections by name; in place of one that cannot be read, why."""
    found: list[tuple[str, Connection | WrongFile]] = []
    for path in sorted((folder() / "connections").glob("*.tsc")):
        try:
            found.append((path.stem, load(path)))
        except WrongFile as error:
            found.append((path.stem, error))
    return found


def load(path: Path) -> Connection:
    """Read a connection file. Raises WrongFile."""
    try:
        with path.open("rb") as file:
            return read(file.read(MAX_FILE + 1), str(path))
    except OSError as error:
        raise WrongFile(f"{path} cannot be read: {os.strerror(error.errno or 0)}.") from None


def save(name: str, connection: Connection) -> Path:
    """Save a connection under a name for people, in place of one that has it. Raises OSError."""
    path = folder() / "connections" / f"{_file_name(name)}.tsc"
    replace(path, written(connection))
    return path


def remove(name: str) -> None:
    """Remove a saved connection."""
    (folder() / "connections" / f"{name}.tsc").unlink(missing_ok=True)


def _file_name(name: str) -> str:
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", name).strip(". ")[:80] or "connection"


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, made = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(made, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(made)
        raise
