"""Looks once a minute at everybody who is connected: whether policies still let them be.

Whose time ends is warned first, by the notice that limits have, and then disconnected; the session goes on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from sessions.wire.tsg import CloseCode, Notice, NoticeLevel
from tsgateway.access.desk import PolicyDesk
from tsgateway.access.zones import moments
from tsgateway.policy import Subject
from tsgateway.policy.conditions import Context
from tsgateway.policy.decision import allows
from tsgateway.policy.policies import Policy
from tsgateway.store import StoreUnavailable

MINUTE = 60.0
WARN_MINUTES = 5
"""So long before their time ends people are warned."""
AT_ONCE = 10
"""People looked at before others get their turn."""
ENDS = "You may use this desktop until then. You will be disconnected; your session goes on."
OVER = "You may not use this desktop from here or at this time. Your session goes on; reference {reference}."


class Seat(Protocol):
    """A viewer; see `tsgateway/protocols/tsg/viewer.py`. Its methods never raise."""

    def deliver(self, message: bytes) -> None:
        """Send a message."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Say goodbye with a sentence for the person."""


class Present(NamedTuple):
    """Somebody who is connected. takes_notices: whether the viewer shows them."""

    seat: Seat
    context: Context
    desktop: str
    sign_in: bytes
    takes_notices: bool


class PolicyWatch:
    """Watches. wall: Unix time; there: the numbers of the viewers that are attached.

    known: returns whose a sign-in is now (None: nobody's), as `SignIn` does.
    """

    log = Logger()

    def __init__(
        self,
        desk: PolicyDesk,
        reactor: Any,
        wall: Callable[[], float],
        known: Callable[[bytes], Awaitable[Subject | None]],
        there: Callable[[], Set[int]],
    ) -> None:
        self._desk = desk
        self._reactor = reactor
        self._wall = wall
        self._known = known
        self._there = there
        self._present: dict[int, Present] = {}
        self._warned: dict[int, float] = {}
        self._timer: Any = None

    def __len__(self) -> int:
        return len(self._present)

    def came(self, number: int, present: Present) -> None:
        """Somebody has connected. number: the viewer's."""
        self._present[number] = present

    def start(self) -> None:
        """Begin to look, a moment after each minute has begun."""
        self._timer = self._reactor.callLater(MINUTE - self._wall() % MINUTE + 0.05, self._turn)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _turn(self) -> None:
        self._timer = None
        looking = Deferred.fromCoroutine(self.look())
        looking.addErrback(lambda failure: self.log.failure("policies are not looked at now", failure))
        looking.addBoth(lambda _: self.start())

    async def look(self) -> None:
        """Look at everybody once."""
        self._desk.write()
        for number in self._present.keys() - self._there():
            del self._present[number]
            self._warned.pop(number, None)
        if not self._present:
            return
        policies = await self._desk.policies()
        now = self._wall()
        turns = self._turns(policies, now)
        for count, number in enumerate(list(self._present), 1):
            await self._look_at(number, policies, now, turns)
            if count % AT_ONCE == 0:
                await deferLater(self._reactor, 0)

    async def _look_at(
        self, number: int, policies: tuple[Policy, ...], now: float, turns: Sequence[float]
    ) -> None:
        present = await self._current(number)
        if present is None:
            return
        if not self._allows(present, policies, now):
            decision = await self._desk.decide(present.context, present.desktop)
            if not decision.allowed:
                present.seat.close(CloseCode.DISCONNECTED, OVER.format(reference=decision.reference))
            return
        ends = (turn for turn in turns if not self._allows(present, policies, turn))
        self._warn(number, present, next(ends, None))

    async def _current(self, number: int) -> Present | None:
        """Return somebody with the groups they have by now; None for who is gone."""
        present = self._present.get(number)
        if present is None:
            return None
        try:
            subject = await self._known(present.sign_in)
        except StoreUnavailable:
            return present
        if subject is None or number not in self._present:
            return None  # whoever checks sign-ins closes it
        context = dataclasses.replace(present.context, groups=subject.groups)
        self._present[number] = present = present._replace(context=context)
        return present

    def _allows(self, present: Present, policies: tuple[Policy, ...], at: float) -> bool:
        return allows(policies, self._desk.at(present.context, policies, at), present.desktop)

    def _turns(self, policies: tuple[Policy, ...], now: float) -> list[float]:
        """Return at which of the next minutes a time of some policy begins or ends: mostly none."""
        zones = {zone for policy in policies if policy.enabled for zone in policy.zones}
        return [
            at
            for at in _minutes_after(now)
            if zones and any(policy.turns(moments(zones, at)) for policy in policies)
        ]

    def _warn(self, number: int, present: Present, end: float | None) -> None:
        if not present.takes_notices or self._warned.get(number) == end:
            return
        if end is None:
            del self._warned[number]  # it was prolonged
            notice = Notice(NoticeLevel.INFORMATION, 0, "")
        else:
            self._warned[number] = end
            notice = Notice(NoticeLevel.WARNING, max(round(end - self._wall()), 1), ENDS)
        present.seat.deliver(notice.encode())


def _minutes_after(now: float) -> Iterable[float]:
    """Return when the next minutes begin: times of day are in whole minutes."""
    begun = now // MINUTE * MINUTE
    return (begun + MINUTE * (count + 1) for count in range(WARN_MINUTES))
