"""Which policies decide whether somebody gets a desktop, and why. Pure.

Of each kind the first enabled policy that fits decides. Both have to allow; where none fits, nobody comes in.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tsgateway.policy.conditions import Context, Verdict
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
    told = (*_told(Kind.CONNECTION, tried), *_told(Kind.RESOURCE, more))
    if chosen is None or not (_allows(chosen) and _allows(resource)):
        return Decision(False, told, NOTHING, NONE)
    return Decision(True, told, chosen.redirections, chosen.limits)


def allows(policies: Sequence[Policy], context: Context, desktop: str) -> bool:
    """Tell whether `decide` lets somebody in, in a fraction of the time: nothing is put into words."""
    return all(_allows(_first(policies, kind, context, desktop)[0]) for kind in Kind)


def _allows(policy: Policy | None) -> bool:
    return policy is not None and policy.effect is Effect.ALLOW


class _Trial(NamedTuple):
    """A policy that was looked at, and its conditions as far as they were."""

    policy: Policy
    verdicts: list[Verdict]
    fits: bool


def _first(
    policies: Sequence[Policy], kind: Kind, context: Context, desktop: str
) -> tuple[Policy | None, list[_Trial]]:
    """Return the policy of a kind that decides, and all that were tried."""
    trials = []
    for policy in policies:
        if policy.kind is kind:
            trial = _try(policy, context, desktop)
            trials.append(trial)
            if trial.fits:
                return policy, trials
    return None, trials


def _try(policy: Policy, context: Context, desktop: str) -> _Trial:
    verdicts: list[Verdict] = []
    if not policy.enabled:
        return _Trial(policy, verdicts, False)
    is_deny = policy.effect is Effect.DENY
    for condition in policy.conditions:
        verdict = condition.judge(context, desktop)
        verdicts.append(verdict)
        if verdict.holds is False or (verdict.holds is None and not is_deny):
            return _Trial(policy, verdicts, False)
    return _Trial(policy, verdicts, True)


def _told(kind: Kind, trials: Sequence[_Trial]) -> Iterator[Tried]:
    for policy, verdicts, fits in trials:
        if fits:
            outcome = Outcome.ALLOWS if _allows(policy) else Outcome.DENIES
        else:
            outcome = Outcome.DOES_NOT_FIT if policy.enabled else Outcome.DISABLED
        deciding = verdicts if fits else verdicts[-1:]
        yield Tried(kind, policy.id, policy.name, outcome, "; ".join(each.why() for each in deciding))
    if not (trials and trials[-1].fits):
        yield Tried(kind, "", "", Outcome.MISSING, "none fits")


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
