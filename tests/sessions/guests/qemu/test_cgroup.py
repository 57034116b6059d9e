"""Caps on what a guest may use: real control groups where this machine has them, and how they are found."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sessions.guests.qemu import cgroup
from sessions.guests.qemu.cgroup import Hierarchy, Limits, NoCgroup, joining, make, parse, problem
from tests.sessions.guests.qemu.machine import Machine

LIMITS = Limits(50, 300 << 20)
needs_groups = pytest.mark.skipif(bool(problem()), reason=f"no control groups here: {problem()}")

V1 = """\
9:name=systemd:/
5:memory:/jobs/one
2:cpu,cpuacct:/
0::/
"""
V1_MOUNTS = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
V2 = "0::/system.slice/tsgateway.service\n"
V2_MOUNTS = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


# ---- finding them


def test_version_1_beside_an_empty_version_2():
    assert parse(V1, V1_MOUNTS, lambda mount: "hugetlb") == [
        Hierarchy(1, ("cpu",), Path("/sys/fs/cgroup/cpu,cpuacct"), Path("/sys/fs/cgroup/cpu,cpuacct")),
        Hierarchy(1, ("memory",), Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup/memory/jobs/one")),
    ]


def test_version_2():
    mount = Path("/sys/fs/cgroup")
    own = mount / "system.slice/tsgateway.service"
    assert parse(V2, V2_MOUNTS, lambda _: "cpuset cpu io memory pids") == [
        Hierarchy(2, ("cpu", "memory"), mount, own)
    ]
    assert parse("0::/\n", V2_MOUNTS, lambda _: "cpu memory") == [
        Hierarchy(2, ("cpu", "memory"), mount, mount)
    ]


def test_a_mount_that_shows_only_a_part_of_the_hierarchy():
    mounts = "1 2 0:3 /jobs /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    [found] = parse("5:memory:/jobs/one\n", mounts, lambda _: "")
    assert found.own == Path("/sys/fs/cgroup/memory/one")
    [found] = parse("5:memory:/elsewhere\n", mounts, lambda _: "")
    assert found.own == found.mount


def test_none():
    def no_file(mount):
        raise FileNotFoundError

    assert parse("", V1_MOUNTS, no_file) == []
    assert parse(V2, V2_MOUNTS, no_file) == []


# ---- version 2, on files that look like it: whose groups may be divided


def tree(tmp_path, *, delegated=False, enabled="", is_root=False):
    """A service's group, with that of its processes in it."""
    own = tmp_path / "tsgateway.service" / "gateway"
    own.mkdir(parents=True)
    for group in (own, own.parent):
        (group / "cgroup.subtree_control").write_text(enabled)
        if not is_root:
            (group / "cgroup.events").write_text("populated 1\n")
    if delegated:
        try:
            os.setxattr(own.parent, "user.delegate", b"1")
        except OSError as error:
            pytest.skip(f"no extended attributes on {tmp_path}: {error}")
    return Hierarchy(2, ("cpu", "memory"), tmp_path, own)


def test_a_group_that_is_not_ours_is_left_alone(tmp_path):
    here = tree(tmp_path)
    with pytest.raises(NoCgroup, match="DelegateSubgroup=gateway"):
        cgroup._parent(here)
    for group in (here.own, here.own.parent):
        assert (group / "cgroup.subtree_control").read_text() == ""


