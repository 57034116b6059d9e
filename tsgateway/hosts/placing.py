"""Placing as it happens: what operators have set, how many sessions began lately, and the clock.

HostError
├── Draining    operators let nobody on
└── AllBusy     every host has as many sessions starting as it may; in a moment there is room
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from twisted.logger import Logger

from tsgateway.drain import ALL, HostSetting
from tsgateway.hosts.link import NOT_YET, HostError
from tsgateway.hosts.placement import Candidate, Fit, Pace, Score, choose, score, stricter, why_none

DRAINED = "No new sessions are started here now: the administrator is taking this gateway out of service."
SHUT = "Nobody can connect here now: the administrator has taken this desktop out of service."
BUSY = "Many desktops are being started right now. Try again in a moment."
MINUTE = 60.0


class Draining(HostError):
    """Operators let nobody on, or nobody back."""


class AllBusy(HostError):
    """No host can begin a session now; one can in a moment."""


class Placer:
    """Chooses hosts. settings: what operators have set, as last read; clock: seconds."""

    log = Logger()

    def __init__(self, pace: Pace = Pace(), clock: Callable[[], float] = lambda: 0.0) -> None:  # noqa: B008
        self.settings: Mapping[str, HostSetting] = {}
        self._pace = pace
        self._clock = clock
        self._begun: dict[int, deque[float]] = {}

    def setting(self, number: int) -> HostSetting:
        """Return what holds for a host: its own setting, or the gateway's where that is stricter."""
        own = self.settings.get(str(number), HostSetting())
        return own._replace(mode=stricter(own.mode, self.settings.get(ALL, HostSetting()).mode))

    def scores(self, hosts: Iterable[Candidate], desktop: str) -> list[Score]:
        """Return what is thought of each host, the best first. Settings and beginnings are filled in."""
        return score(
            (
                host._replace(begun=self._within_a_minute(host.number), setting=self.setting(host.number))
                for host in hosts
            ),
            desktop,
            self._pace,
        )

    def choose(self, hosts: Iterable[Candidate], desktop: str) -> int:
        """Return the host for a session, which is begun now. Raises Draining, AllBusy, HostError."""
        scores = self.scores(hosts, desktop)
        number = choose(scores)
        self.log.debug(
            "{desktop} goes to {number}: {scores}",
            desktop=desktop,
            number="no host" if number is None else f"host {number}",
            scores="; ".join(map(str, scores)),
        )
        if number is None:
            fit = why_none(scores)
            if fit is Fit.BUSY:
                raise AllBusy(BUSY)
            raise Draining(DRAINED) if fit is Fit.DRAINED else HostError(NOT_YET)
        self._begun.setdefault(number, deque()).append(self._clock())
        return number

    def check_return(self, number: int) -> None:
        """See that people may come back to sessions of a host. Raises Draining."""
        if not self.setting(number).mode.takes_back:
            raise Draining(SHUT)

    def _within_a_minute(self, number: int) -> int:
        begun = self._begun.get(number)
        if begun is None:
            return 0
        while begun and begun[0] <= self._clock() - MINUTE:
            begun.popleft()
        return len(begun)
