"""Policies: who may open which desktops; and why somebody may not (docs/policies.md)."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

from pydantic import Field

from tsgateway.access.zones import instant, is_zone, zone
from tsgateway.api.route import Answer, Call, May, Model, Query, Route, on_gateway
from tsgateway.auth.sign_in import subject_of
from tsgateway.errors import StoreError
from tsgateway.exchange import ApiError
from tsgateway.policy import Action, Subject, authorize
from tsgateway.policy.conditions import Context
from tsgateway.policy.decision import Decision, read_reference
from tsgateway.policy.policies import MAX_MINUTES, Policy, read_policy
from tsgateway.policy.reading import (
    MAX_ENTRIES,
    MAX_TEXT,
    PolicyError,
    address_of,
    listed,
    read_door,
    read_method,
)
from tsgateway.store.policies import (
    NoSuchPolicy,
    PoliciesChanged,
    PolicyNameTaken,
    StoredPolicy,
    TooManyPolicies,
)

if TYPE_CHECKING:
    from tsgateway.api.api import Api

T = TypeVar("T")
Entry = Annotated[str, Field(max_length=MAX_TEXT)]
Entries = Annotated[list[Entry], Field(max_length=MAX_ENTRIES)]
Minutes = Annotated[float, Field(ge=0, le=MAX_MINUTES)]


class When(Model):
    """Times, as clocks in a zone show them: `mon-fri 08:00-18:00`, `sat,sun`, `22:00-06:00`."""

    zone: str = Field(max_length=64)
    times: Entries


class Redirections(Model):
    """What may go between a session and the person's own machine; in: into the session."""

    clipboard_in: bool = True
    clipboard_out: bool = True
    files: bool = True
    audio: bool = True
    printing: bool = True


class Limits(Model):
    """Minutes that one may be without input, and connected; 0: as the desktop's rules say."""

    idle_minutes: Minutes = 0
    session_minutes: Minutes = 0


class PolicyBody(Model):
    """A policy. What is left out means any; `*` in names stands for any characters.

    kind: connection (with networks, methods, doors, redirections, limits) or resource (with desktops);
    effect: allow or deny.
    """

    name: str = Field(max_length=64)
    kind: str
    effect: str = "allow"
    enabled: bool = True
    users: Entries = Field(default_factory=list)
    groups: Entries = Field(default_factory=list)
    when: When | None = None
    networks: Entries = Field(default_factory=list)
    methods: Entries = Field(default_factory=list)
    doors: Entries = Field(default_factory=list)
    redirections: Redirections = Redirections()
    limits: Limits = Limits()
    desktops: Entries = Field(default_factory=list)


class NewPolicy(PolicyBody):
    """A policy to be made. revision: which one was looked at; null: whatever there is."""

    revision: int | None = Field(None, ge=0)


class ChangedPolicy(PolicyBody):
    """A policy as it is to be. revision: which one was looked at; saved only if it is still that one."""

    revision: int = Field(ge=0)


class PolicyItem(Model):
    """A policy. policy: every field of its kind; changed: a Unix time, 0 for one that was always there."""

    id: str
    policy: dict[str, Any]
    changed: float
    changed_by: str


class PolicyList(Model):
    """All policies, each kind in its order. revision: counts changes."""

    revision: int
    policies: list[PolicyItem]


class Order(Model):
    """All policies of a kind, by id, in the order in which they are to be tried."""

    kind: str = Field(pattern="^(connection|resource)$")
    ids: list[Annotated[str, Field(max_length=16)]] = Field(max_length=1000)
    revision: int | None = Field(None, ge=0)


class Revision(Query):
    """Which revision was looked at."""

    revision: int | None = Field(None, ge=0)


class Question(Model):
    """Whether somebody would get a desktop. address: the client's; "" for not known, which lets nobody in.

    at: as `Mon 08:00` or `2026-08-24 08:00`, "" for now; zone: of that, "" for the gateway's.
    """

    user: str = Field(max_length=256)
    desktop: str = Field(max_length=64)
    address: str = Field("", max_length=MAX_TEXT)
    at: str = Field("", max_length=64)
    zone: str = Field("", max_length=64)
    method: str = Field("", max_length=MAX_TEXT)
    door: str = Field("", max_length=16)


