"""Transcripts of the guest agent: bytes in, messages out, whole and byte by byte."""

import json

import pytest

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.qga import MAX_SYNC_LINE, QgaReader, Refusal, Reply, Synced, command

OURS = b'\xff{"return": 7}\n'
TRANSCRIPT = (
    b'half an answer to somebody}\n{"return": {}}\n'
    + b'\xff{"return": 6}\n'  # an earlier client's number
    + b'{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n'
    + OURS
    + b'{"return": {"pid": 12}}\r\n\n'
    + b'{"error": {"class": "CommandNotFound", "desc": "no"}}\n'
    + b'{"return": 3}\n'
)
MESSAGES = [Synced(7), Reply({"pid": 12}), Refusal("CommandNotFound", "no"), Reply(3)]


def in_step(**limits):
    reader = QgaReader(**limits)
    reader.sync(7)
    assert reader.receive(OURS) == [Synced(7)]
    return reader


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
def test_a_conversation_is_the_same_however_it_is_cut(step):
    reader, messages = QgaReader(), []
    reader.sync(7)
    for start in range(0, len(TRANSCRIPT), step):
        messages += reader.receive(TRANSCRIPT[start : start + step])
    assert messages == MESSAGES


@pytest.mark.parametrize(
    "other",
    [
        b'\xff{"return": 8}\n', b'\xff{"return": true}\n', b'\xff{"return": 7.0}\n', b'\xff{"return": "7"}\n',
        b"\xff7\n", b"\xff\n", b"\xff\xff\xff", b'\xff{"return": 7', b"\xff" + b"[" * 300,
        b"\xff" + b" " * MAX_SYNC_LINE + b'{"return": 7}\n', b"x" * 100_000, b"\xfe\xfd\n",
        b'{"return": 7}\n', b'\xff{"return": {}}\n{"return": 7}\n',
        b'\xff{"return": 12345678901234567890123}\n',
    ],
)  # fmt: skip
def test_what_does_not_answer_is_skipped(other):
    reader = QgaReader()
    reader.sync(7)
    assert reader.receive(other) == []
    assert reader.receive(OURS) == [Synced(7)]
    assert reader.receive(b'{"return": {}}\n') == [Reply({})]


def test_nothing_is_kept_of_what_is_skipped():
    reader = QgaReader()
    reader.sync(7)
    for piece in (b"x" * 100_000, b"\xff" * 100_000, b"\xff" + b" " * 100_000, b"\xff" + b"\n" * 100_000):
        reader.receive(piece)
        assert len(reader._data) <= 1 + MAX_SYNC_LINE


def test_before_the_first_sync_nothing_is_an_answer():
    assert QgaReader().receive(b'{"return": {}}\n' + OURS) == []


def test_a_new_sync_forgets_half_an_answer():
    reader = in_step()
    assert reader.at_rest
    assert reader.receive(b'{"return": {"half"') == []
    assert not reader.at_rest
    reader.sync(8)
    assert reader.receive(b': 1}}\n{"return": 5}\n' + OURS + b'\xff{"return": 8}\n{"return": 6}\n') == [
        Synced(8),
        Reply(6),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"rubbish", b"[]", b"1", b"null", b'"error"', b"{}", b'{"id": 1}', b'{"error": "x"}',
        b'{"error": {}}', b"\xff\xfe", b"[" * 100_000, b'{"return": ' + b"9" * 5000 + b"}",
        b'\xff{"return": 7}',
    ],
)  # fmt: skip
def test_what_is_not_a_message_is_refused(line):
    with pytest.raises(ProtocolError):
        in_step().receive(line + b"\n")


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_beyond_the_limit_is_refused_whether_it_ends_or_not(end):
    with pytest.raises(LimitExceeded):
        in_step(limit=200).receive(b'"' + b"x" * 200 + end)


def test_a_command_is_one_line_of_json():
    line = command("guest-exec", {"path": "a\nb"})
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"execute": "guest-exec", "arguments": {"path": "a\nb"}}
    assert QgaReader().sync(3)[:1] == b"\xff"
    assert json.loads(QgaReader().sync(3)[1:])["arguments"] == {"id": 3}
