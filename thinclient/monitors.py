"""Which monitors full screen fills, as connection files and the command line say it: `all`, or 1,2."""

from __future__ import annotations

import re
from collections.abc import Iterable

ALL = "all"


def parsed_monitors(text: str) -> str:
    """Read `all` or numbers such as 1,2 and return them in order; "" for none. Raises ValueError."""
    told = text.replace(" ", "").casefold()
    if told in ("", ALL):
        return told
    if not re.fullmatch(r"[1-9]\d?(,[1-9]\d?)*", told):
        raise ValueError(f"“{text}” is neither “all” nor numbers of monitors like 1,2")
    return numbered(map(int, told.split(",")))


def numbered(numbers: Iterable[int]) -> str:
    """Return numbers of monitors as they are written: 1,2."""
    return ",".join(str(number) for number in sorted(set(numbers)))


def chosen(wish: str, count: int) -> list[int]:
    """Return which of so many monitors are meant, counted from 0; none for what there is not."""
    if wish == ALL:
        return list(range(count))
    return [number - 1 for number in map(int, filter(None, wish.split(","))) if number <= count]
