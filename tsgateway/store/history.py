"""The sessions that run and have run, newest first, in pages."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from tsgateway.store.schema import sessions
from tsgateway.store.tables import Tables

MAX_PAGE = 1000
"""Sessions in one page."""
MAX_TEXT = 512
"""Characters kept of a text that came from elsewhere."""
_BEGAN = struct.Struct(">d")
_CHUNK = 500
"""Rows asked for at a time where ids are listed; SQLite takes few enough parameters."""


class Ran(NamedTuple):
    """One session. address: the client's that asked for it last; "" when not known.

    state: name of a tsg `SessionState`, in small letters; began, since (of that state), ended: seconds since
    1970; reason: why it ended, a sentence.
    """

    id: str
    user: str
    desktop: str
    host: str
    address: str
    state: str
    began: float
    since: float
    ended: float | None = None
    reason: str = ""


class Cursor(NamedTuple):
    """Where a page ends; the next one begins after it."""

    began: float
    id: str

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Return the cursor that `str` wrote. Raises ValueError."""
        began, _, session = text.partition("-")
        if len(began) != 2 * _BEGAN.size or not session.isalnum() or len(session) > 64:
            raise ValueError("not a cursor")
        packed = bytes.fromhex(began)
        if len(packed) != _BEGAN.size:  # there were spaces
            raise ValueError("not a cursor")
        [seconds] = _BEGAN.unpack(packed)
        return cls(seconds, session)

    def __str__(self) -> str:
        return f"{_BEGAN.pack(self.began).hex()}-{self.id}"


class Page(NamedTuple):
    """A part of the list. after: where the next part begins; None at the end."""

    sessions: list[Ran]
    after: Cursor | None


class History(Tables):
    """The table of sessions."""

    def note(self, rows: Iterable[Ran]) -> None:
        """Write how sessions stand; those not known yet are added. An address that is known stays."""
        wanted = {row.id: _clean(row) for row in rows}
        with self._writing() as connection:
            known = set[str]()
            for some in _chunks(list(wanted)):
                known.update(connection.scalars(select(sessions.c.id).where(sessions.c.id.in_(some))))
            if old := [_changes(wanted[each]) for each in known]:
                connection.execute(_UPDATE, old)
            if new := [row._asdict() for row in wanted.values() if row.id not in known]:
                connection.execute(insert(sessions), new)

    def page(
        self,
        *,
        after: Cursor | None = None,
        limit: int = 100,
        user: str | None = None,
        desktop: str | None = None,
        since: float | None = None,
    ) -> Page:
        """Return the next `limit` sessions, the latest begun first. since: those that began then or later."""
        limit = min(max(limit, 1), MAX_PAGE)
        query = select(sessions).order_by(sessions.c.began.desc(), sessions.c.id.desc()).limit(limit + 1)
        if after is not None:
            query = query.where(tuple_(sessions.c.began, sessions.c.id) < tuple_(*after))
        if user is not None:
            query = query.where(sessions.c.user == user)
        if desktop is not None:
            query = query.where(sessions.c.desktop == desktop)
        if since is not None:
            query = query.where(sessions.c.began >= since)
        with self._reading() as connection:
            found = [Ran(*row) for row in connection.execute(query)]
        last = found[limit - 1] if len(found) > limit else None
        return Page(found[:limit], None if last is None else Cursor(last.began, last.id))

    def lost(self, host: str, running: Iterable[str], now: float, reason: str) -> int:
        """End those of a host that ran by the table and do not run; return how many."""
        return self._end(sessions.c.host == host, running, now, reason)

    def lost_elsewhere(self, hosts: Iterable[str], now: float, reason: str) -> int:
        """End those that ran by the table on any other than these hosts; return how many."""
        return self._end(sessions.c.host.not_in(list(hosts)), (), now, reason)

    def _end(self, which: ColumnElement[bool], but: Iterable[str], now: float, reason: str) -> int:
        with self._writing() as connection:
            found = select(sessions.c.id).where(which, sessions.c.ended.is_(None))
            gone = set(connection.scalars(found)).difference(but)
            for some in _chunks(sorted(gone)):
                ended = {"state": "ended", "since": now, "ended": now, "reason": reason}
                connection.execute(update(sessions).where(sessions.c.id.in_(some)).values(ended))
        return len(gone)

    def prune(self, before: float) -> int:
        """Forget those that ended before a time; return how many."""
        with self._writing() as connection:
            return connection.execute(delete(sessions).where(sessions.c.ended < before)).rowcount


_UPDATE = (
    update(sessions)
    .where(sessions.c.id == bindparam("which"))
    .values(
        {name: bindparam(name) for name in ("host", "state", "since", "ended", "reason")}
        | {
            "address": case(
                (func.length(bindparam("from_")) > 0, bindparam("from_")), else_=sessions.c.address
            )
        }
    )
)


def _changes(row: Ran) -> dict[str, Any]:
    kept = ("host", "state", "since", "ended", "reason")
    return {"which": row.id, "from_": row.address, **{name: getattr(row, name) for name in kept}}


def _clean(row: Ran) -> Ran:
    """PostgreSQL keeps no NUL in a text; reasons come from hosts, and with them from guests."""
    return Ran._make(value[:MAX_TEXT].replace("\0", "") if isinstance(value, str) else value for value in row)


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[first : first + _CHUNK] for first in range(0, len(ids), _CHUNK))
