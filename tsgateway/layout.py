"""The data directory: what lies where, and the lock that keeps a second gateway out of it."""

from __future__ import annotations

import fcntl
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tsgateway.config import Config
from tsgateway.errors import StartError
from tsgateway.places import MAX_SOCKET_PATH, short_path


@dataclass(frozen=True)
class Layout:
    """Paths below the data directory."""

    root: Path
    images: Path

    @classmethod
    def of(cls, config: Config) -> Layout:
        """Return the layout of a configuration."""
        root = config.data.directory
        return cls(root, config.data.images or root / "images")

    @property
    def database(self) -> Path:
        """The SQLite database."""
        return self.root / "tsgateway.db"

    @property
    def certificate(self) -> Path:
        """The self-signed certificate."""
        return self.root / "certificate.pem"

    @property
    def key(self) -> Path:
        """The self-signed certificate's private key."""
        return self.root / "key.pem"

    @property
    def warm(self) -> Path:
        """Warm templates: guests that have booted, from which others start at once."""
        return self.root / "warm"

    @property
    def disks(self) -> Path:
        """The disks of personal desktops."""
        return self.root / "disks"

    @property
    def shares(self) -> Path:
        """The folders that people share with their desktops (sessions/transfer/shares)."""
        return self.root / "shares"

    @property
    def seal(self) -> Path:
        """The key under which second factors' secrets are kept in the database (tsgateway/auth/seal)."""
        return self.root / "secrets.key"

    @property
    def clock(self) -> Path:
        """What the time was when the machine was started (tsgateway/steady)."""
        return self.root / "clock.json"

    @property
    def api(self) -> Path:
        """The gateway's own socket. Raises StartError as `socket` does."""
        return self._short(self.root / "api.sock")

    @property
    def audit(self) -> Path:
        """The audit (tsgateway/audit)."""
        return self.root / "audit"

    def host(self, number: int) -> Path:
        """Return the folder of one session host: settings, log, guests."""
        return self.root / "hosts" / str(number)

    def hosts(self) -> list[int]:
        """Return the numbers of the session hosts that have a folder."""
        try:
            return sorted(int(path.name) for path in (self.root / "hosts").iterdir() if _is_number(path.name))
        except OSError:
            return []

    def prepare(self) -> None:
        """Make the folders, private to this user. Raises StartError."""
        folder = self.root
        try:
            for folder in (self.root, self.root / "hosts", self.images):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = self.root
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            what, key = ("images", "images") if folder == self.images else ("data", "directory")
            raise StartError(
                f"the {what} directory {folder} cannot be written: {os.strerror(error.errno or 0)}; "
                f"set [data] {key} in the configuration, or give this user the right to write there"
            ) from None

    def socket(self, number: int) -> Path:
        """Return where a session host listens: a path short enough for a Unix socket. Raises StartError."""
        return self._short(self.host(number) / "link.sock", f"{number}.sock")

    def _short(self, path: Path, name: str = "") -> Path:
        short = short_path(self.root, path, name or path.name, os.geteuid())
        if short == path:
            return path
        folder = short.parent
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if folder.is_symlink() or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise StartError(f"{folder} belongs to someone else or is open to others; remove it")
        if len(os.fsencode(short)) > MAX_SOCKET_PATH:
            raise StartError(
                f"{path} and {short} are too long for a socket, whose name has {MAX_SOCKET_PATH} bytes at "
                "most: choose a [data] directory, or a TMPDIR, with a shorter name"
            )
        return short


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and str(int(name)) == name


class DataLock:
    """Held while a gateway uses its data directory; freed by the system when the process ends."""

    def __init__(self, layout: Layout) -> None:
        path = layout.root / "lock"
        self._file = path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise StartError(
                f"another gateway is using {layout.root}; stop it, or give this one its own [data] directory"
            ) from None

    def release(self) -> None:
        """Let another gateway in."""
        self._file.close()
