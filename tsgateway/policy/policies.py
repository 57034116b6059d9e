"""Policies: who may open desktops (connection), and which (resource). Pure.

A policy is written as a JSON table; docs/policies.md says what may stand in it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tsgateway.policy.conditions import Condition, Desktops, Door, From, Method, When, Who
from tsgateway.policy.reading import (
    DAY_MINUTES,
    Moment,
    Names,
    PolicyError,
    listed,
    read_door,
    read_list,
    read_method,
    read_network,
    read_pattern,
    read_text,
    read_window,
    read_zone,
)

MAX_MINUTES = 60 * 24 * 366
MAX_NAME = 64


class Kind(enum.StrEnum):
    """What a policy is about."""

    CONNECTION = "connection"
    """Who may come, from where, when, how, and what they may do then."""
    RESOURCE = "resource"
    """To which desktops."""


class Effect(enum.StrEnum):
    """What a policy does with those that it is about."""

    ALLOW = "allow"
    DENY = "deny"


class Redirections(NamedTuple):
    """What may go between a session and the person's own machine. in: into the session."""

    clipboard_in: bool = True
    clipboard_out: bool = True
    files: bool = True
    audio: bool = True
    printing: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of those that are allowed."""
        return tuple(name for name, may in self._asdict().items() if may)


class Limits(NamedTuple):
    """For how long one may be connected, and without input; minutes, 0: as the desktop's rules say."""

    idle_minutes: float = 0
    session_minutes: float = 0


ALL = Redirections()
NOTHING = Redirections(False, False, False, False, False)
NONE = Limits()


@dataclass(frozen=True)
class Policy:
    """One policy. id: its number in the store, as text; "" for one that is not in it."""

    id: str
    name: str
    kind: Kind
    effect: Effect
    enabled: bool
    conditions: tuple[Condition, ...]
    redirections: Redirections = ALL
    limits: Limits = NONE

    @property
    def zones(self) -> set[str]:
        """The time zones it names."""
        return {each.zone for each in self.conditions if isinstance(each, When)}

    def turns(self, moments: Mapping[str, Moment]) -> bool:
        """Tell whether one of its times begins or ends at this minute. moments: the time in each zone."""
        return any(
            (at := moments.get(each.zone)) is not None
            and any(at.minute in (window.start, window.end % DAY_MINUTES) for window in each.windows)
            for each in self.conditions
            if isinstance(each, When)
        )

    def table(self) -> dict[str, Any]:
        """Return it as a JSON table, every field written, which `read_policy` takes."""
        head = {"name": self.name, "kind": str(self.kind), "effect": str(self.effect)}
        body = dict(_EMPTY[self.kind])
        for condition in self.conditions:
            body.update(condition.table())
        if self.kind is Kind.CONNECTION:
            body |= {"redirections": self.redirections._asdict(), "limits": self.limits._asdict()}
        return {**head, "enabled": self.enabled, **body}


_EMPTY: Mapping[Kind, Mapping[str, Any]] = {
    Kind.CONNECTION: {"users": [], "groups": [], "networks": [], "methods": [], "doors": [], "when": None},
    Kind.RESOURCE: {"users": [], "groups": [], "desktops": [], "when": None},
}
_HEAD = ("name", "kind", "effect", "enabled")
_CONNECTION_ONLY = ("redirections", "limits")


