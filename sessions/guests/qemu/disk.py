"""A guest's own files: those of its image, and an overlay that keeps what differs from the image's disk.

The image may be built anew while the guest runs. An overlay fits only the very disk it was made on, so
the guest has its own names for the image's files, which last as long as its folder: hard links, or copies
where the image store is on another file system or belongs to somebody else.

What is here blocks, some 20 ms unless a disk must be copied, and runs on a thread.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import subprocess
from pathlib import Path

from sessions.guests.base import GuestError
from sessions.images.errors import ImageError, ImageMissing
from sessions.images.store import DESCRIPTION, Image, ImageStore, describe, described

OVERLAY, WARM, TEMPLATE, KERNEL, INITRD = "disk.qcow2", "warm.qcow2", "template.qcow2", "kernel", "initrd"
FILES = (DESCRIPTION, OVERLAY, WARM, TEMPLATE, KERNEL, INITRD)

SECONDS = 30


def ready(store: ImageStore, name: str, folder: Path, qemu_img: str) -> Image:
    """Return the image, all its files being in `folder`, with the overlay on its disk made there.

    What an earlier start has made is taken as it is: a guest starts again on its same disk.
    Raises GuestError.
    """
    if (folder / DESCRIPTION).exists():
        try:
            return described(folder, name)
        except (OSError, ValueError) as error:
            raise GuestError("The guest's disk cannot be read.", detail=f"{folder}: {error}") from error
    image = take(store, name, folder)
    clone(qemu_img, image)
    try:
        describe(folder, image)
    except OSError as error:
        why = " The server's disk is full." if is_full(error) else ""
        raise GuestError(f"The guest's disk could not be made.{why}", detail=str(error)) from error
    return image


def take(store: ImageStore, name: str, folder: Path) -> Image:
    """Return the image, all its files being the guest's own ones in `folder`. Raises GuestError."""
    try:
        with store.steady():
            image = store.get(name)
            return dataclasses.replace(
                image,
                folder=folder,
                disk=own(image.disk, folder / TEMPLATE),
                kernel=own(image.kernel, folder / KERNEL),
                initrd=own(image.initrd, folder / INITRD),
            )
    except ImageMissing as error:
        message = f"The image “{name}” that this desktop is made from does not exist on the server."
        raise GuestError(message, detail=str(error)) from error
    except ImageError as error:
        message = f"The image “{name}” that this desktop is made from is broken."
        raise GuestError(message, detail=str(error)) from error
    except OSError as error:
        raise GuestError(f"The image “{name}” cannot be read.", detail=str(error)) from error


def clone(qemu_img: str, image: Image) -> None:
    """Make the overlay on the image's disk, or on a warm template's overlay on that, in the guest's folder.

    All are qcow2. One that is there is replaced. Raises GuestError.
    """
    if image.disk is None:
        return
    below = WARM if (image.folder / WARM).exists() else image.disk.name
    command = [qemu_img, "create", "-q", "-f", "qcow2"]
    command += ["-b", below, "-F", "qcow2", str((image.folder / OVERLAY).absolute())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except FileNotFoundError as error:
        raise GuestError(
            "This server cannot run virtual machines: QEMU's tools are not installed.",
            detail=f"{qemu_img} not found: apt-get install qemu-utils",
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GuestError("The guest's disk could not be made.", detail=str(error)) from error
    if done.returncode:
        raise _failed(done.stderr, f"The image “{image.name}” may be broken.")


def clear(folder: Path) -> None:
    """Remove what is made here. Never raises."""
    for name in FILES:
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def is_full(error: OSError) -> bool:
    """Tell whether there was no room, or no quota, left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def own(path: Path | None, own: Path) -> Path | None:
    """Give a file a name of the guest's own: a link, or a copy where that cannot be.

    Raises OSError, GuestError.
    """
    if path is None:
        return None
    own.unlink(missing_ok=True)  # of a start that was cut off; other guests may have that very file
    try:
        os.link(path.resolve(), own)
        return own
    except FileNotFoundError:
        raise
    except OSError:  # across file systems, not ours, too many links: whatever it is, a copy does as well
        command = ["cp", "--reflink=auto", "--sparse=auto", "--", str(path), str(own)]
        copied = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if copied.returncode:
        raise _failed(copied.stderr, "The image's files cannot be copied.")
    return own


def _failed(said: bytes, otherwise: str) -> GuestError:
    text = said.decode(errors="replace").strip()[-1000:]
    is_full = "No space left" in text or "Disk quota exceeded" in text
    why = "The server's disk is full." if is_full else otherwise
    return GuestError(f"The guest's disk could not be made. {why}", detail=text)
