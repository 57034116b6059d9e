"""The part of docs/roles.md that is made from what `authorize()` says.

`python -m tsgateway.policy.reference docs/roles.md` writes it anew.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tsgateway.policy.roles import ROLES, Action, Granted, Role
from tsgateway.policy.rules import DesktopRight, Gateway, Own, Owned, Subject, Target, authorize

BEGIN = "<!-- made by `python -m tsgateway.policy.reference docs/roles.md` from tsgateway/policy/ -->\n"
END = "<!-- to here -->\n"
ALWAYS, EVERYTHING, NEVER = "●", "○", ""
"""Allowed also with the role for the desktop in question; only with the role for everything; not allowed."""
ME, DESKTOP = "me", "lab"
_GIVEN = DesktopRight(frozenset({ME}), frozenset(), DESKTOP)
_NOT_GIVEN = DesktopRight(frozenset({"somebody"}), frozenset(), DESKTOP)
TARGETS: Mapping[str, Target] = {
    "A session of one's own": Owned(ME, _GIVEN, DESKTOP),
    "A session of one's own, of a desktop that was taken away": Owned(ME, None, DESKTOP),
    "A session of somebody else": Owned("somebody", _NOT_GIVEN, DESKTOP),
    "A session of somebody else, of a desktop that one has, too": Owned("somebody", _GIVEN, DESKTOP),
    "A session of somebody else, of a desktop that is published no more": Owned("somebody", None, DESKTOP),
    "A desktop that is given to one": _GIVEN,
    "A desktop that is not given to one": _NOT_GIVEN,
    "The gateway": Gateway(),
    "One's own account": Own(ME),
    "Somebody else's account": Own("somebody"),
}
"""What the tables are about, as seen by somebody called `ME`."""


def person(role: Role | None, desktop: str | None = None) -> Subject:
    """Return `ME` with one role, or with none."""
    return Subject(ME, frozenset(), frozenset() if role is None else frozenset({Granted(role, desktop)}))


def cell(role: Role | None, action: Action, target: Target) -> str:
    """Return whether a role lets people do something, as the tables show it."""
    if role is None:
        return ALWAYS if authorize(person(None), action, target) else NEVER
    if authorize(person(role, DESKTOP), action, target):
        return ALWAYS
    return EVERYTHING if authorize(person(role), action, target) else NEVER


def tables() -> str:
    """Return all tables; an action that nobody may do to a target has no line there."""
    parts = []
    for title, target in TARGETS.items():
        rows = []
        for action in Action:
            cells = [cell(role, action, target) for role in (None, *ROLES)]
            if any(cells):
                rows.append(f"| {action.value} | {' | '.join(cells)} |")
        names = " | ".join(["no role", *(role.value for role in ROLES)])
        head = f"| to do what | {names} |\n|---|{':-:|' * (len(ROLES) + 1)}\n"
        parts.append(
            f"### {title}\n\n" + (head + "\n".join(rows) if rows else "Nobody may do anything to it.")
        )
    return "\n\n".join(parts)


def renewed(page: str) -> str:
    """Return the page with that part as it is now. Raises ValueError when the page has no place for it."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page lacks the lines between which the tables are written")
    return f"{before}{begin}\n{tables()}\n\n{end}{after}"


if __name__ == "__main__":
    with open(sys.argv[1], "r+", encoding="utf-8") as file:
        written = renewed(file.read())
        file.seek(0)
        file.write(written)
        file.truncate()
