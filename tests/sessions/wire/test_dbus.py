"""D-Bus framing and sign-on, whole and byte by byte."""

import struct

import pytest
from jeepney.low_level import Message as JeepneyMessage

from sessions.wire import dbus
from sessions.wire.dbus import KEEP_BULK, SMALL, MessageReader, SignOn, Target
from sessions.wire.errors import LimitExceeded, ProtocolError
from tests.sessions.wire import dbus_messages as peer


def seen(message):
    """A message's lasting content; its body is lent."""
    return (message.kind, message.serial, message.interface, message.member, message.reply_to,
            message.signature, bytes(message.body), tuple(message.descriptors))  # fmt: skip


BIG = bytes(range(256)) * 1024
STREAM = (
    peer.call("GetAll", "s", ("x",), interface="org.freedesktop.DBus.Properties", serial=3)
    + peer.scanout(256, 256, BIG)
    + peer.call("MouseSet", "iii", (1, -2, 1))
    + peer.update(1, 2, 2, 1, b"12345678")
    + peer.scanout(128, 128, BIG[: 128 * 128 * 4])
    + peer.reply(5)
    + peer.error(6, "org.x.Y", "no")
)


@pytest.mark.parametrize("step", [1, 3, 4096, 100_000, 1 << 30])
def test_a_stream_is_the_same_however_it_is_cut(step):
    messages = [seen(message) for message in peer.feed(MessageReader(), STREAM, step)]
    assert [(m[3], m[4], len(m[6])) for m in messages] == [
        ("GetAll", 0, 6), ("Scanout", 0, 20 + len(BIG)), ("MouseSet", 0, 12), ("Update", 0, 36),
        ("Scanout", 0, 20 + 65536), ("", 5, 0), ("", 6, 7),
    ]  # fmt: skip
    assert messages[1][6][20:] == BIG
    assert messages == [seen(message) for message in peer.feed(MessageReader(), STREAM)]


def test_a_large_message_is_received_in_place_and_its_memory_is_used_again():
    reader, places = MessageReader(), []
    for _ in range(2):
        for message in peer.feed(reader, peer.scanout(256, 256, BIG)):
            places.append(message.body.obj)
    assert places[0] is places[1]
    data = peer.scanout(256, 256, BIG)
    head = reader.buffer()
    head[:100] = data[:100]
    assert list(reader.received(100)) == []
    assert len(reader.buffer()) == len(data) - 100  # exactly the rest: nothing is copied again


def test_values_are_read_by_the_signature_asked_for():
    (message,) = peer.feed(MessageReader(), peer.call("MouseSet", "iii", (1, -2, 1)))
    assert message.values("iii") == (1, -2, 1)
    with pytest.raises(ProtocolError, match=r"MouseSet\(iii\), not \(s\)"):
        message.values("s")


def test_descriptors_go_to_the_message_that_announces_them():
    reader = MessageReader()
    reader.add_descriptors([71, 72, 73])
    data = peer.call("MouseSet", "iii", (0, 0, 0))
    data += peer.call("ScanoutMap", "u", (0,), fds=2)
    first, second = peer.feed(reader, data)
    assert (list(first.descriptors), list(second.descriptors)) == ([], [71, 72])
    assert reader.take_descriptors() == [73]
    assert reader.take_descriptors() == []


def test_announced_descriptors_must_have_come():
    with pytest.raises(ProtocolError, match="1 descriptors announced, 0 came"):
        list(peer.feed(MessageReader(), peer.call("ScanoutMap", "u", (0,), fds=1)))


def test_descriptors_nobody_announces_are_bounded():
    reader = MessageReader()
    with pytest.raises(LimitExceeded):
        reader.add_descriptors(list(range(100, 117)))


def fixed(endian=b"l", kind=1, version=1, body=0, fields=0):
    return endian + bytes([kind, 0, version]) + struct.pack("<III", body, 1, fields)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (fixed(endian=b"B"), ProtocolError), (fixed(kind=0), ProtocolError), (fixed(kind=5), ProtocolError),
        (fixed(version=2), ProtocolError), (fixed(body=0xFFFFFFFF), LimitExceeded),
        (fixed(fields=0xFFFFFFF0), LimitExceeded), (fixed(fields=4097), LimitExceeded),
        (fixed(body=dbus.MAX_MESSAGE), LimitExceeded),
        (fixed(fields=8) + b"\x01\x01s\0\xff\0\0\0", ProtocolError),  # a path must be an `o`
        (fixed(fields=8) + b"\x01\x01o\0\xff\0\0\0", ProtocolError),  # beyond the header
        (fixed(fields=10) + b"\x02\x01s\0\1\0\0\0\xff\0" + bytes(6), ProtocolError),  # not UTF-8
        (fixed(fields=8) + b"\x02\x03a()\0\0\0", ProtocolError),
        (fixed(fields=8) + b"\x63\x01u\0\0\0\0\0", ProtocolError),
        (fixed(fields=3) + b"\x01\x01o" + bytes(5), ProtocolError),
        (fixed(fields=16) + b"\x05\x01u\0\1\0\0\0" * 2, ProtocolError),  # twice the same
    ],
)  # fmt: skip
def test_broken_framing_is_refused(data, error):
    with pytest.raises(error):
        list(peer.feed(MessageReader(), data))


