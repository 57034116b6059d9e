"""The virtio port by which a shared machine is told whom to seat (sessions/wire/seats.py)."""

from __future__ import annotations

import itertools
import secrets
import socket
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError

from sessions.displays.sockets import Reactor, SocketLink
from sessions.guests.base import GuestError
from sessions.wire import seats
from sessions.wire.seats import Ended, HungUp, Refusal, Reply, SeatsReader

REPLY_SECONDS = 20.0
"""How long the guest may take for what it can do at once."""

_ROOM = 16 * 1024


class Control:
    """Requests to the machine and events from it.

    connected: the port's socket, owned from here on. told: is given each event. lost: is called when the
    socket ends, which it does with QEMU; not after `close`.
    """

    def __init__(
        self,
        reactor: Reactor,
        connected: socket.socket,
        told: Callable[[Ended | HungUp], None],
        lost: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._told = told
        self._lost = lost
        self._reader = SeatsReader()
        self._room = memoryview(bytearray(_ROOM))
        # What answers an earlier connection's requests must not be taken for an answer to ours.
        self._name = secrets.token_hex(8)
        self._ids = itertools.count(1)
        self._waiting: dict[str, Deferred[Reply | Refusal]] = {}
        self._link = SocketLink(reactor, connected, self)
        self._link.write(b"\n")  # ends what an earlier connection may have left half said

    async def hello(self, seconds: float) -> dict[int, str]:
        """Return who sits where. Raises GuestError."""
        return seats.taken(await self.ask("hello", {"nonce": self._name}, seconds))

    async def ask(self, do: str, fields: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
        """Request something; return the result. Raises GuestError: refused, silent, gone."""
        if not self._link.open:
            raise GuestError("The shared machine is gone.", f"{do}: the port is closed")
        id = f"{self._name}-{next(self._ids)}"
        done: Deferred[Reply | Refusal] = Deferred()
        self._waiting[id] = done
        self._link.write(seats.request(id, do, fields))
        try:
            answer = await done.addTimeout(seconds, self._reactor)
        except TimeoutError as error:
            raise GuestError(
                "The shared machine does not answer.", f"{do}: nothing in {seconds:g} s"
            ) from error
        finally:
            self._waiting.pop(id, None)
        if isinstance(answer, Refusal):
            raise GuestError(answer.text, f"{do} was refused")
        return answer.result

    def close(self) -> None:
        """Let go of the port."""
        self._link.close()
        self._fail()

    # What the socket calls (BufferedCore).

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._room

    def received(self, count: int) -> None:
        """Take what the guest says."""
        for message in self._reader.receive(self._room[:count]):
            match message:
                case Reply(id) | Refusal(id):
                    waiting = self._waiting.pop(id, None)
                    if waiting is not None:
                        waiting.callback(message)
                case Ended() | HungUp():
                    self._told(message)

    def closed(self, reason: Exception) -> None:
        """Learn that QEMU is gone."""
        self._fail()
        self._lost()

    def _fail(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for done in waiting.values():
            done.errback(GuestError("The shared machine is gone.", "the port was closed"))
