"""Rubbish from a guest's clipboard agent: the same messages whatever way the bytes are cut, or one error."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from sessions.wire import vdagent
from sessions.wire.vdagent import Content, Data, TooLarge, VdagentReader
from tests.fuzz.pieces import outcome

MAXIMUM = 64


def chunk(data, port=1):
    return struct.pack("<II", port, len(data)) + data


def message(kind, body, protocol=1):
    return struct.pack("<IIQI", protocol, kind, 0, len(body)) + body


NUMBERS = st.sampled_from([0, 1, 2, 3, 4, 6, 7, 8, 9, 14, 64, 0xFFFFFFFF])
WHOLE = st.sampled_from([
    vdagent.announce(True), vdagent.grab([1, 2, 9]), vdagent.release(), vdagent.request(2),
    vdagent.data(1, b"text"), vdagent.data(1, b"x" * 200), vdagent.data(0, bytes(8)),
])  # fmt: skip
MESSAGES = WHOLE | st.builds(message, NUMBERS, st.binary(max_size=100), st.sampled_from([1, 1, 1, 2]))
CHUNKS = st.builds(chunk, MESSAGES | st.binary(max_size=40), st.sampled_from([1, 1, 1, 2, 3]))
IN_BYTES = MESSAGES.map(lambda whole: b"".join(chunk(bytes([byte])) for byte in whole))
STREAMS = st.lists(CHUNKS | IN_BYTES)


@given(STREAMS.map(b"".join), st.lists(st.integers(0, 900)))
def test_the_same_messages_however_it_is_cut(data, cuts):
    whole = outcome(VdagentReader(MAXIMUM), data, range(len(data)))
    assert outcome(VdagentReader(MAXIMUM), data, [min(cut, len(data)) for cut in cuts]) == whole


@given(STREAMS.map(b"".join))
def test_no_more_is_held_than_may_come(data):
    reader = VdagentReader(MAXIMUM)
    for at in range(0, len(data), 7):
        try:
            for told in reader.receive(data[at : at + 7]):
                assert not isinstance(told, Data) or len(told.data) <= MAXIMUM
        except vdagent.ProtocolError:
            return
        assert len(reader._body) <= vdagent.MAX_BODY + MAXIMUM
        assert len(reader._data) <= 8


def spoken(*messages):
    return b"".join(piece for each in messages for piece in vdagent.chunks(each))


@given(st.binary(max_size=6000), st.booleans())
def test_what_is_said_is_understood(content, selections):
    reader = VdagentReader(4096)
    reader.selections = selections
    said = spoken(vdagent.data(Content.PNG, content, selections), vdagent.grab([1], selections))
    data, grab = reader.receive(said)
    assert data == (Data(Content.PNG, content) if len(content) <= 4096 else TooLarge(len(content)))
    assert grab == vdagent.Grab((1,))


def test_what_is_of_another_selection_or_another_port_is_passed_over():
    reader = VdagentReader(MAXIMUM)
    reader.receive(spoken(vdagent.announce(False)))
    primary = message(vdagent.Kind.GRAB, b"\1\0\0\0" + struct.pack("<I", 1))
    assert reader.receive(chunk(primary) + chunk(vdagent.grab([2]), port=2)) == []
    assert reader.receive(spoken(vdagent.grab([2]))) == [vdagent.Grab((2,))]


def test_a_size_of_4_gib_takes_no_memory():
    reader = VdagentReader(MAXIMUM)
    head = struct.pack("<IIQI", 1, vdagent.Kind.DATA, 0, 0xFFFFFFFF)
    assert reader.receive(chunk(head)) == []
    for _ in range(100):
        assert reader.receive(chunk(bytes(2000))) == []
    assert len(reader._body) == 0
