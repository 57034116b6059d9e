"""The limits of a session's life: for how long it may be in use, unused, or left alone. Pure.

The session tells what happens and when, in seconds of one monotonic clock, and asks what is due. What is
known can be kept and given to a later process of the same boot of the machine, whose clock goes on.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sessions.rules import AtLimit, Rules

RETURN_SECONDS = 60.0
"""Who comes back within this time has not been away: the line was cut, or the page loaded anew."""
GREET_SECONDS = 30.0
"""For so long at least nobody who has just come is sent away for having been idle: they are warned first."""
KEEP_SECONDS = 60.0
"""How old the last input that is kept may be; so much too early an idle session may be warned later."""


class Limit(enum.Enum):
    """Which limit."""

    ACTIVE = "active"
    IDLE = "idle"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class Due:
    """What is due. Nothing, with everything None.

    struck: the limit that has been reached. warned: the one people have to be told of, which is reached at
    `strikes_at`. look_at: when to ask again at the latest.
    """

    struck: Limit | None = None
    warned: Limit | None = None
    strikes_at: float = math.inf
    look_at: float | None = None


class Limits:
    """The clocks of one session. kept: what `table` said earlier, by the same clock; now: its time."""

    def __init__(self, rules: Rules, kept: Mapping[str, Any], now: float) -> None:
        self._rules = rules
        self._used_since = _time(kept.get("used_since"), now)
        self._heard_at = _time(kept.get("heard_at"), now)
        self._left_at = _time(kept.get("left_at"), now)
        self._kept_heard = self._heard_at

    def table(self) -> dict[str, float | None]:
        """Return what is known, as a JSON table."""
        self._kept_heard = self._heard_at
        return {"used_since": self._used_since, "heard_at": self._heard_at, "left_at": self._left_at}

    def came(self, now: float) -> None:
        """Somebody is connected, who was not."""
        if self._used_since is None or (self._left_at is not None and now - self._left_at > RETURN_SECONDS):
            self._used_since = self._heard_at = now
        self._left_at = None
        self._greet(now)

    def limit(self, rules: Rules, now: float) -> None:
        """Count by other rules from now on."""
        self._rules = rules
        if self._left_at is None:
            self._greet(now)

    def _greet(self, now: float) -> None:
        """Nobody who has just come, or whose limits have just become stricter, has been idle for too long."""
        if self._heard_at is not None and (idle := self._rules.idle_minutes * 60):
            greeted = min(max(self._rules.warn_seconds, GREET_SECONDS), idle / 2)
            self._heard_at = max(self._heard_at, now - idle + greeted)

    def left(self, now: float, on_purpose: bool = False) -> None:
        """Nobody is connected any more. on_purpose: who comes next begins anew, however soon."""
        if self._left_at is None:
            self._left_at = now
        if on_purpose:
            self._used_since = self._heard_at = None

    def heard(self, now: float) -> bool:
        """There was input. Tell whether `table` is worth keeping anew."""
        self._heard_at = now
        is_old = self._kept_heard is None or now - self._kept_heard > KEEP_SECONDS
        return bool(self._rules.idle_minutes) and is_old

    def due(self, now: float) -> Due:
        """Tell what is due."""
        rules = self._rules
        if self._left_at is not None:
            at = _after(self._left_at, rules.disconnected_minutes)
            return Due(struck=Limit.DISCONNECTED) if now >= at else Due(look_at=_or_none(at))
        both = {
            Limit.ACTIVE: (_after(self._used_since, rules.active_minutes), rules.active_minutes),
            Limit.IDLE: (_after(self._heard_at, rules.idle_minutes), rules.idle_minutes),
        }
        first = min(both, key=lambda limit: both[limit][0])
        at, minutes = both[first]
        warn_at = at - min(rules.warn_seconds, minutes * 60 / 2)
        if now >= at:
            return Due(struck=first)
        if now >= warn_at:
            return Due(warned=first, strikes_at=at, look_at=at)
        return Due(look_at=_or_none(warn_at))


def notice(limit: Limit, rules: Rules) -> str:
    """Return the sentence that tells people of a limit before it is reached; when is told beside it."""
    action = "disconnected" if rules.at_limit is AtLimit.DISCONNECT else "logged off"
    if limit is Limit.IDLE:
        return f"You have not used this desktop for a while. You will be {action}."
    return f"This desktop may be used for {_minutes(rules.active_minutes)} at a time. You will be {action}."


def farewell(limit: Limit, rules: Rules) -> str:
    """Return the sentence that says what a limit has done."""
    if limit is Limit.DISCONNECTED:
        after = _minutes(rules.disconnected_minutes)
        return f"The session was logged off because nobody was connected for {after}."
    if limit is Limit.IDLE:
        why = f"it was not used for {_minutes(rules.idle_minutes)}"
    else:
        why = f"it was in use for {_minutes(rules.active_minutes)}, which is as long as it may be at a time"
    if rules.at_limit is AtLimit.DISCONNECT:
        return f"The session goes on; you were disconnected because {why}."
    return f"The session was logged off because {why}."


def _minutes(count: float) -> str:
    if count < 1:
        return _counted(round(count * 60), "second")
    if count >= 120 and count % 60 == 0:
        return _counted(round(count / 60), "hour")
    return _counted(round(count), "minute")


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _after(since: float | None, minutes: float) -> float:
    return math.inf if since is None or not minutes else since + minutes * 60


def _or_none(at: float) -> float | None:
    return None if math.isinf(at) else at


def _time(value: object, now: float) -> float | None:
    """Take a time that was kept; what is none, or still to come, is not believed."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= now:
        return None
    return float(value)
