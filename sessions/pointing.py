"""The pointer's pictures: sent to one viewer no faster than its line has room for."""

from __future__ import annotations

from collections.abc import Callable

from sessions.clock import Clock, Timer
from sessions.line import Line

INTERVAL = 1 / 60
SHARE = 0.25
"""The pointer's pictures, which nobody acknowledges, take this part of the line at most."""
LONGEST = 1.0
"""Seconds between two pictures at most: what a stalled line was taken for may not hold any longer."""
FAST = 20_000_000
"""Bytes a second that a line is taken for which has not been the limit yet."""


class PointerPacer:
    """Sends pictures of the pointer; when they come too fast, the newest in time."""

    def __init__(self, send: Callable[[bytes], None], line: Line, clock: Clock) -> None:
        self._send = send
        self._line = line
        self._clock = clock
        self._message: bytes | None = None
        self._timer: Timer | None = None
        self._due = 0.0

    def show(self, message: bytes) -> None:
        """Send a picture, an encoded message."""
        self._message = message
        if self._timer is None:
            self._pump()

    def close(self) -> None:
        """Send no more."""
        self._message = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pump(self) -> None:
        self._timer = None
        if self._message is None:
            return
        now = self._clock.seconds()
        if now < self._due:
            self._timer = self._clock.callLater(self._due - now, self._pump)
            return
        message, self._message = self._message, None
        takes = len(message) / (self._line.rate or FAST)
        self._due = now + min(max(takes / SHARE, INTERVAL), LONGEST)
        self._send(message)
