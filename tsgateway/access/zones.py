"""Time zones, as this machine knows them."""

from __future__ import annotations

import datetime
import functools
import re
import zoneinfo
from collections.abc import Iterable

from tsgateway.policy.reading import DAYS, Moment

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAYS = {name: number for names in (DAYS, _LONG) for number, name in enumerate(names)}
_NOW_HELP = 'times are written like "Mon 08:00", "08:00", "2026-08-24 08:00" or "2026-08-24T08:00+02:00"'


@functools.lru_cache(maxsize=256)
def zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the time zone of a name; None when there is none here."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_zone(name: str) -> bool:
    """Tell whether there is a time zone of that name here."""
    return zone(name) is not None


def moments(zones: Iterable[str], now: float) -> dict[str, Moment]:
    """Return what clocks show in these zones; zones that are not known here are left out. now: Unix time."""
    found = {}
    for name in zones:
        if (there := zone(name)) is not None:
            local = datetime.datetime.fromtimestamp(now, there)
            found[name] = Moment(local.weekday(), local.hour * 60 + local.minute)
    return found


def instant(text: str, where: datetime.tzinfo | None, now: float) -> float:
    """Return the Unix time that somebody wrote. Raises ValueError, whose text says what may be written.

    where: the zone of times that name none; None: this machine's. Without a date it is the next such time,
    with a weekday too. now: Unix time.
    """
    text = text.strip()
    day, _, clock = text.rpartition(" ")
    found = _CLOCK.fullmatch(clock)
    if found and (not day or day.lower() in _WEEKDAYS):
        here = datetime.datetime.fromtimestamp(now, where)
        return _next(here, _WEEKDAYS.get(day.lower()), datetime.time(int(found[1]), int(found[2])))
    try:
        written = datetime.datetime.fromisoformat(text)
        if not 1970 < written.year < 2200:
            raise ValueError
    except ValueError:
        raise ValueError(_NOW_HELP) from None
    return (written if written.tzinfo else written.replace(tzinfo=where)).timestamp()


def _next(here: datetime.datetime, weekday: int | None, clock: datetime.time) -> float:
    """Return the next time that clocks show this; the current minute counts."""
    for days in range(9):
        date = here.date() + datetime.timedelta(days=days)
        if weekday is None or date.weekday() == weekday:
            # A wall time anew for each day: where clocks are set, days are not 24 hours long.
            then = datetime.datetime.combine(date, clock, here.tzinfo)
            if then.timestamp() > here.timestamp() - 60:
                return then.timestamp()
    raise ValueError(_NOW_HELP)
