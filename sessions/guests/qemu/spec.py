"""What a desktop of kind "qemu" may say, and what the session host may set for all of them.

A desktop:

    kind      = "qemu"
    template  = "desktop"   # an image in the store
    memory_mb = 1024        # by default what the image asks for
    cpus      = 2           # by default 1 under emulation, 2 with KVM
    start     = "auto"      # from a warm template where there is one; or "boot": always from the beginning
    cpu_percent = 150       # cap on the processor time of its QEMU, of one core; by default none
    assignment = "pooled"   # its disk is thrown away at log-off; or "personal": each user keeps one

The session host's settings are the fields of `Settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sessions.guests.base import GuestError

MEMORY_MB = range(16, 1024 * 1024 + 1)
CPUS = range(1, 65)
CPU_PERCENT = range(1, 6401)
ASSIGNMENTS = ("pooled", "personal")
STARTS = ("auto", "boot")


@dataclass(frozen=True)
class Spec:
    """A valid desktop. memory_mb and cpus are 0 where the default shall be taken, cpu_percent for no cap."""

    template: str
    memory_mb: int = 0
    cpus: int = 0
    assignment: str = "pooled"
    start: str = "auto"
    cpu_percent: int = 0

    @classmethod
    def read(cls, spec: Mapping[str, Any]) -> Spec:
        """Check a desktop's spec. Raises GuestError."""
        return cls(
            template_of(spec),
            number(spec, "memory_mb", MEMORY_MB),
            number(spec, "cpus", CPUS),
            _choice(spec, "assignment", ASSIGNMENTS),
            _choice(spec, "start", STARTS),
            number(spec, "cpu_percent", CPU_PERCENT),
        )


def template_of(spec: Mapping[str, Any]) -> str:
    """Return the name of the image that a spec says. Raises GuestError."""
    template = spec.get("template")
    if not isinstance(template, str) or not template:
        raise GuestError("This desktop does not say which image it is made from (“template”).")
    return template


def number(spec: Mapping[str, Any], name: str, allowed: range, otherwise: int = 0) -> int:
    """Return a number that a spec says, or `otherwise`. Raises GuestError."""
    value = spec.get(name)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise GuestError(
            f"This desktop's “{name}” must be a whole number from {allowed.start} to {allowed.stop - 1}."
        )
    return value


def _choice(spec: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    """Return what the spec says, by default the first."""
    value = spec.get(name, choices[0])
    if value not in choices:
        raise GuestError(f"This desktop's “{name}” must be {' or '.join(f'“{each}”' for each in choices)}.")
    return str(value)


@dataclass(frozen=True)
class Settings:
    """The session host's settings for QEMU guests.

    qemu, qemu_img: the programs, by name or path.
    accelerator: "auto" (probe), "kvm" or "tcg". cache: folder that remembers what the probe found.
    disks_folder: where personal disks are kept; "": there are none.
    warm_folder: where warm templates are kept; "": every guest boots.
    shares_folder: of the folders that people share with their guests; "": there are none.
    share_quota: bytes that those of one person may hold, 0 for any number.
    tb_size_mb: memory of the emulator's translated code, per guest.
    network: "isolated", or "open" (see command.py for what that lets a guest reach).
    boot_seconds: how long a guest may take until it is ready.
    uid_base: first of the user ids guests run under when the session host is root; 0 to run as root.
    """

    qemu: str = "qemu-system-x86_64"
    qemu_img: str = "qemu-img"
    accelerator: str = "auto"
    cache: str = ""
    disks_folder: str = ""
    warm_folder: str = ""
    shares_folder: str = ""
    share_quota: int = 0
    tb_size_mb: int = 128
    network: str = "isolated"
    boot_seconds: float = 120
    uid_base: int = 0x70000000

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Settings:
        """Take the settings that are ours. Raises GuestError for a value that cannot be."""
        ours = {field.name for field in fields(cls)}
        try:
            given = {key: value for key, value in settings.items() if key in ours and value is not None}
            taken = cls(**given)
            valid = (
                taken.accelerator in ("auto", "kvm", "tcg")
                and taken.network in ("isolated", "open")
                and 1 <= taken.tb_size_mb <= 4096
                and taken.boot_seconds > 0
                and 0 <= taken.uid_base <= 0x70000000
            )
        except TypeError:
            valid = False
        if not valid:
            raise GuestError("This server's settings for QEMU are not valid.", detail=f"settings: {settings}")
        return taken

    @property
    def cache_folder(self) -> Path | None:
        """Where the probe's answer is kept; None: nowhere."""
        return Path(self.cache) if self.cache else None
