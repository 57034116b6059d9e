"""What the audit costs: writing, searching and verifying it.

    .venv/bin/python -m bench.audit [RECORDS]

Processor time is of this process; the disk's part (fsync) shows in the elapsed time only.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from tsgateway.audit.base import Event
from tsgateway.audit.index import Index, Query
from tsgateway.audit.log import AuditLog
from tsgateway.audit.verify import verify

BATCH = 1000
PEOPLE = 500
QUERIES = {
    "newest": Query(),
    "who": Query(who="user7"),
    "who, kind, outcome": Query(who="user7", kind="sign-in.refused", outcome="refused"),
    "kinds": Query(kind="session"),
    "target": Query(target="session:00000000000000000000000000000123"),
    "a month ago": Query(until="2024-06-01T00:00:00.000Z"),
    "one word": Query(text="wrong"),
    "two words": Query(text="user77 firefox"),
    "rare word": Query(text="needle"),
    "nothing fits": Query(kind="sign-in.accepted", outcome="refused"),
    "no such word": Query(text="nowhere"),
}


def event(number: int, dice: random.Random) -> Event:
    who = f"user{dice.randrange(PEOPLE)}"
    session = f"session:{dice.randrange(100_000):032d}"
    kind, outcome = dice.choice(
        [("sign-in.accepted", "accepted"), ("sign-in.refused", "refused"), ("session.began", ""),
         ("session.connected", ""), ("session.ended", "logged_off"), ("viewer.attached", "")]
    )  # fmt: skip
    details = {"desktop": "linux", "host": number % 4, "client": "firefox" if number % 2 else "chromium"}
    if outcome == "refused":
        details["text"] = "The name or the password is wrong."
    if number == 1000:
        details["text"] = "needle"
    return Event(kind, who, f"10.1.{number % 200}.7", session, outcome, details)


def measure(count: int) -> dict:
    dice = random.Random(1)
    told: dict = {"records": count}
    with tempfile.TemporaryDirectory(prefix="tsg-audit-") as name:
        folder = Path(name) / "audit"
        log = AuditLog(folder, wall=time.time)
        log.open()
        began, cpu = time.perf_counter(), 0.0
        first = 1_717_000_000.0
        for start in range(0, count, BATCH):
            batch = [
                (first + number, event(number, dice)) for number in range(start, min(start + BATCH, count))
            ]
            used = time.process_time()
            log.append(batch)
            cpu += time.process_time() - used
        log.append([], sign=True)
        told["cpu_us_a_record"] = cpu / count * 1e6
        told["records_a_second"] = count / (time.perf_counter() - began)
        told["bytes_a_record"] = sum(path.stat().st_size for path in folder.glob("*.jsonl")) / count
        index = Index(folder)
        used, began = time.process_time(), time.perf_counter()
        while index.catch_up():
            pass
        told["index_us_a_record"] = (time.process_time() - used) / count * 1e6
        told["index_bytes_a_record"] = (
            sum(path.stat().st_size for path in (folder / "index").iterdir()) / count
        )
        told["page_ms"] = {title: page(index, query) for title, query in QUERIES.items()}
        index.close()
        used = time.process_time()
        report = verify(folder)
        assert report.is_good  # noqa: S101
        told["verify_seconds"] = time.process_time() - used
    return told


def page(index: Index, query: Query) -> dict:
    """The least of five times, and how many records the page has; then the page after it."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        found = index.page(query)
        times.append(time.perf_counter() - began)
    began = time.perf_counter()
    if found.next is not None:
        index.page(query, found.next)
    return {
        "first": min(times) * 1e3, "next": (time.perf_counter() - began) * 1e3, "found": len(found.records),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000), indent=2))
