"""How much a viewer may leave waiting to be sent to it."""

from __future__ import annotations

from typing import Any

MAX_WAITING = 4 * 1024 * 1024


class Outgoing:
    """Writes to a transport and counts what it holds back.

    The transport does not say how much waits, but when it begins to and when all is out. What is
    written in between is counted. A single message always passes, whatever its size.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._full = False
        self._waiting = 0
        transport.registerProducer(self, True)

    def write(self, data: bytes) -> bool:
        """Send; False (and nothing sent) when too much waits already."""
        if self._full:
            if self._waiting > MAX_WAITING:
                return False
            self._waiting += len(data)
        self._transport.write(data)
        return True

    def finish(self) -> None:
        """Close when all is out."""
        self._transport.unregisterProducer()
        self._transport.loseConnection()

    def pauseProducing(self) -> None:
        """Twisted: data begins to wait."""
        self._full = True

    def resumeProducing(self) -> None:
        """Twisted: all is out."""
        self._full = False
        self._waiting = 0

    def stopProducing(self) -> None:
        """Twisted: the connection is gone."""
