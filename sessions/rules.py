"""The rules of a session's life, as its desktop's configuration gives them. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

MAX_MINUTES = 60 * 24 * 366
MAX_SECONDS = 3600


class RulesError(ValueError):
    """A table of rules cannot be used; the text says what is wrong with it."""


class Second(enum.StrEnum):
    """What happens when a second viewer comes while one is there."""

    TAKE_OVER = "take-over"
    """The session goes to the new one, and the old one is told."""
    JOIN = "join"
    """Both see and steer."""
    REFUSE = "refuse"
    """The new one is told who is there."""


class AtLimit(enum.StrEnum):
    """What a limit does that strikes while somebody is connected."""

    DISCONNECT = "disconnect"
    END = "end"


class ShadowLevel(enum.IntEnum):
    """Whether others may look at a session with its person, and use it: as in Windows Server 2008."""

    OFF = 0
    CONTROL_ASKED = 1
    """See and steer it, if its person allows it."""
    CONTROL = 2
    """See and steer it; its person is not asked, but sees that it is so."""
    VIEW_ASKED = 3
    VIEW = 4

    @property
    def asks(self) -> bool:
        """Whether the person is asked."""
        return self in (ShadowLevel.CONTROL_ASKED, ShadowLevel.VIEW_ASKED)

    @property
    def controls(self) -> bool:
        """Whether others may use keyboard and pointer."""
        return self in (ShadowLevel.CONTROL_ASKED, ShadowLevel.CONTROL)


class Invitations(enum.StrEnum):
    """Whom the session's person may invite to look on."""

    OFF = "off"
    SIGNED_IN = "signed-in"
    """People who have an account here."""
    ANYBODY = "anybody"
    """Also whoever has the link."""


class Steering(enum.StrEnum):
    """Who uses keyboard and pointer while others look on."""

    SEVERAL = "several"
    """All who may."""
    ONE = "one"
    """One at a time: it is asked for, and handed over."""


class AtGuestEnd(enum.StrEnum):
    """What happens when a guest has ended by itself."""

    END = "end"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one session.

    active_minutes: for how long it may be in use at a time, idle_minutes: without input while somebody is
    connected, disconnected_minutes: with nobody connected; 0: as long as anybody likes.
    warn_seconds: how long before a limit strikes the people connected are told.
    shutdown_seconds: how long a guest that is logged off may take to shut down before it is ended.
    shadow: whether others may look at it; invitations: whom its person may invite; steering: who uses it
    meanwhile.
    """

    second: Second = Second.TAKE_OVER
    active_minutes: float = 0
    idle_minutes: float = 0
    disconnected_minutes: float = 0
    at_limit: AtLimit = AtLimit.DISCONNECT
    warn_seconds: float = 60
    at_guest_end: AtGuestEnd = AtGuestEnd.END
    shutdown_seconds: float = 30
    shadow: ShadowLevel = ShadowLevel.CONTROL_ASKED
    invitations: Invitations = Invitations.SIGNED_IN
    steering: Steering = Steering.SEVERAL

    @classmethod
    def read(cls, table: object) -> Rules:
        """Take a JSON table; what it leaves out has its default. Raises RulesError."""
        if not isinstance(table, Mapping):
            raise RulesError("rules are a table")
        known = {field.name for field in fields(cls)}
        if unknown := [str(key) for key in table if key not in known]:
            raise RulesError(f"there is no rule {unknown[0][:40]!r}")
        return cls(**{key: _value(key, value) for key, value in table.items()})

    def limited(self, limits: object) -> Rules:
        """Return them with the stricter of their limits and a JSON table's, `idle_minutes` and
        `active_minutes`; 0 is none. Raises RulesError.
        """
        known = ("idle_minutes", "active_minutes")
        if not isinstance(limits, Mapping) or not set(limits).issubset(known):
            raise RulesError(f"limits are a table of {' and '.join(known)}")
        held: dict[str, Any] = {
            key: _stricter(getattr(self, key), _value(key, value)) for key, value in limits.items()
        }
        return replace(self, **held)

    def table(self) -> dict[str, Any]:
        """Return it as a JSON table, which `read` takes."""
        return {
            key: str(value) if isinstance(value, str) else _plain(value)
            for key, value in asdict(self).items()
        }


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    return int(value) if isinstance(value, enum.IntEnum) else value


def _stricter(minutes: float, others: float) -> float:
    return min(minutes, others) if minutes and others else minutes or others


_CHOICES: dict[str, type[enum.StrEnum]] = {
    "second": Second,
    "at_limit": AtLimit,
    "at_guest_end": AtGuestEnd,
    "invitations": Invitations,
    "steering": Steering,
}


def _value(key: str, value: object) -> Any:
    if key in _CHOICES:
        try:
            return _CHOICES[key](str(value))
        except ValueError:
            choices = ", ".join(_CHOICES[key])
            raise RulesError(f"{key} is none of {choices}") from None
    if key == "shadow":
        if type(value) is not int or value not in set(ShadowLevel):
            raise RulesError(f"{key} is not one of 0 to {max(ShadowLevel)}")
        return ShadowLevel(value)
    most = MAX_MINUTES if key.endswith("_minutes") else MAX_SECONDS
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise RulesError(f"{key} is not a number from 0 to {most}")
    return value
