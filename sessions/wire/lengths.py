"""Messages in a byte stream, each behind its u32 length: tsg over plain TLS, and the session link."""

from __future__ import annotations

import struct

from sessions.wire.errors import LimitExceeded, ProtocolError


class LengthPrefixed:
    """Cuts a byte stream into messages.

    >>> cutter = LengthPrefixed(limit=64)
    >>> cutter.receive(bytes.fromhex("0000000201"))
    []
    >>> cutter.receive(bytes.fromhex("ff"))
    [b'\\x01\\xff']
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def receive(self, data: bytes) -> list[bytes]:
        """Take what arrived, return the messages now whole. Raises LimitExceeded, ProtocolError."""
        self._buffer += data
        messages = []
        start = 0
        while len(self._buffer) - start >= 4:
            (length,) = struct.unpack_from(">I", self._buffer, start)
            if length > self._limit:
                raise LimitExceeded(f"a message of {length} bytes, at most {self._limit}")
            if length == 0:
                raise ProtocolError("an empty message")
            if len(self._buffer) - start - 4 < length:
                break
            messages.append(bytes(self._buffer[start + 4 : start + 4 + length]))
            start += 4 + length
        del self._buffer[:start]
        return messages

    @staticmethod
    def frame(message: bytes) -> bytes:
        """Return `message` behind its length."""
        return struct.pack(">I", len(message)) + message
