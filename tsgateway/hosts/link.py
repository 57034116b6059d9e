"""The gateway's end of the session link (sessions/wire/link) on a Unix socket."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessions.wire.errors import ProtocolError
from sessions.wire.link import Kind, LinkMessage, LinkReader, encode

REPLY_WITHIN = 60.0
NOT_YET = "The session host is starting. Try again in a moment."


class HostError(Exception):
    """The session host refuses, or is not there; the text is a sentence for the person."""


class HostRefused(HostError):
    """The session host is there, and has answered that it will not."""


class HostLink(Protocol):
    """One connection to a session host."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        event: Callable[[str, dict[str, Any]], None],
        viewer: Callable[[int, bytes], None],
        lost: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._event = event
        self._viewer = viewer
        self._lost = lost
        self._reader = LinkReader()
        self._ids = itertools.count(1)
        self._waiting: dict[int, Deferred[dict[str, Any]]] = {}
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether the connection stands."""
        return self._open

    def connectionMade(self) -> None:
        """Twisted: the link stands."""
        self._open = True

    def dataReceived(self, data: bytes) -> None:
        """Twisted: bytes have come."""
        try:
            for message in self._reader.receive(data):
                self._received(message)
        except (ProtocolError, KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            self.log.error("the session host broke the link's rules: {error!r}", error=error)
            self.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the link is gone; whoever waits for an answer gets an error."""
        self._open = False
        waiting, self._waiting = self._waiting, {}
        for deferred in waiting.values():
            deferred.errback(HostError("The session host stopped. Try again in a moment."))
        self._lost()

    def abort(self) -> None:
        """Cut the link."""
        transport: Any = self.transport
        transport.abortConnection()

    def request(
        self, method: str, params: dict[str, Any], within: float = REPLY_WITHIN
    ) -> Deferred[dict[str, Any]]:
        """Ask; the Deferred gives the result, or HostError."""
        number = next(self._ids)
        answer: Deferred[dict[str, Any]] = Deferred(lambda _: self._forget(number))
        if not self._open:
            answer.errback(HostError("The session host is not there. Try again in a moment."))
            return answer
        self._waiting[number] = answer
        self._write(encode(Kind.REQUEST, 0, {"id": number, "method": method, "params": params}))
        answer.addTimeout(within, self._reactor, lambda value, _: _too_late(value, method))
        return answer

    def send(self, channel: int, message: bytes) -> None:
        """Hand over a viewer's message."""
        if self._open:
            self._write(encode(Kind.VIEWER, channel, message))

    def _write(self, data: bytes) -> None:
        transport: Any = self.transport
        transport.write(data)

    def _forget(self, number: int) -> None:
        self._waiting.pop(number, None)

    def _received(self, message: LinkMessage) -> None:
        match message.kind:
            case Kind.VIEWER:
                self._viewer(message.channel, message.body)
            case Kind.REPLY:
                self._answered(message.body)
            case Kind.EVENT:
                self._event(message.body["event"], message.body["params"])
            case _:
                raise ProtocolError(f"a {message.kind.name} from a session host")

    def _answered(self, body: dict[str, Any]) -> None:
        waiting = self._waiting.pop(body["id"], None)
        if waiting is None:
            return
        if "error" in body:
            waiting.errback(HostRefused(str(body["error"])))
        else:
            waiting.callback(body.get("result") or {})


def _too_late(value: object, method: str) -> None:
    if isinstance(value, Failure):
        raise HostError("The session host does not answer. Try again in a moment.") from None
