"""How many guests of a desktop shall stand ready at a moment. Pure: the moment is given."""

from __future__ import annotations

import datetime

from tsgateway.config.pools import DAY, DAYS, Period, PoolSection


def wanted(pool: PoolSection, now: datetime.datetime) -> int:
    """Return how many the pool wants ready at `now`, local time.

    What counts is the clock on the wall: an hour that a change to summer time leaves out is skipped, and one
    that comes twice holds twice.
    """
    minute = now.hour * 60 + now.minute
    for period in pool.schedule:
        if _holds(period, now.weekday(), minute):
            return period.warm
    return pool.warm


def _holds(period: Period, weekday: int, minute: int) -> bool:
    """Tell whether a period holds at a minute of a day of the week (0: Monday)."""
    today, yesterday = DAYS[weekday], DAYS[weekday - 1]
    end = period.end if period.end > period.begin else period.end + DAY
    return (today in period.days and period.begin <= minute < end) or (
        yesterday in period.days and period.begin <= minute + DAY < end
    )


def share(total: int, hosts: int, turn: int = 0) -> list[int]:
    """Return how many of `total` each of `hosts` hosts gets, as evenly as can be.

    turn: which of them is served first, so that single guests of several desktops do not meet on one host.
    """
    if not hosts:
        return []
    each, rest = divmod(total, hosts)
    return [each + ((number - turn) % hosts < rest) for number in range(hosts)]
