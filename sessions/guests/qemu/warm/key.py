"""What a warm template holds for.

A template is memory, device state and disk of one machine, and goes on only in the very same one: the same
image, the same QEMU, the same command line. So its name is a hash of all that, and whatever changes, there is
just no template of that name yet. Pure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from sessions.guests.base import DEFAULT_SCREEN
from sessions.guests.qemu.command import Descriptors, Machine, qemu_command

FORMAT = 1
"""Changes when templates are made otherwise than before."""

KEY_DIGITS = 32


@dataclass(frozen=True)
class Circumstances:
    """What a template depends on beyond its machine.

    image, version: the image's name and version. qemu: path, size and time of change (ns) of the program.
    processor: what `-cpu host` gives guests, "" where the processor is emulated.
    """

    image: str
    version: str
    qemu: tuple[str, int, int]
    processor: str = ""


def as_template(machine: Machine) -> Machine:
    """Return the machine that is saved and cloned: what differs from guest to guest comes later."""
    return replace(machine, screen=DEFAULT_SCREEN, memory="clone")


def key_of(machine: Machine, image_files: Descriptors, here: Circumstances) -> str:
    """Return the name of the template for a machine: KEY_DIGITS hex digits.

    image_files: any numbers, but -1 for the files that the image does not have.
    """
    fixed = Descriptors(
        qmp=10, operator=11, text=12, agent=13, clipboard=20, memory=14,
        ports={name: 30 + number for number, name in enumerate(machine.ports)},
        disk=15 if image_files.disk >= 0 else -1,
        template=16 if image_files.template >= 0 else -1,
        kernel=17 if image_files.kernel >= 0 else -1,
        initrd=18 if image_files.initrd >= 0 else -1,
        warm=19 if image_files.disk >= 0 else -1,
    )  # fmt: skip
    plain = replace(as_template(machine), name="", mac="", generation="", descriptors=fixed)
    words = [str(FORMAT), repr(here), *qemu_command(plain)]
    return hashlib.sha256("\0".join(words).encode(errors="surrogateescape")).hexdigest()[:KEY_DIGITS]
