"""Contents in pieces, not faster than they are acknowledged. Pure."""

from __future__ import annotations

from collections.abc import Callable

from sessions.wire import tsg
from sessions.wire.errors import LimitExceeded, ProtocolError


class Outgoing:
    """A content on its way to a viewer. send: takes one message."""

    def __init__(self, id: int, format: int, data: bytes, send: Callable[[tsg.Message], None]) -> None:
        self.id = id
        self._format = format
        self._data = memoryview(data)
        self._send = send
        self._sent = 0
        self._begun = False

    @property
    def done(self) -> bool:
        """Whether all of it has been sent."""
        return self._begun and self._sent == len(self._data)

    def acknowledged(self, received: int) -> None:
        """So many bytes have arrived, 0 to begin with: send what may follow. Raises ProtocolError."""
        if received > self._sent:
            raise ProtocolError("ClipboardAck: more than was sent")
        while not self.done and self._sent - received < tsg.CLIPBOARD_WINDOW:
            piece = bytes(self._data[self._sent : self._sent + tsg.CLIPBOARD_PIECE])
            self._sent += len(piece)
            self._begun = True
            self._send(tsg.ClipboardData(self.id, self._format, len(self._data), piece))


class Incoming:
    """A content that arrives. maximum: bytes that are taken; send: takes the acknowledgements."""

    def __init__(self, maximum: int, send: Callable[[tsg.Message], None]) -> None:
        self._maximum = maximum
        self._send = send
        self._size: int | None = None
        self._data = bytearray()

    def take(self, piece: tsg.ClipboardData) -> bytes | None:
        """Take a piece; return the content when that is whole. Raises ProtocolError, LimitExceeded."""
        if piece.size > self._maximum:
            raise LimitExceeded(f"ClipboardData: {piece.size} bytes, at most {self._maximum}")
        if self._size is None:
            self._size = piece.size
        if self._size != piece.size or len(self._data) + len(piece.data) > self._size:
            raise ProtocolError("ClipboardData: the pieces do not fit together")
        if not piece.data and self._size:
            raise ProtocolError("ClipboardData: an empty piece")
        self._data += piece.data
        self._send(tsg.ClipboardAck(piece.id, piece.format, len(self._data)))
        return bytes(self._data) if len(self._data) == self._size else None
