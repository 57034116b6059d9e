"""tsg over WebSocket (RFC 6455): `websockets` without I/O, between Twisted and one viewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from websockets.frames import CloseCode as WebSocketCode
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from sessions.wire.fields import clip
from sessions.wire.tsg import MAX_CLIENT_MESSAGE, SUBPROTOCOL, Close, CloseCode
from tsgateway.transports.admission import Visitor
from tsgateway.transports.base import Opened, Receiver
from tsgateway.transports.outgoing import Outgoing

CLOSE_BASE = 4000
MAX_REASON = 123
"""Longest reason of a WebSocket close frame, bytes (RFC 6455, 5.5)."""


class _TsgServer(ServerProtocol):
    """Says why a broken connection ends in our own words too: a tsg Close, then the close frame."""

    def fail(self, code: WebSocketCode | int, reason: str = "") -> None:
        if self.state is OPEN and code != WebSocketCode.ABNORMAL_CLOSURE:
            ours = CloseCode.LIMIT if code == WebSocketCode.MESSAGE_TOO_BIG else CloseCode.PROTOCOL
            self.send_binary(Close(ours, clip(reason)).encode())
            code, reason = CLOSE_BASE + ours, clip(reason, MAX_REASON)
        super().fail(code, reason)


class WebSocketTransport:
    """One WebSocket, from its handshake on. headers: added to the handshake's response."""

    door = "web"

    def __init__(
        self,
        transport: Any,
        peer: str,
        visitor: Visitor,
        *,
        opened: Opened,
        origins: Sequence[str],
        headers: Mapping[str, str],
    ) -> None:
        self.peer = peer
        self._transport = transport
        self._visitor = visitor
        self._opened = opened
        self._headers = headers
        self._outgoing = Outgoing(transport)
        self._ended = False
        self._parts = bytearray()
        self._receiver: Receiver | None = None
        self._ws = _TsgServer(
            origins=[Origin(origin) for origin in origins],
            extensions=None,  # no permessage-deflate: frames are compressed already
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            max_size=MAX_CLIENT_MESSAGE,
        )

    # ---- from the door

    def received(self, data: bytes) -> None:
        """Take bytes."""
        if self._ended:
            return
        self._ws.receive_data(data)
        for event in self._ws.events_received():
            if isinstance(event, Request):
                self._handshake(event)
            elif isinstance(event, Frame):
                self._frame(event)
        self._flush()

    def lost(self) -> None:
        """The connection is gone."""
        self._ended = True
        if self._receiver is not None:
            self._receiver.disconnected()

    def _handshake(self, request: Request) -> None:
        response = self._ws.accept(request)
        for name, value in self._headers.items():
            response.headers[name] = value
        self._ws.send_response(response)
        if self._ws.state is OPEN:
            self._receiver = self._opened(self)

    def _frame(self, frame: Frame) -> None:
        if self._receiver is None:
            return
        if frame.opcode is Opcode.TEXT:
            self._receiver.close(CloseCode.PROTOCOL, "text messages have no meaning here, only binary ones")
        elif frame.opcode in (Opcode.BINARY, Opcode.CONT):
            self._parts += frame.data
            if frame.fin:
                message, self._parts = bytes(self._parts), bytearray()
                self._message(message)
        elif frame.opcode is Opcode.CLOSE:
            self._finish()

    def _message(self, message: bytes) -> None:
        if self._receiver is not None and message:
            self._receiver.received(message)
        elif self._receiver is not None:
            self._receiver.close(CloseCode.PROTOCOL, "an empty message")

    def _flush(self) -> bool:
        sent = True
        for data in self._ws.data_to_send():
            if data:
                sent = self._outgoing.write(data) and sent
            else:
                self._finish()
        return sent

    def _finish(self) -> None:
        if not self._ended:
            self._ended = True
            for data in self._ws.data_to_send():
                if data:
                    self._outgoing.write(data)
            self._outgoing.finish()

    # ---- MessageTransport

    def send(self, message: bytes) -> bool:
        """Send one message; False when too much waits."""
        if self._ws.state is OPEN:
            self._ws.send_binary(message)
        return self._flush()

    def shut(self, code: CloseCode, reason: str) -> None:
        """Begin the closing handshake; the peer's answer, or the core's patience, ends the connection."""
        if self._ws.state is OPEN:
            self._ws.send_close(CLOSE_BASE + code, clip(reason, MAX_REASON))
        self._flush()

    def abort(self) -> None:
        """Cut now."""
        self._transport.abortConnection()

    def admitted(self, person: str) -> None:
        """The person is known."""
        self._visitor.known(person)
