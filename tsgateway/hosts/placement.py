"""Which session host a new session is given to."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class HostState(enum.IntEnum):
    """How a session host stands; the first three can take a session, the readiest first."""

    UP = 0
    STARTING = 1
    """It was told to start, and nothing has gone wrong yet."""
    ASLEEP = 2
    """It has no process, since nothing has needed it; it can be started."""
    DOWN = 3
    """It has died or cannot be started; it is tried again and again."""
    LEAVING = 4
    """It is being stopped."""


MAX_MACHINE = 1 << 50
"""Bytes of memory no machine has more of."""
MAX_NAMED = 4096
"""Desktops a host can name in its load."""


class Load(NamedTuple):
    """How loaded a host is (Load of the link). cpu: 0 to 1 of one core; memory_free: bytes, 0 when not known.

    spares, seats: by desktop, guests that stand ready and places in running shared guests.
    """

    cpu: float = 0.0
    memory_free: int = 0
    spares: Mapping[str, int] = {}
    seats: Mapping[str, int] = {}

    @classmethod
    def told(cls, params: Mapping[str, Any]) -> Load:
        """Take a host's word, within limits. Raises KeyError, TypeError, ValueError."""
        return cls(
            min(1.0, max(0.0, float(params["cpu"]))),
            min(MAX_MACHINE, max(0, int(params["memory_free"]))),
            _counts(params["spares"]),
            _counts(params["seats"]),
        )


def _counts(table: Mapping[str, Any]) -> dict[str, int]:
    if len(table) > MAX_NAMED:
        raise ValueError(f"{len(table)} desktops")
    return {str(desktop): max(0, int(count)) for desktop, count in table.items()}


class Candidate(NamedTuple):
    """A host as placing sees it. sessions: how many it has, those that are being started included."""

    number: int
    state: HostState
    sessions: int


def choose(candidates: Iterable[Candidate]) -> int | None:
    """Return the number of the host with the fewest sessions, the readiest of these, or None."""
    able = [each for each in candidates if each.state <= HostState.ASLEEP]
    best = min(able, key=lambda each: (each.sessions, each.state, each.number), default=None)
    return None if best is None else best.number
