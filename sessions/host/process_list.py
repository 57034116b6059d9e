"""What programs in a guest print about its processes, as values. Whatever it says may be a lie. Pure.

Two programs are read: `ps` of Linux, with `PS_FIELDS`, and `tasklist` of Windows, as comma-separated values.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_PROCESSES = 4096
MAX_NAME = 64
MAX_PID = 1 << 32
MAX_DIGITS = 16
MAX_NUMBER = 1 << 53
"""Beyond this a number is not believed."""
PS_FIELDS = "pid=,ppid=,user:64=,etimes=,time=,rss=,s=,comm="
_COLUMNS = PS_FIELDS.count(",") + 1
_TASKS = 9
"""Columns of `tasklist /v`."""
_TIME = re.compile(r"(?:(\d{1,6})-)?(\d{1,6}):(\d\d):(\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Process:
    """One process.

    parent: its parent's pid; seconds: for how long it runs; both 0 where that is not told. cpu_seconds: what
    it has used of processors; memory: bytes it holds. name: of its program.
    """

    pid: int
    parent: int
    user: str
    name: str
    seconds: int
    cpu_seconds: int
    memory: int

    def may_be(self, earlier: Process) -> bool:
        """Whether this is the process that was seen earlier, and not another with its number."""
        return (self.pid, self.name) == (earlier.pid, earlier.name) and self.seconds >= earlier.seconds


def read_ps(output: bytes) -> list[Process]:
    """Take what `ps` prints; lines that are none of its own are left out, and so is what has ended."""
    found = []
    for line in _lines(output):
        fields = line.split(None, _COLUMNS - 1)
        if len(fields) == _COLUMNS and not fields[6].startswith("Z"):
            pid, parent, user, seconds, cpu, memory, _, name = fields
            process = _process(pid, parent, user, name, (seconds, cpu, memory))
            found += [] if process is None else [process]
    return found[:MAX_PROCESSES]


def read_tasklist(output: bytes) -> list[Process]:
    """Take what `tasklist /v /fo csv /nh` prints."""
    found = []
    for line in _lines(output):
        try:
            [fields] = csv.reader([line], strict=True)
        except (csv.Error, ValueError):
            continue
        if len(fields) == _TASKS:
            name, pid, _, _, memory, _, user, cpu, _ = fields
            digits = "".join(each for each in memory if each in "0123456789") or "0"
            process = _process(pid, "0", user, name, ("0", cpu, digits))
            found += [] if process is None else [process]
    return found[:MAX_PROCESSES]


def _lines(output: bytes) -> Iterable[str]:
    return output.decode(errors="replace").split("\n")[: 4 * MAX_PROCESSES]


def _process(pid: str, parent: str, user: str, name: str, figures: tuple[str, str, str]) -> Process | None:
    seconds, cpu, kibibytes = figures
    try:
        age, memory = _number(seconds, MAX_NUMBER), _number(kibibytes, MAX_NUMBER >> 10) << 10
        pids = _number(pid, MAX_PID), _number(parent, MAX_PID)
    except ValueError:
        return None
    return Process(*pids, _shown(user), _shown(name), age, _seconds(cpu), memory)


def _number(text: str, most: int) -> int:
    """Take a number from 0 to `most`. Raises ValueError for anything else."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS and int(text) <= most):
        raise ValueError(text)
    return int(text)


def _seconds(text: str) -> int:
    """Take a time as [days-]hours:minutes:seconds; 0 for what is none."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return 0
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _shown(text: str) -> str:
    text = text.strip()[:MAX_NAME]
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
