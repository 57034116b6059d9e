"""Which policies decide whether somebody gets a desktop, and why. Pure.

Of each kind the first enabled policy that fits decides. Both have to allow; where none fits, nobody comes in.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tsgateway.policy.conditions import Context
from tsgateway.policy.policies import NONE, NOTHING, Effect, Kind, Limits, Policy, Redirections

ALPHABET = "234679ACDEFGHJKMNPQRTVWXY"
"""Of reference numbers: nothing that looks like something else."""
REFERENCES = len(ALPHABET) ** 8
"""How many reference numbers there are."""


class Outcome(enum.StrEnum):
    """What became of a policy that was tried."""

    ALLOWS = "allows"
    DENIES = "denies"
    DOES_NOT_FIT = "does not fit"
    DISABLED = "is disabled"
    MISSING = "is missing"
    """No policy of the kind fits; that denies."""


class Tried(NamedTuple):
    """One policy that was looked at. policy: its id; why: the condition that settled it, or all that hold."""

    kind: Kind
    policy: str
    name: str
    outcome: Outcome
    why: str

    def __str__(self) -> str:
        if self.outcome is Outcome.MISSING:
            return f"{self.kind} policy {self.outcome}: {self.why}"
        return f'{self.kind} policy "{self.name}" {self.outcome}' + (f": {self.why}" if self.why else "")


class Decision(NamedTuple):
    """Whether somebody gets a desktop. tried: every policy looked at, in order.

    redirections, limits: of the connection policy that decided; nothing for who is not let in.
    reference: under which it was noted; "" when it was not.
    """

    allowed: bool
    tried: tuple[Tried, ...]
    redirections: Redirections
    limits: Limits
    reference: str = ""

    @property
    def why(self) -> str:
        """What decided: the first policy that denies, or those that allow."""
        deciding = [each for each in self.tried if each.outcome in _DECIDE]
        if not self.allowed:
            return str(next(each for each in deciding if each.outcome is not Outcome.ALLOWS))
        return "; ".join(map(str, deciding))


_DECIDE = (Outcome.ALLOWS, Outcome.DENIES, Outcome.MISSING)


def decide(policies: Iterable[Policy], context: Context, desktop: str) -> Decision:
    """Return whether somebody gets a desktop. policies: in their order, kinds mixed."""
    each = list(policies)
    chosen, tried = _first(each, Kind.CONNECTION, context, desktop)
    resource, more = _first(each, Kind.RESOURCE, context, desktop)
    allows = [found is not None and found.effect is Effect.ALLOW for found in (chosen, resource)]
    if chosen is None or not all(allows):
        return Decision(False, (*tried, *more), NOTHING, NONE)
    return Decision(True, (*tried, *more), chosen.redirections, chosen.limits)


def _first(
    policies: Sequence[Policy], kind: Kind, context: Context, desktop: str
) -> tuple[Policy | None, list[Tried]]:
    tried = []
    for policy in policies:
        if policy.kind is kind:
            one = _try(policy, context, desktop)
            tried.append(one)
            if one.outcome in _DECIDE:
                return policy, tried
    tried.append(Tried(kind, "", "", Outcome.MISSING, "none fits"))
    return None, tried


def _try(policy: Policy, context: Context, desktop: str) -> Tried:
    def outcome(which: Outcome, why: str) -> Tried:
        return Tried(policy.kind, policy.id, policy.name, which, why)

    if not policy.enabled:
        return outcome(Outcome.DISABLED, "")
    is_deny = policy.effect is Effect.DENY
    reasons = []
    for condition in policy.conditions:
        holds, why = condition.judge(context, desktop)
        if holds is False or (holds is None and not is_deny):
            return outcome(Outcome.DOES_NOT_FIT, why)
        reasons.append(why)
    return outcome(Outcome.DENIES if is_deny else Outcome.ALLOWS, "; ".join(reasons))


def explain(policies: Iterable[Policy], context: Context, desktop: str) -> list[str]:
    """Return each policy that is tried, a line each, and at the end what comes of it."""
    decision = decide(policies, context, desktop)
    end = f"{context.user} {'gets' if decision.allowed else 'does not get'} {desktop}"
    return [*map(str, decision.tried), f"{end}: {decision.why}"]


# ---- reference numbers


def reference_number(number: int) -> str:
    """Return the reference number for a random number below `REFERENCES`."""
    letters = []
    for _ in range(8):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return f"{''.join(letters[:4])}-{''.join(letters[4:])}"


def read_reference(text: str) -> str | None:
    """Return the reference number somebody typed, in small letters or without its dash; None for none."""
    letters = text.strip().upper().replace("-", "")
    if len(letters) != 8 or not set(letters) <= set(ALPHABET):
        return None
    return f"{letters[:4]}-{letters[4:]}"
