"""Lines between a session host and a shared machine, as transcripts."""

import pytest

from sessions.wire.seats import MAX_TEXT, Ended, HungUp, Refusal, Reply, SeatsReader, request, taken


def test_answers_and_events():
    said = (
        b'{"id": "a-1", "result": {"account": "ada"}}\n'
        b'{"event": "ended", "seat": 3, "session": "s"}\n'
        b'{"id": "a-2", "error": "This desktop has ended."}\n'
        b'{"event": "hung-up", "seat": 0, "session": "t"}\n'
    )
    assert SeatsReader().receive(said) == [
        Reply("a-1", {"account": "ada"}),
        Ended(3, "s"),
        Refusal("a-2", "This desktop has ended."),
        HungUp(0, "t"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"41}", b'session": "s"}', b"[]", b"null", b"\xff\xfe", b"[" * 10_000, b'{"event": "ended"}',
        b'{"event": "ended", "seat": "3", "session": "s"}', b'{"id": 4, "result": {}}', b'{"id": "a"}',
    ],
)  # fmt: skip
def test_what_says_nothing_is_passed_over(line):
    """An earlier connection may have left half a line in the port."""
    reader = SeatsReader()
    assert reader.receive(line + b"\n") == []
    assert reader.receive(b'{"id": "b", "result": {}}\n') == [Reply("b", {})]


def test_an_overlong_line_is_passed_over_whole_and_not_kept():
    reader = SeatsReader(limit=100)
    for _ in range(1000):
        assert reader.receive(b"x" * 90) == []
    assert len(reader._line) <= 100
    assert reader.receive(b'{"id": "a", "result": {}}\n{"id": "b", "result": {}}\n') == [Reply("b", {})]


def test_a_guest_says_no_more_than_a_sentence():
    (refusal,) = SeatsReader().receive(b'{"id": "a", "error": "' + b"x" * 10_000 + b'"}\n')
    assert len(refusal.text) == MAX_TEXT


def test_a_request_is_a_line():
    assert request("a-1", "log-off", {"seat": 3}) == b'{"id": "a-1", "do": "log-off", "seat": 3}\n'
    assert request("a-1", "log-on", {"user": "a\nb"}).count(b"\n") == 1


@pytest.mark.parametrize(
    ("hello", "expected"),
    [
        ({"seats": {"0": "s", "12": "t"}}, {0: "s", 12: "t"}),
        ({"seats": {"x": "s", "-1": "s", "9999": "s", "٣": 5}}, {3: "5"}),
        ({"seats": []}, {}),
        ({}, {}),
    ],
)
def test_who_sits_where(hello, expected):
    assert taken(hello) == expected
