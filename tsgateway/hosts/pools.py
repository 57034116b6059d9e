"""Tells the session hosts how many guests of which desktop shall stand ready: the link's request `pools`.

What is wished depends on the time of day and on how many sessions there are, so it is worked out again and
again; a host is told when it comes up and when its part has changed.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from tsgateway.config import Desktop
from tsgateway.hosts.directory import Session
from tsgateway.hosts.link import HostError
from tsgateway.hosts.placement import HostState
from tsgateway.hosts.schedule import share, wanted
from tsgateway.hosts.secrets import spec_with_secrets
from tsgateway.hosts.sessions import Sessions
from tsgateway.hosts.supervisor import HostSupervisor

LOOK_EVERY = 30.0
"""Seconds until a change of the time of day, of sessions or of hosts is heeded."""

Wish = list[dict[str, Any]]
"""What one host is told: [{desktop, spec, spares}]."""


def local_time() -> datetime.datetime:
    """Return the time on the server's wall."""
    return datetime.datetime.now().astimezone()


class Pools:
    """Distributes the wished guests over the hosts that are given new sessions.

    hosts: all there are; those with a number below `count` get some. now: the local time.
    """

    log = Logger()

    def __init__(
        self,
        desktops: Mapping[str, Desktop],
        sessions: Sessions,
        hosts: Sequence[HostSupervisor],
        count: int,
        reactor: Any,
        *,
        now: Callable[[], datetime.datetime] = local_time,
    ) -> None:
        self._desktops = {name: desktop for name, desktop in desktops.items() if desktop.pool.is_warm}
        self._sessions = sessions
        self._hosts = list(hosts)
        self._count = count
        self._now = now
        self._told: dict[HostSupervisor, Wish] = {}
        self._complained: set[str] = set()
        self._looking = LoopingCall(self.look)
        self._looking.clock = reactor

    def start(self) -> None:
        """Begin; hosts that come up are told from now on."""
        self._sessions.watchers.append(self)
        self._looking.start(LOOK_EVERY, now=False)

    def stop(self) -> None:
        """Say no more; what stands ready stays so."""
        if self in self._sessions.watchers:
            self._sessions.watchers.remove(self)
        if self._looking.running:
            self._looking.stop()

    def wants(self, host: HostSupervisor) -> bool:
        """Tell whether a host is to have guests ready; it does not go to sleep then."""
        return any(wish["spares"] for wish in self._wishes().get(host, []))

    def look(self) -> None:
        """Tell every host whose part has changed; one that sleeps and has a part now is started."""
        for host, wish in self._wishes().items():
            if host.up:
                self._tell(host, wish)
            elif host.state is HostState.ASLEEP and any(each["spares"] for each in wish):
                host.ready().addErrback(self._not_told, host)  # and told when it is up

    # ---- hosts.sessions.Watcher

    def session_changed(self, session: Session) -> None:
        """The next look is early enough."""

    def host_told(self, host: HostSupervisor) -> None:
        """A host answers; it may be another process, which knows of no wish."""
        self._told.pop(host, None)
        if host.up:
            self._tell(host, self._wishes().get(host, []))

    def _tell(self, host: HostSupervisor, wish: Wish) -> None:
        if self._told.get(host) != wish:
            self._told[host] = wish
            host.request("pools", {"pools": wish}).addErrback(self._not_told, host)

    def _not_told(self, failure: Failure, host: HostSupervisor) -> None:
        self._told.pop(host, None)
        self.log.warn(
            "host {number} does not hear what shall stand ready: {why}",
            number=host.number,
            why=failure.getErrorMessage(),
        )

    def _wishes(self) -> dict[HostSupervisor, Wish]:
        able = [host for host in self._hosts if self._takes_new(host)]
        wishes: dict[HostSupervisor, Wish] = {host: [] for host in self._hosts}
        for turn, (name, desktop) in enumerate(self._desktops.items()):
            spec = self._spec(name, desktop)
            if spec is None:
                continue
            shares = share(self.wanted(name), len(able), turn)
            for host, spares in zip(able, shares, strict=True):
                wishes[host].append({"desktop": name, "spec": spec, "spares": spares})
        return wishes

    def _takes_new(self, host: HostSupervisor) -> bool:
        """Whether what stands ready on a host could go to somebody."""
        mode = self._sessions.placer.setting(host.number).mode
        return host.number < self._count and host.state <= HostState.ASLEEP and mode.takes_new

    def wanted(self, name: str) -> int:
        """Return how many guests of a desktop shall stand ready now, as far as its `max` has room."""
        pool = self._desktops[name].pool
        now = wanted(pool, self._now())
        return now if not pool.max else min(now, max(0, pool.max - self._sessions.of(name)))

    def _spec(self, name: str, desktop: Desktop) -> dict[str, Any] | None:
        try:
            spec = spec_with_secrets(desktop)
        except HostError as error:
            if name not in self._complained:
                self._complained.add(name)
                self.log.error("no guests of {name} stand ready: {error}", name=name, error=error)
            return None
        self._complained.discard(name)
        return spec
