"""What `tsadmin top` shows: sessions, and where the time of each goes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tsgateway.admin import columns, text

Json = Mapping[str, Any]

PARTS = {
    "guest": ("input", "guest"),
    "gateway": ("wait", "encode", "send"),
    "line": ("line",),
    "viewer": ("client",),
}
"""Whose each stage of docs/latency.md is."""
SWIFT = 0.1
"""What takes no longer than this, seconds, nobody calls slow."""
KEYS = "sort: [i]d [u]ser [s]tate i[d]le [t]otal  [r]everse  arrows: scroll  [q]uit"


class Row(NamedTuple):
    """A session, and its times in seconds. total: 95 of 100 inputs are seen within; None where not known.

    parts: what of it each part takes, by PARTS.
    """

    session: Json
    total: float | None
    parts: Mapping[str, float]

    @property
    def slow(self) -> str:
        """What makes it slow; "" where nothing does, or nobody knows."""
        if self.total is None or self.total <= SWIFT or not self.parts:
            return ""
        return max(self.parts, key=lambda name: self.parts[name])


class View(NamedTuple):
    """How it is looked at. sort: a key of SORTS; first: the first row shown."""

    sort: str = "t"
    reverse: bool = False
    first: int = 0


def row(session: Json, stages: Json | None) -> Row:
    """Return a row. stages: of the session's Statistics; None where they are not known."""
    if not stages:
        return Row(session, None, {})
    total = stages.get("total")
    shares = {name: each["share"] for name, each in stages.items() if each.get("share") is not None}
    if total is not None and any(shares.values()):
        parts = {
            part: total["p95"] * sum(shares.get(name, 0) for name in names) for part, names in PARTS.items()
        }
        return Row(session, total["p95"], parts)
    known = {name: each["p50"] for name, each in stages.items()}
    parts = {part: sum(known.get(name, 0) for name in names) for part, names in PARTS.items()}
    return Row(session, None, parts)


def _idle(row: Row) -> float:
    return -float(row.session["idle_since"] or row.session["since"])


SORTS: Mapping[str, Callable[[Row], Any]] = {
    "i": lambda row: row.session["number"],
    "u": lambda row: (row.session["user"], row.session["number"]),
    "s": lambda row: (columns.state(row.session), row.session["number"]),
    "d": _idle,
    "t": lambda row: (-(row.total or 0), row.session["number"]),
}


def ordered(rows: Sequence[Row], view: View) -> list[Row]:
    """Return the rows in the order that is wanted."""
    return sorted(rows, key=SORTS[view.sort], reverse=view.reverse)


def pressed(view: View, key: str, rows: int, page: int) -> View:
    """Return how it is looked at after a key. rows: how many there are; page: how many are shown."""
    if key in SORTS:
        return View(key, view.reverse if key == view.sort else False, 0)
    if key == "r":
        return view._replace(reverse=not view.reverse, first=0)
    step = {"up": -1, "down": 1, "page up": -page, "page down": page, "home": -rows, "end": rows}.get(key, 0)
    return view._replace(first=max(0, min(view.first + step, rows - page)))


def head(rows: Sequence[Row], where: str, clock: str) -> str:
    """Return the line above all."""
    states = [columns.state(each.session) for each in rows]
    counted = ", ".join(f"{states.count(name)} {name}" for name in sorted(set(states)))
    return f"{where}  {clock}  {text.count(len(rows), 'session')}{f': {counted}' if counted else ''}"


def lines(rows: Sequence[Row], now: float, width: int) -> list[str]:
    """Return the table, cut to a width. now: Unix time; the times are in milliseconds."""
    spare = max(0, width - 80)
    user, desktop = 10 + min(30, spare // 2), 10 + min(22, spare - spare // 2)
    titles = ("ID", "USER", "DESKTOP", "STATE", "IDLE", "TOTAL", "GUEST", "GATE", "LINE", "VIEWER", "SLOW")
    cells = [
        (
            str(each.session["number"]),
            text.cut(text.clean(each.session["user"]), user),
            text.cut(text.clean(each.session["desktop"]), desktop),
            columns.state(each.session),
            columns.idle_time(each.session, now),
            _ms(each.total),
            *(_ms(each.parts.get(name)) for name in PARTS),
            each.slow,
        )
        for each in rows
    ]
    sizes = (3, user, desktop, 6, 8, 5, 5, 5, 5, 6, 7)
    return [text.cut(_line(each, sizes), width) for each in (titles, *cells)]


def told(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return it for programs: sessions as the API tells them, and times in seconds."""
    return [
        {**each.session, "total": each.total, "parts": dict(each.parts), "slow": each.slow} for each in rows
    ]


def _line(cells: Sequence[str], sizes: Sequence[int]) -> str:
    at_left = (1, 2, 3, 10)
    filled = [
        (text.left if at in at_left else text.right)(cell, size)
        for at, (cell, size) in enumerate(zip(cells, sizes, strict=True))
    ]
    return " ".join(filled).rstrip()


def _ms(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:.0f}"
