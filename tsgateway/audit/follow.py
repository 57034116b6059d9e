"""Reads records one after the other, from any one on, also while more are written. Blocking."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tsgateway.audit.chain import BadLine, decode
from tsgateway.audit.segments import lines, segments


class Line(NamedTuple):
    """One record as it stands in its file, without the line feed."""

    seq: int
    data: bytes


class Follower:
    """Goes through the audit in a folder. after: the number of the record that was the last one."""

    def __init__(self, folder: Path, after: int = 0) -> None:
        self._folder = folder
        self._after = after
        self._first = 0
        self._place = 0

    def take(self, most: int) -> list[Line]:
        """Return up to so many records that come next; none when there are no more now. Raises OSError.

        What is no record is passed over, and what was retired meanwhile is not there.
        """
        found: list[Line] = []
        all_of_them = segments(self._folder)
        for number, each in enumerate(all_of_them):
            later = all_of_them[number + 1].first if number + 1 < len(all_of_them) else None
            if later is not None and later <= self._after + 1:
                continue  # everything in it is known
            if each.first != self._first:
                self._first, self._place = each.first, 0
            for place, data, is_whole in lines(each.path, self._place):
                if not is_whole:
                    break
                if len(found) >= most:
                    return found
                self._place = place + len(data) + 1
                try:
                    seq = decode(data)["seq"]
                except BadLine:
                    continue
                if seq > self._after:
                    self._after = seq
                    found.append(Line(seq, data))
        return found