def test_no_memory_is_taken_for_a_length_beyond_the_limit():
    reader = MessageReader()
    with pytest.raises(LimitExceeded):
        list(peer.feed(reader, fixed(body=0xFFFF0000)))
    assert len(reader._bulk) == 0


def test_a_body_longer_than_small_is_no_small_values():
    (message,) = peer.feed(MessageReader(), peer.call("X", "ay", (bytes(SMALL + 1),)))
    with pytest.raises(LimitExceeded):
        message.values("ay")


@pytest.mark.parametrize("body", [b"\xff\xff\xff\xff", b"\4\0\0\0abc", b"\3\0\0\0abcd", b"\1\0\0\0\xff\0"])
def test_a_string_that_lies_about_itself_is_refused(body):
    good = peer.call("X", "s", ("",))
    data = good[:4] + struct.pack("<I", len(body)) + good[8:-5] + body
    (message,) = peer.feed(MessageReader(), data)
    with pytest.raises(ProtocolError):
        message.values("s")


def test_calls_and_answers_are_what_another_implementation_reads():
    target = Target("/a/b", "c.d")
    message = JeepneyMessage.from_buffer(dbus.call(7, target, "Do", "us", (1, "é")))
    assert message.body == (1, "é")
    assert message.header.serial == 7
    assert {key.name: value for key, value in message.header.fields.items()} == {
        "path": "/a/b", "interface": "c.d", "member": "Do", "signature": "us",
    }  # fmt: skip
    (call,) = peer.feed(MessageReader(), peer.call("GetAll", "s", ("x",), serial=42))
    answer = JeepneyMessage.from_buffer(dbus.answer(8, call, "a{sv}", ({"I": ("as", ["x"])},)))
    assert {key.name: value for key, value in answer.header.fields.items()}["reply_serial"] == 42
    assert answer.body == ({"I": ("as", ["x"])},)


def test_a_descriptor_is_sent_as_its_index():
    data = dbus.call(1, Target("/a", "b.c"), "RegisterListener", "h", (0,))
    message = JeepneyMessage.from_buffer(data, fds=[77])
    assert message.body == (77,)


@pytest.mark.parametrize("step", [1, 5, 100])
def test_the_sign_on_byte_by_byte(step):
    sign_on, sent = SignOn(1000), []
    assert sign_on.first == b"\0AUTH EXTERNAL 31303030\r\n"
    for line in (b"OK 1234deadbeef\r\n", b"AGREE_UNIX_FD\r\n"):
        assert not sign_on.done
        for start in range(0, len(line), step):
            sent.append(sign_on.receive(line[start : start + step]))
    assert sign_on.done
    assert b"".join(sent) == b"NEGOTIATE_UNIX_FD\r\nBEGIN\r\n"


@pytest.mark.parametrize(
    "lines",
    [[b"REJECTED EXTERNAL\r\n"], [b"OK 1\r\n", b"ERROR\r\n"], [b"OK 1\r\nAGREE_UNIX_FD\r\n"], [b"x" * 513]],
)
def test_a_refused_sign_on(lines):
    sign_on = SignOn(0)
    *accepted, refused = lines
    for line in accepted:
        sign_on.receive(line)
    with pytest.raises(ProtocolError):
        sign_on.receive(refused)


def test_the_memory_of_large_messages_is_let_go_of_when_there_are_none_any_more():
    reader = MessageReader()
    (first,) = [message.body.obj for message in peer.feed(reader, peer.scanout(256, 256, BIG))]
    small = peer.update(1, 2, 2, 1, b"12345678")
    list(peer.feed(reader, small * (KEEP_BULK - 1)))
    (second,) = [message.body.obj for message in peer.feed(reader, peer.scanout(256, 256, BIG))]
    assert second is first
    list(peer.feed(reader, small * KEEP_BULK))
    assert len(reader._bulk) == 0
    (third,) = peer.feed(reader, peer.scanout(256, 256, BIG))
    assert bytes(third.body[20:]) == BIG
