"""Disks that are kept for their users, each for one user of one desktop.

    <disks>/<desktop>/<user>/       the names made safe for file systems, see `safe_name`
        lock                        locked (flock) by whoever uses the disk
        disk/                       whole from the moment it is there
            disk.qcow2              what the user has written: an overlay on …
            template.qcow2          … the image's disk of the day it was made
            kernel, initrd          likewise the image's, where it boots without firmware
            image.json              the image's description (sessions/images/store.py)
            owner.json              whose it is, which image, when it was made
        making-…/                   half made: removed when somebody comes by
        removed-…/                  being removed

A disk is made aside and renamed, and one that is there is never made again, whatever its state: it holds
somebody's work. QEMU inherits the locked descriptor, so the lock lasts exactly as long as QEMU, however the
session host ends.

What is here blocks and runs on a thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import stat
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessions.files import safe_name, write_whole
from sessions.guests.base import GuestError
from sessions.guests.qemu import disk
from sessions.images.store import Image, ImageStore, described

LOCK, DISK, OWNER = "lock", "disk", "owner.json"
_MAKING, _REMOVED = "making-", "removed-"
_MAX_OWNER = 64 * 1024
_TRIES = 100
"""For a folder that others remove while we enter it."""


class DiskInUse(Exception):
    """Somebody uses the disk: a guest that runs, or another command."""


@dataclass(frozen=True)
class KeptDisk:
    """A disk as it is listed. bytes: what it takes on the host's disk beyond its image.

    problem: why it cannot be used, "" for one that can; what is not known then is "" or 0.
    """

    desktop: str
    user: str
    image: str
    version: str
    made: float
    bytes: int
    in_use: bool
    problem: str = ""


class PersonalDisk:
    """The disk of one user of one desktop, which need not exist yet."""

    def __init__(self, disks: Path, desktop: str, user: str) -> None:
        self.desktop, self.user = desktop, user
        self.folder = disks / safe_name(desktop) / safe_name(user)
        self._lock = -1

    @property
    def descriptor(self) -> int:
        """The locked descriptor, for QEMU to inherit."""
        return self._lock

    def lock(self) -> bool:
        """Take the disk for us, if nobody has it; tell whether. Raises GuestError."""
        try:
            self._lock = _locked(self.folder, make=True)
        except DiskInUse:
            return False
        except OSError as error:
            raise _failure(error) from error
        return True

    def release(self) -> None:
        """Let go of the lock, which QEMU keeps if it has inherited it."""
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def ready(self, store: ImageStore, template: str, qemu_img: str) -> Image:
        """Return the image in whose folder the disk is, made from `template` if there is none yet.

        The disk must have been locked. Raises GuestError; nothing half made stays then.
        """
        try:
            _sweep(self.folder)
            if not (self.folder / DISK).exists():
                self._make(store, template, qemu_img)
            return _image(self.folder / DISK)
        except OSError as error:
            raise _failure(error) from error
        finally:
            if not (self.folder / DISK).exists():
                _forget(self.folder)

    def _make(self, store: ImageStore, template: str, qemu_img: str) -> None:
        making = self.folder / f"{_MAKING}{secrets.token_hex(8)}"
        making.mkdir(mode=0o700)
        try:
            image = disk.ready(store, template, making, qemu_img)
            if image.disk is None:
                raise GuestError(
                    f"The image “{template}” has no disk of which each user could have one.",
                    detail='a desktop of such an image cannot have assignment = "personal"',
                )
            owner = {"desktop": self.desktop, "user": self.user, "image": image.name, "made": time.time()}
            write_whole(making / OWNER, json.dumps(owner).encode())
            for path in [*making.iterdir(), making]:
                _settle(path)
            making.rename(self.folder / DISK)
            _settle(self.folder)
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise


def kept_disks(disks: Path) -> Iterator[KeptDisk]:
    """Yield every disk below the folder, by desktop and user."""
    for desktop in _folders(disks):
        for folder in _folders(desktop):
            try:
                found = _kept(folder)
            except OSError as error:
                found = _unusable(folder, f"it cannot be read: {error.strerror}")
            if found is not None:
                yield found


def remove(disks: Path, desktop: str, user: str) -> bool:
    """Remove a user's disk of a desktop; tell whether there was one.

    It is moved aside first, so that the next start makes a new one in any case. Raises DiskInUse, OSError.
    """
    folder = PersonalDisk(disks, desktop, user).folder
    try:
        lock = _locked(folder, make=False)
    except FileNotFoundError:
        return False
    try:
        there = (folder / DISK).exists()
        if there:
            (folder / DISK).rename(folder / f"{_REMOVED}{secrets.token_hex(8)}")
        _sweep(folder)
        _forget(folder)
    finally:
        os.close(lock)
    return there


def _locked(folder: Path, *, make: bool) -> int:
    """Return a descriptor that holds the folder's lock. Raises DiskInUse, OSError."""
    for _ in range(_TRIES):
        if make:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _check_ours(folder)
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            if make:
                continue  # somebody has just removed the folder
            raise
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(lock, folder / LOCK):
                return lock
            os.close(lock)  # it was removed before we had it
        except BlockingIOError:
            os.close(lock)
            break
        except BaseException:
            os.close(lock)
            raise
    raise DiskInUse(f"{folder} is in use")


