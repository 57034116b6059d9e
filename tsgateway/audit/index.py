"""Finds records: an SQLite file beside each segment, made from it, and made anew when it does not fit.

Nothing is believed because an index says so: what is shown is read from the segment itself. Blocking; to be
called from one thread at a time.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tsgateway.audit.chain import MAX_LINE, BadLine, decode
from tsgateway.audit.segments import Segment, lines, segments

FOLDER = "index"
MAX_WORDS = 8
MAX_AT_ONCE = 20_000
"""Records taken in at a time."""
_WORD = re.compile(r"[^\W_]+")
_STATEMENTS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY, place INTEGER NOT NULL, time TEXT NOT NULL,
    kind TEXT NOT NULL, who TEXT NOT NULL, target TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_who ON records (who, seq, kind, outcome);
CREATE INDEX IF NOT EXISTS by_target ON records (target, seq, kind, outcome);
CREATE INDEX IF NOT EXISTS by_kind ON records (kind, outcome, seq);
CREATE INDEX IF NOT EXISTS by_outcome ON records (outcome, kind, seq);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(text, content='', detail='none');
CREATE TABLE IF NOT EXISTS taken (size INTEGER NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL);
"""


class Query(NamedTuple):
    """What is looked for; "" and None: anything.

    since, until: RFC 3339 in UTC with milliseconds, both included; kind: a whole one, or `session` for all
    that begin so; text: words, or their beginnings, that a record has somewhere, all of them.
    """

    since: str = ""
    until: str = ""
    who: str = ""
    kind: str = ""
    target: str = ""
    outcome: str = ""
    text: str = ""


class Found(NamedTuple):
    """A page, the newest first. next: what to go on before; None at the end."""

    records: list[dict[str, Any]]
    next: int | None


