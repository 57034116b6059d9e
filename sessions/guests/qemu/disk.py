"""A guest's own disk: an overlay that keeps what differs from the template (a linked clone)."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sessions.guests.base import GuestError

SECONDS = 30


def clone(qemu_img: str, template: Path, overlay: Path) -> None:
    """Make `overlay` on `template`, both qcow2. Blocks for some 20 ms; runs in a thread.

    Raises GuestError.
    """
    command = [qemu_img, "create", "-q", "-f", "qcow2"]
    command += ["-b", str(template.absolute()), "-F", "qcow2", str(overlay.absolute())]
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
        said = done.stderr.decode(errors="replace").strip()[-1000:]
        full = "No space left" in said
        why = "The server's disk is full." if full else f"The image {template.parent.name!r} may be broken."
        raise GuestError(f"The guest's disk could not be made. {why}", detail=said)
