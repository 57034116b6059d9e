"""HTTP/1.1 by twisted.web, cut down: bounded heads and bodies, our own answers and headers only."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.web import http

from tsgateway.exchange import COOKIE, Request, Response
from tsgateway.transports.admission import Visitor
from tsgateway.transports.door import MAX_HEAD

MAX_BODY = 64 * 1024
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

    def gotLength(self, length: int | None) -> None:
        """Twisted: the head is read."""
        declared = length or 0
        self._size = declared if declared > MAX_BODY else 0
        super().gotLength(min(declared, MAX_BODY))  # type: ignore[no-untyped-call]
        if self._size:
            self.channel.refuse(b"413 Content Too Large")

    def handleContentChunk(self, data: bytes) -> None:
        """Twisted: a part of the body has come; beyond the limit nothing is kept."""
        before, self._size = self._size, self._size + len(data)
        if self._size <= MAX_BODY:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]
        elif before <= MAX_BODY:
            self.channel.refuse(b"413 Content Too Large")

    def process(self) -> None:
        """Twisted: the request is whole."""
        if self._size > MAX_BODY:
            return
        channel: _Channel = self.channel
        # Carried through even if the client goes meanwhile: what it began must not stay half done, nor
        # be counted as over while a thread is still at it.
        Deferred.fromCoroutine(self._answer(channel))

    async def _answer(self, channel: _Channel) -> None:
        request = self._value(channel.peer_address, channel.local)
        response = await channel.answer(request)
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
        with contextlib.suppress(CancelledError):
            await pieces
        if not self._disconnected:
            self.unregisterProducer()  # type: ignore[no-untyped-call]
            self.finish()  # type: ignore[no-untyped-call]

    async def _send(self, flow: _Flow, stream: AsyncIterator[bytes]) -> None:
        async for piece in stream:
            await flow.ready()
            self.write(piece)  # type: ignore[no-untyped-call]

    def _arguments(self) -> list[tuple[bytes, list[bytes]]]:
        """Return what the address says behind the path; what a form in the body says is not among it."""
        try:
            found = parse_qs(self.uri.partition(b"?")[2], keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:  # too many
            return []
        return list(found.items())

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
            query={
                name.decode(errors="replace"): values[0].decode(errors="replace")
                for name, values in self._arguments()
            },
        )