def test_in_a_delegated_group_guests_are_beside_the_gateway(tmp_path):
    here = tree(tmp_path, delegated=True)
    assert cgroup._parent(here) == here.own.parent
    assert (here.own.parent / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert (here.own / "cgroup.subtree_control").read_text() == ""


def test_what_is_enabled_already_is_left_as_it_is(tmp_path):
    here = tree(tmp_path, delegated=True, enabled="memory cpu pids")
    assert cgroup._parent(here) == here.own.parent
    assert (here.own.parent / "cgroup.subtree_control").read_text() == "memory cpu pids"


def test_processes_of_the_root_may_have_groups_beside_them(tmp_path):
    here = tree(tmp_path, is_root=True, enabled="cpu")
    assert cgroup._parent(here) == here.own
    assert (here.own / "cgroup.subtree_control").read_text() == "+memory"


@pytest.mark.parametrize(
    ("percent", "quota"), [(50, "50000 100000"), (250, "250000 100000"), (0, "max 100000")]
)
def test_limits_of_version_2(tmp_path, percent, quota):
    cgroup._limit(Hierarchy(2, ("cpu", "memory"), tmp_path, tmp_path), tmp_path, Limits(percent, 1 << 30))
    assert (tmp_path / "cpu.max").read_text() == quota
    assert (tmp_path / "memory.max").read_text() == str(1 << 30)


def test_where_there_are_none_a_guest_runs_without(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroup, "hierarchies", lambda process: [])
    assert make(tmp_path, LIMITS) == []
    assert "no control groups for cpu and memory" in problem()
    assert joining(["true"], []) == ["true"]
    assert list(tmp_path.iterdir()) == []


def test_a_group_that_cannot_be_joined_stops_nobody(tmp_path):
    command = joining(["echo", "a b", "$HOME", "--"], [tmp_path / "missing"])
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "a b $HOME --\n"


# ---- the real ones


def real_groups(folder):
    return [Path(path) for path in json.loads((folder / cgroup.RECORD).read_text())]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "state" / os.urandom(16).hex() / "guest"
    folder.mkdir(parents=True)
    yield folder
    cgroup.clear(folder)


@needs_groups
def test_groups_are_made_joined_and_removed(folder):
    groups = make(folder, LIMITS)
    assert groups == real_groups(folder)
    held = subprocess.Popen(joining(["sleep", "600"], groups), stdout=subprocess.PIPE)
    try:
        for _ in range(6000):
            if all(str(held.pid) in (group / "cgroup.procs").read_text().split() for group in groups):
                break
            time.sleep(0.02)
        else:
            pytest.fail("it never joined")
    finally:
        held.kill()
        held.wait()
        held.stdout.close()
    cgroup.clear(folder)
    assert not any(group.exists() for group in groups)
    assert list(folder.iterdir()) == []


@needs_groups
def test_groups_of_a_guest_whose_folder_is_gone_are_swept(folder):
    gone = folder.parent.parent / "gone" / "guest"
    gone.mkdir(parents=True)
    groups = make(gone, LIMITS)
    (gone / cgroup.RECORD).unlink()
    gone.rmdir()
    gone.parent.rmdir()
    others = make(folder, LIMITS)
    assert not any(group.exists() for group in groups)
    assert all(group.exists() for group in others)


@needs_groups
def test_a_group_in_which_something_runs_is_not_forgotten_about_in_silence(folder, monkeypatch):
    groups = make(folder, LIMITS)
    monkeypatch.setattr(cgroup, "_GONE_SECONDS", 0.1)
    held = subprocess.Popen(joining(["sleep", "600"], groups))
    try:
        while str(held.pid) not in (groups[-1] / "cgroup.procs").read_text().split():
            pass
        cgroup.clear(folder)
        assert all(group.exists() for group in groups)
    finally:
        held.kill()
        held.wait()
    for group in groups:
        group.rmdir()


@pytest.mark.parametrize("rubbish", ["", "{", "5", '["/etc", "/", 7]', "[" * 100_000])
def test_a_record_that_is_rubbish_removes_nothing(folder, rubbish, tmp_path):
    (folder / cgroup.RECORD).write_text(rubbish)
    cgroup.clear(folder)
    assert list(folder.iterdir()) == []
    assert Path("/etc").is_dir()


def throttled(groups):
    """How often the processor was taken away, by the kernel's own count."""
    for group in groups:
        if (group / "cpu.stat").exists():
            told = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
            if "nr_throttled" in told:
                return int(told["nr_throttled"])
    raise AssertionError("nobody counts")


def memory_limit(groups):
    names = ("memory.limit_in_bytes", "memory.max")
    [found] = [group / name for group in groups for name in names if (group / name).exists()]
    return int(found.read_text())


@needs_groups
@pytest.mark.qemu
@pytest_twisted.ensureDeferred
async def test_a_guest_is_held_to_its_share(tmp_path):
    """Booting takes all the processor there is, so it is taken away again and again."""
    folder = tmp_path / "state" / os.urandom(16).hex() / "guest"
    folder.mkdir(parents=True)
    machine = Machine(folder, spec={"kind": "qemu", "template": "tiny", "cpu_percent": 60}, tb_size_mb=64)
    await machine.start()
    try:
        groups = real_groups(folder)
        for group in groups:
            assert (group / "cgroup.procs").read_text().split() == [str(machine.pid)]
        assert throttled(groups) > 0
        assert memory_limit(groups) == (128 + 64 + cgroup.OVERHEAD_MB) << 20
        await machine.guest.detach()
    finally:
        other = machine.successor()
        await other.guest.adopt()
        await other.guest.stop()
    assert not any(group.exists() for group in groups)
    assert list(folder.iterdir()) == []


@needs_groups
@pytest.mark.qemu
@pytest_twisted.ensureDeferred
async def test_a_start_that_is_called_off_leaves_no_group(tmp_path):
    folder = tmp_path / "state" / os.urandom(16).hex() / "guest"
    folder.mkdir(parents=True)
    machine = Machine(folder)
    starting = Deferred.fromCoroutine(machine.start())
    starting.addErrback(lambda failure: None)
    while not (folder / "guest.json").exists():
        await deferLater(reactor, 0.02)
    groups = real_groups(folder)
    assert all(group.exists() for group in groups)
    starting.cancel()
    await starting
    assert not any(group.exists() for group in groups)
