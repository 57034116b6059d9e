"""The VNC viewer against transcripts."""

import socket
import struct
from collections.abc import Iterator

import pytest

from bench.peers.base import PeerError, UndecodableError
from bench.peers.rfb import RfbViewer

HELLO = b"RFB 003.008\n\x02\x02\x01" + bytes(4) + struct.pack(">HH16xI", 4, 2, 4) + b"desk"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    server, client = socket.socketpair()
    with server, client:
        yield server, client


def rect(x: int, y: int, width: int, height: int, encoding: int, body: bytes = b"") -> bytes:
    return struct.pack(">HHHHi", x, y, width, height, encoding) + body


def update(*rects: bytes, count: int | None = None) -> bytes:
    return struct.pack(">BxH", 0, len(rects) if count is None else count) + b"".join(rects)


@pytest.mark.parametrize(("quality", "asked"), [(8, True), (None, False)])
def test_what_it_says(ends: tuple[socket.socket, socket.socket], quality: int | None, asked: bool) -> None:
    server, client = ends
    server.sendall(HELLO)
    RfbViewer(client, quality=quality)
    said = server.recv(1000)
    assert said.startswith(b"RFB 003.008\n\x01\x01\x00\x00\x00\x00\x20\x18\x00\x01")
    (count,) = struct.unpack(">H", said[36:38])
    encodings = struct.unpack(f">{count}i", said[38 : 38 + 4 * count])
    assert encodings[0] == 7
    assert (-32 + 8 in encodings) is asked
    assert said[38 + 4 * count :] == b"\x03\x00" + struct.pack(">HHHH", 0, 0, 4, 2)


def test_updates(ends: tuple[socket.socket, socket.socket]) -> None:
    server, client = ends
    server.sendall(HELLO)
    viewer = RfbViewer(client, quality=8)
    decoder = viewer.decoder()
    server.recv(1000)
    pixels = struct.pack("<8I", *range(0xAA000000, 0xAA000008))
    server.sendall(
        b"\x02" + b"\x03\0\0\0" + struct.pack(">I", 3) + b"cut" + update(rect(0, 0, 4, 2, 0, pixels))
    )
    assert decoder.apply(viewer.next())
    assert server.recv(100) == b"\x03\x01" + struct.pack(">HHHH", 0, 0, 4, 2)
    assert decoder.pixels.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    cursor = rect(0, 0, 3, 2, -239, bytes(3 * 2 * 4 + 2))
    moved = rect(2, 0, 2, 2, 1, struct.pack(">HH", 0, 0))
    filled = rect(0, 1, 1, 1, 7, b"\x80\x00\x00\x09")
    server.sendall(update(cursor, moved, filled, rect(0, 0, 0, 0, -224), count=0xFFFF))
    decoder.apply(viewer.next())
    assert decoder.pixels.tolist() == [[0, 1, 0, 1], [9, 5, 4, 5]]
    server.shutdown(socket.SHUT_WR)
    with pytest.raises(EOFError):
        viewer.next()


@pytest.mark.parametrize(
    "hello", [b"SSH-2.0-OpenS", b"RFB 003.008\n\x01\x02", b"RFB 003.008\n\x01\x01\0\0\0\x01"]
)
def test_servers_it_cannot_use(ends: tuple[socket.socket, socket.socket], hello: bytes) -> None:
    server, client = ends
    server.sendall(hello)
    with pytest.raises(PeerError):
        RfbViewer(client, quality=8)


@pytest.mark.parametrize("sent", [b"\x63", update(rect(0, 0, 1, 1, 99))])
def test_what_it_does_not_know(ends: tuple[socket.socket, socket.socket], sent: bytes) -> None:
    server, client = ends
    server.sendall(HELLO + sent)
    viewer = RfbViewer(client, quality=8)
    with pytest.raises(UndecodableError):
        viewer.next()
