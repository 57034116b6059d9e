"""How often a guest that ends by itself is started again: not in an endless loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions.clock import Clock
from sessions.rules import AtGuestEnd, Rules

MAX_RESTARTS = 3
WITHIN = 600.0
"""Seconds. A guest that ends more often than MAX_RESTARTS in that time is not started again."""


class Attempts:
    """When the guest of one session was started again. kept: what `table` said, if that was this clock."""

    def __init__(self, rules: Rules, kept: Mapping[str, Any], clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        times = kept.get("restarts")
        numbers = times[-MAX_RESTARTS:] if isinstance(times, list) else []
        self._times = [float(at) for at in numbers if isinstance(at, int | float) and at <= clock.seconds()]

    def table(self) -> dict[str, list[float]]:
        """Return what is to be kept, as a JSON table."""
        return {"restarts": self._times}

    def one_more(self) -> bool:
        """Tell whether it is to be started once more; that counts then."""
        if self._rules.at_guest_end is not AtGuestEnd.RESTART:
            return False
        now = self._clock.seconds()
        self._times = [at for at in self._times if now - at < WITHIN]
        if len(self._times) >= MAX_RESTARTS:
            return False
        self._times.append(now)
        return True
