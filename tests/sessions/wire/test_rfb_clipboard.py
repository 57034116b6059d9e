"""RFB's clipboard messages: what is said is understood, and what is hostile stays small."""

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.rfb import clipboard as wire
from sessions.wire.rfb.clipboard import Action, CutText, Formats

MAXIMUM = 1000


def read(message, maximum=MAXIMUM):
    """The events of one message, whose head is that of either side."""
    (length,) = struct.unpack_from(">i", message, 4)
    body = memoryview(message)[8:]
    assert len(body) == abs(length)
    parser, events, at = wire.cut_text(length, maximum), [], 0
    try:
        step = next(parser)
        while True:
            if isinstance(step, int):
                at += step
                step = parser.send(body[at - step : at])
            else:
                events.append(step)
                step = parser.send(memoryview(b""))
    except StopIteration:
        assert at == len(body)
        return events


@given(st.binary(max_size=1500))
def test_plain_text(text):
    kept = text if len(text) <= MAXIMUM else None
    assert read(wire.client_cut_text(text)) == [CutText(kept, len(text))]


@given(st.dictionaries(st.sampled_from([Formats.TEXT, Formats.HTML]), st.binary(max_size=1000)))
def test_contents(contents):
    assert read(wire.provide(contents)) == [wire.ClipboardProvide(contents)]


def test_what_else_is_said():
    both = Formats.TEXT | Formats.HTML
    (caps,) = read(wire.caps())
    assert caps.formats == both
    assert Action.PROVIDE in caps.actions
    assert Action.CAPS not in caps.actions
    assert read(wire.notify(Formats.TEXT)) == [wire.ClipboardNotify(Formats.TEXT)]
    assert read(wire.request(both)) == [wire.ClipboardRequest(both)]
    assert read(wire._message(struct.pack(">I", Action.PEEK))) == [wire.ClipboardPeek()]
    assert read(wire._message(struct.pack(">I", 1 << 31))) == []


def provided(packed, formats=1):
    return wire._message(struct.pack(">I", Action.PROVIDE | formats) + packed)


def test_a_bomb_is_not_unpacked():
    bomb = zlib.compress(struct.pack(">I", 1 << 30) + bytes(64 << 20), 9)
    assert read(provided(bomb)) == [wire.ClipboardProvide(None)]


@pytest.mark.parametrize("packed", [b"rubbish", zlib.compress(b"\0\0"), zlib.compress(b"\0\0\0\5four")])
def test_rubbish_is_an_error(packed):
    with pytest.raises(ProtocolError):
        read(provided(packed))


def test_formats_that_nobody_knows_are_passed_over():
    packed = zlib.compress(struct.pack(">I4s", 4, b"text") + struct.pack(">I3s", 3, b"rtf"))
    assert read(provided(packed, 0b11)) == [wire.ClipboardProvide({Formats.TEXT: b"text"})]


def test_lengths_without_end_are_refused():
    with pytest.raises(LimitExceeded):
        next(wire.cut_text(-wire.MAX_EXTENDED - 1, MAXIMUM))
    with pytest.raises(ProtocolError):
        next(wire.cut_text(-3, MAXIMUM))


@given(st.binary(max_size=300))
def test_whatever_comes_ends_in_an_event_or_an_error(body):
    with contextlib.suppress(ProtocolError):
        assert len(read(wire._message(body))) <= 1
