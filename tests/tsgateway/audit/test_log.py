"""Writing the audit to real files: rotation, kills at any byte, what was taken away, retiring."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tsgateway.audit.made import BEGAN, Wall, audit_of, event, numbers, opened
from tsgateway.audit.base import Event
from tsgateway.audit.chain import MAX_LINE, decode
from tsgateway.audit.check import What
from tsgateway.audit.keys import KeyProblem
from tsgateway.audit.log import CHECKPOINT_EVERY, DAY
from tsgateway.audit.verify import verify


def records(folder: Path) -> list[dict]:
    return [decode(line.rstrip(b"\n")) for lines in numbers(folder) for line in lines]


def test_an_event_is_written_as_it_is(tmp_path: Path):
    log = opened(tmp_path / "audit")
    log.append([(BEGAN + 0.5, Event("a.b", "zoë", "::1", "session:1", "done", {"n": 1, "t": None}))])
    first, written = records(tmp_path / "audit")
    assert first["kind"] == "audit.began"
    assert {**written, "prev": ""} == {
        "seq": 2, "prev": "", "time": "2025-06-15T15:06:40.500Z", "kind": "a.b", "who": "zoë",
        "address": "::1", "target": "session:1", "outcome": "done", "details": {"n": 1, "t": None},
    }  # fmt: skip


def test_only_the_gateway_s_user_can_read_it(tmp_path: Path):
    audit_of(tmp_path / "audit", 3).close()
    assert stat.S_IMODE((tmp_path / "audit").stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "audit").iterdir()}
    assert modes.pop("key.pub") == 0o644
    assert set(modes.values()) == {0o600}
    assert {"key.pem", "head.json", "000000000001.jsonl"} <= set(modes)


class Nasty:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "details",
    [
        {"x": "y" * 100_000},
        {str(number): "\x01" * 3000 for number in range(100)},
        {"deep": {"a": {"b": {"c": {"d": {"e": [1, [2, [3]]]}}}}}},
        {"bytes": b"\xff", "float": 0.1, "nan": math.nan, "big": 2**60, "set": {1}, 7: "key", "ü": 1},
        {"half": "\ud800", "\ud800": 1},
        {"huge": 10**10_000},
        {"nasty": Nasty()},
    ],
)
def test_whatever_an_event_says_becomes_a_line(tmp_path: Path, details):
    log = opened(tmp_path / "audit")
    words = ["w\ud800\n" * 1000] * 4
    log.append([(BEGAN, Event("kind" * 100, *words, details))])
    written = records(tmp_path / "audit")[-1]
    assert written["details"]
    assert max(map(len, numbers(tmp_path / "audit")[0])) <= MAX_LINE
    assert verify(tmp_path / "audit").is_good


def test_an_audit_goes_on_where_it_was(tmp_path: Path):
    folder = tmp_path / "audit"
    for _ in range(4):
        audit_of(folder, 7, 1500).close()
    seqs = [record["seq"] for record in records(folder)]
    assert seqs == list(range(1, len(seqs) + 1))
    report = verify(folder)
    assert report.is_good
    assert not report.noted
    assert [record["kind"] for record in records(folder)].count("audit.began") == 1


def test_a_new_day_begins_a_new_file(tmp_path: Path):
    wall = Wall()
    log = opened(tmp_path / "audit", wall)
    log.append([(wall(), event(1))])
    wall.now += DAY
    log.append([(wall(), event(2))])
    log.append([(wall(), event(3))])
    assert [len(lines) for lines in numbers(tmp_path / "audit")] == [2, 2]
    assert verify(tmp_path / "audit").is_good


def test_checkpoints_come_by_themselves(tmp_path: Path):
    log = opened(tmp_path / "audit")
    log.append([(BEGAN, event(number)) for number in range(2 * CHECKPOINT_EVERY)])
    assert verify(tmp_path / "audit").checkpoints == 2
    log.append([], sign=True)
    log.append([], sign=True)  # nothing new: nothing to vouch for
    assert verify(tmp_path / "audit").checkpoints == 3


def test_killed_at_any_byte_of_a_batch_it_goes_on_and_says_so(tmp_path: Path):
    folder = tmp_path / "audit"
    log = audit_of(folder, 4)
    path = folder / "000000000001.jsonl"
    before = path.stat().st_size
    shutil.copytree(folder, tmp_path / "before")
    log.append([(BEGAN, event(number)) for number in range(2)])
    log.close()
    batch = path.read_bytes()[before:]
    for size in [0, 1, *range(7, len(batch), 19), len(batch) - 1]:
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "before", folder)  # the head of before
        with path.open("ab") as file:
            file.write(batch[:size])
        torn = batch[:size].rpartition(b"\n")[2]
        assert verify(folder).is_good
        again = opened(folder)
        again.append([(BEGAN, event(9))])
        again.close()
        report = verify(folder)
        assert report.is_good, report
        assert report.noted == ({"audit.repaired": 1} if torn else {})
        kinds = [record["kind"] for record in records(folder)]
        assert len(kinds) == 5 + batch[:size].count(b"\n") + bool(torn) + 1
        if torn:
            [noted] = [each for each in records(folder) if each["kind"] == "audit.repaired"]
            assert noted["details"]["bytes"] == len(torn)


KILLED = """
import sys
from pathlib import Path
from tests.tsgateway.audit.made import event, opened
log = opened(Path(sys.argv[1]), segment_bytes=20_000)
number = 0
while True:
    log.append([(1.75e9, event(number + each)) for each in range(20)])
    number += 20
    print(log.seq, flush=True)
