"""The files of the audit: `NUMBER.jsonl`, named after the first record in each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tsgateway.audit.chain import MAX_LINE, Signed, decode_signed

HEAD = "head.json"
"""Vouches for the last record that was written."""
ANCHOR = "anchor.json"
"""Vouches for the last record that was retired: what is kept begins behind it."""

_NAME = re.compile(r"([0-9]{12})\.jsonl")
_CHUNK = 1024 * 1024


class Segment(NamedTuple):
    """One file. first: the number of its first record, as its name says."""

    path: Path
    first: int

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name


def segment(folder: Path, first: int) -> Segment:
    """Return the segment that begins with a record."""
    return Segment(folder / f"{first:012d}.jsonl", first)


def segments(folder: Path) -> list[Segment]:
    """Return the segments there are, the oldest first; none when there is no such folder. Raises OSError."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = [(path, _NAME.fullmatch(path)) for path in names]
    return sorted(
        (Segment(folder / name, int(match[1])) for name, match in found if match), key=lambda each: each.first
    )


def lines(path: Path, offset: int = 0) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (offset, line without its line feed, whether it had one) from a place on. Raises OSError.

    Of a line that is too long for one only the beginning is given, which is too long for a record as well.
    """
    with path.open("rb", buffering=_CHUNK) as file:
        file.seek(offset)
        while line := file.readline(MAX_LINE + 2):
            is_whole = line.endswith(b"\n")
            size, piece = len(line), line
            while not is_whole and len(piece) == MAX_LINE + 2:
                piece = file.readline(MAX_LINE + 2)
                size += len(piece)
                is_whole = piece.endswith(b"\n")
            yield offset, line.removesuffix(b"\n"), is_whole
            offset += size


def tail(path: Path) -> tuple[bytes | None, bytes]:
    """Return a file's last whole line, and what stands after it. Raises OSError."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2 * MAX_LINE - 2))
        data = file.read(2 * MAX_LINE + 2)
    whole, feed, torn = data.rpartition(b"\n")
    if not feed:
        return None, data
    return whole.rpartition(b"\n")[2], torn


def read_signed(folder: Path, name: str) -> tuple[Signed | None, bool]:
    """Return the signed point of `HEAD` or `ANCHOR`, and whether there is such a file. Raises OSError."""
    try:
        with (folder / name).open("rb") as file:
            data = file.read(MAX_LINE)
    except FileNotFoundError:
        return None, False
    return decode_signed(data, name.partition(".")[0]), True