def read_policy(table: object, is_zone: Callable[[str], bool], id: str = "") -> Policy:
    """Take a policy's JSON table; what it leaves out means "any". Raises PolicyError.

    is_zone: tells whether there is a time zone of a name.
    """
    if not isinstance(table, Mapping):
        raise PolicyError("policy", table, "a table of fields is needed")
    kind = _choice(Kind, "kind", table.get("kind"))
    known = [*_HEAD, *_EMPTY[kind], *(_CONNECTION_ONLY if kind is Kind.CONNECTION else ())]
    _check_keys("", table, known)
    if not isinstance(enabled := table.get("enabled", True), bool):
        raise PolicyError("enabled", enabled, "it is true or false")
    conditions = [_who(table), *_conditions(table, kind, is_zone)]
    name = read_text("name", table.get("name"), "Office hours")
    if len(name) > MAX_NAME:
        raise PolicyError("name", name, f"at most {MAX_NAME} characters are possible")
    return Policy(
        id,
        name,
        kind,
        _choice(Effect, "effect", table.get("effect", "allow")),
        enabled,
        tuple(conditions),
        _redirections(table.get("redirections", {})),
        _limits(table.get("limits", {})),
    )


def _check_keys(field: str, table: Mapping[Any, Any], known: list[str]) -> None:
    for key in table:
        if key not in known:
            where = f"{field}.{key}" if field else str(key)
            raise PolicyError(_clip(where), table[key], f"there is no such field, only {_all(known)}")


def _clip(name: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in name[:64])


def _all(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _choice(choices: type[enum.StrEnum], field: str, value: object) -> Any:
    if not isinstance(value, str) or value not in list(choices):
        raise PolicyError(field, value, f"it is {listed([str(each) for each in choices])}")
    return choices(value)


def _who(table: Mapping[str, Any]) -> Who:
    users = read_list(
        "users", table.get("users", []), lambda field, value: read_pattern(field, value, "ada").lower()
    )
    groups = read_list(
        "groups", table.get("groups", []), lambda field, value: read_pattern(field, value, "staff")
    )
    if not users and not groups:
        raise PolicyError("users", [], 'name users or groups; users = ["*"] is everybody')
    return Who(Names.of(users), Names.of(groups))


def _conditions(table: Mapping[str, Any], kind: Kind, is_zone: Callable[[str], bool]) -> list[Condition]:
    found: list[Condition] = []
    if kind is Kind.CONNECTION:
        if networks := read_list("networks", table.get("networks", []), read_network):
            found.append(From(networks))
        if methods := read_list("methods", table.get("methods", []), read_method):
            found.append(Method(Names.of(methods)))
        if doors := read_list("doors", table.get("doors", []), read_door):
            found.append(Door(doors))
    else:
        desktops = read_list(
            "desktops",
            table.get("desktops", []),
            lambda field, value: read_pattern(field, value, "desktop"),
        )
        if not desktops:
            raise PolicyError("desktops", [], 'name desktops; ["*"] is all of them')
        found.append(Desktops(Names.of(desktops)))
    if (when := table.get("when")) is not None:
        found.append(_when(when, is_zone))
    return found


def _when(table: object, is_zone: Callable[[str], bool]) -> When:
    if not isinstance(table, Mapping):
        raise PolicyError("when", table, "a table with zone and times is needed, or nothing for any time")
    _check_keys("when", table, ["zone", "times"])
    zone = read_zone("when.zone", table.get("zone"), is_zone)
    windows = read_list("when.times", table.get("times", []), read_window)
    if not windows:
        raise PolicyError("when.times", [], "name times, like mon-fri 08:00-18:00")
    return When(zone, windows)


def _redirections(table: object) -> Redirections:
    if not isinstance(table, Mapping):
        raise PolicyError("redirections", table, "a table is needed")
    _check_keys("redirections", table, list(Redirections._fields))
    for key, value in table.items():
        if not isinstance(value, bool):
            raise PolicyError(f"redirections.{key}", value, "it is true or false")
    return Redirections(**table)


def _limits(table: object) -> Limits:
    if not isinstance(table, Mapping):
        raise PolicyError("limits", table, "a table is needed")
    _check_keys("limits", table, list(Limits._fields))
    for key, value in table.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= MAX_MINUTES:
            raise PolicyError(f"limits.{key}", value, f"it is a number of minutes from 0 to {MAX_MINUTES}")
    return Limits(**table)
