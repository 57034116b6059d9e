"""Whether KVM works here, found out by booting something.

A KVM device may open, answer its version and make a machine, and the guest still stops in the firmware,
or QEMU aborts: seen on machines that are virtual themselves. So a boot sector is run once by the very
firmware, processor and machine that guests get; only when it speaks within a few seconds is KVM taken.
The answer holds until the host boots again or another QEMU is installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool

from sessions.displays.sockets import Reactor
from sessions.guests.qemu.command import accelerator_options, as_user

KVM_DEVICE = Path("/dev/kvm")
SECONDS = 5
"""How long the boot sector may take; with working KVM it is a fifth of a second."""

_CACHE_FILE = "accelerator.json"
_EXIT_PORT = 0xF4
_SPOKEN = 42
_EXIT_CODE = _SPOKEN << 1 | 1  # what isa-debug-exit makes of it
# mov al, 42; out 0xf4, al; hlt. The last two bytes make it a boot sector.
_BOOT_SECTOR = bytes((0xB0, _SPOKEN, 0xE6, _EXIT_PORT, 0xF4)).ljust(510, b"\0") + b"\x55\xaa"


@dataclass(frozen=True)
class Accelerator:
    """name: "kvm" or "tcg" (emulation). reason: why, for the operator."""

    name: str
    reason: str


async def probe(
    reactor: Reactor, qemu: str, *, wanted: str = "auto", cache: Path | None = None, uid: int = 0
) -> Accelerator:
    """Return the accelerator to use. Never fails: emulation works everywhere.

    wanted: "auto", or what the operator has decided. cache: a folder to remember the answer in.
    uid: the user id guests run under, 0 for our own.
    """
    if wanted in ("kvm", "tcg"):
        return Accelerator(wanted, "chosen in the settings")
    probing: Deferred[Accelerator] = deferToThreadPool(
        reactor, reactor.getThreadPool(), _probe, qemu, cache, uid
    )
    return await probing


def kvm_groups() -> list[int]:
    """Return the groups that a process under another user id needs to open the KVM device."""
    try:
        status = KVM_DEVICE.stat()
    except OSError:
        return []
    return [status.st_gid] if status.st_gid and status.st_mode & 0o060 == 0o060 else []


def _probe(qemu: str, cache: Path | None, uid: int) -> Accelerator:
    here = _circumstances(qemu, uid)
    known = _remembered(cache, here)
    if known is not None:
        return known
    found = boot_sector_runs(qemu, "kvm", uid)
    answer = Accelerator("tcg" if found else "kvm", found or "a test machine ran")
    _remember(cache, here, answer)
    return answer


def boot_sector_runs(qemu: str, accelerator: str, uid: int = 0, seconds: float = SECONDS) -> str:
    """Boot the probe; return "" when it spoke, else why it did not. Blocks."""
    if accelerator == "kvm" and not KVM_DEVICE.exists():
        return f"there is no {KVM_DEVICE}"
    sector = _boot_sector()
    try:
        command = [
            *(qemu, "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc,vmport=off"),
            *accelerator_options(accelerator, 32),
            *("-m", "16", "-device", f"isa-debug-exit,iobase={_EXIT_PORT:#x},iosize=4"),
            *("-add-fd", f"fd={sector},set=1"),
            *("-drive", "if=floppy,format=raw,readonly=on,file=/dev/fdset/1"),
        ]
        done = subprocess.run(
            as_user(command, uid, kvm_groups()),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            pass_fds=(sector,),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"a test machine started but did not run within {seconds:g} s"
    except OSError as error:
        return f"{qemu} cannot be run: {error.strerror}"
    finally:
        os.close(sector)
    if done.returncode == _EXIT_CODE:
        return ""
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return f"QEMU ended with code {done.returncode}: {said[0][:200] if said else 'no message'}"


def _boot_sector() -> int:
    """Return a descriptor to read it from; QEMU takes one that fits how it opens the file, no other."""
    written = os.memfd_create("boot-sector")
    try:
        os.write(written, _BOOT_SECTOR)
        return os.open(f"/proc/self/fd/{written}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(written)


def _circumstances(qemu: str, uid: int) -> dict[str, Any]:
    """What the answer depends on."""
    binary = Path(shutil.which(qemu) or qemu)
    with contextlib.suppress(OSError):
        status, device = binary.stat(), KVM_DEVICE.stat() if KVM_DEVICE.exists() else None
        return {
            "boot": Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
            "qemu": [str(binary), status.st_mtime_ns, status.st_size],
            "device": [device.st_mode, device.st_uid, device.st_gid] if device else None,
            "user": [os.geteuid(), bool(uid)],
        }
    return {}


def _remembered(cache: Path | None, here: dict[str, Any]) -> Accelerator | None:
    if cache is None or not here:
        return None
    try:
        kept = json.loads((cache / _CACHE_FILE).read_text(encoding="utf-8"))
        if kept["here"] == here and kept["answer"]["name"] in ("kvm", "tcg"):
            return Accelerator(kept["answer"]["name"], str(kept["answer"]["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass  # asked anew
    return None


def _remember(cache: Path | None, here: dict[str, Any], answer: Accelerator) -> None:
    if cache is None or not here:
        return
    with contextlib.suppress(OSError):  # only costs a probe next time
        cache.mkdir(parents=True, exist_ok=True)
        aside = cache / f"{_CACHE_FILE}.{os.getpid()}"
        aside.write_text(json.dumps({"here": here, "answer": asdict(answer)}), encoding="utf-8")
        aside.rename(cache / _CACHE_FILE)