class TriedPolicy(Model):
    """A policy that was tried. policy: its id; why: the condition that settled it, or all that hold."""

    kind: str
    policy: str
    name: str
    outcome: str
    why: str


class Explanation(Model):
    """What would be decided, and why. lines: all of it, for people; at: the Unix time it is about."""

    allowed: bool
    lines: list[str]
    at: float
    tried: list[TriedPolicy]
    redirections: Redirections
    limits: Limits


class PastDecision(Model):
    """What a reference number stands for. at: a Unix time."""

    reference: str
    at: float
    user: str
    groups: list[str]
    address: str
    method: str
    door: str
    desktop: str
    allowed: bool
    why: str
    tried: list[TriedPolicy]


async def list_policies(api: Api, call: Call) -> Answer:
    """List all policies, each kind in its order."""
    found = await api.access(api.store.policies.all)
    return {"revision": found.revision, "policies": [_item(each) for each in found.policies]}


async def get_policy(api: Api, call: Call) -> Answer:
    """Show a policy."""
    found = await api.access(api.store.policies.all)
    for each in found.policies:
        if each.id == _number(call.id):
            return _item(each)
    raise ApiError(404, "no_such_policy", f"There is no policy {call.id}.")


async def make_policy(api: Api, call: Call) -> Answer:
    """Make a policy, the last of its kind."""
    body: NewPolicy = call.body
    policy, now = _read(body), api.wall()
    store = api.store.policies
    id = await _changing(api, store.add, policy.table(), call.subject.name, now, body.revision)
    return _item(StoredPolicy(id, policy.table(), now, call.subject.name))


async def change_policy(api: Api, call: Call) -> Answer:
    """Replace a policy by another one of its kind, at the same place."""
    body: ChangedPolicy = call.body
    policy, now, id = _read(body), api.wall(), _number(call.id)
    store = api.store.policies
    await _changing(api, store.change, id, policy.table(), call.subject.name, now, body.revision)
    return _item(StoredPolicy(id, policy.table(), now, call.subject.name))


async def remove_policy(api: Api, call: Call) -> Answer:
    """Delete a policy."""
    query: Revision = call.query
    await _changing(api, api.store.policies.remove, _number(call.id), query.revision)
    return None


async def order_policies(api: Api, call: Call) -> Answer:
    """Put the policies of a kind in another order."""
    body: Order = call.body
    ids = [_number(each) for each in body.ids]
    await _changing(api, api.store.policies.reorder, body.kind, ids, body.revision)
    return None


async def explain_policies(api: Api, call: Call) -> Answer:
    """Tell whether somebody would get a desktop, and each policy that is tried, as it is or would be then."""
    body: Question = call.body
    account = await api.access(api.store.user, body.user.strip().lower())
    if account is None:
        raise ApiError(404, "no_such_user", f'There is no account "{body.user}".')
    right = api.right(body.desktop)
    if right is None:
        known = listed(sorted(api.desktops), "and")
        raise ApiError(404, "no_such_desktop", f'There is no desktop "{body.desktop}"; there are {known}.')
    subject, at = subject_of(account), _instant(api, body)
    context = _context(body, subject)
    decision = await api.desk.consider(context, body.desktop, at)
    given = authorize(subject, Action.CONNECT, right)
    return {
        "allowed": account.enabled and given and decision.allowed,
        "lines": _lines(body, subject, account.enabled, given, decision),
        "at": at,
        "tried": [each._asdict() for each in decision.tried],
        "redirections": decision.redirections._asdict(),
        "limits": decision.limits._asdict(),
    }


async def get_decision(api: Api, call: Call) -> Answer:
    """Tell what was decided under a reference number."""
    reference = read_reference(call.parts["reference"])
    found = None if reference is None else await api.desk.find(reference)
    if found is None:
        message = "No decision is known under this reference number; they are kept for 30 days."
        raise ApiError(404, "no_such_decision", message)
    return {"reference": found.reference, "at": found.at, **found.body}


# ---- what they have in common


def _item(stored: StoredPolicy) -> dict[str, Any]:
    return {
        "id": str(stored.id),
        "policy": dict(stored.table),
        "changed": stored.changed,
        "changed_by": stored.changed_by,
    }


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise ApiError(404, "no_such_policy", f'There is no policy "{text[:40]}": they go by numbers.')
    return int(text)


