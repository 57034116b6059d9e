"""A guest's QEMU command line, as a value; nothing is started here.

QEMU is given descriptors, not paths: its disk, the template below it, and its listening sockets are
opened by us. So it can run under a user id of its own that may open nothing in our folders.

About the network. QEMU's user networking connects on the guest's behalf *as this host*: a guest reaches
not only the outside but every service that listens on the host's own addresses, 127.0.0.1 included, and
QEMU has no switch for less. So "isolated" (restrict=on: an address, no way out) is the default, and
"open" is for hosts that run no services which trust local connections.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sessions.displays.qemu_input import KEYBOARD, POINTER
from sessions.pixels.geometry import Size
from sessions.wire import vdagent

TEXT_PORT = "org.tsgateway.text"
AGENT_PORT = "org.qemu.guest_agent.0"
CLIPBOARD_PORT = vdagent.PORT_NAME
MICROPHONE_PORT = "org.tsgateway.microphone"
SERIAL_LOG_BYTES = 64 * 1024
UEFI_FIRMWARE = "/usr/share/ovmf/OVMF.fd"

Memory = Literal["own", "template", "clone"]

SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"

# Emulated: what distributions of today ask for (x86-64-v2), without AVX, which is slow to emulate.
_EMULATED_CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt"


@dataclass(frozen=True)
class Descriptors:
    """The descriptors QEMU inherits. The sockets listen already; -1 where there is no such file.

    disk: the guest's own overlay. It lies on the image's disk, `template`; in a clone of a warm template it
    lies on that one's overlay, `warm`, which lies on `template`. memory: see `Machine.memory`.
    lock: of a personal disk; QEMU only holds it (personal.py).
    ports: of further virtio ports, by name.
    """

    qmp: int
    operator: int
    text: int
    agent: int
    microphone: int = -1
    clipboard: int = -1
    disk: int = -1
    template: int = -1
    kernel: int = -1
    initrd: int = -1
    warm: int = -1
    memory: int = -1
    lock: int = -1
    ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> tuple[int, ...]:
        """All that are there."""
        agents = (self.agent, self.microphone, self.clipboard)
        ports = (self.qmp, self.operator, self.text, *agents)
        files = (self.disk, self.template, self.kernel, self.initrd, self.warm, self.memory, self.lock)
        return tuple(fd for fd in (*ports, *files, *self.ports.values()) if fd >= 0)


@dataclass(frozen=True)
class Machine:
    """A guest's machine. accelerator: "kvm" or "tcg"; firmware: "none", "bios" or "uefi".

    memory: "own"; "template", written to the descriptor that others clone; or "clone": what is there is taken
    and changes stay private, and the machine waits for the state of its devices (warm/).
    cpu_percent: how much of one core QEMU may use, 0 for no cap. mac: of its network card.
    generation: see identity.py. ports: names of further virtio ports.
    """

    name: str
    qemu: str
    accelerator: str
    tb_size_mb: int
    memory_mb: int
    cpus: int
    screen: Size
    network: str
    firmware: str
    append: str
    descriptors: Descriptors
    mac: str
    generation: str
    memory: Memory = "own"
    cpu_percent: int = 0
    ports: tuple[str, ...] = ()


def qemu_command(machine: Machine) -> list[str]:
    """Return QEMU's arguments, the program first."""
    return [
        machine.qemu,
        *("-name", machine.name),
        *("-nodefaults", "-no-user-config"),
        *("-sandbox", SANDBOX),
        *_memory(machine),
        *accelerator_options(machine.accelerator, machine.tb_size_mb),
        *("-smp", str(machine.cpus)),
        *_boot(machine),
        *_disk(machine.descriptors),
        *("-display", "dbus,p2p=on"),
        *("-device", f"virtio-vga,id=screen,xres={machine.screen.width},yres={machine.screen.height}"),
        *("-device", f"virtio-keyboard-pci,id={KEYBOARD}"),
        *("-device", f"virtio-tablet-pci,id={POINTER}"),
        *("-device", "virtio-rng-pci"),
        *("-netdev", f"user,id=net,restrict={'off' if machine.network == 'open' else 'on'}"),
        *("-device", f"virtio-net-pci,netdev=net,romfile=,mac={machine.mac}"),
        *("-device", f"vmgenid,guid={machine.generation}"),
        *("-chardev", f"ringbuf,id=serial,size={SERIAL_LOG_BYTES}"),
        *("-serial", "chardev:serial"),
        *_ports(machine.descriptors),
        *_further_ports(machine.descriptors.ports),
        *_sound(),
        *_monitor("qmp", machine.descriptors.qmp),
        *_monitor("operator", machine.descriptors.operator),
    ]