"""


def test_a_writer_that_is_killed_again_and_again_loses_nothing_that_it_had_written(tmp_path: Path):
    folder = tmp_path / "audit"
    told = 0
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE) as writer:
            for _ in range(40):
                told = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
            rest = writer.stdout.read().split()
            told = max([told, *map(int, rest[:-1])])
        assert verify(folder).is_good
        opened(folder).close()
        report = verify(folder)
        assert report.is_good
        assert report.last >= told
        assert set(report.noted) <= {"audit.repaired"}


def test_an_end_that_was_cut_off_is_no_kill(tmp_path: Path):
    """The head says that more was written: going on, the gateway says so, and verify finds it for ever."""
    folder = tmp_path / "audit"
    audit_of(folder, 20).close()
    path = folder / "000000000001.jsonl"
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join(lines[:10]) + lines[10][:20])
    audit_of(folder, 5).close()
    report = verify(folder)
    assert report.noted == {"audit.broken": 1}
    assert {finding.what for finding in report.findings} == {What.TRUNCATED, What.MISSING}
    [missing] = [finding for finding in report.findings if finding.what is What.MISSING]
    assert (missing.seq, missing.last) == (11, len(lines))
    noted = decode(numbers(folder)[1][0].rstrip(b"\n"))
    assert noted["seq"] == len(lines) + 1
    assert "cut off behind record 10" in noted["details"]["end"]


@pytest.mark.parametrize("name", ["head.json", "key.pem"])
def test_what_is_missing_is_noted(tmp_path: Path, name: str):
    folder = tmp_path / "audit"
    audit_of(folder, 20).close()
    (folder / name).unlink()
    audit_of(folder, 5).close()
    report = verify(folder)
    assert report.noted == {"audit.broken": 1}
    assert report.is_good is (name == "head.json")  # earlier checkpoints are by another key


def test_a_key_that_is_damaged_is_not_replaced(tmp_path: Path):
    folder = tmp_path / "audit"
    audit_of(folder, 20).close()
    (folder / "key.pem").write_text("x")
    with pytest.raises(KeyProblem, match="holds no key"):
        opened(folder)


# ---- retiring


def old_segments(folder: Path) -> list[Path]:
    audit_of(folder, 60, 2500).close()
    paths = sorted(folder.glob("*.jsonl"))
    for path in paths[:3]:
        os.utime(path, (BEGAN, BEGAN))
    return paths


def test_what_is_old_is_retired_and_verify_says_so(tmp_path: Path):
    folder = tmp_path / "audit"
    paths = old_segments(folder)
    log = opened(folder)
    assert log.retire(BEGAN) == 0
    assert log.retire(BEGAN + 1) == 3
    assert log.retire(BEGAN + 1) == 0
    assert not any(path.exists() for path in paths[:3])
    report = verify(folder)
    assert report.is_good
    assert report.retired == report.first - 1 == int(paths[3].stem) - 1
    assert report.noted == {"audit.retired": 1}
    # Without the anchor, or with more gone than it says, they are missing.
    kept = (folder / "anchor.json").read_bytes()
    (folder / "anchor.json").unlink()
    assert [finding.what for finding in verify(folder).findings] == [What.MISSING]
    (folder / "anchor.json").write_bytes(kept)
    paths[3].unlink()
    assert [finding.what for finding in verify(folder).findings] == [What.MISSING]


def test_killed_between_the_anchor_and_the_removal_all_is_well(tmp_path: Path):
    folder = tmp_path / "audit"
    old_segments(folder)
    shutil.copytree(folder, tmp_path / "before")
    opened(folder).retire(BEGAN + 1)
    shutil.copy(folder / "anchor.json", tmp_path / "before")
    for gone in range(3):
        assert verify(tmp_path / "before").is_good
        if gone:
            sorted((tmp_path / "before").glob("*.jsonl"))[0].unlink()
            assert verify(tmp_path / "before").is_good
    log = opened(tmp_path / "before")
    assert log.retire(0) == 1
    assert json.loads((tmp_path / "before" / "anchor.json").read_bytes())["seq"] == verify(folder).retired
    assert verify(tmp_path / "before").is_good


def test_the_segment_that_is_written_to_stays(tmp_path: Path):
    folder = tmp_path / "audit"
    log = audit_of(folder, 10)
    assert log.retire(2**40) == 0
    log.append([(BEGAN, event(1))])
    assert verify(folder).is_good