class Index:
    """Searches the audit of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[int, _Part] = {}
        self._is_stopping = False

    def stop(self) -> None:
        """Take in no more; may be called from another thread."""
        self._is_stopping = True

    def close(self) -> None:
        """Let go of all files."""
        for part in self._open.values():
            part.close()
        self._open.clear()

    def catch_up(self) -> bool:
        """Take in what was written since, up to `MAX_AT_ONCE` records; return whether there is more.

        Raises OSError, sqlite3.Error.
        """
        found = segments(self._folder)
        for first in self._open.keys() - {each.first for each in found}:
            self._open.pop(first).remove()
        left = MAX_AT_ONCE
        for each in found:
            with self._kept(each) as part:
                left -= part.take(left)
            if left <= 0 or self._is_stopping:
                return not self._is_stopping
        return False

    def page(self, query: Query, before: int | None = None, limit: int = 100) -> Found:
        """Return the newest records that fit, with numbers below `before`. Raises OSError, sqlite3.Error."""
        try:
            return self._page(query, before, limit)
        except sqlite3.DatabaseError:  # what does not fit was removed, and is made anew now
            return self._page(query, before, limit)

    def _page(self, query: Query, before: int | None, limit: int) -> Found:
        while self.catch_up():
            pass
        records: list[dict[str, Any]] = []
        for each in reversed(segments(self._folder)):
            if before is not None and each.first >= before:
                continue
            with self._kept(each) as part:
                records += part.find(query, before, limit + 1 - len(records))
            if len(records) > limit:
                return Found(records[:limit], records[limit - 1]["seq"])
        return Found(records, None)

    @contextlib.contextmanager
    def _kept(self, segment: Segment) -> Iterator[_Part]:
        """Give the index of a segment; one that does not fit, or is damaged, is made anew next time."""
        part = self._open.get(segment.first)
        if part is None:
            part = self._open[segment.first] = _Part(segment)
        try:
            yield part
        except (sqlite3.DatabaseError, _Stale):
            self._open.pop(segment.first).remove()
            raise


class _Stale(sqlite3.DatabaseError):
    """An index that is not of this segment."""


class _Part:
    """The index of one segment."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._path = segment.path.parent / FOLDER / f"{segment.path.stem}.db"
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        try:
            self._db = self._opened()
        except sqlite3.DatabaseError:
            self.remove()
            self._db = self._opened()
        row = self._db.execute("SELECT size, first, last FROM taken").fetchone()
        self._size: int = row[0] if row else 0
        self._since, self._until = (str(row[1]), str(row[2])) if row else ("", "")

    def _opened(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        db.executescript(_STATEMENTS)
        return db

    def close(self) -> None:
        self._db.close()

    def remove(self) -> None:
        """Forget it: the segment is gone, or this is not its index."""
        if hasattr(self, "_db"):
            self._db.close()
        for end in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + end).unlink(missing_ok=True)

    def take(self, most: int) -> int:
        """Take in whole lines that are new; return how many."""
        size = self._segment.path.stat().st_size
        if size < self._size:
            raise _Stale(f"{self._segment.name} is shorter than it was")
        if size == self._size:
            return 0
        rows: list[tuple[Any, ...]] = []
        words: list[tuple[int, str]] = []
        end = self._size
        since, until = self._since, self._until
        for place, line, is_whole in lines(self._segment.path, self._size):
            if not is_whole or len(rows) >= most:
                break
            end = place + len(line) + 1
            with contextlib.suppress(BadLine):
                record = decode(line)
                time = record["time"]
                since, until = min(since or time, time), max(until, time)
                rows.append((record["seq"], place, time, *(record[name] for name in _COLUMNS)))
                words.append((record["seq"], _text_of(record)))
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.executemany("INSERT INTO words (rowid, text) VALUES (?, ?)", words)
            self._db.execute("DELETE FROM taken")
            self._db.execute("INSERT INTO taken VALUES (?, ?, ?)", (end, since, until))
        self._size, self._since, self._until = end, since, until
        return len(rows)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def find(self, query: Query, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Return records that fit, the newest first."""
        if (query.since and self._until < query.since) or (query.until and self._since > query.until):
            return []
        statement, values = _statement(query, before, limit)
        places = self._db.execute(statement, values).fetchall()
        return list(self._read(places))

    def _read(self, places: list[tuple[int, int]]) -> Iterator[dict[str, Any]]:
        with self._segment.path.open("rb") as file:
            for seq, place in places:
                file.seek(place)
                try:
                    record = decode(file.readline(MAX_LINE + 1).rstrip(b"\n"))
                except BadLine:
                    record = {}
                if record.get("seq") != seq:
                    raise _Stale(f"{self._segment.name} is not as it was")
                yield record


_COLUMNS = ("kind", "who", "target", "outcome")


def _text_of(record: dict[str, Any]) -> str:
    """Return what is looked through for words."""
    told = [record[key] for key in (*_COLUMNS, "address")]
    return " ".join([*told, *_texts(record["details"])])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif value is not None:
        yield str(value)


def _statement(query: Query, before: int | None, limit: int) -> tuple[str, list[Any]]:
    """Return SQL and its values. Columns are found by their indexes, which hold what else is asked for."""
    words = [f'"{word}"*' for word in _WORD.findall(query.text)[:MAX_WORDS]]
    if query.text and not words:
        return "SELECT seq, place FROM records WHERE 0", []
    tests: list[tuple[str, Any]] = []
    for name in _COLUMNS:
        value = getattr(query, name)
        if value and name == "kind" and "." not in value:
            tests += [("kind > ?", f"{value}."), ("kind < ?", f"{value}/")]  # "/" comes after "."
        elif value:
            tests.append((f"{name} = ?", value))
        if words and value.isascii():  # it is among the words as well: their lists are cut with each other
            words += [f'"{word}"' for word in _WORD.findall(value)]
    tests += [("time >= ?", query.since)] if query.since else []
    tests += [("time <= ?", query.until)] if query.until else []
    source, number = "records", "seq"
    if words:
        source, number = "words CROSS JOIN records ON records.seq = words.rowid", "words.rowid"
        tests.append(("words MATCH ?", " ".join(words)))
    if before is not None:
        tests.append((f"{number} < ?", before))
    where = " AND ".join(test for test, _ in tests) or "1"
    # Put together from literals of this module only. The places are looked up for those that are shown.
    chosen = f"SELECT {number} FROM {source} WHERE {where} ORDER BY {number} DESC LIMIT ?"
    statement = f"SELECT seq, place FROM records WHERE seq IN ({chosen}) ORDER BY seq DESC"
    return statement, [*(value for _, value in tests), limit]
