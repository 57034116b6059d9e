"""The gateway's own socket, for commands on its machine: HTTP without TLS, from processes the system knows.

Who is at the other end is told by the system (unix(7), SO_PEERCRED). Root and the user the gateway runs as
may do everything; nobody else gets an answer.
"""

from __future__ import annotations

import pwd
import socket
import struct
from collections.abc import Mapping
from typing import Any

from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from tsgateway.transports.admission import Visitor
from tsgateway.transports.http import Answer, HttpConnection

_CREDENTIALS = struct.Struct("=iII")
"""pid, uid, gid."""
MAX_LOCAL = 256
"""Connections at one time."""
ADDRESS = "local"
"""What stands for a client's address."""


class LocalDoor(Protocol):
    """One connection."""

    def __init__(self, factory: LocalDoorFactory) -> None:
        self._doors = factory
        self._inside: HttpConnection | None = None

    def connectionMade(self) -> None:
        """Twisted: somebody connected."""
        transport: Any = self.transport
        self._doors.open += 1
        user = peer_name(transport.getHandle(), self._doors.users)
        if user is None or self._doors.open > MAX_LOCAL:
            transport.abortConnection()
            return
        self._inside = HttpConnection(
            transport,
            ADDRESS,
            Visitor.local(),
            answer=self._doors.answer,
            headers=self._doors.headers,
            reactor=self._doors.reactor,
            local=user,
        )

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes have come."""
        if self._inside is not None:
            self._inside.received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection is gone."""
        self._doors.open -= 1
        if self._inside is not None:
            self._inside.lost()


class LocalDoorFactory(Factory):
    """Opens a `LocalDoor` for each connection. users: the ids of those who are let in."""

    noisy = False
    protocol = LocalDoor

    def __init__(
        self, users: frozenset[int], answer: Answer, headers: Mapping[str, str], reactor: Any
    ) -> None:
        self.users = users
        self.answer = answer
        self.headers = headers
        self.reactor = reactor
        self.open = 0

    def buildProtocol(self, addr: Any) -> LocalDoor:
        """Twisted: somebody connects."""
        return LocalDoor(self)


def peer_name(handle: socket.socket, users: frozenset[int]) -> str | None:
    """Return the system's name of the user at the other end, if it is one of these."""
    raw = handle.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    if user not in users:
        return None
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
