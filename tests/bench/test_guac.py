"""The Guacamole viewer: instructions cut anywhere, the handshake, and what layers become."""

import base64
import io
import socket

import numpy as np
import pytest
from PIL import Image

from bench.peers.base import PeerError, UndecodableError
from bench.peers.guac import GuacDecoder, GuacViewer, Parser, encode


def png(*pixels: tuple[int, int, int, int]) -> str:
    image = Image.fromarray(np.array([pixels], np.uint8), "RGBA")
    file = io.BytesIO()
    image.save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("step", [1, 2, 7, 1000])
def test_instructions_cut_anywhere(step: int) -> None:
    data = encode("name", "Büro 日本; a,b.") + encode("nop") + encode("sync", "")
    parser, found = Parser(), []
    for at in range(0, len(data), step):
        found += parser.receive(data[at : at + step])
    assert found == [("name", "Büro 日本; a,b."), ("nop",), ("sync", "")]


@pytest.mark.parametrize(
    "data", [b"x.nop;", b"99999999999999", b"99999999.x;", b"3.nop!", b"-1.x;", "²".encode() + b".x;"]
)
def test_what_is_no_instruction(data: bytes) -> None:
    with pytest.raises(PeerError):
        Parser().receive(data)


def test_handshake_and_acknowledgement() -> None:
    server, client = socket.socketpair()
    with server, client:
        server.sendall(encode("args", "VERSION_1_5_0", "hostname", "port", "color-depth"))
        viewer = GuacViewer(client, "vnc", {"port": "5900", "hostname": "h"}, ["image/png"], (4, 2))
        assert Parser().receive(server.recv(1000)) == [
            ("select", "vnc"), ("size", "4", "2", "96"), ("audio",), ("video",), ("image", "image/png"),
            ("connect", "VERSION_1_5_0", "h", "5900", ""),
        ]  # fmt: skip
        server.sendall(encode("ready", "$id") + encode("sync", "1") + encode("nop"))
        server.sendall(encode("size", "0", "4", "2") + encode("sync", "2"))
        assert viewer.next() == [("size", "0", "4", "2")]
        assert Parser().receive(server.recv(1000)) == [("sync", "1"), ("nop",), ("sync", "2")]
        server.sendall(encode("error", "no such host", "519"))
        with pytest.raises(PeerError, match="no such host"):
            viewer.next()


def test_a_refusal_in_the_handshake() -> None:
    server, client = socket.socketpair()
    with server, client:
        server.sendall(encode("error", "no", "1"))
        with pytest.raises(PeerError):
            GuacViewer(client, "vnc", {}, [])


def test_pictures_fills_and_copies() -> None:
    decoder = GuacDecoder(4, 1)
    clear, red, green = (0, 0, 0, 0), (255, 0, 0, 255), (0, 255, 0, 255)
    decoder.apply(
        [
            ("rect", "0", "0", "0", "4", "1"), ("cfill", "14", "0", "0", "0", "9", "255"),
            ("img", "1", "14", "0", "image/png", "0", "0"), ("blob", "1", png(red, clear, green)),
            ("end", "1"),
            ("copy", "0", "0", "0", "1", "1", "12", "-1", "0", "0"),
            ("copy", "-1", "0", "0", "1", "1", "14", "0", "3", "0"),
            ("cursor", "0", "0", "-1", "0", "0", "1", "1"),
        ]
    )  # fmt: skip
    assert decoder.pixels.tolist() == [[0xFF0000, 9, 0x00FF00, 0xFF0000]]


def test_erase_then_draw_where_nothing_is() -> None:
    decoder = GuacDecoder(2, 1)
    decoder.apply([("rect", "0", "0", "0", "2", "1"), ("cfill", "12", "0", "0", "0", "7", "255")])
    decoder.apply([("rect", "0", "1", "0", "1", "1"), ("cfill", "2", "0", "0", "0", "0", "255")])
    decoder.apply([("rect", "0", "0", "0", "2", "1"), ("cfill", "9", "0", "0", "0", "5", "255")])
    assert decoder.pixels.tolist() == [[7, 5]]


@pytest.mark.parametrize("instruction", [("arc", "0"), ("blob", "5", "AAAA"), ("transfer",)])
def test_what_it_does_not_know(instruction: tuple[str, ...]) -> None:
    with pytest.raises(UndecodableError):
        GuacDecoder(2, 2).apply([instruction])
