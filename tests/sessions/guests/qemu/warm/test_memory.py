"""A template's memory is shared, and nobody can write to it."""

import contextlib
import fcntl
import json
import mmap
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sessions.guests.qemu.command import as_user
from sessions.guests.qemu.process import ProcessId
from sessions.guests.qemu.warm import memory

MIB = 1 << 20
SIZE = 8 * MIB
UID = 0x70000007


@pytest.fixture
def folder(tmp_path):
    """A template's folder with a memory of its own: something, much nothing, something."""
    source = memory.new(SIZE)
    os.pwrite(source, b"begin" * 2000, 0)
    os.pwrite(source, bytes(2 * MIB), 2 * MIB)  # written to, but with zeros
    os.pwrite(source, b"end", SIZE - 3)
    memory.keep(source, tmp_path / memory.MEMORY)
    os.close(source)
    return tmp_path


@pytest.fixture
def shared(folder):
    descriptor = memory.share(folder)
    yield descriptor
    os.close(descriptor)


def content(descriptor):
    return os.pread(descriptor, SIZE, 0)


def test_what_is_kept_is_what_was_there_and_zeros_take_no_room(folder, shared):
    expected = bytearray(SIZE)
    expected[:10000] = b"begin" * 2000
    expected[-3:] = b"end"
    assert content(shared) == bytes(expected)
    assert (folder / memory.MEMORY).stat().st_size == SIZE
    assert (folder / memory.MEMORY).stat().st_blocks * 512 < MIB
    assert os.fstat(shared).st_blocks * 512 < MIB


ATTACK = """
    import mmap, os, sys
    path, size = f"/proc/self/fd/{sys.argv[1]}", int(sys.argv[2])
    done = []
    for flags in (os.O_RDWR, os.O_WRONLY, os.O_RDWR | os.O_TRUNC):
        try:
            opened = os.open(path, flags)
        except OSError:
            continue
        for what in (
            lambda: os.pwrite(opened, b"poison", 0),
            lambda: mmap.mmap(opened, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE),
            lambda: os.ftruncate(opened, 0),
            lambda: os.ftruncate(opened, 2 * size),
            lambda: os.posix_fallocate(opened, 0, 2 * size),
        ):
            try:
                what()
                done.append("done")
            except OSError:
                pass
    private = mmap.mmap(os.open(path, os.O_RDWR), size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    private[:6] = b"poison"  # what QEMU does; it reaches nobody else
    print(len(done), private[:6].decode())
"""


@pytest.mark.parametrize("uid", [0, UID])
def test_who_has_it_can_map_it_privately_and_change_it_for_nobody_else(shared, uid):
    if uid and os.geteuid():
        pytest.skip("only root can be another user")
    before = content(shared)
    command = as_user([sys.executable, "-c", textwrap.dedent(ATTACK), str(shared), str(SIZE)], uid)
    done = subprocess.run(command, pass_fds=(shared,), capture_output=True, text=True, check=False, cwd="/")
    assert done.stdout.split() == ["0", "poison"], done.stderr
    assert content(shared) == before


def test_other_session_hosts_share_it(folder):
    code = """
        import os, sys
        from pathlib import Path
        from sessions.guests.qemu.warm import memory
        print(os.fstat(memory.share(Path(sys.argv[1]))).st_ino, flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), folder]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        theirs = int(other.stdout.readline())
        ours = memory.share(folder)
        assert os.fstat(ours).st_ino == theirs
        told = json.loads((folder / memory.HOLDER).read_text())
        assert told["pid"] == other.pid
    finally:
        other.communicate()
    assert content(ours)[:5] == b"begin", "it lasts as long as somebody has it"
    again = memory.share(folder)
    assert os.fstat(again).st_ino != theirs, "its holder has gone, so it is filled anew"
    assert content(again) == content(ours)
    os.close(ours)
    os.close(again)


@pytest.mark.parametrize(
    "rubbish", ["", "{", "[]", "{}", '{"pid": "x", "started": 1, "descriptor": 1, "inode": 1}']
)
def test_a_holder_that_is_rubbish_is_none(folder, rubbish):
    (folder / memory.HOLDER).write_text(rubbish)
    descriptor = memory.share(folder)
    assert content(descriptor)[:5] == b"begin"
    os.close(descriptor)


def test_a_holder_whose_descriptor_is_something_else_by_now_is_none(folder):
    us = ProcessId.of(os.getpid())
    unsealed = memory.new(SIZE)
    smaller = memory.new(MIB)
    another = memory.new(SIZE)
    fcntl.fcntl(another, fcntl.F_ADD_SEALS, memory.SEALS)
    with Path("/dev/null").open("rb") as null:
        for number in (unsealed, smaller, null.fileno(), another, 99999):
            inode = os.fstat(number).st_ino + (number == another) if number != 99999 else 1
            told = {"pid": us.pid, "started": us.started, "descriptor": number, "inode": inode}
            (folder / memory.HOLDER).write_text(json.dumps(told))
            descriptor = memory.share(folder)
            assert content(descriptor)[:5] == b"begin"
            os.close(descriptor)
    os.close(unsealed)
    os.close(smaller)
    os.close(another)


def test_a_memory_that_is_missing_or_cannot_be_read_is_an_error(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    with contextlib.suppress(FileNotFoundError):
        memory.share(tmp_path)
        raise AssertionError("it was not there")
    assert len(os.listdir("/proc/self/fd")) == before


def test_private_maps_share_pages(shared):
    """That is what makes clones cheap."""
    with mmap.mmap(shared, SIZE, mmap.MAP_PRIVATE, mmap.PROT_READ) as one:
        assert one[:5] == b"begin"
