"""Follows the chain line by line and says where it was tampered with. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import NamedTuple

from tsgateway.audit.chain import (
    CHECKPOINT,
    GENESIS,
    BadLine,
    Point,
    Signed,
    checkpoint_of,
    decode,
    digest,
)

MAX_FINDINGS = 100
NOTED = ("audit.repaired", "audit.broken", "audit.lost", "audit.retired")
"""Kinds in which the gateway itself tells what became of the audit."""


class What(enum.Enum):
    """What was found. The value is the code that programs read."""

    EDITED = "edited"
    MISSING = "missing"
    MOVED = "moved"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    FORGED = "forged"
    MISNAMED = "misnamed"


class Finding(NamedTuple):
    """One place where the audit is not as it was written.

    segment, line: where it shows, lines from 1 ("" and 0: in none); seq: the record it is about; last: the
    last one, where it is about several; expected: what should be there; text: a sentence for people.
    """

    what: What
    segment: str
    line: int
    seq: int
    last: int
    expected: str
    text: str


class Report(NamedTuple):
    """What came out.

    first, last: the records that are there; retired: so many were, by rule, before the first; checkpoints:
    how many vouch; unsigned: records at the end that none vouches for yet; unfinished: bytes of a line that
    is being written, or was when the gateway was killed; noted: records in which the gateway tells that
    something became of the audit, by kind.
    """

    findings: tuple[Finding, ...]
    more: int
    first: int
    last: int
    retired: int
    checkpoints: int
    unsigned: int
    unfinished: int
    noted: dict[str, int]

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


class _Place(NamedTuple):
    segment: str
    line: int
    seq: int


class Checker:
    """Takes lines in, in the order of the files. vouches: whether a signature is good.

    head, anchor: what the files of these names say; None when they say nothing.
    """

    def __init__(self, vouches: Callable[[Signed], bool], head: Signed | None, anchor: Signed | None) -> None:
        self._vouches = vouches
        self._findings: list[Finding] = []
        self._more = 0
        self._segment, self._line, self._name_says = "", 0, 0
        self._head = self._trusted(head, "head")
        anchored = self._trusted(anchor, "anchor")
        self._retired = Point(0, GENESIS, "") if anchored is None else anchored.point
        self._begins = self._retired.seq + 1
        self._expected = self._begins
        self._prev = self._retired.hash
        self._before = _Place("", 0, self._retired.seq)
        self._mismatch: tuple[_Place, _Place, str] | None = None
        self._blamed = 0
        self._first = 0
        self._checkpoints = 0
        self._signed = 0
        self._noted: dict[str, int] = {}

    def _trusted(self, signed: Signed | None, name: str) -> Signed | None:
        if signed is None or self._vouches(signed):
            return signed
        self._find(
            What.FORGED, signed.point.seq, "a signature by the audit's key",
            f"{name}.json is not signed by the audit's key: it was forged, or the key is another one",
        )  # fmt: skip
        return None

    # ---- what is read

    def begin(self, name: str, first: int) -> None:
        """A segment begins; `first` is what its name says."""
        if self._first == 0 and first <= self._retired.seq:
            # Retired and not removed yet, as after a kill: they have to fit together all the same.
            self._begins = self._expected = first
            self._prev = GENESIS if first == 1 else ""
            self._before = _Place("", 0, first - 1)
        self._segment, self._line = name, 0
        self._name_says = first

    def line(self, data: bytes) -> None:
        """Take a whole line, without its line feed."""
        self._line += 1
        try:
            record = decode(data)
        except BadLine as error:
            text = f"what stands here was not written by a gateway: {error}"
            self._find(What.GARBAGE, self._expected, f"record {self._expected}", text)
            return
        seq = record["seq"]
        if self._line == 1 and seq != self._name_says:
            text = f"the file begins with record {seq}, not with {self._name_says} as its name says"
            self._find(What.MISNAMED, seq, f"record {self._name_says}", text)
        here = _Place(self._segment, self._line, seq)
        self._first = self._first or seq
        if not self._fits(here, record["prev"]):
            return
        hashed = digest(data)
        self._before, self._prev, self._expected = here, hashed, here.seq + 1
        if here.seq == self._retired.seq and hashed != self._retired.hash:
            self._edited(here, "the hash in anchor.json")
        if self._head is not None and here.seq == self._head.point.seq and hashed != self._head.point.hash:
            self._settle(False)  # whatever this one says of the one before it is no evidence
            self._edited(here, f"hash {self._head.point.hash}, as in head.json")
        if record["kind"] == CHECKPOINT:
            self._checkpoint(here, checkpoint_of(record))
        elif record["kind"] in NOTED:
            self._noted[record["kind"]] = self._noted.get(record["kind"], 0) + 1

    def stands_at(self, signed: Signed) -> bool:
        """Whether the record that was read last is the one that `signed` vouches for."""
        return self._before.seq == signed.point.seq and self._prev == signed.point.hash

    def cut(self, size: int, is_last: bool) -> int:
        """A segment ends within a line of `size` bytes; return how many of them are only unfinished."""
        if is_last:
            return size  # the head tells whether more should be there
        self._line += 1
        text = f"the file ends within a line, after {size} bytes of it"
        self._find(What.TRUNCATED, self._expected, f"the whole of record {self._expected}", text)
        return 0

    def end(self, unfinished: int = 0) -> Report:
        """Everything was read."""
        self._settle(None)
        last = self._expected - 1
        head = self._head
        if head is not None and last < head.point.seq:
            text = f"records {last + 1} to {head.point.seq} are missing at the end: it was cut off"
            self._find(
                What.TRUNCATED, last + 1, f"records up to {head.point.seq}, as in head.json", text,
                last=head.point.seq,
            )  # fmt: skip
        signed = max(self._signed, 0 if head is None else min(head.point.seq, last))
        first = self._first
        return Report(
            tuple(_joined(self._findings)), self._more, first, last if first else self._retired.seq,
            self._retired.seq if first != 1 else 0, self._checkpoints, max(0, last - signed) if first else 0,
            unfinished, self._noted,
        )  # fmt: skip

    # ---- how it fits

    def _fits(self, here: _Place, prev: str) -> bool:
        """Whether this record is the next one; findings tell why not."""
        seq, follows = here.seq, prev == self._prev or not self._prev
        if self._mismatch is not None:
            self._settle(follows)
        if seq == self._expected:
            if not follows:
                self._mismatch = (self._before, here, prev)
            return True
        if follows:  # it stands where it was written, and carries another number
            text = f"record {self._expected} was edited: it carries the number {seq}"
            self._find(What.EDITED, self._expected, f"number {self._expected}", text)
            self._blamed = self._expected
            # Go on as if it had kept its number.
            self._before, self._prev, self._expected = here, "", self._expected + 1
            return False
        if seq > self._expected:
            missing = _these(self._expected, seq - 1)
            text = f"{missing} missing before record {seq}"
            self._find(What.MISSING, self._expected, missing.rpartition(" ")[0], text, last=seq - 1)
            return True
        text = f"record {seq} stands here, behind record {self._expected - 1}: moved, repeated or put in"
        self._find(What.MOVED, seq, f"record {self._expected}", text)
        return False

    def _settle(self, next_fits: bool | None) -> None:
        """Two records did not fit together; whether the next one fits tells which of them was edited."""
        if self._mismatch is None:
            return
        (before, here, prev), self._mismatch = self._mismatch, None
        if before.seq == self._blamed:
            return
        if next_fits is False:
            self._edited(here, "the hash in the record behind it")
        elif before.line == 0:
            text = f"record {here.seq} does not follow what is before it: it was edited, or what is before it"
            self._find(What.EDITED, here.seq, f"a record that follows {prev}", text, here)
        else:
            self._edited(before, f"hash {prev}, as in record {here.seq}")

    def _edited(self, place: _Place, expected: str) -> None:
        if place.seq == self._blamed:
            return
        self._blamed = place.seq
        text = f"record {place.seq} is not the one that was written: it was edited"
        self._find(What.EDITED, place.seq, expected, text, place)

    def _checkpoint(self, here: _Place, signed: Signed | None) -> None:
        if signed is not None and self._vouches(signed):
            self._checkpoints += 1
            self._signed = here.seq
            return
        since = f"records {self._signed + 1} to {here.seq - 1}, or the checkpoint itself, were edited"
        text = f"the checkpoint in record {here.seq} is not signed by the audit's key: {since}"
        self._find(What.FORGED, here.seq, "a signature over the records before it", text, here)

    def _find(
        self, what: What, seq: int, expected: str, text: str, place: _Place | None = None, *, last: int = 0
    ) -> None:
        segment, line = (self._segment, self._line) if place is None else (place.segment, place.line)
        found = Finding(what, segment, line, seq, last or seq, expected, text)
        previous = self._findings[-1] if self._findings else None
        if previous is not None and _goes_on(previous, found):
            self._findings[-1] = previous._replace(last=found.seq)
        elif len(self._findings) < MAX_FINDINGS:
            self._findings.append(found)
        else:
            self._more += 1


def _these(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"


def _goes_on(before: Finding, found: Finding) -> bool:
    """Whether a moved record stands right behind another one that was moved with it."""
    is_moved = before.what is found.what is What.MOVED
    return is_moved and before.segment == found.segment and found.seq == before.last + 1


def _joined(findings: list[Finding]) -> list[Finding]:
    """Tell of missing records where they are, when they are somewhere."""
    moved = [each for each in findings if each.what is What.MOVED]
    told = []
    for each in findings:
        place = next(
            (found for found in moved if found.seq <= each.seq <= found.last and each.what is What.MISSING),
            None,
        )
        if place is not None:
            where = f"{place.segment}, line {place.line}"
            each = each._replace(what=What.MOVED, text=f"{each.text}; it stands at {where}")  # noqa: PLW2901
        elif each.what is What.MOVED and each.last > each.seq:
            text = f"records {each.seq} to {each.last} stand here: moved, repeated or put in"
            each = each._replace(text=text)  # noqa: PLW2901
        told.append(each)
    return told
