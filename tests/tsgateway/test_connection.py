"""The viewer connection's core, as transcripts: event in, commands out."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.tsg import (
    FROM_SERVER,
    MAX_CLIENT_MESSAGE,
    ClientHello,
    Close,
    CloseCode,
    Frame,
    Key,
    Ping,
    Pong,
    Refresh,
    TypeText,
    decode,
)
from tsgateway.protocols.tsg.connection import (
    MAX_BURST,
    MAX_RATE,
    MIN_COST,
    Abort,
    Attach,
    Phase,
    Relay,
    Send,
    Shut,
    TsgConnection,
)

HELLO = ClientHello(1, b"t" * 32, "test", 800, 600, (1,))
KEY = Key(1, 30, 97).encode()


def attached(now: float = 0) -> TsgConnection:
    connection = TsgConnection(now)
    assert connection.received(HELLO.encode(), now) == [Attach(HELLO)]
    return connection


def closes(commands, code: CloseCode) -> str:
    """Check that the commands close with this code; return the reason."""
    send, shut = commands
    close = decode(send.data, FROM_SERVER)
    assert isinstance(close, Close)
    assert isinstance(shut, Shut)
    assert close.code == shut.code == code
    assert close.reason
    return close.reason


def test_hello_then_input_then_goodbye():
    connection = attached()
    assert connection.received(KEY, 1) == [Relay(KEY)]
    assert connection.received(Close(0, "bye").encode(), 2) == [Shut(CloseCode.NORMAL, "")]
    assert connection.phase is Phase.CLOSING
    assert connection.received(KEY, 3) == []


@pytest.mark.parametrize("first", [KEY, Ping(1).encode(), Refresh().encode(), b"\x80"])
def test_the_first_message_has_to_be_a_hello(first):
    closes(TsgConnection(0).received(first, 0), CloseCode.PROTOCOL)


def test_another_version_is_told_ours():
    other = ClientHello(2, b"", "test", 1, 1, ()).encode()
    assert "version 1" in closes(TsgConnection(0).received(other, 0), CloseCode.VERSION)


def test_only_one_hello():
    closes(attached().received(HELLO.encode(), 1), CloseCode.PROTOCOL)


def test_pings_are_answered_here_and_never_relayed():
    connection = attached()
    assert connection.received(Ping(77).encode(), 1) == [Send(Pong(77).encode())]
    assert connection.received(Pong(1).encode(), 1) == []


def test_what_is_optional_and_unknown_is_ignored():
    assert attached().received(b"\x90anything", 1) == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\x7f", CloseCode.UNKNOWN),
        (KEY + b"\x01\x00\x00", CloseCode.UNKNOWN),
        (KEY[:-1], CloseCode.PROTOCOL),
        (Frame(1, 0, (), b"").encode(), CloseCode.UNKNOWN),
        (b"\x16\x00\x00\x00\x00", CloseCode.LIMIT),
        (b"\x80" + bytes(MAX_CLIENT_MESSAGE), CloseCode.LIMIT),
        (b"\x12\xff\xff", CloseCode.LIMIT),
        (b"\x12\x00\x01\xff", CloseCode.PROTOCOL),
    ],
)
def test_rubbish_ends_with_a_reason(message, code):
    closes(attached().received(message, 1), code)


def test_silence_is_noticed_within_seven_seconds():
    connection = attached()
    now, pings = 0.0, 0
    while connection.phase is Phase.ATTACHED:
        now += 0.5
        commands = connection.tick(now)
        pings += sum(isinstance(c, Send) and c.data[0] == Ping.TYPE for c in commands)
    assert 6 <= now <= 7
    assert pings == 2
    closes(commands, CloseCode.TIMEOUT)


def test_a_viewer_that_answers_stays():
    connection = attached()
    for second in range(1, 100):
        connection.tick(second)
        connection.received(Pong(0).encode(), second)
    assert connection.phase is Phase.ATTACHED


def test_a_hello_has_to_come_in_time():
    connection = TsgConnection(0)
    assert connection.tick(9.9) == []
    closes(connection.tick(10), CloseCode.TIMEOUT)


def test_closing_does_not_wait_for_ever():
    connection = attached()
    connection.close(CloseCode.SHUTDOWN, "bye", 1)
    assert connection.close(CloseCode.SHUTDOWN, "again", 1) == []
    assert connection.tick(3.9) == []
    assert connection.tick(4) == [Abort()]


@pytest.mark.parametrize("words", ["x" * 4096, "🦊" * 300, "\ud800"], ids=["long", "wide", "surrogate"])
def test_any_reason_can_be_said(words):
    closes(attached().close(CloseCode.SESSION_ENDED, words, 1), CloseCode.SESSION_ENDED)


def test_a_flood_is_stopped_and_typing_is_not():
    connection = attached()
    text = TypeText("x" * 4000).encode()
    for _ in range(MAX_BURST // len(text) - 1):
        assert connection.received(text, 1)[0] == Relay(text)
    commands = []
    while connection.phase is Phase.ATTACHED:
        commands = connection.received(text, 1)
    closes(commands, CloseCode.LIMIT)

    steady = attached()
    for number in range(20000):
        assert steady.received(KEY, number * MIN_COST / MAX_RATE) == [Relay(KEY)]


@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from([KEY, HELLO.encode(), b"\x01\0\0\0\1"]))))
def test_any_bytes_make_known_commands_or_a_documented_close(messages):
    connection = TsgConnection(0)
    for message in messages:
        for command in connection.received(message, 0):
            match command:
                case Relay(data):
                    assert data == message
                case Send(data):
                    decode(data, FROM_SERVER)
                case Shut(code, _):
                    assert code in CloseCode
                    assert connection.phase is Phase.CLOSING


@given(st.integers(0, 0xFFFFFFFF))
def test_every_nonce_comes_back(nonce):
    [send] = attached().received(Ping(nonce).encode(), 0)
    assert struct.unpack(">BI", send.data) == (Pong.TYPE, nonce)
