"""Which session is meant: by its number, its name (`web#3`), its person, or the beginning of its id. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tsgateway.admin.columns import state
from tsgateway.admin.errors import Cannot
from tsgateway.admin.text import clean

Json = Mapping[str, Any]

LEAST_OF_ID = 4
"""Letters of an id that have to be given: numbers and names are shorter, mostly."""
MOST_NAMED = 12
"""So many sessions are named in a sentence."""


def matching(sessions: Sequence[Json], target: str) -> list[Json]:
    """Return the sessions a word may mean. A number and a session's name mean one; a person all of theirs."""
    wanted = target.strip()
    if wanted.isdecimal() and (found := [each for each in sessions if str(each["number"]) == wanted]):
        return found
    if named := [each for each in sessions if each["name"] and each["name"].lower() == wanted.lower()]:
        return named
    by_id = wanted.lower() if len(wanted) >= LEAST_OF_ID else "no id"
    return [
        each for each in sessions if each["user"].lower() == wanted.lower() or each["id"].startswith(by_id)
    ]


def found(sessions: Sequence[Json], target: str) -> list[Json]:
    """Return the sessions a word means. Raises Cannot when there are none."""
    if meant := matching(sessions, target):
        return meant
    raise Cannot(f"no session {clean(target)}; {_known(sessions)}", code="no_such_session")


def one(sessions: Sequence[Json], target: str) -> Json:
    """Return the one session a word means. Raises Cannot when there is none, or more than one."""
    meant = found(sessions, target)
    if len(meant) == 1:
        return meant[0]
    which = "; ".join(described(each) for each in meant[:MOST_NAMED])
    rest = "" if len(meant) <= MOST_NAMED else f"; and {len(meant) - MOST_NAMED} more"
    raise Cannot(
        f"{clean(target)} means {len(meant)} sessions: {which}{rest}. Give the number of one",
        code="ambiguous",
    )


def described(session: Json) -> str:
    """Return what tells a session from others, for a sentence."""
    where = f" at {session['name']}" if session["name"] else ""
    return f"{session['number']} ({clean(session['user'])}, {session['desktop']}, {state(session)}{where})"


def _known(sessions: Sequence[Json]) -> str:
    if not sessions:
        return "there are no sessions"
    numbers = ", ".join(str(each["number"]) for each in sessions[:MOST_NAMED])
    rest = "" if len(sessions) <= MOST_NAMED else ", …"
    return f"{len(sessions)} session{'' if len(sessions) == 1 else 's'}: {numbers}{rest}"
