"""Hard caps on what a guest's QEMU may use: a control group of its own, where one can be made.

Version 1 (a hierarchy for each controller) and 2 (one for all). A group is made below that of this process,
so it keeps what the whole service may use. Version 2 allows that only where no process is in the group
itself, so there it is made beside this process's, below the service's group that systemd has left to us
(`Delegate=`, `DelegateSubgroup=`); our own cannot be divided, since systemd starts the service in it again.

QEMU joins before it is QEMU (`joining`), so nothing of it is counted elsewhere. Its folder says which groups
it has, before they are made, so they are removed whoever ends the guest. What is here blocks for moments.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from twisted.logger import Logger

from sessions.files import write_whole

log = Logger()

OVERHEAD_MB = 512
"""What QEMU may take beyond the guest's memory and the emulator's translated code: the screen, up to 8192
pixels square, disk caches, its own program."""
CONTROLLERS = ("cpu", "memory")
PERIOD = 100_000
"""Microseconds over which processor time is dealt out."""

RECORD = "cgroups.json"
_PREFIX = "tsgateway-"
_GONE_SECONDS = 2.0
_JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"'


class NoCgroup(Exception):
    """No control group can be made here; the text says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """cpu_percent: of one processor, 0 for no limit. memory: bytes."""

    cpu_percent: int
    memory: int


@dataclass(frozen=True)
class Hierarchy:
    """Where groups are made. version: 1 or 2. controllers: those of ours it has. own: our process's group."""

    version: int
    controllers: tuple[str, ...]
    mount: Path
    own: Path


def limits(memory_mb: int, tb_size_mb: int, cpu_percent: int) -> Limits:
    """Return the caps of a guest's QEMU. tb_size_mb: 0 where nothing is translated."""
    return Limits(cpu_percent, (memory_mb + tb_size_mb + OVERHEAD_MB) << 20)


def joining(command: Sequence[str], groups: Sequence[Path]) -> list[str]:
    """Return `command` run in these groups. Where one cannot be joined it runs all the same."""
    if not groups:
        return list(command)
    return ["sh", "-c", _JOIN, "sh", *map(str, groups), "--", *command]


def hierarchies(process: str = "self") -> list[Hierarchy]:
    """Return where the controllers are that this machine has. Raises OSError."""
    return parse(
        Path(f"/proc/{process}/cgroup").read_text(encoding="utf-8"),
        Path("/proc/self/mountinfo").read_text(encoding="utf-8"),
        lambda mount: (mount / "cgroup.controllers").read_text(encoding="ascii"),
    )


def parse(cgroup: str, mountinfo: str, offered: Callable[[Path], str]) -> list[Hierarchy]:
    """Return the hierarchies that proc(5)'s files tell of.

    offered: says which controllers a mount of version 2 has, or raises OSError.
    """
    own = {}
    for line in cgroup.splitlines():
        number, names, path = line.split(":", 2)
        own.update({name: path for name in (names.split(",") if number != "0" else ["2"])})
    found = []
    for line in mountinfo.splitlines():
        fields, _, rest = line.partition(" - ")
        root, mount = fields.split()[3:5]
        kind, _, options = rest.split()[:3]
        has: tuple[str, ...] = ()
        if kind == "cgroup":
            has = tuple(name for name in CONTROLLERS if name in options.split(",") and name in own)
        elif kind == "cgroup2" and "2" in own:
            with contextlib.suppress(OSError):
                has = tuple(name for name in CONTROLLERS if name in offered(Path(mount)).split())
        if has:
            path = own["2" if kind == "cgroup2" else has[0]]
            seen = (
                Path(mount, os.path.relpath(path, root)) if Path(path).is_relative_to(root) else Path(mount)
            )
            version = 2 if kind == "cgroup2" else 1
            found.append(Hierarchy(version, has, Path(mount), Path(os.path.normpath(seen))))
    return found


def make(folder: Path, wanted: Limits) -> list[Path]:
    """Return groups with these limits for the guest of a folder, none where that cannot be. Never raises."""
    clear(folder)
    try:
        return _make(folder, wanted)
    except (NoCgroup, OSError) as error:
        clear(folder)
        say = log.warn if wanted.cpu_percent else log.debug
        say("a guest runs without caps: {why}", why=str(error))
        return []


