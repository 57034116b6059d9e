"""tsg behind lengths, straight over TLS: the native client's door."""

from __future__ import annotations

from typing import Any

from sessions.wire.errors import ProtocolError
from sessions.wire.lengths import LengthPrefixed
from sessions.wire.tsg import MAX_CLIENT_MESSAGE, CloseCode
from tsgateway.transports.admission import Visitor
from tsgateway.transports.base import Opened
from tsgateway.transports.outgoing import Outgoing


class NativeTransport:
    """Cuts the stream into messages for one viewer."""

    door = "tsg"

    def __init__(self, transport: Any, peer: str, visitor: Visitor, opened: Opened) -> None:
        self.peer = peer
        self._transport = transport
        self._visitor = visitor
        self._outgoing = Outgoing(transport)
        self._messages = LengthPrefixed(MAX_CLIENT_MESSAGE)
        self._broken = False
        self._receiver = opened(self)

    # ---- from the door

    def received(self, data: bytes) -> None:
        """Take bytes."""
        if self._broken:
            return
        try:
            messages = self._messages.receive(data)
        except ProtocolError as error:
            self._broken = True
            self._receiver.close(CloseCode.LIMIT, str(error))
            return
        for message in messages:
            self._receiver.received(message)

    def lost(self) -> None:
        """The connection is gone."""
        self._receiver.disconnected()

    # ---- MessageTransport

    def send(self, message: bytes) -> bool:
        """Send one message; False when too much waits."""
        return self._outgoing.write(LengthPrefixed.frame(message))

    def shut(self, code: CloseCode, reason: str) -> None:
        """Close when everything is out; the Close message said why."""
        self._outgoing.finish()

    def abort(self) -> None:
        """Cut now."""
        self._transport.abortConnection()

    def admitted(self, person: str) -> None:
        """The person is known."""
        self._visitor.known(person)