def _read(body: PolicyBody) -> Policy:
    try:
        return read_policy(body.model_dump(exclude_unset=True, exclude={"revision"}), is_zone)
    except PolicyError as error:
        _refuse(error)


def _refuse(error: PolicyError) -> NoReturn:
    raise ApiError(400, "bad_policy", f"{error}.", field=error.field, allowed=error.allowed) from None


_REFUSED: tuple[tuple[type[StoreError], int, str], ...] = (
    (PoliciesChanged, 409, "policies_changed"),
    (PolicyNameTaken, 409, "name_taken"),
    (TooManyPolicies, 409, "too_many_policies"),
    (NoSuchPolicy, 404, "no_such_policy"),
)


async def _changing(api: Api, method: Callable[..., T], *arguments: Any) -> T:
    """Change something in the store; it holds from then on."""
    try:
        return await api.access(method, *arguments)
    except StoreError as error:
        for kind, status, code in _REFUSED:
            if isinstance(error, kind):
                sentence = str(error)
                raise ApiError(status, code, f"{sentence[0].upper()}{sentence[1:]}.") from None
        raise
    finally:
        api.desk.changed()


def _context(body: Question, subject: Subject) -> Context:
    try:
        if body.method:
            read_method("method", body.method)
        if body.door:
            read_door("door", body.door)
        if body.address and address_of(body.address) is None:
            raise PolicyError("address", body.address, "it is an address, like 10.1.2.3 or 2001:db8::1")
    except PolicyError as error:
        _refuse(error)
    return Context(subject.name, subject.groups, body.address, body.method, body.door)


def _instant(api: Api, body: Question) -> float:
    where: datetime.tzinfo | None = zone(body.zone) if body.zone else None
    if body.zone and where is None:
        _refuse(PolicyError("zone", body.zone, "time zones are named like Europe/Berlin or UTC"))
    try:
        return instant(body.at, where, api.wall()) if body.at else api.wall()
    except ValueError as error:
        _refuse(PolicyError("at", body.at, str(error)))


def _lines(body: Question, subject: Subject, enabled: bool, given: bool, decision: Decision) -> list[str]:
    groups = listed(sorted(subject.groups), "and")
    lines = [
        f"{subject.name} is in the groups {groups}" if subject.groups else f"{subject.name} is in no group"
    ]
    reasons = []
    if not enabled:
        reasons.append(f"the account {subject.name} is disabled")
    if not given:
        reasons.append(
            f"the desktop {body.desktop} is not given to {subject.name} (users, groups of the desktop)"
        )
    reasons += [] if decision.allowed else [decision.why]
    gets = "gets" if not reasons else "does not get"
    return [
        *lines,
        *map(str, decision.tried),
        f"{subject.name} {gets} {body.desktop}: {'; '.join(reasons) or decision.why}",
    ]


_SEE, _SET = May(Action.SEE_POLICIES, on_gateway), May(Action.SET_POLICIES, on_gateway)
_ONE = "/api/v1/policies/{id}"

ROUTES = (
    Route("GET", "/api/v1/policies", list_policies, "List policies", _SEE, answer=PolicyList),
    Route("POST", "/api/v1/policies", make_policy, "Make a policy", _SET, NewPolicy, answer=PolicyItem),
    Route("POST", "/api/v1/policies/order", order_policies, "Put policies in order", _SET, Order),
    Route(
        "POST", "/api/v1/policies/explain", explain_policies, "Explain who gets a desktop and why", _SEE,
        Question, answer=Explanation,
    ),
    # Who helps people who were refused is asked with these numbers, and need not see all policies.
    Route(
        "GET", "/api/v1/policies/decisions/{reference}", get_decision, "Explain a reference number",
        May(Action.SEE_USERS, on_gateway), answer=PastDecision,
    ),
    Route("GET", _ONE, get_policy, "Show a policy", _SEE, answer=PolicyItem),
    Route("PUT", _ONE, change_policy, "Change a policy", _SET, ChangedPolicy, answer=PolicyItem),
    Route("DELETE", _ONE, remove_policy, "Delete a policy", _SET, query=Revision),
)  # fmt: skip