def clear(folder: Path) -> None:
    """Remove the groups of a folder's guest, which has ended. Never raises."""
    try:
        with (folder / RECORD).open("rb") as file:
            groups = [Path(str(path)) for path in json.loads(file.read(64 * 1024))]
    except (OSError, ValueError, TypeError, RecursionError):
        groups = []
    deadline = time.monotonic() + _GONE_SECONDS
    for group in groups:
        while group.name.startswith(_PREFIX) and not _removed(group):
            if time.monotonic() >= deadline:
                log.warn("{group} cannot be removed: something still runs there", group=str(group))
                break
            time.sleep(0.02)
    with contextlib.suppress(OSError):
        (folder / RECORD).unlink()


def problem(process: str = "self") -> str:
    """Say why guests started by a process have no caps; "" if they have."""
    trial = f"{_PREFIX}trial-{os.getpid()}"
    try:
        for hierarchy in _needed(process):
            group = _parent(hierarchy) / trial
            try:
                group.mkdir()
                _limit(hierarchy, group, Limits(100, 1 << 30))
            finally:
                _removed(group)
    except (NoCgroup, OSError) as error:
        return str(error)
    return ""


def _make(folder: Path, wanted: Limits) -> list[Path]:
    groups = []
    for hierarchy in _needed("self"):
        parent = _parent(hierarchy)
        _sweep(parent, folder)
        groups.append((hierarchy, parent / _name(folder)))
    write_whole(folder / RECORD, json.dumps([str(group) for _, group in groups]).encode())
    for hierarchy, group in groups:
        group.mkdir(exist_ok=True)
        _limit(hierarchy, group, wanted)
    return [group for _, group in groups]


def _needed(process: str) -> list[Hierarchy]:
    found = hierarchies(process)
    missing = set(CONTROLLERS) - {name for hierarchy in found for name in hierarchy.controllers}
    if missing:
        raise NoCgroup(f"this system has no control groups for {' and '.join(sorted(missing))}")
    return found


def _parent(hierarchy: Hierarchy) -> Path:
    """Return the group below which guests' groups can be made. Raises NoCgroup, OSError."""
    own = hierarchy.own
    if hierarchy.version == 1:
        return own
    is_root = not (own / "cgroup.events").exists()
    if not is_root and not _is_delegated(own.parent):
        raise NoCgroup(
            f"the control group {own} is not ours to divide; run the gateway as a service of systemd 254 or "
            "newer with Delegate=yes and DelegateSubgroup=gateway"
        )
    parent = own if is_root else own.parent
    control = parent / "cgroup.subtree_control"
    missing = set(hierarchy.controllers) - set(control.read_text(encoding="ascii").split())
    if missing:
        control.write_text(" ".join(f"+{name}" for name in sorted(missing)), encoding="ascii")
    return parent


def _is_delegated(group: Path) -> bool:
    """Tell whether systemd has left a group to us. The service's processes are in a child of it then."""
    try:
        return os.getxattr(group, "user.delegate") == b"1"
    except OSError:
        return False


def _limit(hierarchy: Hierarchy, group: Path, wanted: Limits) -> None:
    quota = wanted.cpu_percent * PERIOD // 100
    values = {}
    if hierarchy.version == 2:
        values = {"cpu.max": f"{quota or 'max'} {PERIOD}", "memory.max": str(wanted.memory)}
    if hierarchy.version == 1 and "cpu" in hierarchy.controllers:
        values |= {"cpu.cfs_period_us": str(PERIOD), "cpu.cfs_quota_us": str(quota or -1)}
    if hierarchy.version == 1 and "memory" in hierarchy.controllers:
        values |= {"memory.limit_in_bytes": str(wanted.memory)}
    for name, value in values.items():
        (group / name).write_text(value, encoding="ascii")


def _name(folder: Path) -> str:
    """Return the name of a guest's group: whose state folder it is in, and which there."""
    state, name = folder.absolute().parent.parent, folder.absolute().parent.name
    return f"{_PREFIX}{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}-{name}"[:200]


def _sweep(parent: Path, folder: Path) -> None:
    """Remove groups of guests that were in the same state folder and are not there any more."""
    ours = _name(folder)[: len(_PREFIX) + 13]
    for group in parent.glob(f"{ours}*"):
        if not (folder.absolute().parent.parent / group.name.removeprefix(ours)).exists():
            _removed(group)


def _removed(group: Path) -> bool:
    """Remove a group unless processes are in it; tell whether it is gone."""
    try:
        group.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
