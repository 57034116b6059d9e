"""What the two ways of carrying tsg messages have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sessions.wire.tsg import CloseCode


class Receiver(Protocol):
    """Takes the messages of one connection."""

    def received(self, message: bytes) -> None:
        """One whole message has come."""

    def close(self, code: CloseCode, reason: str) -> None:
        """The transport cannot go on; say goodbye and call `shut`."""

    def disconnected(self) -> None:
        """The connection is gone; called once."""


class MessageTransport(Protocol):
    """Carries whole tsg messages, over WebSocket or plain TLS."""

    peer: str
    door: str
    """What the names of its viewers begin with."""

    def send(self, message: bytes) -> bool:
        """Send one message; False when the viewer takes data too slowly to go on."""

    def shut(self, code: CloseCode, reason: str) -> None:
        """Close when everything is out."""

    def abort(self) -> None:
        """Cut now."""

    def admitted(self, person: str) -> None:
        """The person behind it is known: it no longer counts as a stranger's connection."""


Opened = Callable[[MessageTransport], Receiver]
"""Called when a connection can carry messages; returns who takes them."""
