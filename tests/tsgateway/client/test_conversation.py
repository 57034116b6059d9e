"""Transcripts: what the server says, what the viewer makes of it, what it answers."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.pixels.geometry import Rect, Size
from sessions.wire import tsg
from sessions.wire.tsg import Capability, CloseCode
from tests.tsgateway.client.test_decode import MAGIC, Server, block, exact
from tsgateway.client.viewer.conversation import (
    ABILITIES,
    DRAWING_SECONDS,
    Conversation,
    Drawn,
    Over,
    Stage,
    Welcome,
)
from tsgateway.client.viewer.decode import Picture

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/tsg.json").read_text())
HELLO = tsg.ServerHello(1, "s1", "Work", 1, 24, (Capability.HISTORY, Capability.TEXT))
BOTH = tsg.FrameFlag.NEW_STREAM | tsg.FrameFlag.LAST


class Talk:
    """A conversation, and the clock that it goes by."""

    def __init__(self, **options) -> None:
        self.now = 100.0
        self.picture = Picture()
        self.core = Conversation(b"ticket", self.picture, lambda: self.now, **options)

    @classmethod
    def begun(cls, *messages: tsg.Message, **options) -> "Talk":
        self = cls(**options)
        self.hears(HELLO, tsg.ScreenSize(4, 2), *messages)
        self.says()
        return self

    def hears(self, *messages: tsg.Message) -> list:
        return [event for each in messages for event in self.core.receive(each.encode())]

    def says(self) -> list[tsg.Message | None]:
        return [tsg.decode(each, tsg.FROM_VIEWER) for each in self.core.outgoing()]


def frame(number: int, flags: int = BOTH, history: bytes = b"") -> tsg.Frame:
    return tsg.Frame(number, flags, (exact(0, 0, 4, 2),), history or Server().history(bytes(32)))


BROKEN = frame(0, BOTH, MAGIC + block(0, 5, b"short"))


def test_the_example_of_the_protocol() -> None:
    talk = Talk(client="demo", size=Size(800, 600))
    assert talk.says() == [tsg.ClientHello(1, b"ticket", "demo", 800, 600, (1, *ABILITIES))]
    assert talk.hears(HELLO) == [Welcome(HELLO)]
    assert talk.hears(tsg.State(1, 255, "")) == [tsg.State(1, 255, "")]
    assert talk.hears(tsg.ScreenSize(4, 2)) == [tsg.ScreenSize(4, 2)]
    history = bytes.fromhex("28b52ffd0070540000203060c00001003 38e08".replace(" ", ""))
    assert talk.hears(frame(1, BOTH, history)) == [Drawn((Rect(0, 0, 4, 2),))]
    assert talk.picture.pixels.tolist() == [[[0x30, 0x60, 0xC0, 0]] * 4] * 2
    assert talk.says() == [tsg.Ack(1, 0, 0)]
    assert talk.core.say(tsg.Key(1, 0, 0x61))
    assert talk.says() == [tsg.Key(1, 0, 0x61)]
    assert talk.hears(tsg.Close(CloseCode.SESSION_ENDED, "The guest is off.")) == [
        Over(CloseCode.SESSION_ENDED, "The guest is off.")
    ]
    assert not talk.core.say(tsg.Key(1, 0, 0x61))
    assert (talk.says(), talk.hears(tsg.Ping(1))) == ([], [])


def test_a_picture_is_acknowledged_when_it_is_on_the_screen_and_numbers_never_go_back() -> None:
    talk, server = Talk.begun(presents=True), Server()
    talk.hears(frame(1, BOTH, server.history(bytes(32))))
    assert talk.says() == []
    talk.now += 0.008
    talk.core.presented()
    assert talk.says() == [tsg.Ack(1, 0, 8000)]
    talk.hears(frame(2, tsg.FrameFlag.LAST, server.history(bytes(32))))
    talk.now += 0.001
    talk.hears(frame(3, 0, server.history(bytes(32))))
    assert talk.says() == [tsg.Ack(2, 0, 1000), tsg.Ack(3, 0, 0)]
    talk.core.presented()
    assert talk.says() == []


def test_what_comes_while_a_picture_is_drawn_is_shown_after_it() -> None:
    talk, server = Talk.begun(presents=True), Server()
    white, grey, black = bytes([255] * 32), bytes([128] * 32), bytes(32)
    assert talk.hears(frame(1, BOTH, server.history(white))) == [Drawn((Rect(0, 0, 4, 2),))]
    for number, colour in ((2, grey), (3, black)):
        assert talk.hears(frame(number, tsg.FrameFlag.LAST, server.history(colour))) == []
    assert talk.picture.pixels.tobytes() == white
    assert talk.core.presented() == [Drawn((Rect(0, 0, 4, 2),) * 2)]
    assert talk.picture.pixels.tobytes() == black
    assert talk.says() == [tsg.Ack(1, 0, 0)]
    assert talk.core.presented() == []
    assert talk.says() == [tsg.Ack(3, 0, 0)]


def test_a_picture_that_waits_is_shown_before_another_one_is_begun_on_it() -> None:
    talk, server = Talk.begun(presents=True), Server()
    talk.hears(frame(1, BOTH, server.history(bytes(32))))
    grey = bytes([128] * 32)
    talk.hears(frame(2, tsg.FrameFlag.LAST, server.history(grey)))
    assert talk.hears(frame(3, 0, server.history(bytes(32)))) == [Drawn((Rect(0, 0, 4, 2),))]
    assert talk.picture.pixels.tobytes() == grey
    assert [each.number for each in talk.says()] == [2, 3]


def test_a_picture_waits_for_a_window_that_does_not_draw_for_a_moment_only() -> None:
    talk, server = Talk.begun(presents=True), Server()
    talk.hears(frame(1, BOTH, server.history(bytes(32))))
    assert talk.hears(frame(2, tsg.FrameFlag.LAST, server.history(bytes(32)))) == []
    talk.now += 2 * DRAWING_SECONDS
    assert len(talk.hears(frame(3, tsg.FrameFlag.LAST, server.history(bytes(32))))) == 1


def test_a_picture_that_waits_is_gone_with_its_screen_and_with_a_broken_stream() -> None:
    for last in (tsg.ScreenSize(2, 2), BROKEN):
        talk, server = Talk.begun(presents=True), Server()
        talk.hears(frame(1, BOTH, server.history(bytes(32))))
        talk.hears(frame(2, tsg.FrameFlag.LAST, server.history(bytes([128] * 32))))
        talk.hears(last)
        assert talk.core.presented() == []
        assert talk.picture.pixels.tobytes() == bytes(32)


def test_pings_go_out_in_silence_and_are_answered() -> None:
    talk = Talk.begun()
    assert talk.core.tick() == (2.0, [])
    assert talk.says() == [tsg.Ping(1)]
    talk.now += 0.03
    assert talk.hears(tsg.Pong(1), tsg.Ping(77)) == []
    assert talk.core.round_trip == pytest.approx(0.03)
    assert talk.says() == [tsg.Pong(77)]
    talk.now += 2
    assert talk.core.tick()[1] == []
    assert talk.says() == [tsg.Ping(2)]
    talk.now += 5
    assert talk.core.tick()[1] == [Over(None, "Nothing comes over the line any more.")]
    assert talk.core.stage is Stage.OVER


def test_a_server_that_says_nothing_is_left() -> None:
    talk = Talk()
    assert talk.core.tick() == (2.0, [])
    talk.now += 10
    assert talk.core.tick() == (0, [Over(None, "The gateway does not answer.")])


def test_a_broken_picture_is_asked_for_again_once() -> None:
    talk = Talk.begun()
    assert talk.hears(BROKEN) == []
    assert talk.says() == [tsg.Refresh(), tsg.Ack(0, 0, 0)]
    assert talk.hears(frame(1, tsg.FrameFlag.LAST, b"\0")) == []  # of the old stream
    assert talk.says() == [tsg.Ack(1, 0, 0)]
    assert talk.hears(frame(2)) == [Drawn((Rect(0, 0, 4, 2),))]
    assert talk.says() == [tsg.Ack(2, 0, 0)]
    assert talk.hears(BROKEN) == []
    [over] = talk.hears(BROKEN)
    assert over.code == CloseCode.PROTOCOL
    assert "less history than a frame has pixels" in over.reason
    assert talk.says()[-1] == tsg.Close(over.code, over.reason)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([tsg.ScreenSize(4, 2)], CloseCode.PROTOCOL),
        ([HELLO, HELLO], CloseCode.PROTOCOL),
        ([tsg.ServerHello(2, "", "", 1, 24, ())], CloseCode.VERSION),
        ([tsg.ServerHello(1, "", "", 1, 28, ())], CloseCode.LIMIT),
        ([HELLO, BROKEN, frame(1), BROKEN, BROKEN], CloseCode.PROTOCOL),  # before the screen's size
    ],
)
def test_a_server_against_the_rules(messages: list[tsg.Message], code: CloseCode) -> None:
    talk = Talk()
    over = talk.hears(*messages)[-1]
    assert (over.code, bool(over.reason)) == (code, True)
    assert talk.says()[-1] == tsg.Close(code, over.reason)
    assert talk.core.leave() == talk.core.cut() == []


CODES = {"LimitExceeded": CloseCode.LIMIT, "UnknownMessage": CloseCode.UNKNOWN}


@pytest.mark.parametrize(
    "mistake",
    [each for each in GOLDEN["malformed"] if "server" in each["from"]],
    ids=lambda each: each["hex"][:24],
)
def test_every_malformed_message_ends_it(mistake: dict) -> None:
    talk = Talk.begun()
    [over] = talk.core.receive(bytes.fromhex(mistake["hex"]))
    assert over.code == CODES.get(mistake["error"], CloseCode.PROTOCOL)


@given(st.lists(st.binary(max_size=40) | st.sampled_from([bytes.fromhex(e["hex"]) for e in GOLDEN["valid"]])))
def test_rubbish_among_valid_messages_ends_it_once_at_most(messages: list[bytes]) -> None:
    talk = Talk.begun()
    events = [event for each in messages for event in talk.core.receive(each)]
    ends = [event for event in events if isinstance(event, Over)]
    assert len(ends) == (talk.core.stage is Stage.OVER)
    assert all(isinstance(message, tsg.Message) for message in talk.says())
