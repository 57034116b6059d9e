"""Calls of the store off the reactor's thread, and what becomes of them while the database is away.

Calls come one after the other on one thread. One that takes too long is ended; when the database cannot be
used, calls fail at once for a moment instead of each waiting for it in vain. The log says once that it is
away, and once that it is back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tsgateway.store.database import Store
from tsgateway.store.engine import DiskFull, StoreBusy, StoreUnavailable
from tsgateway.threads import Threads

T = TypeVar("T")

PATIENCE = 8.0
"""For one call, the wait for those before it included, seconds."""
PAUSE = 1.0
"""So long nobody asks a database that was just away, seconds."""
MAX_CALLS = 256
"""That wait or are being made."""


class Access:
    """Makes calls of a store on a thread. threads: one, which the caller starts and stops."""

    log = Logger()

    def __init__(self, store: Store, threads: Threads, reactor: Any) -> None:
        self._store = store
        self._threads = threads
        self._reactor = reactor
        self._calls = 0
        self._away: StoreUnavailable | None = None
        self._since = 0.0
        self._until = 0.0

    @property
    def away(self) -> bool:
        """Whether the database could not be used when it was asked last."""
        return self._away is not None

    def __call__(self, call: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """Return what the call returns, or its exception; StoreUnavailable also when it takes too long."""
        now = self._reactor.seconds()
        answer: Deferred[T] = Deferred()
        if self._away is not None and now < self._until:
            answer.errback(StoreUnavailable(str(self._away)))
            return answer
        if self._calls >= MAX_CALLS:
            answer.errback(
                StoreUnavailable(f"the database {self._store.name} is asked for more than it can do")
            )
            return answer
        self._calls += 1
        running = self._threads(self._run, now + PATIENCE, call, arguments)
        running.addBoth(self._done, answer)
        answer.addTimeout(PATIENCE, self._reactor, self._too_late)
        answer.addCallbacks(self._went_well, self._failed)
        return answer

    def _run(self, deadline: float, call: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        """On the thread: what nobody waits for any more is not begun."""
        now = self._reactor.seconds()
        if now >= deadline or now < self._until:
            raise StoreUnavailable(str(self._away or f"the database {self._store.name} is too slow"))
        return call(*arguments)

    def _done(self, result: Any, answer: Deferred[Any]) -> None:
        self._calls -= 1
        if not answer.called:
            answer.callback(result)  # a Failure makes it fail

    def _too_late(self, _result: object, _seconds: float) -> Any:
        self._store.interrupt()
        raise StoreUnavailable(f"the database {self._store.name} does not answer") from None

    def _went_well(self, result: T) -> T:
        if self._away is not None:
            seconds = self._reactor.seconds() - self._since
            self._away = None
            self.log.info(
                "the database {name} is back after {seconds:.0f} s", name=self._store.name, seconds=seconds
            )
        return result

    def _failed(self, failure: Failure) -> Failure:
        error = failure.value
        # What is busy or full can be read all the same; who wanted to write has been told.
        if isinstance(error, StoreUnavailable) and not isinstance(error, StoreBusy | DiskFull):
            now = self._reactor.seconds()
            self._until = now + PAUSE
            if self._away is None:
                self._since = now
                self.log.error("{error}; sessions go on, nobody can sign in until it is back", error=error)
            self._away = error
        return failure
