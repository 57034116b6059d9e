"""Keeping guests' clocks right, where nobody else does: many have no network to ask for the time.

A guest's clock runs on by itself. It falls behind while this machine sleeps, and does not learn that this
machine's clock was set. Either shows as a jump of the time of day beside the monotonic clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sessions.clock import Clock
from sessions.guests.base import GuestError, Services
from sessions.session import Session

log = Logger()

LOOK_SECONDS = 30.0
"""How often to look whether the clock has jumped."""
TOLERANCE = 1.0
"""Seconds that a guest's clock may be wrong; a clock that is being slewed stays far below within one look."""


def jumped(before: float, now: float) -> bool:
    """Tell whether the clock was set, or the machine slept. Both: time of day less monotonic time, in s."""
    return not math.isclose(before, now, rel_tol=0, abs_tol=TOLERANCE)


class Timekeeper:
    """Sets guests' clocks right after the time has jumped, and once at the beginning, for what was before.

    sessions: those whose guests are looked after; wall: returns the time of day, seconds since 1970.
    """

    def __init__(self, clock: Clock, sessions: Iterable[Session], wall: Callable[[], float]) -> None:
        self._clock = clock
        self._sessions = sessions
        self._wall = wall
        self._apart: float | None = None

    def begin(self) -> None:
        """Look every now and then, for good."""
        self._clock.callLater(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        before, self._apart = self._apart, self._wall() - self._clock.seconds()
        if before is None or jumped(before, self._apart):
            for session in self._sessions:
                if session.services is not None:
                    Deferred.fromCoroutine(self._follow(session.identity.session, session.services))
        self.begin()

    async def _follow(self, id: str, services: Services) -> None:
        try:
            if await set_right(services, self._wall):
                log.info("session {id}: its guest's clock was wrong and is set right", id=id)
        except GuestError as error:
            log.info("session {id}: its guest's clock is left alone: {error}", id=id, error=str(error))
        except Exception:
            log.failure("session {id}: its guest's clock is left alone", id=id)


async def set_right(services: Services, wall: Callable[[], float]) -> bool:
    """Set a guest's clock unless it is right; tell whether it had to be. Raises GuestError."""
    told = (await services.info()).time
    if abs(told - wall()) <= TOLERANCE:
        return False
    await services.set_time(wall())
    return True
