"""QEMU's sound over RFB: messages written here from the specification, not by the client's code."""

import contextlib
import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.rfb.audio import MAX_PIECE, AudioClient, Begun, Samples
from sessions.wire.rfb.handshake import Refused
from tests.sessions.wire import rfb_server

KNOWS_SOUND = rfb_server.update(rfb_server.rectangle(0, 0, 0, 0, -259))
BELL, PALETTE, CLIPBOARD = b"\2", b"\1\0\0\0\0\2" + bytes(12), b"\3\0\0\0\0\0\0\5hello"


def sound(operation, data=b""):
    return struct.pack(">BBH", 255, 1, operation) + data


def samples(data):
    return sound(2, struct.pack(">I", len(data)) + data)


WHOLE = b"".join(
    [rfb_server.hello(), BELL, KNOWS_SOUND, sound(1), samples(b"abcd" * 3), PALETTE, CLIPBOARD, samples(b""),
     samples(b"wxyz"), sound(0)]
)  # fmt: skip
HEARD = [Begun.BEGINS, Samples(b"abcd" * 3), Samples(b"wxyz"), Begun.ENDS]


def test_it_asks_for_sound_and_for_no_pictures():
    client = AudioClient()
    client.receive(rfb_server.hello())
    assert client.data_to_send() == b"RFB 003.008\n\1\1" + struct.pack(">BxHi", 2, 1, -259)
    assert not client.agreed
    client.receive(KNOWS_SOUND)
    assert client.agreed
    assert client.data_to_send() == b"\xff\1\0\2\3\2" + struct.pack(">I", 48000) + b"\xff\1\0\0"


def test_what_is_played_comes_out_and_the_rest_is_skipped():
    assert AudioClient().receive(WHOLE) == HEARD


@given(st.lists(st.integers(0, len(WHOLE)), max_size=30))
def test_however_it_is_cut(cuts):
    client, edges = AudioClient(), [0, *sorted(cuts), len(WHOLE)]
    found = [event for start, end in itertools.pairwise(edges) for event in client.receive(WHOLE[start:end])]
    assert found == HEARD


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (samples(b"abc"), ProtocolError),
        (sound(2, struct.pack(">I", MAX_PIECE + 4)), LimitExceeded),
        (sound(2, b"\xff\xff\xff\xff"), LimitExceeded),
        (sound(3), ProtocolError),
        (b"\xff\2\0\0", ProtocolError),
        (rfb_server.update(rfb_server.raw(0, 0, 1, 1, b"abcd")), ProtocolError),
        (b"\3\0\0\0\xff\xff\xff\xff", LimitExceeded),
        (b"\x42", ProtocolError),
    ],
)
def test_what_no_server_says(data, error):
    client = AudioClient()
    client.receive(rfb_server.hello())
    with pytest.raises(error):
        client.receive(data)


def test_a_server_that_wants_a_password():
    with pytest.raises(Refused):
        AudioClient().receive(b"RFB 003.008\n\1\2" + bytes(16))


@given(st.binary(max_size=200))
def test_rubbish_is_an_error_or_nothing(data):
    client = AudioClient()
    client.receive(rfb_server.hello())
    with contextlib.suppress(ProtocolError):
        assert all(isinstance(event, Begun | Samples) for event in client.receive(data))
