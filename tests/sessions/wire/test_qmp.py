"""Transcripts of QMP: bytes in, messages out, whole and byte by byte."""

import json

import pytest

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.qmp import Event, Greeting, QmpReader, Refusal, Reply, command

HELLO = b'{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}, "capabilities": ["oob"]}}\r\n'

TRANSCRIPT = (
    HELLO
    + b'{"return": {}, "id": 1}\r\n'
    + b'{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "RESUME"}\r\n'
    + b'{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}\n\r\n'
    + b'{"id": 2, "error": {"class": "CommandNotFound", "desc": "no"}}\r\n'
    + b'{"error": {"class": "GenericError", "desc": "JSON parse error"}}\r\n'
)
MESSAGES = [
    Greeting((7, 2, 22)),
    Reply(1, {}),
    Event("RESUME", {}),
    Event("SHUTDOWN", {"guest": True, "reason": "guest-shutdown"}),
    Refusal(2, "CommandNotFound", "no"),
    Refusal(None, "GenericError", "JSON parse error"),
]


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
def test_a_conversation_is_the_same_however_it_is_cut(step):
    reader, messages = QmpReader(), []
    for start in range(0, len(TRANSCRIPT), step):
        messages += reader.receive(TRANSCRIPT[start : start + step])
    assert messages == MESSAGES


@pytest.mark.parametrize(
    "line",
    [
        b"rubbish", b"[]", b"1", b"null", b'"QMP"', b"{}", b'{"QMP": 1}',
        b'{"QMP": {"version": {"qemu": {}}}}',
        b'{"return": {}}', b'{"return": {}, "id": "x"}', b'{"return": {}, "id": true}', b'{"id": 1}',
        b'{"event": "X", "data": 7}', b'{"error": "x", "id": 1}', b'{"error": {}, "id": 1}', b"\xff\xfe",
        b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_not_a_message_is_refused(line):
    reader = QmpReader()
    reader.receive(HELLO)
    with pytest.raises(ProtocolError):
        reader.receive(line + b"\n")


def test_nothing_comes_before_the_greeting():
    with pytest.raises(ProtocolError, match="greeting"):
        QmpReader().receive(b'{"return": {}, "id": 1}\n')


def test_the_greeting_comes_once():
    with pytest.raises(ProtocolError, match="greeting"):
        QmpReader().receive(HELLO + HELLO)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_beyond_the_limit_is_refused_whether_it_ends_or_not(end):
    reader = QmpReader(limit=200)
    reader.receive(HELLO)
    with pytest.raises(LimitExceeded):
        reader.receive(b'"' + b"x" * 200 + end)


def test_a_command_is_one_line_of_json():
    line = command(7, "getfd", {"fdname": "a\nb"})
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"execute": "getfd", "id": 7, "arguments": {"fdname": "a\nb"}}
    assert json.loads(command(8, "quit")) == {"execute": "quit", "id": 8}
