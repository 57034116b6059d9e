"""The shared folders of all people, each for one person and one desktop.

    <shares>/<user>/usage                   the person's account (quota.py)
    <shares>/<user>/<desktop>/files/        what the guest and the person see
    <shares>/<user>/<desktop>/parts/        uploads that are not finished (uploads.py)

The folder is the desktop's, not one for all, because what policies say of a desktop holds for its files too.
Names are made safe as those of personal disks are. What is here blocks and runs on threads.
"""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path as FilePath

from sessions.files import safe_name
from sessions.transfer import names
from sessions.transfer.errors import TransferError
from sessions.transfer.names import Path
from sessions.transfer.quota import ENTRY, Account
from sessions.transfer.tree import Entry, Tree, told
from sessions.transfer.uploads import Uploads

DAY = 86_400.0
MAX_KEPT = 1024
"""Folders that are remembered; a forgotten one loses only what it has hashed."""
_READ = 1 << 20


@dataclass(frozen=True)
class Share:
    """One shared folder. All it does raises TransferError."""

    tree: Tree
    uploads: Uploads
    account: Account

    def entries(self, path: Path) -> list[Entry]:
        """Return what is in a folder."""
        try:
            return self.tree.entries(path)
        except OSError as error:
            raise _told(error, path) from error

    def make(self, path: Path) -> None:
        """Make a folder, and those above it."""
        try:
            for depth in range(1, len(path) + 1):
                self.account.check(ENTRY)
                if self.tree.make(path[:depth]):
                    self.account.take(ENTRY)
        except OSError as error:
            raise _told(error, path) from error

    def rename(self, old: Path, new: Path) -> None:
        """Move something, or give it another name."""
        if not old or not new:
            raise TransferError("refused", "The shared folder itself stays where it is.")
        try:
            self.tree.rename(old, new)
        except OSError as error:
            raise _told(error, new if isinstance(error, FileExistsError) else old) from error

    def remove(self, path: Path) -> None:
        """Remove something with all that is in it."""
        if not path:
            raise TransferError("refused", "The shared folder itself cannot be removed.")
        try:
            freed = sum(ENTRY + size for size in self.tree.sizes(path))
            self.tree.remove(path)
        except OSError as error:
            raise _told(error, path) from error
        self.account.give(freed)

    def open(self, path: Path) -> tuple[int, os.stat_result]:
        """Open a file to read; the caller closes the descriptor."""
        if not path:
            raise TransferError("is_a_folder", "This is a folder.")
        try:
            descriptor = self.tree.open(path)
        except OSError as error:
            raise _told(error, path) from error
        return descriptor, os.fstat(descriptor)

    def checksum(self, path: Path) -> tuple[str, int]:
        """Return the SHA-256 and the size of a file."""
        descriptor, _ = self.open(path)
        hashed, size = hashlib.sha256(), 0
        try:
            with os.fdopen(descriptor, "rb") as file:
                while data := file.read(_READ):
                    hashed.update(data)
                    size += len(data)
        except OSError as error:
            raise _told(error, path) from error
        return hashed.hexdigest(), size


class Shares:
    """All of them. quota: bytes a person may have, 0 for any number; keep_days: of unfinished uploads."""

    def __init__(self, folder: FilePath, quota: int, keep_days: float = 7) -> None:
        self._folder = folder
        self._quota = quota
        self._keep_seconds = keep_days * DAY
        self._shares: dict[tuple[str, str], Share] = {}
        self._lock = threading.Lock()

    def of(self, user: str, desktop: str) -> Share:
        """Return the shared folder of a person and a desktop, made where it is not. Raises TransferError."""
        with self._lock:
            try:
                share = self._shares.get((user, desktop))
                if share is None or not share.tree.root.is_dir():
                    share = self._shares[user, desktop] = self._opened(user, desktop)
                    while len(self._shares) > MAX_KEPT:
                        del self._shares[next(iter(self._shares))]
            except OSError as error:
                raise told(error, "the shared folder") from error
        return share

    def _opened(self, user: str, desktop: str) -> Share:
        person = self._folder / safe_name(user)
        place = person / safe_name(desktop)
        for folder in (self._folder, person, place, place / "files", place / "parts"):
            folder.mkdir(mode=0o700, exist_ok=True)
        tree, account = Tree(place / "files"), Account(person / "usage", person, self._quota)
        return Share(tree, Uploads(place / "parts", tree, account, self._keep_seconds), account)


def _told(error: OSError, path: Path) -> TransferError:
    return told(error, names.shown(path[-1]) if path else "the shared folder")
