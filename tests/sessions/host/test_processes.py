"""Processes of a guest: what programs in there print is read safely, and one that is listed can be ended."""

import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock

from sessions.guests.base import Finished, GuestError, GuestInfo
from sessions.host.process_list import (
    MAX_NAME,
    MAX_PID,
    MAX_PROCESSES,
    PS_FIELDS,
    Process,
    read_ps,
    read_tasklist,
)
from sessions.host.processes import PATIENCE, Processes

PS = b"""
      1       0 root                     86400 00:00:04  11000 S systemd
    731       1 ada                        120 1-02:03:04  2048 S Web Content
    732     731 ada                         60 00:00:00     0 Z defunct
    800     731 ada                          5 00:01:00 512000 R python3
"""
TASKS = b"""\r
"System Idle Process","0","Services","0","8 K","Unknown","NT AUTHORITY\\SYSTEM","10:03:07","N/A"\r
"notepad, ""the"" best.exe","4120","Console","1","14,512 K","Running","DESK\\ada","0:00:02","a, b - Notepad"\r
"broken","x","Console","1","1 K","Running","u","0:00:02","t"\r
INFO: No tasks are running\r
"""


def test_what_ps_prints_is_read():
    assert read_ps(PS) == [
        Process(1, 0, "root", "systemd", 86400, 4, 11000 << 10),
        Process(731, 1, "ada", "Web Content", 120, 93784, 2048 << 10),
        Process(800, 731, "ada", "python3", 5, 60, 512000 << 10),
    ]


def test_what_tasklist_prints_is_read():
    assert read_tasklist(TASKS) == [
        Process(0, 0, "NT AUTHORITY\\SYSTEM", "System Idle Process", 0, 36187, 8 << 10),
        Process(4120, 0, "DESK\\ada", 'notepad, "the" best.exe', 0, 2, 14512 << 10),
    ]


def test_this_machine_s_own_ps_is_read():
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(command) as child:
        printed = subprocess.run(["ps", "-ww", "-A", "-o", PS_FIELDS], capture_output=True, check=True).stdout
        found = {each.pid: each for each in read_ps(printed)}
        child.kill()
    assert found[child.pid].name.startswith("python")
    assert found[child.pid].seconds < 60
    assert found[child.pid].parent == found[found[child.pid].parent].pid
    assert found[1].parent == 0


lines = st.lists(
    st.binary(max_size=60) | st.sampled_from([*PS.splitlines(), *TASKS.splitlines()]), max_size=30
)


@given(lines, st.sampled_from([read_ps, read_tasklist]))
@example([b"1 1 u 1 99:00 1 S x"], read_ps)
@example([b"\xd9\xa1 1 u 1 00:00:01 1 S x"], read_ps)  # a digit of another script
@example([b"1 1 u 1 00:00:01 1 S " + b"\x1b[2J" * 99], read_ps)
@example([b'"' * 1001], read_tasklist)
def test_whatever_a_guest_prints_is_bounded_and_printable(printed, read):
    for process in read(b"\n".join(printed)):
        assert 0 <= process.pid <= MAX_PID
        assert 0 <= process.parent <= MAX_PID
        assert process.name.isprintable()
        assert process.user.isprintable()
        assert len(process.name) <= MAX_NAME
        assert min(process.seconds, process.cpu_seconds, process.memory) >= 0
        assert max(process.seconds, process.cpu_seconds, process.memory) < 1 << 63


def test_there_are_only_so_many():
    assert len(read_ps(b"2 1 u 1 00:00:01 1 S x\n" * 3 * MAX_PROCESSES)) == MAX_PROCESSES


