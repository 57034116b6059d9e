"""Which session host a new session is given to."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple


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
