"""Text for terminals: tables, sizes, times. Pure, but for the time zone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def clean(text: object) -> str:
    """Return text without what would disturb a terminal or a table."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(text))


def width(text: str) -> int:
    """Return how many columns a terminal needs for a text."""
    if text.isascii():
        return len(text)
    return sum(_columns(letter) for letter in text)


def _columns(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def left(text: str, columns: int) -> str:
    """Return a text that fills so many columns, spaces behind it; a longer one stays whole."""
    return text + " " * (columns - width(text))


def right(text: str, columns: int) -> str:
    """Return a text that fills so many columns, spaces before it; a longer one stays whole."""
    return " " * (columns - width(text)) + text


def cut(text: str, columns: int) -> str:
    """Return as much of a text as fits, its end marked where it does not."""
    if width(text) <= columns:
        return text
    kept = ""
    for letter in text:
        if width(kept) + _columns(letter) >= columns:
            break
        kept += letter
    return kept + "…" if columns > 0 else ""


def table(head: str, rows: Iterable[Sequence[object]]) -> list[str]:
    """Return lines of a table. head: its words, parted by `|`; those that begin with `>` stand at the right.

    Every column is as wide as what is in it.
    """
    names = head.split("|")
    shown = [[clean("" if cell is None else cell) for cell in row] for row in rows]
    titles = [name.removeprefix(">") for name in names]
    sizes = [max(width(row[at]) for row in (titles, *shown)) for at in range(len(names))]
    lines = []
    for row in (titles, *shown):
        cells = [
            (right if name[:1] == ">" else left)(cell, size)
            for name, cell, size in zip(names, row, sizes, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def facts(rows: Iterable[tuple[str, object]]) -> list[str]:
    """Return names and values below each other; what is not known is not left out."""
    shown = [(name, clean("" if value is None else value)) for name, value in rows]
    size = max((width(name) for name, _ in shown), default=0)
    return [f"{left(name, size)}  {value or '–'}" for name, value in shown]


def moment(seconds: float | None) -> str:
    """Return a Unix time as people here write it; "" for none."""
    return "" if not seconds else f"{datetime.fromtimestamp(seconds):%d.%m.%Y %H:%M}"


def exact(seconds: float | None) -> str:
    """Return a Unix time with seconds, sortable; "" for none."""
    return "" if not seconds else f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}"


def universal(seconds: float | None) -> str:
    """Return a Unix time in UTC; "" for none."""
    return "" if not seconds else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def idle(seconds: float | None) -> str:
    """Return how long nobody has typed: `none` where that means nothing, `.` below a minute, minutes, then
    `h:mm` and `d+hh:mm`."""
    if seconds is None:
        return "none"
    days, rest = divmod(max(0, int(seconds)), DAY)
    hours, minutes = rest // HOUR, rest % HOUR // MINUTE
    if days:
        return f"{days}+{hours:02}:{minutes:02}"
    if hours:
        return f"{hours}:{minutes:02}"
    return str(minutes) if minutes else "."


def amount(size: float) -> str:
    """Return bytes as people read them."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size:.0f} B"


def count(number: int, what: str, several: str = "") -> str:
    """Return a number and a noun that agrees with it."""
    return f"{number:,} {what if number == 1 else several or what + 's'}"
