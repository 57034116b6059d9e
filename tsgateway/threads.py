"""Blocking calls off the reactor: a few threads each for the database and for password hashing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class Threads:
    """At most `count` threads; calls beyond that wait their turn."""

    def __init__(self, reactor: Any, name: str, count: int) -> None:
        self._reactor = reactor
        self._pool: Any = ThreadPool(0, count, name)

    def start(self) -> None:
        """Take calls from now on."""
        self._pool.start()

    def stop(self) -> None:
        """Finish what was begun, then end."""
        if self._pool.started:
            self._pool.stop()

    def __call__(self, call: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """Return what the call returns, or its exception."""
        result: Deferred[T] = deferToThreadPool(self._reactor, self._pool, call, *arguments)
        return result
