"""The part of a Twisted reactor that knows the time, as mypy can check it.

Twisted describes its reactor by zope interfaces, which are opaque to type checkers without a plug-in.
Tests pass `twisted.internet.task.Clock`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol


def keep_time(reactor: Any) -> Any:
    """Let a reactor tell monotonic time; return it. Call this before it is given anything to do.

    Twisted's tells the time of day. When that is set back by an hour, nothing that is due happens for
    an hour; when it is set forward, every deadline has passed.
    """
    reactor.seconds = time.monotonic
    return reactor


class Timer(Protocol):
    """A call that is to come."""

    def active(self) -> bool:
        """Whether it is still to come."""

    def cancel(self) -> None:
        """Call it off; raises if it is not to come any more."""

    def getTime(self) -> float:
        """When, on the clock's scale."""


class Clock(Protocol):
    """Monotonic time and timers."""

    def seconds(self) -> float:
        """Return the time, in seconds since an arbitrary moment; it never goes back."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any) -> Timer:
        """Call back after `delay` seconds."""
