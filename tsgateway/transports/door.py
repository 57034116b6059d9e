"""One TLS connection: what is it? tsg by ALPN, a WebSocket by its request, else HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure

from sessions.wire.tsg import SUBPROTOCOL
from tsgateway.transports.admission import Admission, Visitor

MAX_HEAD = 8192
HEAD_WITHIN = 10.0
"""Seconds for the TLS handshake and the first request's head, or the first tsg bytes, together."""
KNOWN_WITHIN = 60.0
"""Seconds from the first request after which a connection is cut if nobody has signed in on it."""
WEBSOCKET_PATH = b"/ws"


class Inside(Protocol):
    """What takes a connection over once it is known what it is."""

    def received(self, data: bytes) -> None:
        """Take bytes."""

    def lost(self) -> None:
        """The connection is gone."""


Open = Callable[[Any, str, Visitor], Inside]
"""Makes an `Inside` from a Twisted transport, the client's address and how it is counted."""


class Door(TwistedProtocol):
    """Looks at the first bytes and hands the connection on."""

    def __init__(self, factory: DoorFactory, peer: str, visitor: Visitor) -> None:
        self._doors = factory
        self._peer = peer
        self._visitor = visitor
        self._head = b""
        self._inside: Inside | None = None
        self._patience: Any = None

    def connectionMade(self) -> None:
        """Twisted: TCP stands; TLS follows."""
        self._wait(HEAD_WITHIN)

    def dataReceived(self, data: bytes) -> None:
        """Twisted: decrypted bytes have come."""
        if self._inside is not None:
            self._inside.received(data)
            return
        self._head += data
        transport: Any = self.transport
        if transport.negotiatedProtocol == SUBPROTOCOL.encode():
            self._enter(self._doors.native)
        elif (end := self._head.find(b"\r\n\r\n")) >= 0 and end <= MAX_HEAD:
            self._enter(self._doors.websocket if _is_websocket(self._head[:end]) else self._doors.http)
        elif len(self._head) > MAX_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection is gone."""
        self._calm()
        self._visitor.gone()
        if self._inside is not None:
            self._inside.lost()

    def _enter(self, make: Open) -> None:
        self._wait(KNOWN_WITHIN)
        head, self._head = self._head, b""
        self._inside = make(self.transport, self._peer, self._visitor)
        self._inside.received(head)

    def _wait(self, seconds: float) -> None:
        self._calm()
        self._patience = self._doors.reactor.callLater(seconds, self._too_slow)

    def _too_slow(self) -> None:
        transport: Any = self.transport
        if self._visitor.is_stranger:
            transport.abortConnection()

    def _calm(self) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()

    def _refuse(self, status: bytes) -> None:
        transport: Any = self.transport
        lines = [b"HTTP/1.1 " + status, b"Content-Length: 0", b"Connection: close"]
        lines += [f"{name}: {value}".encode() for name, value in self._doors.headers.items()]
        transport.write(b"\r\n".join([*lines, b"", b""]))
        transport.loseConnection()
        self._inside = _Nothing()


class _Nothing:
    """Takes what still comes on a refused connection."""

    def received(self, data: bytes) -> None:
        pass

    def lost(self) -> None:
        pass


class _TurnedAway(TwistedProtocol):
    """Cuts the connection before any TLS. A factory that gives no protocol at all would seem simpler, but
    Twisted's TLS wraps it all the same, and each connection turned away leaves tracebacks in the log."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


class DoorFactory(Factory):
    """Opens a `Door` for each connection, unless there are too many strangers."""

    noisy = False

    def __init__(
        self,
        *,
        reactor: Any,
        admission: Admission,
        native: Open,
        websocket: Open,
        http: Open,
        headers: dict[str, str],
    ) -> None:
        self.reactor = reactor
        self.native = native
        self.websocket = websocket
        self.http = http
        self.headers = headers
        self._admission = admission

    def buildProtocol(self, addr: IAddress | None) -> TwistedProtocol:
        """Twisted: somebody connected."""
        peer = str(getattr(addr, "host", "?"))
        visitor = self._admission.enter(peer)
        return _TurnedAway() if visitor is None else Door(self, peer, visitor)


def _is_websocket(head: bytes) -> bool:
    line, *fields = head.split(b"\r\n")
    words = line.split(b" ")
    upgrade = any(field.lower().replace(b" ", b"") == b"upgrade:websocket" for field in fields)
    return upgrade and len(words) == 3 and words[1].split(b"?")[0] == WEBSOCKET_PATH
