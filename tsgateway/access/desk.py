"""Where decisions are made: policies from the store, the time of day, and reference numbers for refusals.

Policies are kept in memory and looked at again every `FRESH` seconds; while the database is away, those that
were read last decide, and refusals are noted when it is back.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from tsgateway.access.zones import moments
from tsgateway.audit import Event, Journal
from tsgateway.policy import Subject
from tsgateway.policy.conditions import Context
from tsgateway.policy.decision import REFERENCES, Decision, decide, reference_number
from tsgateway.policy.policies import Effect, Kind, Policy, read_policy
from tsgateway.policy.reading import PolicyError
from tsgateway.store import StoreUnavailable
from tsgateway.store.policies import Noted, Policies, StoredPolicy

T = TypeVar("T")
FRESH = 5.0
"""So old may policies be that another process has changed, seconds."""
SAME = 600.0
"""The same refusal has the same reference number for so long, seconds."""
MAX_SAME = 4096
MAX_WAITING = 1000
"""Refusals that wait for the database; the oldest are lost beyond."""


class InThread(Protocol):
    """Runs calls of the store off the reactor's thread (`tsgateway/store/access.py`)."""

    def __call__(self, call: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """Return what the call returns, or its exception."""


class Refused(NamedTuple):
    """A refusal that was noted a short time ago."""

    reference: str
    at: float


class PolicyDesk:
    """Makes decisions. wall: Unix time; journal: told of them."""

    log = Logger()

    def __init__(
        self,
        store: Policies,
        access: InThread,
        wall: Callable[[], float],
        journal: Journal,
    ) -> None:
        self._store = store
        self._access = access
        self._wall = wall
        self._journal = journal
        self._policies: tuple[Policy, ...] | None = None
        self._revision = -1
        self._read_at = 0.0
        self._same: OrderedDict[tuple[Any, ...], Refused] = OrderedDict()
        self._waiting: OrderedDict[str, Noted] = OrderedDict()
        self._is_noting = False

    async def decide(self, context: Context, desktop: str, *, again: bool = False) -> Decision:
        """Return whether somebody gets a desktop now; a refusal has a reference number.

        context: without moments; again: whether the same is asked again later, so that now the journal hears
        of a refusal only. Raises StoreUnavailable while policies were never read.
        """
        decision = await self.consider(context, desktop)
        if not decision.allowed:
            decision = decision._replace(reference=self._note(context, desktop, decision))
        if not (again and decision.allowed):
            self._journal.note(_event(context, desktop, decision))
        return decision

    async def consider(self, context: Context, desktop: str, at: float | None = None) -> Decision:
        """Return what would be decided, now or at a Unix time; nothing is noted. See `decide`."""
        policies = await self.policies()
        return decide(policies, self.at(context, policies, self._wall() if at is None else at), desktop)

    def at(self, context: Context, policies: tuple[Policy, ...], now: float) -> Context:
        """Return the context at a Unix time."""
        zones = {name for policy in policies for name in policy.zones}
        return dataclasses.replace(context, moments=moments(zones, now)) if zones else context

    # ---- policies

    async def policies(self) -> tuple[Policy, ...]:
        """Return all policies, each kind in its order. Raises StoreUnavailable while they were never read."""
        now = self._wall()
        if self._policies is None or not 0 <= now - self._read_at < FRESH:
            try:
                await self._read(now)
            except StoreUnavailable as error:
                if self._policies is None:
                    raise
                self.log.debug("policies are as they were: {error}", error=error)
        return self._policies or ()

    def changed(self) -> None:
        """Policies were changed: look at once when they are needed next."""
        self._read_at = -FRESH

    async def _read(self, now: float) -> None:
        if await self._access(self._store.revision) != self._revision or self._policies is None:
            found = await self._access(self._store.all)
            self._policies = tuple(self._readable(stored) for stored in found.policies)
            self._revision = found.revision
        self._read_at = now

    def _readable(self, stored: StoredPolicy) -> Policy:
        """Return a stored policy; one that cannot be read lets nobody in, whatever it was for."""
        try:
            # A zone that this machine has no more is for its condition to tell (policy/conditions.py).
            return read_policy(stored.table, lambda name: True, str(stored.id))
        except PolicyError as error:
            name = str(stored.table.get("name", ""))
            self.log.error('policy "{name}" denies everything: {error}', name=name, error=error)
            kind = Kind.RESOURCE if stored.table.get("kind") == Kind.RESOURCE else Kind.CONNECTION
            enabled = stored.table.get("enabled") is not False
            return Policy(str(stored.id), name, kind, Effect.DENY, enabled, ())

    # ---- what was refused

    def _note(self, context: Context, desktop: str, decision: Decision) -> str:
        now = self._wall()
        key = (context.user, context.address, context.method, context.door, desktop, decision.why)
        known = self._same.get(key)
        if known is not None and 0 <= now - known.at < SAME:
            return known.reference
        reference = reference_number(secrets.randbelow(REFERENCES))
        self._same[key] = Refused(reference, now)
        self._same.move_to_end(key)
        if len(self._same) > MAX_SAME:
            self._same.popitem(last=False)
        self._waiting[reference] = Noted(reference, now, told(context, desktop, decision))
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)
        self.log.info(
            "{user} from {address} does not get {desktop}: {why} [{reference}]",
            user=context.user, address=context.address, desktop=desktop, why=decision.why,
            reference=reference,
        )  # fmt: skip
        self.write()
        return reference

    def write(self) -> None:
        """Write refusals that wait; nobody waits for that."""
        if not self._waiting or self._is_noting:
            return
        self._is_noting = True
        rows = list(self._waiting.values())
        self._access(self._store.note, rows).addCallbacks(self._noted, self._not_noted, callbackArgs=(rows,))

    def _noted(self, _: None, rows: list[Noted]) -> None:
        self._is_noting = False
        for row in rows:
            self._waiting.pop(row.reference, None)
        self.write()

    def _not_noted(self, failure: Failure) -> None:
        self._is_noting = False
        if isinstance(failure.value, StoreUnavailable):
            self.log.debug("refusals are noted later: {error}", error=failure.value)
        else:
            self.log.failure("refusals cannot be noted", failure)

    async def find(self, reference: str) -> Noted | None:
        """Return what a reference number stands for. Raises StoreUnavailable."""
        if (waiting := self._waiting.get(reference)) is not None:
            return waiting
        return await self._access(self._store.noted, reference)


def _event(context: Context, desktop: str, decision: Decision) -> Event:
    details = {"why": decision.why, "method": context.method, "door": context.door}
    if decision.reference:
        details["reference"] = decision.reference
    outcome = "allowed" if decision.allowed else "denied"
    return Event("policy.decided", context.user, context.address, f"desktop:{desktop}", outcome, details)


def context_of(subject: Subject, address: str, door: str) -> Context:
    """Return who asks as policies see them. address: the client's; door: how they came."""
    return Context(subject.name, subject.groups, address, subject.method, door)


def told(context: Context, desktop: str, decision: Decision) -> Mapping[str, Any]:
    """Return a decision as a JSON table."""
    return {
        "user": context.user,
        "groups": sorted(context.groups),
        "address": context.address,
        "method": context.method,
        "door": context.door,
        "desktop": desktop,
        "allowed": decision.allowed,
        "why": decision.why,
        "tried": [each._asdict() for each in decision.tried],
    }
