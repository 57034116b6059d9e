"""The listener's messages as values, and what is refused of them."""

import pytest

from sessions.wire import qemu_display as wire
from sessions.wire.dbus import MessageReader
from sessions.wire.errors import ProtocolError
from tests.sessions.wire import dbus_messages as peer

MAP = wire.LISTENER_MAP

WITHOUT_DESCRIPTOR = peer.call("ScanoutMap", "uuuuuu", (0, 0, 1, 1, 4, wire.X8R8G8B8), interface=MAP).replace(
    b"\6uuuuuu", b"\6huuuuu"
)


def parsed(data, descriptors=()):
    reader = MessageReader()
    reader.add_descriptors(descriptors)
    (message,) = peer.feed(reader, data)
    return wire.parse(message)


def test_pictures():
    scanout = parsed(peer.scanout(2, 2, bytes(range(24)), stride=12)).picture
    assert (scanout.x, scanout.y, scanout.width, scanout.height, scanout.stride) == (0, 0, 2, 2, 12)
    assert bytes(scanout.data) == bytes(range(24))
    update = parsed(peer.update(5, 6, 2, 1, b"12345678")).picture
    assert (update.x, update.y, update.width, update.height, bytes(update.data)) == (5, 6, 2, 1, b"12345678")


def test_the_rest():
    assert parsed(peer.call("MouseSet", "iii", (3, -4, 0))) == wire.PointerPlace(3, -4, False)
    assert parsed(peer.call("Disable")) == wire.Blank()
    cursor = parsed(peer.call("CursorDefine", "iiiiay", (1, 2, 0, 1, b"12345678")))
    assert cursor == wire.PointerPicture(1, 2, 0, 1, b"12345678")
    values = (0, 4096, 640, 480, 2560, wire.X8R8G8B8)
    data = peer.call("ScanoutMap", "uuuuuu", values, interface=MAP, fds=1).replace(b"\6uuuuuu", b"\6huuuuu")
    assert parsed(data, [9]) == wire.ScanoutMap(9, 4096, 640, 480, 2560)
    update = peer.call("UpdateMap", "iiii", (1, 2, 3, 4), interface=MAP)
    assert parsed(update) == wire.UpdateMap(1, 2, 3, 4)
    assert parsed(peer.call("UpdateDMABUF", "iiii", (1, 2, 3, 4))) is None


@pytest.mark.parametrize(
    "data",
    [
        peer.scanout(8193, 1, b""), peer.scanout(1, 65535, b""), peer.scanout(2, 2, bytes(15)),
        peer.scanout(2, 1, bytes(8), stride=4), peer.scanout(2, 1, bytes(9), stride=9),
        peer.scanout(1, 1, bytes(4), stride=0xFFFFFFFC), peer.scanout(1, 1, bytes(4), format=0x10020565),
        peer.update(-1, 0, 1, 1, bytes(4)), peer.update(0, 0, -1, 1, bytes(4), stride=4),
        peer.update(0x7FFFFFFF, 0, 1, 1, bytes(4)), peer.update(8192, 0, 1, 1, bytes(4)),
        peer.call("CursorDefine", "iiiiay", (513, 1, 0, 0, b"")),
        peer.call("CursorDefine", "iiiiay", (-1, 1, 0, 0, b"")),
        peer.call("CursorDefine", "iiiiay", (1, 1, 0, 0, b"123")),
        peer.call("MouseSet", "ii", (1, 1)), peer.call("Scanout", "s", ("x",)),
        peer.call("UpdateMap", "iiii", (-1, 0, 1, 1), interface=MAP),
        WITHOUT_DESCRIPTOR,
    ],
)  # fmt: skip
def test_refused(data):
    with pytest.raises(ProtocolError):
        parsed(data)