class Machine:
    """A guest with processes; those that are `stubborn` do not hear SIGTERM."""

    def __init__(self, account=None, os="Debian GNU/Linux"):
        self.account, self.os = account, os
        self.alive = {1: "systemd", 700: "xterm", 701: "stuck", 900: "others"}
        self.stubborn = {701}
        self.commands = []

    async def info(self):
        return GuestInfo(self.os, "12", "desk", (), "7.2", 1.0)

    async def run(self, command, *, input=b"", seconds=30, limit=0):
        command = list(command)
        self.commands.append(command)
        if command[0] == "setpriv":
            assert command[1:4] == ["--reuid=ada", "--clear-groups", "--"], command
            command = command[4:]
        if command[0] in ("ps", "tasklist"):
            return Finished(0, getattr(self, command[0])("-u" in command), b"")
        return self.signal(*command[1:]) if command[0] == "kill" else self.signal("-KILL", command[3])

    def ps(self, own):
        shown = {pid: name for pid, name in self.alive.items() if not own or pid in (700, 701)}
        return "".join(f"{pid} 1 u 9 00:00:01 1 S {name}\n" for pid, name in shown.items()).encode()

    def tasklist(self, own):
        rows = (
            f'"{name}","{pid}","Console","1","1 K","Running","u","0:00:01","t"\r\n'
            for pid, name in self.alive.items()
        )
        return "".join(rows).encode()

    def signal(self, which, pid):
        if which == "-KILL" or int(pid) not in self.stubborn:
            return (
                Finished(0, b"", b"")
                if self.alive.pop(int(pid), None)
                else Finished(1, b"", b"No such process")
            )
        return Finished(0, b"", b"")


@pytest.fixture
def clock():
    return Clock()


def ended(machine, clock, pid):
    """What comes of ending a process: the answer, or the sentence."""
    got = []
    ending = ensureDeferred(Processes(machine, clock).end(pid, "ruth", "s" * 32))
    ending.addCallbacks(
        got.append, lambda failure: got.append(str(failure.trap(GuestError) and failure.value))
    )
    for wait in PATIENCE:
        clock.advance(wait)
    return got[0]


def test_processes_are_listed_and_one_is_ended(clock):
    machine = Machine()
    listed = []
    ensureDeferred(Processes(machine, clock).all()).addCallback(listed.extend)
    assert [each["pid"] for each in listed] == [1, 700, 701, 900]
    assert ended(machine, clock, 700) == {"forced": False}
    assert 700 not in machine.alive
    assert ["kill", "-KILL", "700"] not in machine.commands


def test_one_that_does_not_listen_is_killed_after_a_while(clock):
    machine = Machine()
    assert ended(machine, clock, 701) == {"forced": True}
    assert 701 not in machine.alive
    assert machine.commands[-1] == ["kill", "-KILL", "701"]


def test_a_number_that_another_process_has_got_meanwhile_is_not_killed(clock):
    machine = Machine()

    def reused(which, pid):
        machine.alive[701] = "another"
        return Finished(0, b"", b"")

    machine.signal = reused
    assert ended(machine, clock, 701) == {"forced": False}


@pytest.mark.parametrize(
    ("pid", "said"), [(1, "the system itself"), (5, "no process 5"), (-1, "no process -1"), (0, "no process")]
)
def test_what_is_not_listed_or_is_the_system_is_not_ended(clock, pid, said):
    machine = Machine()
    before = dict(machine.alive)
    assert said in ended(machine, clock, pid)
    assert machine.alive == before
    assert all(command[0] == "ps" for command in machine.commands)


def test_in_a_shared_machine_only_the_person_s_own_are_seen_and_ended_with_her_rights(clock):
    machine = Machine(account="ada")
    assert "no process 900" in ended(machine, clock, 900)
    assert ended(machine, clock, 701) == {"forced": True}
    assert machine.commands[-1] == ["setpriv", "--reuid=ada", "--clear-groups", "--", "kill", "-KILL", "701"]
    assert machine.commands[0][:4] == ["ps", "-ww", "-u", "ada"]
    assert "not known" in ended(Machine(account=""), clock, 700)


def test_processes_of_windows(clock):
    machine = Machine(os="Microsoft Windows")
    assert "the system itself" in ended(machine, clock, 1)
    assert ended(machine, clock, 700) == {"forced": True}
    assert machine.commands[-1] == ["taskkill", "/f", "/pid", "700"]


def test_a_process_that_cannot_be_ended_says_so(clock):
    machine = Machine()
    machine.signal = lambda which, pid: Finished(1, b"", b"Operation not permitted")
    assert ended(machine, clock, 700) == "Process 700 cannot be ended."
