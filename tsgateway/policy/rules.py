"""The one place that says yes. Pure: values in, a bool out; what no rule allows is denied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tsgateway.policy.roles import ROLES, Action, Granted


@dataclass(frozen=True)
class Subject:
    """A person who has signed in. method: how, as "password", "password+totp", "oidc:NAME", "ldap:NAME"."""

    name: str
    groups: frozenset[str]
    roles: frozenset[Granted] = frozenset()
    method: str = "password"


@dataclass(frozen=True)
class DesktopRight:
    """Whom a desktop is given to. id: its name in the configuration."""

    users: frozenset[str]
    groups: frozenset[str]
    id: str = ""


@dataclass(frozen=True)
class Owned:
    """A session: whose it is, and its desktop's right as it is now (None: no longer published).

    desktop_id: the desktop, also when it is published no more.
    """

    user: str
    desktop: DesktopRight | None
    desktop_id: str = ""


class Gateway(NamedTuple):
    """The gateway as a whole: hosts, accounts, policies, images, the audit."""


class Own(NamedTuple):
    """An account and what belongs to it. user: its name."""

    user: str


Target = DesktopRight | Owned | Gateway | Own

_A = Action
_ONES_OWN = frozenset(
    {_A.LIST, _A.DISCONNECT, _A.LOG_OFF, _A.RESET, _A.MEASURE, _A.INSPECT, _A.REVIEW, _A.PEEK, _A.UNINVITE}
)
"""What everybody may do to sessions of their own, also when the desktop was taken away: it shows nothing
more of the screen than before, and does no harm."""
_TO_SESSIONS = _ONES_OWN | {_A.MESSAGE, _A.SHADOW, _A.SHADOW_CONTROL, _A.MOVE, _A.KILL, _A.RUN}
"""What roles let people do to sessions."""


def authorize(subject: Subject, action: Action, target: Target) -> bool:
    """Tell whether `subject` may do `action` to `target`."""
    match target:
        case DesktopRight():
            return _to_desktop(subject, action, target)
        case Owned():
            return _to_session(subject, action, target)
        case Gateway():
            return any(each.desktop is None and action in ROLES[each.role] for each in subject.roles)
        case Own():
            return action is _A.OWN_ACCOUNT and bool(subject.name) and target.user == subject.name
    return False


def covers(subject: Subject, roles: Iterable[Granted]) -> bool:
    """Tell whether a subject may do itself all that these roles allow: else it may not give or take them,
    nor change the account of somebody who has them."""
    return all(ROLES[each.role].issubset(_allowed(subject, each.desktop)) for each in roles)


def _allowed(subject: Subject, desktop: str | None) -> set[Action]:
    """Return what the subject's roles allow for a desktop, or for everything with None."""
    mine = [ROLES[each.role] for each in subject.roles if each.desktop in (None, desktop)]
    return set().union(*mine)


def _to_desktop(subject: Subject, action: Action, right: DesktopRight) -> bool:
    if action in (_A.SEE, _A.CONNECT):
        return _given(subject, right)
    return action is _A.SEE_DESKTOPS and _by_role(subject, action, right.id)


def _to_session(subject: Subject, action: Action, session: Owned) -> bool:
    own = session.user == subject.name
    if action in (_A.VIEW, _A.INVITE):
        return own and _given(subject, session.desktop)
    if own and action in _ONES_OWN:
        return True
    return action in _TO_SESSIONS and _by_role(subject, action, session.desktop_id)


def _by_role(subject: Subject, action: Action, desktop: str) -> bool:
    return any(each.desktop in (None, desktop) and action in ROLES[each.role] for each in subject.roles)


def _given(subject: Subject, right: DesktopRight | None) -> bool:
    return right is not None and (subject.name in right.users or not subject.groups.isdisjoint(right.groups))