def _memory(machine: Machine) -> list[str]:
    """A backend of another kind is another machine to QEMU, so template and clone differ in `share` only."""
    size = ["-m", str(machine.memory_mb)]
    if machine.memory == "own":
        return ["-machine", "pc,vmport=off", *size]
    share = "on" if machine.memory == "template" else "off"
    path = f"mem-path=/proc/self/fd/{machine.descriptors.memory}"
    return [
        *("-object", f"memory-backend-file,id=memory,size={machine.memory_mb}M,{path},share={share}"),
        *("-machine", "pc,vmport=off,memory-backend=memory"),
        *size,
        *(["-incoming", "defer"] if machine.memory == "clone" else []),
    ]


def accelerator_options(accelerator: str, tb_size_mb: int) -> list[str]:
    """Return the arguments that choose the accelerator and a processor it can do."""
    if accelerator == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", f"tcg,thread=multi,tb-size={tb_size_mb}", "-cpu", _EMULATED_CPU]


NICE = 10
"""Of what runs behind: a tenth of the processor beside one who wants it as well."""


def as_user(
    command: Sequence[str], uid: int, groups: Sequence[int] = (), *, behind: bool = False
) -> list[str]:
    """Return `command` run by setpriv (util-linux) without new rights, and as `uid` unless that is 0.

    behind: it ends when the thread that starts it does, and has little processor time when others want it.
    """
    identity = []
    if uid:
        supplementary = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
        identity = ["--reuid", str(uid), "--regid", str(uid), *supplementary]
    if behind:
        identity += ["--pdeathsig", "KILL"]
        command = ["nice", "-n", str(NICE), *command]
    return ["setpriv", *identity, "--no-new-privs", "--", *command]


def _monitor(id: str, descriptor: int) -> list[str]:
    """A monitor takes one client at a time, so operators have one beside the session host's."""
    socket = f"socket,id={id},fd={descriptor},server=on,wait=off"
    return ["-chardev", socket, "-mon", f"chardev={id},mode=control"]


def _boot(machine: Machine) -> list[str]:
    descriptors = machine.descriptors
    if descriptors.kernel < 0:
        return ["-bios", UEFI_FIRMWARE] if machine.firmware == "uefi" else []
    options = ["-kernel", f"/proc/self/fd/{descriptors.kernel}", "-append", machine.append]
    if descriptors.initrd >= 0:
        options += ["-initrd", f"/proc/self/fd/{descriptors.initrd}"]
    return options


def _disk(descriptors: Descriptors) -> list[str]:
    """The overlay, on what is named here, whatever their headers say."""
    if descriptors.disk < 0:
        return []
    layers = [("template", descriptors.template), ("warm", descriptors.warm), ("disk", descriptors.disk)]
    options, below = [], None
    for set, (name, descriptor) in enumerate(layers, 1):
        if descriptor >= 0:
            use = {"discard": "unmap"} if name == "disk" else {"read-only": True}
            node = _qcow2(name, set) | use | {"backing": below}
            options += ["-add-fd", f"fd={descriptor},set={set}", "-blockdev", json.dumps(node)]
            below = name
    return [*options, "-device", "virtio-blk-pci,drive=disk"]


def _qcow2(name: str, set: int) -> dict[str, Any]:
    file = {"driver": "file", "filename": f"/dev/fdset/{set}"}
    return {"driver": "qcow2", "node-name": name, "file": file}


def _ports(descriptors: Descriptors) -> list[str]:
    options = ["-device", "virtio-serial-pci"]
    for id, descriptor, name in (
        ("text", descriptors.text, TEXT_PORT),
        ("agent", descriptors.agent, AGENT_PORT),
        ("clipboard", descriptors.clipboard, CLIPBOARD_PORT),
        ("microphone", descriptors.microphone, MICROPHONE_PORT),
    ):
        if descriptor < 0:
            continue
        options += ["-chardev", f"socket,id={id},fd={descriptor},server=on,wait=off"]
        options += ["-device", f"virtserialport,id={id},chardev={id},name={name}"]
    return options


def _further_ports(ports: Mapping[str, int]) -> list[str]:
    """Ports on a controller of their own, whose first number is for a console."""
    if not ports:
        return []
    options = ["-device", f"virtio-serial-pci,id=further,max_ports={len(ports) + 1}"]
    for name, descriptor in ports.items():
        options += ["-chardev", f"socket,id={name},fd={descriptor},server=on,wait=off"]
        options += ["-device", f"virtserialport,bus=further.0,chardev={name},name={name}"]
    return options


def _sound() -> list[str]:
    """A sound card that every system has a driver for, and a VNC server that lets what it plays be heard.

    The server listens nowhere; it is handed one connected socket (sound.py). It is there because QEMU 7.2
    crashes when its D-Bus display is asked for sound, and because it works the same way in every version.
    The card has no input: QEMU cannot be given any that way. Voices take a port of their own.
    """
    return [
        *("-audiodev", "none,id=sound"),
        *("-vnc", "none,audiodev=sound"),
        *("-device", "intel-hda,id=sound-card"),
        *("-device", "hda-output,audiodev=sound,bus=sound-card.0"),
    ]
