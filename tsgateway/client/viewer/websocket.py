"""The carrier that browsers use: one message of tsg in each of a WebSocket (RFC 6455), with asyncio.

Where a proxy ends TLS it knows nothing of ours, but lets WebSockets through as it does for browsers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, PayloadTooBig
from websockets.exceptions import ProtocolError as Broken
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.tsg import MAX_SERVER_MESSAGE, SUBPROTOCOL
from tsgateway.client.address import Address
from tsgateway.client.viewer.line import Line, NotCarried

CHUNK = 1 << 16


class WebSocketLine(Line):
    """One WebSocket to a gateway; made by `open`."""

    alpn = "http/1.1"
    _protocol: ClientProtocol

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._frames: deque[Frame] = deque()
        self._is_over = self._is_answered = False

    def _agreed(self, address: Address, alpn: str | None) -> None:
        """Whatever TLS has agreed on: the answer tells whether there is a WebSocket."""

    async def _begin(self, address: Address) -> None:
        where = urlsplit(address.url).netloc.lower()
        self._protocol = ClientProtocol(
            parse_uri(f"wss://{where}/ws"),
            origin=Origin(f"https://{where}"),
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            max_size=MAX_SERVER_MESSAGE,
        )
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        while not (self._is_answered or self._protocol.handshake_exc) and await self._more():
            pass
        if self._protocol.handshake_exc or not self._is_answered:
            raise NotCarried(f"{address.url} {_why(self._protocol.handshake_exc)}")

    async def receive(self) -> bytes | None:
        """Return the next message; None at the end, however it came. Raises ProtocolError."""
        pieces: list[bytes] = []
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame.opcode is Opcode.TEXT:
                    raise ProtocolError("a text message")
                if frame.opcode in (Opcode.BINARY, Opcode.CONT):
                    pieces.append(bytes(frame.data))
                    if frame.fin:
                        return _whole(pieces)
            try:
                if not await self._more():
                    break
            except OSError:
                break
        self._complain()
        return None

    def send(self, messages: Iterable[bytes]) -> None:
        """Send messages; where the line is slow they wait."""
        if self._protocol.state is OPEN:
            for message in messages:
                self._protocol.send_binary(message)
            self._flush()

    async def close(self) -> None:
        """Hang up when everything is sent."""
        if self._protocol.state is OPEN:
            self._protocol.send_close(1000)
            self._flush()
        await super().close()

    async def _more(self) -> bool:
        """Take in what comes next; False at the end. Raises OSError."""
        if self._is_over:
            return False
        data = await self._reader.read(CHUNK)
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frames.append(event)
            else:
                self._is_answered = True
        self._flush()
        self._is_over = not data or self._protocol.state > OPEN
        return True

    def _complain(self) -> None:
        """Raise ProtocolError where the line has ended because it was no WebSocket any more."""
        match self._protocol.parser_exc:
            case PayloadTooBig() as failed:
                raise LimitExceeded(str(failed))
            case Broken() | UnicodeError() as failed:
                raise ProtocolError(f"the WebSocket: {failed}")

    def _flush(self) -> None:
        self._write(each for each in self._protocol.data_to_send() if each)


def _whole(pieces: list[bytes]) -> bytes:
    message = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    if not message:
        raise ProtocolError("an empty message")
    return message


def _why(failed: Exception | None) -> str:
    response: Any = getattr(failed, "response", None)
    if isinstance(response, Response):
        return f"has no WebSocket for a desktop: it answers with the status {response.status_code}."
    if isinstance(failed, Broken | InvalidHandshake):
        return f"does not answer as a WebSocket does ({failed})."
    return "hangs up on a WebSocket: either it is no gateway, or a proxy lets none through."
