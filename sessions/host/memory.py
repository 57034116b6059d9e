"""Gives back to the machine what sessions have let go of.

Pictures and histories are blocks of megabytes. When some were freed, the C library keeps as much for the next
ones: rightly while people come and go, and for nothing when they have gone.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from sessions.quiet import REST_SECONDS

WAIT_SECONDS = REST_SECONDS + 1
"""After a session was left, or has ended, until all that it had is free."""

_trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not every C library


class FreedMemory:
    """What was freed and is not given back yet."""

    def __init__(self, reactor: Any, in_thread: Callable[..., Deferred[Any]]) -> None:
        self._reactor = reactor
        self._in_thread = in_thread
        self._timer: Any = None

    def expect(self) -> None:
        """A session has been left or has ended: what it had is given back in a while, once for many."""
        if _trim is not None and (self._timer is None or not self._timer.active()):
            self._timer = self._reactor.callLater(WAIT_SECONDS, self._in_thread, _trim, 0)

    def stop(self) -> None:
        """Give nothing back any more: the process ends."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
