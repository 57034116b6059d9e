"""Watches over the limits of a session (sessions/limits): warns its people, and does what the rules say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

from sessions.clock import Clock, Timer
from sessions.lifecycle import ATTENDED
from sessions.limits import Due, Limit, Limits, farewell, notice
from sessions.rules import AtLimit, Rules
from sessions.wire.fields import clip
from sessions.wire.tsg import Notice, NoticeLevel, SessionState

NOTHING = Notice(NoticeLevel.INFORMATION, 0, "")


class Limited(Protocol):
    """What limits do to a session."""

    def announce(self, notice: Notice) -> None:
        """Tell everybody connected."""

    def stop_using(self, reason: str) -> None:
        """Disconnect everybody; the session goes on."""

    def stop_living(self, reason: str) -> None:
        """Log the session off."""


class LimitWatch:
    """The limits of one session, on a clock. kept: what `table` said earlier, if that was this clock."""

    def __init__(self, rules: Rules, kept: Mapping[str, Any], clock: Clock, limited: Limited) -> None:
        self._rules = rules
        self._clock = clock
        self._limited = limited
        self._limits = Limits(rules, kept, clock.seconds())
        self._timer: Timer | None = None
        self._due = Due()
        self._on_purpose = False
        self._is_watching = False

    def table(self) -> dict[str, float | None]:
        """Return what is to be kept, as a JSON table."""
        return self._limits.table()

    def went(self, state: SessionState) -> None:
        """The session is in another state now."""
        now = self._clock.seconds()
        if state is SessionState.CONNECTED:
            self._limits.came(now)
        elif state is SessionState.DISCONNECTED:
            self._limits.left(now, self._on_purpose)
            self._on_purpose = False
        self._is_watching = state in ATTENDED or state is SessionState.DISCONNECTED
        if self._is_watching:
            self._look()
        else:
            self.stop()

    def limit(self, rules: Rules) -> None:
        """Watch by other rules from now on."""
        self._rules = rules
        self._limits.limit(rules, self._clock.seconds())
        if self._is_watching:
            self._look()

    def on_purpose(self) -> None:
        """Who leaves now does not return to what was."""
        self._on_purpose = True

    def heard(self) -> bool:
        """There was input. Tell whether `table` is worth keeping anew."""
        is_news = self._limits.heard(self._clock.seconds())
        if self._due.warned is Limit.IDLE:
            self._look()
        return is_news

    def notice(self) -> Notice:
        """Return what there is to tell now."""
        limit = self._due.warned
        if limit is None:
            return NOTHING
        level = NoticeLevel.ABSENCE if limit is Limit.IDLE else NoticeLevel.WARNING
        left = max(math.ceil(self._due.strikes_at - self._clock.seconds()), 1)
        return Notice(level, left, clip(notice(limit, self._rules)))

    def stop(self) -> None:
        """Watch no more for now; what has been announced is taken back."""
        self._stop_waiting()
        self._become(Due())

    def _look(self) -> None:
        now = self._clock.seconds()
        self._stop_waiting()
        due = self._limits.due(now)
        self._become(due)
        if due.struck is not None:
            self._timer = self._clock.callLater(0, self._strike, due.struck)  # not amid what is being done
        elif due.look_at is not None:
            self._timer = self._clock.callLater(max(due.look_at - now, 0), self._look)

    def _become(self, due: Due) -> None:
        before, self._due = self._due, due
        if (due.warned, due.strikes_at) != (before.warned, before.strikes_at):
            self._limited.announce(self.notice())

    def _stop_waiting(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _strike(self, limit: Limit) -> None:
        reason = farewell(limit, self._rules)
        if limit is Limit.DISCONNECTED or self._rules.at_limit is AtLimit.END:
            self._limited.stop_living(reason)
        else:
            self._limited.stop_using(reason)
