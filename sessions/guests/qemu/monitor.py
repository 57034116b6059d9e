"""A QMP connection to a running QEMU."""

from __future__ import annotations

import itertools
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError

from sessions.displays.sockets import Reactor, SocketLink
from sessions.wire import qmp
from sessions.wire.qmp import Event, Greeting, QmpReader, Refusal, Reply

REPLY_SECONDS = 10
"""How long QEMU may take for a command, unless told otherwise."""

MAX_QUEUED_POSTS = 64 * 1024
"""Bytes QEMU may leave unread before posted commands (input) are dropped."""

_ROOM = 64 * 1024
_PEER = struct.Struct("3i")


class MonitorError(Exception):
    """QEMU refused a command, did not answer in time, or is gone."""


class Monitor:
    """Commands to QEMU and events from it.

    event: is given each event, also those between commands.
    lost: is called when QEMU closes the connection, that is when it ends; not after `close`.
    """

    def __init__(
        self, reactor: Reactor, event: Callable[[Event], None], lost: Callable[[Exception], None]
    ) -> None:
        self._reactor = reactor
        self._event = event
        self._lost = lost
        self._reader = QmpReader()
        self._room = memoryview(bytearray(_ROOM))
        self._ids = itertools.count(1)
        self._waiting: dict[int, Deferred[Any]] = {}
        self._greeting: Deferred[Greeting] = Deferred()
        self._link: SocketLink | None = None

    async def connect(self, connected: socket.socket, seconds: float) -> Greeting:
        """Take over the socket and negotiate. Raises MonitorError."""
        self._link = SocketLink(self._reactor, connected, self)
        try:
            greeting = await self._greeting.addTimeout(seconds, self._reactor)
        except TimeoutError as error:
            raise MonitorError("QEMU does not answer on its monitor") from error
        await self.execute("qmp_capabilities")
        return greeting

    async def execute(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        descriptors: Sequence[int] = (),
        seconds: float = REPLY_SECONDS,
    ) -> Any:
        """Run a command; return its result. Raises MonitorError."""
        if self._link is None or not self._link.open:
            raise MonitorError(f"{name}: QEMU is gone")
        id = next(self._ids)
        done: Deferred[Any] = Deferred()
        self._waiting[id] = done
        self._link.write(qmp.command(id, name, arguments), descriptors)
        try:
            reply = await done.addTimeout(seconds, self._reactor)
        except TimeoutError as error:
            raise MonitorError(f"{name}: QEMU did not answer within {seconds:g} s") from error
        finally:
            self._waiting.pop(id, None)
        if isinstance(reply, Refusal):
            raise MonitorError(f"{name}: {reply.text}")
        return reply

    def post(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Run a command whose outcome does not matter; dropped when QEMU does not keep up."""
        if self._link is not None and self._link.unsent < MAX_QUEUED_POSTS:
            self._link.write(qmp.command(next(self._ids), name, arguments))

    def close(self) -> None:
        """Let go of QEMU, which goes on."""
        if self._link is not None:
            self._link.close()
        self._fail(MonitorError("the monitor was closed"))

    # What the socket calls (BufferedCore).

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._room

    def received(self, count: int) -> None:
        """Take bytes. Raises ProtocolError."""
        for message in self._reader.receive(self._room[:count]):
            match message:
                case Greeting():
                    self._greeting.callback(message)
                case Event():
                    self._event(message)
                case Reply(id, value) if id in self._waiting:
                    self._waiting.pop(id).callback(value)
                case Refusal(int() as id) if id in self._waiting:
                    self._waiting.pop(id).callback(message)

    def closed(self, reason: Exception) -> None:
        """Learn that QEMU is gone."""
        self._fail(MonitorError(f"QEMU is gone: {reason}"))
        self._lost(reason)

    def _fail(self, reason: MonitorError) -> None:
        waiting, self._waiting = self._waiting, {}
        for done in [*waiting.values(), self._greeting]:
            if not done.called:
                done.errback(reason)
        self._greeting.addErrback(lambda _: None)


def peer_of(connected: socket.socket) -> int:
    """Return the process id of the other end of a Unix socket."""
    credentials = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    pid: int = _PEER.unpack(credentials)[0]
    return pid
