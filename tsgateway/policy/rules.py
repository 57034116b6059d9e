"""The one place that says yes. Pure: values in, a bool out; what no rule allows is denied."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from tsgateway.groups import ADMINISTRATORS


@dataclass(frozen=True)
class Subject:
    """A person who has signed in."""

    name: str
    groups: frozenset[str]


class Action(enum.Enum):
    """What a subject wants to do."""

    SEE = "see"
    """Find a desktop in the list."""
    CONNECT = "connect"
    """Start or resume a session of a desktop."""
    VIEW = "view"
    """Attach a viewer to a session and control it."""
    DISCONNECT = "disconnect"
    """Disconnect a session from everybody who looks at it."""
    LOG_OFF = "log-off"
    """End a session; its guest may shut down first."""
    RESET = "reset"
    """End a session and its guest at once."""
    MEASURE = "measure"
    """Read where a session's time goes."""
    INSPECT = "inspect"
    """Read what a session's guest is: its system, name, addresses."""
    REVIEW = "review"
    """Read which sessions somebody has had."""


@dataclass(frozen=True)
class DesktopRight:
    """Whom a desktop is given to."""

    users: frozenset[str]
    groups: frozenset[str]


@dataclass(frozen=True)
class Owned:
    """A session: whose it is, and its desktop's right as it is now (None: no longer published)."""

    user: str
    desktop: DesktopRight | None


def authorize(subject: Subject, action: Action, target: DesktopRight | Owned) -> bool:
    """Tell whether `subject` may do `action` to `target`."""
    match action, target:
        case ((Action.SEE | Action.CONNECT), DesktopRight()):
            return _given(subject, target)
        case Action.VIEW, Owned(user=subject.name, desktop=DesktopRight() as desktop):
            return _given(subject, desktop)
        case (
            (
                Action.DISCONNECT
                | Action.LOG_OFF
                | Action.RESET
                | Action.MEASURE
                | Action.INSPECT
                | Action.REVIEW
            ),
            Owned(),
        ):
            # Also when the desktop was taken away: it shows nothing of the screen, and does no harm.
            return target.user == subject.name or ADMINISTRATORS in subject.groups
    return False


def _given(subject: Subject, right: DesktopRight) -> bool:
    return subject.name in right.users or not subject.groups.isdisjoint(right.groups)
