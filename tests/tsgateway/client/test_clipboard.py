"""Transcripts of the clipboard: what the server says, what becomes of it, what the viewer answers."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire import tsg
from sessions.wire.tsg import (
    CLIPBOARD_PIECE,
    CLIPBOARD_WINDOW,
    UNKNOWN_SIZE,
    Capability,
    ClipboardReason,
    CloseCode,
)
from sessions.wire.tsg import ClipboardFormat as Format
from sessions.wire.tsg.clipboard import FROM_BOTH, FROM_SERVER
from tests.tsgateway.client.test_conversation import Talk
from tsgateway.client import ClientError, NoRight, Refused, Unavailable
from tsgateway.client.viewer import Clipboard, Content, Copied, NotTaken, Offered, Over, Taken
from tsgateway.client.viewer.clipboard import MAX_SENDS

IN, OUT = Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT
STATE = tsg.ClipboardState(0b111, 1_000_000)
TEXT, HTML, PNG = Format.TEXT, Format.HTML, Format.PNG


def begun(*able: Capability, at_once: int = 0) -> tuple[Talk, Clipboard]:
    """A conversation with a desktop whose clipboard takes everything, up to a million bytes."""
    clipboard = Clipboard(at_once)
    talk = Talk(clipboard=clipboard)
    [hello] = talk.says()
    assert set(hello.capabilities) >= {IN, OUT}
    talk.hears(tsg.ServerHello(1, "s1", "Work", 1, 24, (1, *able)))
    assert talk.hears(STATE) == [STATE]
    return talk, clipboard


def offer(id: int, *formats: int) -> tsg.ClipboardOffer:
    return tsg.ClipboardOffer(id, tuple(tsg.ClipboardPart(each, UNKNOWN_SIZE) for each in formats))


def test_what_the_guest_copies_is_fetched_when_it_is_asked_for() -> None:
    talk, clipboard = begun(IN, OUT)
    assert talk.hears(offer(1, TEXT, HTML, 99)) == [Offered((TEXT, HTML))]
    assert talk.says() == []
    assert clipboard.take()
    assert talk.says() == [tsg.ClipboardRequest(1, TEXT, 1_000_000), tsg.ClipboardRequest(1, HTML, 1_000_000)]
    assert talk.hears(tsg.ClipboardData(1, TEXT, 6, "Grü".encode())) == []
    assert talk.hears(tsg.ClipboardData(1, HTML, 0, b"")) == []
    assert talk.hears(tsg.ClipboardData(1, TEXT, 6, b"\xffe")) == [Copied(Content("Grü\ufffde"))]
    assert talk.says() == [
        tsg.ClipboardAck(1, TEXT, 4),
        tsg.ClipboardAck(1, HTML, 0),
        tsg.ClipboardAck(1, TEXT, 6),
    ]
    assert not clipboard.take()


def test_what_is_small_is_fetched_at_once_and_what_is_large_when_it_is_asked_for() -> None:
    talk, clipboard = begun(OUT, at_once=1000)
    talk.hears(offer(1, TEXT, PNG))
    assert talk.says() == [tsg.ClipboardRequest(1, TEXT, 1000), tsg.ClipboardRequest(1, PNG, 1000)]
    assert talk.hears(tsg.ClipboardEnd(1, PNG, ClipboardReason.LARGER, 5000, "")) == []
    assert talk.hears(tsg.ClipboardData(1, TEXT, 1, b"a")) == [Copied(Content("a"), ((PNG, 5000),))]
    talk.says()
    assert clipboard.take()
    assert talk.says() == [tsg.ClipboardRequest(1, PNG, 1_000_000)]
    assert talk.hears(tsg.ClipboardData(1, PNG, 2, b"pn")) == [Copied(Content("a", png=b"pn"))]


@pytest.mark.parametrize("size", [0, 1, CLIPBOARD_PIECE, 900_000])
def test_ten_pieces_or_none_arrive_whole(size: int) -> None:
    data = os.urandom(size)
    talk, clipboard = begun(OUT)
    talk.hears(offer(7, PNG))
    clipboard.take()
    pieces = [data[at : at + CLIPBOARD_PIECE] for at in range(0, size, CLIPBOARD_PIECE)] or [b""]
    events = talk.hears(*(tsg.ClipboardData(7, PNG, size, each) for each in pieces))
    assert events == [Copied(Content(png=data))]


def test_something_else_is_copied_meanwhile() -> None:
    talk, clipboard = begun(OUT, at_once=1000)
    talk.hears(offer(1, TEXT), tsg.ClipboardData(1, TEXT, 4, b"ol"))
    assert talk.hears(offer(2, TEXT), tsg.ClipboardData(1, TEXT, 4, b"d!")) == [Offered((TEXT,))]
    assert talk.hears(tsg.ClipboardData(2, TEXT, 3, b"new")) == [Copied(Content("new"))]
    assert talk.hears(offer(3)) == [Offered(())]
    assert clipboard.copy is None
    assert not clipboard.take()


def test_what_cannot_be_had_is_told() -> None:
    talk, _ = begun(OUT, at_once=1000)
    end = tsg.ClipboardEnd(1, TEXT, ClipboardReason.TOO_LARGE, 10**9, "What was copied has 954 MB.")
    assert talk.hears(offer(1, TEXT), end)[1:] == [Copied(Content(), (), "What was copied has 954 MB.")]
    talk.hears(offer(2, TEXT))
    gone = tsg.ClipboardEnd(2, TEXT, ClipboardReason.GONE, 0, "Something else was copied meanwhile.")
    assert talk.hears(gone) == [Copied(Content())]
    larger = tsg.ClipboardEnd(3, TEXT, ClipboardReason.LARGER, 9, "")
    talk.hears(offer(3, TEXT))
    assert talk.hears(larger) == [Copied(Content(), ((TEXT, 9),))]


def test_what_is_given_goes_in_pieces_that_are_acknowledged() -> None:
    talk, clipboard = begun(IN)
    text = "x" * 600_000
    assert clipboard.give(Content(text, html="<b>")) == 1
    parts = (tsg.ClipboardPart(TEXT, 600_000), tsg.ClipboardPart(HTML, 3))
    assert talk.says() == [tsg.ClipboardOffer(1, parts)]
    talk.hears(tsg.ClipboardRequest(1, HTML, 1_000_000))
    assert talk.says() == [tsg.ClipboardData(1, HTML, 3, b"<b>")]
    talk.hears(tsg.ClipboardAck(1, HTML, 3), tsg.ClipboardRequest(1, TEXT, 1_000_000))
    got = b""
    while said := talk.says():
        for each in said:
            assert (each.id, each.format, each.size) == (1, TEXT, 600_000)
            assert 0 < len(each.data) <= CLIPBOARD_PIECE
            got += each.data
        talk.hears(tsg.ClipboardAck(1, TEXT, len(got)))
    assert got.decode() == text
    assert talk.hears(tsg.ClipboardTaken(1)) == [Taken(1)]
    assert (clipboard.given, clipboard.taken) == (1, 1)


def test_not_more_is_on_its_way_than_may_be() -> None:
    talk, clipboard = begun(IN)
    clipboard.give(Content(png=bytes(900_000)))
    talk.says()
    talk.hears(tsg.ClipboardRequest(1, PNG, UNKNOWN_SIZE))
    sent = sum(len(each.data) for each in talk.says())
    assert CLIPBOARD_WINDOW <= sent < CLIPBOARD_WINDOW + CLIPBOARD_PIECE
    talk.hears(tsg.ClipboardAck(1, PNG, CLIPBOARD_PIECE))
    assert [len(each.data) for each in talk.says()] == [CLIPBOARD_PIECE]
    talk.hears(tsg.ClipboardEnd(1, PNG, ClipboardReason.FAILED, 0, "The guest takes no such picture."))
    assert talk.hears(tsg.ClipboardAck(1, PNG, 2 * CLIPBOARD_PIECE)) == []
    assert talk.says() == []


def test_requests_for_what_there_is_not() -> None:
    talk, clipboard = begun(IN)
    clipboard.give(Content("some text"))
    talk.says()
    requests = [(1, TEXT, 4), (1, HTML, 99), (2, TEXT, 99), (1, 77, 99)]
    talk.hears(*(tsg.ClipboardRequest(*each) for each in requests))
    ends = [(each.id, each.format, each.reason, each.size) for each in talk.says()]
    assert ends == [(1, TEXT, 1, 9), (1, HTML, 0, 0), (2, TEXT, 0, 0), (1, 77, 0, 0)]


def test_what_is_not_taken_is_told() -> None:
    talk, clipboard = begun(IN)
    clipboard.give(Content("a"))
    said = tsg.ClipboardEnd(1, TEXT, ClipboardReason.FAILED, 0, "The picture that was copied is too large.")
    assert talk.hears(said) == [NotTaken("The picture that was copied is too large.")]
    assert talk.hears(tsg.ClipboardEnd(1, TEXT, ClipboardReason.GONE, 0, "Gone.")) == []
    assert talk.hears(tsg.ClipboardTaken(2)) == []


def test_what_may_not_pass_does_not() -> None:
    talk, clipboard = begun(OUT)
    with pytest.raises(NoRight):
        clipboard.give(Content("a"))
    talk.hears(tsg.ClipboardRequest(0, TEXT, 99))
    assert talk.says() == []
    talk, clipboard = begun(IN, at_once=1000)
    assert talk.hears(offer(1, TEXT)) == []
    assert (talk.says(), clipboard.take()) == ([], False)
    with pytest.raises(Refused, match=r"has 1\.91 MB; at most 0\.954 MB"):
        clipboard.give(Content("a" * 2_000_000))
    clipboard.give(Content("a" * 2_000_000, html="b"))
    assert talk.says() == [tsg.ClipboardOffer(1, (tsg.ClipboardPart(HTML, 1),))]
    talk.hears(tsg.ClipboardState(1, 1000))
    with pytest.raises(Refused, match="nothing in it"):
        clipboard.give(Content(html="b"))
    talk.hears(tsg.ClipboardState(0, 1000))
    with pytest.raises(Unavailable, match="does not answer"):
        clipboard.give(Content("a"))


def test_after_a_cut_both_sides_begin_again() -> None:
    clipboard = Clipboard()
    for _ in range(2):
        talk = Talk(clipboard=clipboard)
        assert (clipboard.may_in, clipboard.formats, clipboard.copy, clipboard.given) == (
            False,
            frozenset(),
            None,
            0,
        )
        talk.hears(tsg.ServerHello(1, "s1", "Work", 1, 24, (1, IN, OUT)), STATE, offer(1, TEXT))
        number = clipboard.give(Content("a"))
        assert talk.says()[-1] == tsg.ClipboardOffer(number, (tsg.ClipboardPart(TEXT, 1),))
        clipboard.give(Content("b"))
        talk.core.cut()
        assert talk.says() == []


@pytest.mark.parametrize(
    "lies",
    [
        [tsg.ClipboardData(1, PNG, 1_000_001, b"a")],
        [tsg.ClipboardData(1, PNG, 2, b"a"), tsg.ClipboardData(1, PNG, 3, b"a")],
        [tsg.ClipboardData(1, PNG, 2, b"abc")],
        [tsg.ClipboardData(1, PNG, 2, b"")],
    ],
    ids=["too large", "another size", "more than it said", "an empty piece"],
)
def test_a_server_that_lies_about_sizes_is_left(lies: list[tsg.ClipboardData]) -> None:
    talk, clipboard = begun(OUT)
    talk.hears(offer(1, PNG))
    clipboard.take()
    [over] = talk.hears(*lies)
    assert isinstance(over, Over)
    assert over.code in (CloseCode.PROTOCOL, CloseCode.LIMIT)


def test_a_server_that_asks_again_and_again_is_left() -> None:
    talk, clipboard = begun(IN)
    clipboard.give(Content("a"))
    [over] = talk.hears(*[tsg.ClipboardRequest(1, TEXT, 99)] * (MAX_SENDS + 1))
    assert over.code == CloseCode.PROTOCOL
    talk, clipboard = begun(IN)
    clipboard.give(Content("a" * 900_000))
    [over] = talk.hears(*[tsg.ClipboardRequest(1, TEXT, UNKNOWN_SIZE)] * 2)
    assert over.code == CloseCode.PROTOCOL
    talk, clipboard = begun(IN)
    clipboard.give(Content("a" * 900_000))
    [over] = talk.hears(tsg.ClipboardRequest(1, TEXT, UNKNOWN_SIZE), tsg.ClipboardAck(1, TEXT, 10**6))
    assert over.code == CloseCode.PROTOCOL


_PARTS = st.tuples(st.integers(0, 5), st.integers(0, 3000)).map(lambda each: tsg.ClipboardPart(*each))
_ID, _FORMAT, _SIZE = st.integers(0, 2), st.integers(0, 4), st.integers(0, 3000)
_MESSAGES = st.one_of(
    st.builds(tsg.ClipboardOffer, _ID, st.lists(_PARTS, max_size=3).map(tuple)),
    st.builds(tsg.ClipboardRequest, _ID, _FORMAT, _SIZE),
    st.builds(tsg.ClipboardData, _ID, _FORMAT, _SIZE, st.binary(max_size=30)),
    st.builds(tsg.ClipboardAck, _ID, _FORMAT, _SIZE),
    st.builds(tsg.ClipboardEnd, _ID, _FORMAT, st.integers(0, 5), _SIZE, st.just("why")),
    st.builds(tsg.ClipboardTaken, _ID),
    st.builds(tsg.ClipboardState, st.integers(0, 15), st.integers(10, 3000)),
)


@given(st.lists(_MESSAGES, max_size=20), st.booleans())
def test_whatever_a_server_says_is_borne(said: list[tsg.Message], may: bool) -> None:
    talk, clipboard = begun(*((IN, OUT) if may else ()), at_once=1000)
    for message in said:
        try:
            clipboard.give(Content("text", "html", b"png"))
        except ClientError:
            assert not may or not clipboard.formats
        for event in talk.hears(message):
            if isinstance(event, Over):
                return
        assert may or not any(isinstance(each, FROM_BOTH) for each in talk.says())
        clipboard.take()
        assert all(isinstance(each, (*FROM_BOTH, *FROM_SERVER)) for each in talk.says())
