"""Rubbish into the D-Bus reader: messages or ProtocolError, the same whatever way the bytes are cut."""

from hypothesis import given
from hypothesis import strategies as st

from sessions.wire import qemu_display
from sessions.wire.dbus import MessageReader, SignOn
from sessions.wire.errors import ProtocolError
from tests.sessions.wire import dbus_messages as peer

WHOLE = [
    peer.call("GetAll", "s", ("x",), interface="org.freedesktop.DBus.Properties"),
    peer.scanout(3, 2, bytes(range(24))),
    peer.scanout(200, 100, bytes(80_000)),
    peer.update(1, 1, 2, 1, b"12345678"),
    peer.call("CursorDefine", "iiiiay", (1, 1, 0, 0, b"1234")),
    peer.call("MouseSet", "iii", (1, 2, 1)),
    peer.error(4, "a.b", "c"),
]


@st.composite
def streams(draw):
    data = bytearray()
    for message in draw(st.lists(st.sampled_from(WHOLE), min_size=1, max_size=4)):
        data += message
        if draw(st.booleans()):
            place = len(data) - 1 - draw(st.integers(0, min(len(message), 200) - 1))
            data[place] = draw(st.integers(0, 255))
        if draw(st.booleans()):
            start = len(data) - len(message)
            data[start + draw(st.integers(0, min(len(message), 160) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) if draw(st.booleans()) else bytes(data)


def outcome(data, step):
    reader, seen = MessageReader(), []
    try:
        for message in peer.feed(reader, data, step):
            seen.append((message.kind, message.member, message.signature, bytes(message.body)))
            event = qemu_display.parse(message)
            seen.append(type(event))
            if message.signature == "s":
                seen.append(message.values("s"))
    except ProtocolError as error:
        seen.append(str(error))
    return seen


@given(streams(), st.sampled_from([1, 7, 16, 1000, 65_536]))
def test_a_message_or_an_error_however_it_is_cut(data, step):
    if step < 16 and len(data) > 20_000:
        step = 997
    assert outcome(data, step) == outcome(data, 1 << 30)


@given(
    st.lists(st.sampled_from([b"OK 1\r\n", b"AGREE_UNIX_FD\r\n", b"\r\n", b"\r"]) | st.binary(max_size=600))
)
def test_the_sign_on_answers_or_refuses(pieces):
    sign_on = SignOn(0)
    try:
        for piece in pieces:
            assert sign_on.receive(piece) in (b"", b"NEGOTIATE_UNIX_FD\r\n", b"BEGIN\r\n")
    except ProtocolError:
        pass
