"""The journal: nothing blocks, nothing is forgotten without a word, a full disk is borne."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest_twisted
from twisted.internet import reactor

from tests.sessions.images.test_full_disk import MOUNTED, NAMESPACE
from tests.tsgateway.audit.made import Wall, event, numbers
from tests.tsgateway.support import until
from tsgateway.audit.base import Event
from tsgateway.audit.chain import decode
from tsgateway.audit.journal import Trail
from tsgateway.audit.log import AuditLog
from tsgateway.audit.verify import verify


def trail_of(folder: Path, most: int = 10_000) -> Trail:
    wall = Wall()
    return Trail(AuditLog(folder, wall=wall), reactor, wall=wall, keep_days=0, most=most)


def written(folder: Path) -> list[dict]:
    return [decode(line.rstrip(b"\n")) for lines in numbers(folder) for line in lines]


@pytest_twisted.ensureDeferred
async def test_what_is_noted_is_written_in_its_order(tmp_path: Path):
    trail = trail_of(tmp_path)
    for number in range(50):
        trail.note(event(number))  # before it is started
    trail.start()
    await until(lambda: trail.written == 50, "the first events")
    for number in range(50, 2500):
        trail.note(event(number))
    await trail.stop()
    found = [each["details"]["number"] for each in written(tmp_path) if each["details"].get("desktop")]
    assert found == list(range(2500))
    report = verify(tmp_path)
    assert (report.is_good, report.unsigned) == (True, 0)
    assert (trail.waiting, trail.given_up, trail.trouble) == (0, 0, "")


@pytest_twisted.ensureDeferred
async def test_too_many_events_are_counted(tmp_path: Path):
    trail = trail_of(tmp_path, most=10)
    for number in range(25):
        trail.note(event(number))
    assert (trail.waiting, trail.given_up) == (10, 15)
    trail.start()
    await until(lambda: trail.written == 10, "the events")
    trail.note(event(30))
    await trail.stop()
    found = written(tmp_path)
    [lost] = [each for each in found if each["kind"] == "audit.lost"]
    assert lost["details"]["count"] == 15
    assert lost["details"]["since"].startswith("2025-06-15T15:06:40.01")
    assert found.index(lost) == 11
    assert verify(tmp_path).noted == {"audit.lost": 1}


FULL = """
import json, sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.defer import Deferred
import tsgateway.audit.journal as journal
from tests.tsgateway.audit.made import event
from tests.tsgateway.audit.test_journal import trail_of
from tests.tsgateway.support import until

journal.PAUSE = 0.1
small = Path(sys.argv[1])
filling = small / "filling"

def fill():
    try:
        with filling.open("wb", 0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError:
        pass

async def main():
    trail = trail_of(small / "audit", most=300)
    trail.start()
    trail.note(event(0))
    await until(lambda: trail.written, "the first event")
    fill()
    for number in range(1, 400):
        trail.note(event(number))
    await until(lambda: trail.trouble, "trouble")
    for number in range(400, 500):
        trail.note(event(number))
    told = {"trouble": trail.trouble, "waiting": trail.waiting, "lost": trail.given_up}
    filling.unlink()
    await until(lambda: not trail.waiting and not trail.trouble, "the end of trouble")
    trail.note(event(500))
    await trail.stop()
    from tsgateway.audit.verify import verify
    report = verify(small / "audit")
    records = [json.loads(line) for path in sorted((small / "audit").glob("*.jsonl")) for line in path.open()]
    told |= {"good": report.is_good, "numbers": [each["details"].get("number") for each in records]}
    told["noted"] = [each["details"]["count"] for each in records if each["kind"] == "audit.lost"]
    print(json.dumps(told))

def failed(failure):
    failure.printTraceback()

Deferred.fromCoroutine(main()).addErrback(failed).addBoth(lambda _: reactor.stop())
reactor.run()
"""


def test_a_full_disk_costs_no_more_than_what_cannot_wait(tmp_path: Path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = [
        *NAMESPACE,
        "sh",
        "-c",
        MOUNTED,
        "sh",
        "512k",
        str(small),
        sys.executable,
        "-c",
        FULL,
        str(small),
    ]
    done = subprocess.run(mounted, text=True, capture_output=True, timeout=120, check=False)
    told = json.loads(done.stdout or "{}")
    assert told, done.stderr
    assert "No space left on device" in told["trouble"]
    assert told["waiting"] == 300
    assert told["good"]
    [lost] = told["noted"]
    assert lost == told["lost"] >= 100
    numbers = [number for number in told["numbers"] if number is not None]
    assert numbers == sorted(numbers)
    assert len(numbers) + lost == 501


@pytest_twisted.ensureDeferred
async def test_a_folder_that_cannot_be_used_is_a_sentence_and_is_tried_again(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tsgateway.audit.journal.PAUSE", 0.05)
    (tmp_path / "audit").write_text("a file is in the way")
    trail = trail_of(tmp_path / "audit")
    trail.start()
    trail.note(Event("a.b"))
    await until(lambda: trail.trouble, "trouble")
    assert trail.trouble.endswith("cannot be written: File exists.")
    (tmp_path / "audit").unlink()
    await until(lambda: trail.written == 1, "the event")
    assert trail.trouble == ""
    await trail.stop()
    assert verify(tmp_path / "audit").is_good
