"""Reads the audit's files and has them checked. Works beside a gateway that writes, and without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tsgateway.audit.chain import Signed
from tsgateway.audit.check import Checker, Finding, Report, What
from tsgateway.audit.keys import PUBLIC, KeyProblem, PublicKey
from tsgateway.audit.segments import ANCHOR, HEAD, Segment, lines, read_signed, segments

TELL_EVERY = 10_000
"""Lines."""
AGAIN = 3
"""How often it is begun anew when old segments are retired meanwhile."""


def verify(
    folder: Path,
    *,
    key: PublicKey | None = None,
    known: Signed | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Report:
    """Check the audit in a folder.

    key: the public key; without it the one in the folder is believed. known: a head that was kept elsewhere;
    it has to be part of the chain, too. progress: told how many lines were read. Raises OSError, KeyProblem.
    """
    key = key or PublicKey.read(folder / PUBLIC)
    for _ in range(AGAIN):
        try:
            return _verify(folder, key, known, progress)
        except FileNotFoundError:
            continue  # it was retired
    raise KeyProblem(f"files vanish from {folder} while they are read")


def _verify(folder: Path, key: PublicKey, known: Signed | None, progress: Callable[[int], None]) -> Report:
    # The head first: what is written meanwhile comes after it.
    head, _ = read_signed(folder, HEAD)
    anchor, _ = read_signed(folder, ANCHOR)
    found = segments(folder)
    checker = Checker(key.vouches, head, anchor)
    count = unfinished = 0
    passed = False
    for each in found:
        checker.begin(each.name, each.first)
        for _, line, is_whole in lines(each.path):
            count += 1
            if not is_whole:
                unfinished = checker.cut(len(line), each is found[-1])
                break
            checker.line(line)
            if known is not None and checker.stands_at(known):
                passed = True
            if count % TELL_EVERY == 0:
                progress(count)
    report = checker.end(unfinished)
    extra = [] if head is not None or not found else [_no_head(found[-1])]
    if known is not None and not passed and not (anchor is not None and known.point.seq < anchor.point.seq):
        extra.append(_not_passed(known, key.vouches(known)))
    return report._replace(findings=(*extra, *report.findings))


def _no_head(last: Segment) -> Finding:
    text = f"{HEAD} is missing or damaged: nothing tells whether records are missing at the end"
    return Finding(What.TRUNCATED, last.name, 0, 0, 0, HEAD, text)


def _not_passed(known: Signed, is_signed: bool) -> Finding:
    point = known.point
    if not is_signed:
        text = "the checkpoint that was kept elsewhere is not signed by this key"
        return Finding(What.FORGED, "", 0, point.seq, point.seq, "a signature by the key", text)
    text = f"record {point.seq} with the hash of the checkpoint that was kept elsewhere is not there"
    return Finding(What.EDITED, "", 0, point.seq, point.seq, f"hash {point.hash}", text)
