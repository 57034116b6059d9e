"""WebSockets to servers that are none, or lie."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.tsg import MAX_SERVER_MESSAGE, SUBPROTOCOL
from tests.tsgateway.client.test_line import Serve, Sign
from tsgateway.client import Client, ServerAway
from tsgateway.client.viewer import AsyncViewer
from tsgateway.client.viewer.carrier import Carrier
from tsgateway.client.viewer.line import NotCarried
from tsgateway.client.viewer.websocket import WebSocketLine


def talk(frames: list[bytes] | None, answer: bytes = b"") -> Serve:
    """A server that answers the handshake, or says something else, then sends bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.readuntil(b"\r\n\r\n")
        if frames is None:
            writer.write(answer)
        else:
            server = ServerProtocol(subprotocols=[SUBPROTOCOL])  # type: ignore[list-item]
            server.receive_data(data)
            [request] = server.events_received()
            assert isinstance(request, Request)
            server.send_response(server.accept(request))
            writer.writelines([*server.data_to_send(), *frames])
        await writer.drain()
        writer.close()

    return serve


NINE = b"x" * (9 << 20)


def frame(opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=False)


@asynccontextmanager
async def opened(sign: Sign, frames: list[bytes]) -> AsyncIterator[WebSocketLine]:
    async with sign.serving(talk(frames)) as address:
        line = await WebSocketLine.open(address)
        yield line
        await line.close()


@pytest.fixture
def sign(tmp_path: Path) -> Sign:
    made = Sign(tmp_path)
    made.alpn = ["http/1.1"]
    return made


async def test_messages_whole_and_in_pieces(sign: Sign) -> None:
    pieces = [frame(Opcode.BINARY, b"a", fin=False), frame(Opcode.PING, b"?"), frame(Opcode.CONT, b"b")]
    async with opened(
        sign, [frame(Opcode.BINARY, b"1"), *pieces, frame(Opcode.BINARY, b"x" * 300_000)]
    ) as line:
        got = [await line.receive() for _ in range(4)]
        assert got == [b"1", b"ab", b"x" * 300_000, None]


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        ([frame(Opcode.TEXT, b"hello")], ProtocolError),
        ([frame(Opcode.BINARY, b"")], ProtocolError),
        ([frame(Opcode.CONT, b"of nothing")], ProtocolError),
        ([b"\xff" * 40], ProtocolError),
        ([b"\x82\x7f" + (1 << 40).to_bytes(8, "big")], LimitExceeded),
        ([b"\x82\x7f" + (MAX_SERVER_MESSAGE + 1).to_bytes(8, "big")], LimitExceeded),
        (
            [frame(Opcode.BINARY, b"x" * (9 << 20), fin=False), frame(Opcode.CONT, b"x" * (9 << 20))],
            LimitExceeded,
        ),
    ],
    ids=["text", "empty", "no beginning", "rubbish", "terabyte", "one too many", "too large in pieces"],
)
async def test_a_server_that_lies(sign: Sign, frames: list[bytes], error: type[Exception]) -> None:
    async with opened(sign, frames) as line:
        with pytest.raises(error):
            await line.receive()


async def test_an_end_in_the_middle(sign: Sign) -> None:
    async with opened(sign, [frame(Opcode.BINARY, b"whole"), b"\x82\x05par"]) as line:
        assert [await line.receive(), await line.receive(), await line.receive()] == [b"whole", None, None]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n",
            "status 302",
        ),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "does not answer as a WebSocket"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not answer as a WebSocket|hangs up"),
        (b"\0" * 100_000, "does not answer as a WebSocket|hangs up"),
        (b"", "hangs up on a WebSocket|does not answer as"),
    ],
    ids=["elsewhere", "half", "ssh", "zeros", "nothing"],
)
async def test_answers_that_are_no_websocket(sign: Sign, answer: bytes, why: str) -> None:
    async with sign.serving(talk(None, answer)) as address:
        with pytest.raises(NotCarried, match=why):
            await WebSocketLine.open(address)


async def test_what_refuses_the_protocol_in_tls_gets_a_websocket(sign: Sign) -> None:
    """As nginx does: an alert where no protocol is shared."""
    async with sign.serving(talk([frame(Opcode.BINARY, b"\1")])) as address:
        carrier = Carrier()
        line = await carrier.open(address)
        assert await line.receive() == b"\1"
        await line.close()
    with pytest.raises(ServerAway, match="nobody listens"):
        await Carrier().open(address)


async def test_a_viewer_without_a_carrier_is_not_made() -> None:
    with pytest.raises(ValueError, match="is no carrier"):
        AsyncViewer(Client.remote("https://localhost:1"), carrier="smoke")
