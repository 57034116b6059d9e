"""What all messages of the tsg protocol are made of, and the limits that hold for them."""

from __future__ import annotations

from typing import ClassVar

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.fields import Field

VERSION = 1
SUBPROTOCOL = "tsg.v1"
"""WebSocket subprotocol and TLS ALPN name."""

MAX_CLIENT_MESSAGE = 64 * 1024
MAX_SERVER_MESSAGE = 16 * 1024 * 1024
MAX_SCREEN = 8192
"""Largest width and height of a screen, pixels."""
MAX_CURSOR = 256
MAX_OPERATIONS = 4096
MAX_DIALOG = 4096
"""Bytes of a dialog's text."""
MAX_VIDEO_STREAMS = 8
"""Videos that one viewer is sent at the same time at most."""


class UnknownMessage(ProtocolError):
    """A message type or extension field that is not optional and not known here."""


class Message:
    """One message of the protocol; subclasses are values that compare equal when their fields do."""

    TYPE: ClassVar[int]
    FIELDS: ClassVar[tuple[Field, ...]]
    EXTENSIBLE: ClassVar[bool] = True

    def encode(self) -> bytes:
        """Return the message, type byte included. Raises ValueError when a field does not fit."""
        out = bytearray((self.TYPE,))
        for field in self.FIELDS:
            field.write(getattr(self, field.name), out)
        return bytes(out)

    def check(self) -> None:
        """Raise ProtocolError when the fields are each valid but not together."""


def check_size(width: int, height: int) -> None:
    """Raise LimitExceeded for a size that no screen can have."""
    if not (0 < width <= MAX_SCREEN and 0 < height <= MAX_SCREEN):
        raise LimitExceeded(f"no screen has {width}×{height} pixels here (1 to {MAX_SCREEN} each)")
