"""Audits made for tests: a clock that is moved by hand, and folders of some length."""

from __future__ import annotations

from pathlib import Path

from tsgateway.audit.base import Event
from tsgateway.audit.log import AuditLog

BEGAN = 1_750_000_000.0


class Wall:
    """Seconds since 1970, a moment further with each look."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


def event(number: int) -> Event:
    people = ("ada", "bob", "zoë")
    kinds = ("sign-in.accepted", "session.began", "viewer.attached", "session.ended")
    return Event(
        kinds[number % 4], people[number % 3], f"10.0.0.{number % 7}", f"session:{number}", "done",
        {"number": number, "desktop": "one"},
    )  # fmt: skip


def opened(folder: Path, wall: Wall | None = None, segment_bytes: int = 1 << 24) -> AuditLog:
    log = AuditLog(folder, wall=wall or Wall(), segment_bytes=segment_bytes)
    log.open()
    return log


def audit_of(folder: Path, count: int, segment_bytes: int = 1 << 24, batch: int = 5) -> AuditLog:
    """An audit with `count` events, written `batch` at a time; some batches end with a checkpoint."""
    wall = Wall()
    log = opened(folder, wall, segment_bytes)
    for first in range(0, count, batch):
        entries = [(wall(), event(number)) for number in range(first, min(first + batch, count))]
        log.append(entries, sign=first // batch % 3 == 2)
    return log


def numbers(folder: Path) -> list[list[bytes]]:
    """The lines of each segment, the oldest first."""
    return [path.read_bytes().splitlines(True) for path in sorted(folder.glob("*.jsonl"))]
