"""Folders that are there whole or not at all, side by side in one folder.

    NAME/               one
    NAME.partial-…/     one that is being written or removed; swept when its writer is gone

What is on the shelf is never changed, only replaced or removed. Everything here blocks.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

PARTIAL = ".partial-"


class Shelf:
    """The folders below one folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """What is there, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(
            entry.name for entry in self.folder.iterdir() if entry.is_dir() and PARTIAL not in entry.name
        )

    @contextlib.contextmanager
    def steady(self) -> Iterator[None]:
        """While the block runs, nothing is replaced or removed. May wait."""
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A new folder to fill; put in place of what has that name when the block ends well.

        When the block raises, nothing stays behind. Raises OSError.
        """
        partial = self.begin(name)
        try:
            yield partial.folder
            partial.put()
        finally:
            partial.drop()

    def begin(self, name: str) -> Partial:
        """Return a new folder to fill. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sweep()
        return Partial(self, name)

    def remove(self, name: str, check: Callable[[], None] = lambda: None) -> None:
        """Remove what has that name, if anything has. Raises OSError, and what `check` raises.

        check: called while nobody can begin to use it, to say no by raising.
        """
        aside = self._aside(name)
        with self._locked(fcntl.LOCK_EX):
            check()
            try:
                (self.folder / name).rename(aside)
            except FileNotFoundError:
                return
        shutil.rmtree(aside)

    def sweep(self) -> None:
        """Remove what an interrupted writer left; a living one holds a lock on its folder."""
        for partial in self.folder.glob(f"*{PARTIAL}*"):
            lock = os.open(partial, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(partial, ignore_errors=True)
            except BlockingIOError:
                continue
            finally:
                os.close(lock)

    def _replace(self, partial: Path, name: str) -> None:
        """Put the new folder in place. A folder cannot be renamed over a full one, so that moves first."""
        old = self._aside(name)
        with self._locked(fcntl.LOCK_EX):
            with contextlib.suppress(FileNotFoundError):
                (self.folder / name).rename(old)
            partial.rename(self.folder / name)
        shutil.rmtree(old, ignore_errors=True)

    def _aside(self, name: str) -> Path:
        return self.folder / f"{name}{PARTIAL}{uuid.uuid4().hex[:8]}"

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        try:
            lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            yield  # without the folder there is nothing on the shelf
            return
        try:
            fcntl.flock(lock, how)
            yield
        finally:
            os.close(lock)


class Partial:
    """A folder that is being filled, under our lock."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._shelf = shelf
        self._name = name
        self.folder = shelf._aside(name)
        self.folder.mkdir(mode=0o755)
        self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def put(self) -> None:
        """Put it in place of what has its name. Raises OSError."""
        self._shelf._replace(self.folder, self._name)

    def drop(self) -> None:
        """Let go of it: what has not been put in place is removed. May be called twice."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
