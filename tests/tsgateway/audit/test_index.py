"""Searching: the same as reading everything, whatever is asked; and the index is never believed."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tsgateway.audit.made import BEGAN, audit_of, event, opened
from tsgateway.audit.base import Event
from tsgateway.audit.index import FOLDER, Found, Index, Query
from tsgateway.audit.log import moment

COUNT = 150


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("audit") / "audit"
    audit_of(made, COUNT, 6000).close()
    assert len(list(made.glob("*.jsonl"))) > 5
    return made


@pytest.fixture(scope="module")
def index(folder: Path):
    made = Index(folder)
    yield made
    made.close()


def everything(folder: Path) -> list[dict]:
    """All records, the newest first."""
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().splitlines()]
    return [json.loads(line) for line in reversed(lines)]


def fits(record: dict, query: Query) -> bool:
    words = json.dumps({**record, "seq": 0, "prev": "", "time": ""}, ensure_ascii=False).lower()
    exact = [(record[name], getattr(query, name)) for name in ("who", "target", "outcome")]
    return (
        all(value in ("", found) for found, value in exact)
        and (not query.kind or record["kind"] == query.kind or record["kind"].startswith(f"{query.kind}."))
        and (not query.since or record["time"] >= query.since)
        and (not query.until or record["time"] <= query.until)
        and all(word in words for word in query.text.lower().split())
    )  # fmt: skip


def pages(index: Index, query: Query, limit: int) -> list[dict]:
    found, before = [], None
    while True:
        page = index.page(query, before, limit)
        assert len(page.records) <= limit
        found += page.records
        if page.next is None:
            return found
        before = page.next


times = st.integers(0, 300).map(lambda each: moment(BEGAN + each / 1000))
QUERIES = st.builds(
    Query,
    since=st.just("") | times,
    until=st.just("") | times,
    who=st.sampled_from(["", "ada", "zoë", "nobody"]),
    kind=st.sampled_from(["", "session", "session.began", "viewer.attached", "audit", "sess", "nothing"]),
    target=st.sampled_from(["", "session:7", "session:140", "audit", "session:"]),
    outcome=st.sampled_from(["", "done", "new", "x"]),
    text=st.sampled_from(["", "one", "zoë done", "desktop ada", "sess", "nowhere"]),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=QUERIES, limit=st.integers(1, 60))
def test_what_is_found_is_what_reading_everything_finds(folder, index, query, limit):
    assert pages(index, query, limit) == [each for each in everything(folder) if fits(each, query)]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=40), who=st.text(max_size=10))
def test_no_text_is_too_strange_to_look_for(index, text, who):
    found = index.page(Query(text=text, who=who))
    assert isinstance(found, Found)


def test_what_is_written_meanwhile_is_found(tmp_path: Path):
    log = audit_of(tmp_path, 5)
    index = Index(tmp_path)
    assert len(index.page(Query(kind="session")).records) == 2
    log.append([(BEGAN, event(1))])
    with (tmp_path / "000000000001.jsonl").open("ab") as file:
        file.write(b'{"half of a line')
    assert len(index.page(Query(kind="session")).records) == 3
    index.close()
    assert len(Index(tmp_path).page(Query(kind="session")).records) == 3


def test_details_are_looked_through(tmp_path: Path):
    log = opened(tmp_path)
    log.append([(BEGAN, Event("a.b", details={"reason": ["The Name or the password", {"is": "wröng_ly"}]}))])
    index = Index(tmp_path)
    for text in ("password", "PASSW", "name wrong", "wröng ly", "reason"):
        assert len(index.page(Query(text=text)).records) == 1, text
    for text in ("sword", "name right", "---"):
        assert index.page(Query(text=text)).records == [], text


def test_segments_that_are_retired_are_not_found_any_more(tmp_path: Path):
    import os

    log = audit_of(tmp_path, 60, 2500)
    index = Index(tmp_path)
    before = index.page(Query(), limit=1000).records
    paths = sorted(tmp_path.glob("*.jsonl"))
    os.utime(paths[0], (BEGAN, BEGAN))
    assert log.retire(BEGAN + 1) == 1
    found = index.page(Query(), limit=1000).records
    assert found[-1]["seq"] == int(paths[1].stem)
    assert len(found) < len(before)
    assert f"{paths[0].stem}.db" not in [path.name for path in (tmp_path / FOLDER).iterdir()]


def test_a_damaged_index_is_made_anew(tmp_path: Path):
    audit_of(tmp_path, 30).close()
    index = Index(tmp_path)
    good = index.page(Query(who="ada"))
    index.close()
    [path] = (tmp_path / FOLDER).glob("*.db")
    path.write_bytes(b"x" * 8192)
    assert Index(tmp_path).page(Query(who="ada")) == good


def test_an_index_that_lies_is_not_believed(tmp_path: Path):
    audit_of(tmp_path, 30).close()
    index = Index(tmp_path)
    good = index.page(Query(who="ada"))
    index.close()
    [path] = (tmp_path / FOLDER).glob("*.db")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE records SET place = place + 1")
    assert Index(tmp_path).page(Query(who="ada")) == good


def test_a_segment_that_was_cut_gets_a_new_index(tmp_path: Path):
    audit_of(tmp_path, 30).close()
    index = Index(tmp_path)
    index.page(Query())
    [path] = tmp_path.glob("*.jsonl")
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(b"".join(lines[:5]))
    assert [each["seq"] for each in index.page(Query()).records] == [5, 4, 3, 2, 1]
