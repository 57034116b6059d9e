"""The lists administrators know from `query session`, `query user` and `query process`. Pure.

The columns are those of Windows. Where a name is longer than its column, the column grows for all rows: what
tells one from another is never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tsgateway.admin import text

Json = Mapping[str, Any]

STATES = {
    "starting": "Init",
    "active": "Active",
    "connected": "Conn",
    "idle": "Idle",
    "disconnected": "Disc",
    "ended": "Down",
}
"""What the API's states are called in these lists."""
PROTOCOL = "tsg"


class Column(NamedTuple):
    """One column: at least so wide; gap: spaces behind it; at_right: where its text stands."""

    title: str
    least: int
    gap: int = 0
    at_right: bool = False


# %c%-18s%-20s%7s  %-8s%-12s%s
SESSIONS = (
    Column("SESSIONNAME", 18),
    Column("USERNAME", 20),
    Column("ID", 7, 2, at_right=True),
    Column("STATE", 8),
    Column("TYPE", 12),
    Column("DEVICE", 0),
)
# %c%-22s%-17s%4s  %-8s%9s  %s
USERS = (
    Column("USERNAME", 22),
    Column("SESSIONNAME", 17),
    Column("ID", 4, 2, at_right=True),
    Column("STATE", 8),
    Column("IDLE TIME", 9, 2, at_right=True),
    Column("LOGON TIME", 0),
)
# %c%-22s%-17s%4s%8s  %s
PROCESSES = (
    Column("USERNAME", 22),
    Column("SESSIONNAME", 17),
    Column("ID", 4, 0, at_right=True),
    Column("PID", 8, 2, at_right=True),
    Column("IMAGE", 0),
)


def state(session: Json) -> str:
    """Return what a session's state is called in these lists."""
    name = str(session["state"])
    return STATES.get(name, name.capitalize())


def idle_time(session: Json, now: float) -> str:
    """Return how long nobody has typed into a session; of a disconnected one, since it is that."""
    if session["state"] == "starting":
        return text.idle(None)
    since = session["idle_since"] or (session["since"] if session["state"] == "disconnected" else 0)
    return text.idle(now - since if since else None)


def session_lines(sessions: Sequence[Json], me: str) -> list[str]:
    """Return the lines of `query session`. me: whose sessions are marked."""
    rows = [
        (
            _mark(each, me),
            each["name"],
            each["user"],
            each["number"],
            state(each),
            PROTOCOL if each["name"] or each["viewers"] else "",
            each["desktop"],
        )
        for each in sessions
    ]
    return _lines(SESSIONS, rows)


def user_lines(sessions: Sequence[Json], me: str, now: float) -> list[str]:
    """Return the lines of `query user`. now: Unix time."""
    rows = [
        (
            _mark(each, me),
            each["user"],
            each["name"],
            each["number"],
            state(each),
            idle_time(each, now),
            text.moment(each["started"]),
        )
        for each in sessions
    ]
    return _lines(USERS, rows)


def process_lines(found: Iterable[tuple[Json, Json]], me: str) -> list[str]:
    """Return the lines of `query process`, of sessions and processes in them."""
    rows = [
        (_mark(session, me), each["user"], session["name"], session["number"], each["pid"], each["name"])
        for session, each in found
    ]
    return _lines(PROCESSES, rows)


def _mark(session: Json, me: str) -> str:
    return ">" if me and session["user"] == me else " "


def _lines(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> list[str]:
    shown = [[text.clean(cell) for cell in row] for row in rows]
    sizes = [
        max([column.least, *(text.width(row[at]) + _space(column) for row in shown)])
        for at, column in enumerate(columns, 1)
    ]
    titles = [" ", *(column.title for column in columns)]
    return [_line(columns, sizes, row) for row in (titles, *shown)]


def _space(column: Column) -> int:
    """Return what has to be left free behind a text, so that it does not touch its neighbour."""
    return 1 if column.least and not column.at_right else 0


def _line(columns: Sequence[Column], sizes: Sequence[int], row: Sequence[str]) -> str:
    mark, *cells = row
    filled = [
        (text.right if column.at_right else text.left)(cell, size) + " " * column.gap
        for column, size, cell in zip(columns, sizes, cells, strict=True)
    ]
    return (mark + "".join(filled)).rstrip()
