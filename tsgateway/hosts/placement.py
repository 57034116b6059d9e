"""Which session host a new session is given to: pure, and able to say why.

A host's points are its weight, shared among the sessions it would then have, less what its load takes away:

    weight / (sessions + 1) × readiness × (1 − cpu / 2) × memory

readiness: 1 for a host that is up, less for one that has to be started first; cpu: 0 to 1; memory: 1, less
where little is free. A host with a guest that stands ready for the desktop, or a free seat in one, goes
before all that have none.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tsgateway.drain import MAX_WEIGHT, DrainMode, HostSetting

MAX_MACHINE = 1 << 50
"""Bytes of memory no machine has more of."""
MAX_NAMED = 4096
"""Desktops a host can name in its load."""
ENOUGH_MEMORY = 2 << 30
"""With more free memory than that, bytes, its amount does not matter."""
LEAST_MEMORY = 0.05
"""What is left of the points of a host that has no memory."""
READY_POINTS = 2.0 * MAX_WEIGHT
"""For a guest that stands ready: more than any weight can be."""


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


READINESS = {HostState.UP: 1.0, HostState.STARTING: 0.9, HostState.ASLEEP: 0.8}


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
    """A host as placing sees it.

    sessions: how many it has, those that are being started included; starting: how many of these are; begun:
    how many were begun within the last minute; setting: what operators have set, the gateway's mode included.
    """

    number: int
    state: HostState
    sessions: int
    starting: int = 0
    begun: int = 0
    setting: HostSetting = HostSetting()
    load: Load = Load()


class Pace(NamedTuple):
    """How fast one host is given sessions: how many may be starting at once, and begin in a minute."""

    at_once: int = 1 << 30
    a_minute: int = 1 << 30


class Fit(enum.Enum):
    """Whether a host can be given a session."""

    ABLE = "able"
    BUSY = "busy"
    """In a moment."""
    DRAINED = "drained"
    """Not before operators let it."""
    AWAY = "away"
    """Not before it runs again."""


class Score(NamedTuple):
    """What placing thinks of a host. reason: in words, for the log and for operators."""

    number: int
    fit: Fit
    points: float
    reason: str

    def __str__(self) -> str:
        return f"host {self.number}: {self.points:.1f} ({self.reason})"


def score(candidates: Iterable[Candidate], desktop: str, pace: Pace = Pace()) -> list[Score]:  # noqa: B008
    """Return what is thought of each host for a session of `desktop`, the best first."""
    hosts = list(candidates)
    told = [host.load.memory_free for host in hosts if host.load.memory_free]
    least = min(told, default=ENOUGH_MEMORY)  # for those that have not told
    scores = [_score(host, desktop, pace, host.load.memory_free or least) for host in hosts]
    return sorted(scores, key=lambda each: (each.fit is not Fit.ABLE, -each.points, each.number))


def choose(scores: Iterable[Score]) -> int | None:
    """Return the number of the best host that is able, or None."""
    return next((each.number for each in scores if each.fit is Fit.ABLE), None)


def why_none(scores: Iterable[Score]) -> Fit:
    """Say what the hosts are, none of which is able: busy if any is, else drained if any is, else away."""
    found = {each.fit for each in scores}
    return next((fit for fit in (Fit.BUSY, Fit.DRAINED) if fit in found), Fit.AWAY)


def _score(host: Candidate, desktop: str, pace: Pace, free: int) -> Score:
    if host.state not in READINESS:
        return Score(host.number, Fit.AWAY, 0.0, host.state.name.lower())
    if not host.setting.mode.takes_new:
        return Score(host.number, Fit.DRAINED, 0.0, f"set to {host.setting.mode}")
    if host.starting >= pace.at_once:
        return Score(host.number, Fit.BUSY, 0.0, f"{host.starting} being started")
    if host.begun >= pace.a_minute:
        return Score(host.number, Fit.BUSY, 0.0, f"{host.begun} begun within a minute")
    weight, sessions = host.setting.weight, host.sessions
    memory = min(1.0, max(LEAST_MEMORY, free / ENOUGH_MEMORY))
    points = weight / (sessions + 1) * READINESS[host.state] * (1 - host.load.cpu / 2) * memory
    said = [f"weight {weight}", f"{sessions} session{'s' * (sessions != 1)}", host.state.name.lower()]
    if host.load.cpu >= 0.01:
        said.append(f"processor {host.load.cpu:.0%}")
    if memory < 1:
        said.append(f"memory {free >> 20} MiB")
    ready = host.load.spares.get(desktop, 0), host.load.seats.get(desktop, 0)
    if any(ready):
        points += READY_POINTS
        said.append(f"{ready[0]} guests and {ready[1]} seats ready")
    return Score(host.number, Fit.ABLE, points, ", ".join(said))


def stricter(one: DrainMode, other: DrainMode) -> DrainMode:
    """Return the mode that takes fewer on: a host's, or its gateway's."""
    return min(one, other, key=lambda mode: (mode.takes_back, mode.takes_new))
