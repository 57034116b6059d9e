"""Ends what session hosts own while no gateway runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sessions.wire.tsg import SessionState
from tsgateway.config import Config
from tsgateway.errors import StartError
from tsgateway.hosts.link import HostError
from tsgateway.hosts.place import HOST_COMMAND, host_place, occupied
from tsgateway.hosts.supervisor import HostSupervisor
from tsgateway.layout import DataLock, Layout

LOOK_EVERY = 0.1
PATIENCE = 60.0
"""For a host to start, and for its guests to end, seconds."""


async def end_all(config: Config, reactor: Any, command: tuple[str, ...] = HOST_COMMAND) -> int:
    """End every session and every guest that stands ready; return how many sessions there were.

    Session hosts are started for it, since they know what runs and how to end it. Raises StartError.
    """
    layout = Layout.of(config)
    layout.prepare()
    lock = DataLock(layout)
    try:
        return sum(
            [
                await _end_on(number, config, layout, reactor, command)
                for number in layout.hosts()
                if occupied(layout.host(number))
            ]
        )
    finally:
        lock.release()


async def _end_on(number: int, config: Config, layout: Layout, reactor: Any, command: tuple[str, ...]) -> int:
    ending = _Ending()
    host = HostSupervisor(host_place(config, layout, number, command), ending, reactor)
    host.start()
    try:
        sessions = await ending.up.addTimeout(PATIENCE, reactor)
        for info in sessions:
            await host.request("end", {"session": info["session"]})
        await ending.over(sessions).addTimeout(PATIENCE, reactor)
        await _end_spares(host, reactor)
        await host.request("end_unused", {})
    except (HostError, TimeoutError) as error:
        reason = str(error) or f"no answer within {PATIENCE:.0f} s"
        raise StartError(f"session host {number} cannot end its sessions: {reason}") from None
    finally:
        await host.stop()
    return len(sessions)


async def _end_spares(host: HostSupervisor, reactor: Any) -> None:
    """Wait until no guest is there for nobody. Raises HostError, TimeoutError."""
    deadline = reactor.seconds() + PATIENCE
    while (await host.request("pools", {"pools": []}))["left"]:
        if reactor.seconds() >= deadline:
            raise TimeoutError
        await deferLater(reactor, LOOK_EVERY)


class _Ending:
    """Waits for a host to be up, then for its sessions to be over. Implements `HostEvents`."""

    def __init__(self) -> None:
        self.up: Deferred[list[dict[str, Any]]] = Deferred()
        self._left: set[str] = set()
        self._over: Deferred[None] = Deferred()
        self._ended: set[str] = set()

    def over(self, sessions: Sequence[dict[str, Any]]) -> Deferred[None]:
        """Return what fires when all of these have ended."""
        self._left = {info["session"] for info in sessions} - self._ended
        self._check()
        return self._over

    def _check(self) -> None:
        if not self._left and not self._over.called:
            self._over.callback(None)

    def host_up(self, host: HostSupervisor, sessions: Sequence[dict[str, Any]]) -> None:
        if not self.up.called:
            self.up.callback(list(sessions))

    def host_down(self, host: HostSupervisor) -> None:
        pass

    def host_event(self, host: HostSupervisor, event: str, params: dict[str, Any]) -> None:
        if event == "session" and params["state"] == SessionState.ENDED:
            self._ended.add(params["session"])
            if self._left:
                self._left.discard(params["session"])
                self._check()

    def host_message(self, host: HostSupervisor, channel: int, message: bytes) -> None:
        pass
