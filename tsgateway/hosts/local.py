"""The session hosts of this machine: which there are, which of them run, and when one may sleep.

The first always runs. Each of the others costs memory for nothing as long as there are few sessions, so it is
started when a session is placed on it, and put to sleep when it has had none for a while. A host beyond the
configured count is given no new sessions: it runs for as long as it has any.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from tsgateway.config import Config
from tsgateway.hosts.place import holds, host_place, occupied
from tsgateway.hosts.placement import HostState
from tsgateway.hosts.pools import Pools
from tsgateway.hosts.sessions import Sessions
from tsgateway.hosts.supervisor import HostSupervisor
from tsgateway.layout import Layout

LOOK_EVERY = 60.0
"""A host that is found without a session twice in a row is put to sleep, seconds."""


class LocalHosts:
    """Keeps the session hosts of one machine.

    command: how one is started. Raises StartError when a host's place cannot be used.
    """

    log = Logger()

    def __init__(
        self, config: Config, layout: Layout, sessions: Sessions, reactor: Any, command: tuple[str, ...]
    ) -> None:
        self._layout = layout
        self._sessions = sessions
        self._count = config.hosts.count
        self._needed = {0, *(number for number in layout.hosts() if occupied(layout.host(number)))}
        self.all = [
            HostSupervisor(host_place(config, layout, number, command), sessions, reactor)
            for number in sorted(self._needed | set(range(self._count)))
        ]
        self._pools = Pools(config.desktops, sessions, self.all, self._count, reactor)
        self._without: set[HostSupervisor] = set()
        self._looking = LoopingCall(self.look)
        self._looking.clock = reactor

    def start(self) -> None:
        """Start the first, and those that have something to be taken up."""
        self._pools.start()
        for host in self.all:
            if host.number >= self._count:
                self.log.warn(
                    "host {number} is no longer configured; it runs until its sessions have ended",
                    number=host.number,
                )
            if host.number in self._needed:
                host.start()
        self._sessions.use(self.all, self._count)
        self._looking.start(LOOK_EVERY, now=False)
        self._pools.look()

    async def stop(self) -> None:
        """Stop them all; their guests run on."""
        self._pools.stop()
        self._sessions.use((), 0)
        if self._looking.running:
            self._looking.stop()
        await gatherResults([Deferred.fromCoroutine(host.stop()) for host in self.all])

    def look(self) -> None:
        """Put those to sleep that had no session at the last look and have none now."""
        without = {host for host in self.all if self._is_of_no_use(host)}
        for host in without & self._without:
            self.log.info("host {number} has no sessions and is put to sleep", number=host.number)
            Deferred.fromCoroutine(host.stop()).addErrback(self._fault, host)
        self._without = without

    def _is_of_no_use(self, host: HostSupervisor) -> bool:
        return (
            host.number != 0
            and host.state is HostState.UP
            and not self._sessions.on(host)
            and not self._pools.wants(host)
            and not holds(self._layout.host(host.number))
        )

    def _fault(self, failure: Any, host: HostSupervisor) -> None:
        self.log.failure("host {number} does not go to sleep", failure, number=host.number)
