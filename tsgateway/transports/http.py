"""HTTP/1.1 by twisted.web, cut down: bounded heads and bodies, our own answers and headers only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web import http

from tsgateway.exchange import COOKIE, RAW, Request, Response
from tsgateway.transports.admission import Visitor
from tsgateway.transports.door import MAX_HEAD

log = Logger()

MAX_BODY = 64 * 1024
MAX_PIECE = 4 * 1024 * 1024
"""Bytes of a body that is a piece of a file."""
MAX_PIECES = 64 * 1024 * 1024
"""Bytes of such bodies that may be on their way at a time; who sends more is told to come again."""
MAX_FIELDS = 32
"""Words behind a path."""
IDLE = 60
"""Seconds after which a kept-alive connection is closed."""
Answer = Callable[[Request], Awaitable[Response]]
"""Answers one request; never raises."""


_GONE: Any = Failure(ConnectionError("the connection is gone"))  # type: ignore[no-untyped-call]


class HttpConnection:
    """One connection, handed on by the door. headers: on every answer; local: see exchange.Request."""

    def __init__(
        self,
        transport: Any,
        peer: str,
        visitor: Visitor,
        *,
        answer: Answer,
        headers: Mapping[str, str],
        reactor: Any,
        local: str | None = None,
    ) -> None:
        channel: Any = _Channel(answer, headers, peer, visitor, local)
        channel.callLater = reactor.callLater
        channel.timeOut = IDLE
        channel.requestFactory = _Request
        channel.makeConnection(transport)
        self._channel = channel

    def received(self, data: bytes) -> None:
        """Take bytes."""
        self._channel.dataReceived(data)

    def lost(self) -> None:
        """The connection is gone."""
        self._channel.connectionLost(_GONE)


class _Channel(http.HTTPChannel):
    """twisted.web's parser with our limits."""

    MAX_LENGTH = MAX_HEAD
    totalHeadersSize = MAX_HEAD
    maxHeaders = 100
    transport: Any

    def __init__(
        self, answer: Answer, headers: Mapping[str, str], peer: str, visitor: Visitor, local: str | None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.local = local
        self.answer = answer
        self.common = headers
        self.peer_address = peer
        self.visitor = visitor

    def refuse(self, status: bytes) -> None:
        """Answer outside of a request and close."""
        lines = [b"HTTP/1.1 " + status, b"Content-Length: 0", b"Connection: close"]
        lines += [f"{name}: {value}".encode() for name, value in self.common.items()]
        self.transport.write(b"\r\n".join([*lines, b"", b""]))
        self.loseConnection()  # type: ignore[no-untyped-call]

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(b"400 Bad Request")


class _Flow:
    """Holds a stream back while its client is slow (Twisted's push producer)."""

    def __init__(self) -> None:
        self._waiting: Deferred[None] | None = None
        self._paused = False

    async def ready(self) -> None:
        """Wait until more may be sent."""
        while self._paused:
            self._waiting = Deferred()
            await self._waiting

    def pauseProducing(self) -> None:
        """Twisted: enough for now."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Twisted: go on."""
        self._paused = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        """Twisted: the client is gone; `_flow` hears of it, too."""


class _Request(http.Request):
    """From twisted.web's request to our values and back."""

    channel: Any
    _size = 0
    _limit = MAX_BODY
    _reserved = 0
    _pieces = 0
    """Bytes reserved for pieces of files, of all connections."""

    def gotLength(self, length: int | None) -> None:
        """Twisted: the head is read."""
        declared = length or 0
        refused = b""
        if MAX_BODY < declared <= MAX_PIECE and self.getHeader(b"content-type") == RAW.encode():
            refused = self._reserve(declared)
        elif declared > MAX_BODY:
            refused = b"413 Content Too Large"
        self._size = self._limit + 1 if refused else 0
        super().gotLength(min(declared, MAX_BODY))  # type: ignore[no-untyped-call]
        if refused:
            self.channel.refuse(refused)

    def _reserve(self, size: int) -> bytes:
        """Let a large body come; the status to refuse it with where that cannot be now."""
        if _Request._pieces + size > MAX_PIECES:
            return b"503 Service Unavailable"
        self._limit = self._reserved = size
        _Request._pieces += size
        return b""

    def _release(self) -> None:
        _Request._pieces -= self._reserved
        self._reserved = 0

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted: a part of the body has come; beyond the limit nothing is kept."""
        before, self._size = self._size, self._size + len(data)
        if self._size <= self._limit:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]
        elif before <= self._limit:
            self.channel.refuse(b"413 Content Too Large")

    def connectionLost(self, reason: Failure) -> None:
        """Twisted: the connection is gone; what had come of a body is of no use."""
        self._release()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def process(self) -> None:
        """Twisted: the request is whole."""
        if self._size > self._limit:
            return
        channel: _Channel = self.channel
        # Carried through even if the client goes meanwhile: what it began must not stay half done, nor
        # be counted as over while a thread is still at it.
        Deferred.fromCoroutine(self._answer(channel))

    async def _answer(self, channel: _Channel) -> None:
        request = self._value(channel.peer_address, channel.local)
        response = await channel.answer(request)
        self._release()
        if response.person:
            channel.visitor.known(response.person)
        if self._disconnected:
            return
        phrase = HTTPStatus(response.status).phrase  # twisted's table does not know 426 and 429
        self.setResponseCode(response.status, phrase.encode())
        for name, value in {**channel.common, **response.headers}.items():
            self.setHeader(name, value)  # type: ignore[no-untyped-call]
        if response.stream is not None:
            await self._flow(response.body, response.stream)
            return
        if response.status not in (204, 304):
            self.setHeader("Content-Length", str(len(response.body)))  # type: ignore[no-untyped-call]
        if self.method != b"HEAD":
            self.write(response.body)  # type: ignore[no-untyped-call]
        self.finish()  # type: ignore[no-untyped-call]

    async def _flow(self, body: bytes, stream: AsyncIterator[bytes]) -> None:
        """Send pieces as they come, not faster than the client takes them, until it goes."""
        flow = _Flow()
        self.registerProducer(flow, True)  # type: ignore[no-untyped-call]
        self.write(body)  # type: ignore[no-untyped-call]
        pieces = Deferred.fromCoroutine(self._send(flow, stream))
        self.notifyFinish().addErrback(lambda _: pieces.cancel())
        try:
            await pieces
        except CancelledError:
            pass
        except Exception:
            log.failure("a stream has broken off")
            self.channel.loseConnection()  # so that the client does not take it for whole
            return
        if not self._disconnected:
            self.unregisterProducer()  # type: ignore[no-untyped-call]
            self.finish()  # type: ignore[no-untyped-call]

    async def _send(self, flow: _Flow, stream: AsyncIterator[bytes]) -> None:
        async for piece in stream:
            await flow.ready()
            self.write(piece)  # type: ignore[no-untyped-call]

    def _arguments(self) -> dict[str, str]:
        """Return what the address says behind the path; what a form in the body says is not among it."""
        asked = self.uri.partition(b"?")[2].decode("ascii", "replace")
        try:
            found = parse_qs(asked, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:  # too many
            return {}
        return {name: values[0] for name, values in found.items()}

    def _value(self, address: str, local: str | None) -> Request:
        headers = {
            name.decode("latin-1").lower(): values[0].decode("latin-1")
            for name, values in self.requestHeaders.getAllRawHeaders()
        }
        cookie = self.received_cookies.get(COOKIE.encode())
        return Request(
            method=self.method.decode("latin-1"),
            path=self.path.decode("latin-1"),
            headers=headers,
            body=self.content.read() if self.content is not None else b"",
            address=address,
            cookie=None if cookie is None else cookie.decode("latin-1"),
            local=local,
            query=self._arguments(),
        )
