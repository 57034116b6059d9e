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

    guests: returns whom to ask in each guest, and its name for the log. wall: returns the time of day,
    seconds since 1970.
    """

    def __init__(
        self,
        clock: Clock,
        guests: Callable[[], Iterable[tuple[str, Services]]],
        wall: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._guests = guests
        self._wall = wall
        self._apart: float | None = None

    def begin(self) -> None:
        """Look every now and then, for good."""
        self._clock.callLater(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        before, self._apart = self._apart, self._wall() - self._clock.seconds()
        if before is None or jumped(before, self._apart):
            for name, services in self._guests():
                Deferred.fromCoroutine(self._follow(name, services))
        self.begin()

    async def _follow(self, name: str, services: Services) -> None:
        try:
            if await set_right(services, self._wall):
                log.info("guest {name}: its clock was wrong and is set right", name=name)
        except GuestError as error:
            log.info("guest {name}: its clock is left alone: {error}", name=name, error=str(error))
        except Exception:
            log.failure("guest {name}: its clock is left alone", name=name)


async def set_right(services: Services, wall: Callable[[], float]) -> bool:
    """Set a guest's clock unless it is right; tell whether it had to be. Raises GuestError."""
    told = (await services.info()).time
    if abs(told - wall()) <= TOLERANCE:
        return False
    await services.set_time(wall())
    return True