def _check_ours(folder: Path) -> None:
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise PermissionError(1, "it is not a folder of this user", str(folder))


def _is(descriptor: int, path: Path) -> bool:
    """Tell whether a path still leads to an open file."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    return False


def _in_use(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def _sweep(folder: Path) -> None:
    """Remove what was half made or half removed; the lock says that nobody is at it."""
    for path in folder.iterdir():
        if path.name.startswith((_MAKING, _REMOVED)):
            shutil.rmtree(path, ignore_errors=True)


def _forget(folder: Path) -> None:
    """Remove the folder if there is no disk in it; whoever waits for its lock makes it again."""
    with contextlib.suppress(OSError):
        if [path.name for path in folder.iterdir()] == [LOCK]:
            (folder / LOCK).unlink()
            folder.rmdir()
            folder.parent.rmdir()


def _image(folder: Path) -> Image:
    """Return the image that a whole disk was made on. Raises GuestError."""
    try:
        image = described(folder, _owner(folder)["image"])
        if not (folder / disk.OVERLAY).is_file():
            raise ValueError(f"{disk.OVERLAY} is missing")
    except (OSError, ValueError) as error:
        raise GuestError(
            "Your desktop's disk cannot be read. It is left as it is: ask the administrator.",
            detail=f"{folder}: {error}; mend it, or give the user a new one: tsadmin disk reset",
        ) from error
    return image


def _owner(folder: Path) -> dict[str, Any]:
    """Return what owner.json says. Raises OSError, ValueError."""
    with (folder / OWNER).open("rb") as file:
        table = json.loads(file.read(_MAX_OWNER))
    if not isinstance(table, dict) or not all(
        isinstance(table.get(key), str) for key in ("desktop", "user", "image")
    ):
        raise ValueError(f"{OWNER} does not say whose it is")
    return table


def _kept(folder: Path) -> KeptDisk | None:
    """Return the disk in a user's folder; None where nothing is or will be. Raises OSError."""
    there = folder / DISK
    if not there.exists():
        left = any(path.name.startswith((_MAKING, _REMOVED)) for path in folder.iterdir())
        if not left or _in_use(folder):
            return None
        return _unusable(folder, "no disk, only what is left of one; resetting it removes that")
    try:
        owner = _owner(there)
        image = described(there, owner["image"])
        made = float(owner.get("made", 0))
        size = (there / disk.OVERLAY).stat().st_blocks * 512
    except (OSError, ValueError, TypeError) as error:
        return _unusable(folder, str(error))
    return KeptDisk(owner["desktop"], owner["user"], image.name, image.version, made, size, _in_use(folder))


def _unusable(folder: Path, problem: str) -> KeptDisk:
    """Return the disk with names made out of its folder's."""
    desktop, user = (urllib.parse.unquote(path.name) for path in (folder.parent, folder))
    return KeptDisk(desktop, user, "", "", 0, 0, _in_use(folder), problem)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError:
        return []


def _settle(path: Path) -> None:
    """Have the host's disk keep it over a loss of power."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failure(error: OSError) -> GuestError:
    full = disk.is_full(error)
    why = "The server's disk is full." if full else "The server's folder of disks cannot be used."
    return GuestError(f"Your desktop's disk could not be made ready. {why}", detail=str(error))


__all__ = ["DiskInUse", "KeptDisk", "PersonalDisk", "kept_disks", "remove", "safe_name"]
