"""From an image and a desktop's wishes to a QEMU that runs: what it opens is opened here, and passed on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from sessions.guests.base import GuestError
from sessions.guests.qemu import cgroup, disk, state
from sessions.guests.qemu.accelerator import kvm_groups
from sessions.guests.qemu.command import Descriptors, Machine, as_user, qemu_command
from sessions.guests.qemu.identity import Identity
from sessions.guests.qemu.process import QemuProcess
from sessions.guests.qemu.spec import Settings, Spec
from sessions.images.store import Image
from sessions.pixels.geometry import Size

NO_DESCRIPTORS = Descriptors(-1, -1, -1, -1)


def machine_of(
    spec: Spec,
    settings: Settings,
    image: Image,
    *,
    accelerator: str,
    screen: Size,
    identity: Identity,
    ports: Sequence[str] = (),
    append: str = "",
) -> Machine:
    """Return the machine of a guest; its name and descriptors come when it is launched.

    ports: names of further virtio ports. append: more for the kernel's command line.
    """
    return Machine(
        name="",
        qemu=settings.qemu,
        accelerator=accelerator,
        tb_size_mb=settings.tb_size_mb,
        memory_mb=spec.memory_mb or image.memory_mb,
        cpu_percent=spec.cpu_percent,
        cpus=spec.cpus or (2 if accelerator == "kvm" else 1),
        screen=screen,
        network=settings.network,
        firmware=image.firmware,
        append=f"{image.append} {append}".strip(),
        ports=tuple(ports),
        mac=identity.mac,
        generation=identity.generation,
        descriptors=NO_DESCRIPTORS,
    )


_UIDS = 1 << 28


def uid_of(settings: Settings, folder: Path) -> int:
    """Return a user id no other living guest has: folders have different inode numbers. 0: our own."""
    if os.geteuid() != 0 or not settings.uid_base:
        return 0
    return settings.uid_base + folder.stat().st_ino % _UIDS


def launch(
    machine: Machine,
    image: Image,
    folder: Path,
    uid: int,
    *,
    memory: int = -1,
    lock: int = -1,
    behind: bool = False,
) -> QemuProcess:
    """Start QEMU. Raises GuestError.

    image: its files are the guest's own ones, and an overlay lies beside them. folder: the guest's.
    memory: a descriptor, where the machine has memory that is shared. lock: of its disk, where that has
    one. behind: see `as_user`.
    """
    try:
        with ExitStack() as opened:
            descriptors = replace(_descriptors(machine, image, folder, opened), memory=memory, lock=lock)
            name = f"tsgateway-{folder.name}".replace(",", "_")
            command = qemu_command(replace(machine, name=name, descriptors=descriptors))
            groups = kvm_groups() if machine.accelerator == "kvm" else []
            command = as_user(command, uid, groups, behind=behind)
            caps = [] if behind else cgroup.make(folder, _limits(machine))
            return QemuProcess(cgroup.joining(command, caps), descriptors.passed)
    except OSError as error:
        raise GuestError("The guest could not be started.", detail=str(error)) from error


def _limits(machine: Machine) -> cgroup.Limits:
    translated = 0 if machine.accelerator == "kvm" else machine.tb_size_mb
    return cgroup.limits(machine.memory_mb, translated, machine.cpu_percent)


def _descriptors(machine: Machine, image: Image, folder: Path, opened: ExitStack) -> Descriptors:
    def listening(name: str) -> int:
        return opened.enter_context(state.listen(folder, name)).fileno()

    def file(path: Path | None, flags: int = os.O_RDONLY) -> int:
        if path is None:
            return -1
        descriptor = os.open(path, flags | os.O_CLOEXEC)
        opened.callback(os.close, descriptor)
        return descriptor

    warm = image.folder / disk.WARM
    return Descriptors(
        qmp=listening(state.QMP),
        operator=listening(state.OPERATOR),
        text=listening(state.TEXT),
        agent=listening(state.AGENT),
        microphone=listening(state.MICROPHONE),
        clipboard=listening(state.CLIPBOARD),
        ports={name: listening(f"{name}.sock") for name in machine.ports},
        disk=file(None if image.disk is None else image.folder / disk.OVERLAY, os.O_RDWR),
        template=file(image.disk),
        kernel=file(image.kernel),
        initrd=file(image.initrd),
        warm=file(warm if image.disk is not None and warm.exists() else None),
    )
