"""Rubbish into the RFB client: events or ProtocolError, the same whatever way the bytes are cut."""

import struct

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Rect, Size
from sessions.wire.errors import ProtocolError
from sessions.wire.rfb import RfbClient
from sessions.wire.rfb.client import COMPACT
from sessions.wire.rfb.events import CHUNK, Copied, Pixels, Ready, Resized
from tests.sessions.wire import rfb_server as server

SIDES = st.integers(0, 70) | st.sampled_from([8192, 8193, 65535])


def outcome(data, cuts):
    """Everything that can be seen from outside: events, picture, bytes to send, error."""
    client, screen, seen, at = RfbClient(b"secret", encodings=COMPACT), Framebuffer(), [], 0
    client.server.memory = lambda *box: in_place(client, screen, Rect(*box))
    error = None
    try:
        for cut in [*sorted(cuts), len(data)]:
            while at < cut:
                room = client.buffer()
                assert 0 < len(room) <= 2 * CHUNK
                piece = data[at : min(cut, at + len(room))]
                room[: len(piece)] = piece
                at += len(piece)
                for event in client.received(len(piece)):
                    seen.append(apply(event, screen))
    except ProtocolError as caught:
        error = str(caught)
    return seen, screen.size, screen.pixels.tobytes(), client.data_to_send(), error


def in_place(client, screen, rect):
    return screen.memory(rect) if screen.size == (client.server.width, client.server.height) else None


def apply(event, screen):
    """Do what a display does: nothing that the core lets through may be out of place."""
    match event:
        case Ready(width, height) | Resized(width, height):
            screen.resize(Size(min(width, 200), min(height, 200)))
            assert 0 <= width <= 8192
            assert 0 <= height <= 8192
        case Pixels(x, y, width, height, data):
            rows = np.frombuffer(data, "<u4").reshape(height, width)
            if Rect(x, y, width, height).within(screen.size):
                screen.write(Rect(x, y, width, height), rows)
            return (x, y, width, height, bytes(data))
        case Copied(x, y, width, height, from_x, from_y):
            if all(Rect(*at, width, height).within(screen.size) for at in ((x, y), (from_x, from_y))):
                screen.copy(Rect(from_x, from_y, width, height), x, y)
    return event


@st.composite
def rectangles(draw):
    encoding = draw(st.sampled_from([0, 1, 5, 16, -223, -224, -239, -257, -258, -307, -308, -314, -316, 7]))
    x, y, width, height = (draw(SIDES) for _ in range(4))
    if encoding == 16 and draw(st.booleans()):
        tiles = draw(st.lists(st.binary(max_size=60), max_size=4))
        return server.zrle(x, y, width, height, *tiles)
    if encoding == 0 and width * height < 5000:
        return server.raw(x, y, width, height, draw(st.binary(max_size=3)).ljust(width * height * 4, b"x"))
    length = st.integers(0, 40).map(lambda n: struct.pack(">I", n))
    data = draw(st.binary(max_size=60) | length | st.builds(bytes.__add__, length, st.binary(max_size=60)))
    return server.rectangle(x, y, width, height, encoding, data)


messages = st.one_of(
    st.lists(rectangles(), max_size=4).map(lambda several: server.update(*several)),
    st.lists(rectangles(), max_size=3).map(lambda several: server.update(*several, count=0xFFFF)),
    st.binary(max_size=40),
)
streams = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=100).map(lambda tail: b"RFB 003.008\n" + tail),
    st.binary(max_size=100).map(lambda tail: b"RFB 003.003\n" + tail),
    st.builds(
        lambda size, several: server.hello(*size) + b"".join(several),
        st.tuples(SIDES, SIDES),
        st.lists(messages, max_size=6),
    ),
)


@given(streams, st.data())
@settings(max_examples=400)
def test_events_or_protocol_error_and_the_same_however_cut(stream, data):
    whole = outcome(stream, [])
    assert outcome(stream, range(len(stream)) if len(stream) < 3000 else []) == whole
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=5))
    assert outcome(stream, cuts) == whole
