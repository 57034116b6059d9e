"""Calls that take long, on threads. Who gives one up must still wait for it before clearing up after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool

T = TypeVar("T")


class Threads:
    """The calls that are at work for one owner."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._at_work = 0

    async def call(self, call: Callable[..., T], *arguments: Any) -> T:
        """Make a call and wait for it. A cancelled wait leaves it at work."""
        self._at_work += 1
        done: Deferred[T] = Deferred()
        pool = self._reactor.getThreadPool()
        working: Deferred[T] = deferToThreadPool(self._reactor, pool, call, *arguments)
        working.addBoth(self._worked).chainDeferred(done)
        return await done

    async def idle(self) -> None:
        """Wait until none is at work."""
        while self._at_work:
            await deferLater(self._reactor, 0.02)

    def _worked(self, outcome: Any) -> Any:
        self._at_work -= 1
        return outcome
