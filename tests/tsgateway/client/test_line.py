"""The way to a gateway: certificates that are wrong, and servers that are none, or lie."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sessions.wire import tsg
from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.lengths import LengthPrefixed
from tests.certificates import Authority
from tsgateway.client import ServerAway, WrongCertificate
from tsgateway.client.address import Address
from tsgateway.client.viewer.line import Line

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Sign:
    """Certificates of one authority that the client trusts."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.names, self.days, self.alpn = ["localhost"], 1, [tsg.SUBPROTOCOL]

    @asynccontextmanager
    async def serving(self, serve: Serve) -> AsyncIterator[Address]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.authority.server(*self.names, days=self.days))
        context.set_alpn_protocols(self.alpn)
        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            yield Address.parse(f"https://localhost:{port}/", str(self.authority.file))


@pytest.fixture
def sign(tmp_path: Path) -> Sign:
    return Sign(tmp_path)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
    writer.close()


async def test_messages_there_and_back(sign: Sign) -> None:
    async with sign.serving(echo) as address:
        line = await Line.open(address)
        messages = [b"a", b"b" * (1 << 20), b"c"]
        line.send(messages)
        await line.drain()
        assert [await line.receive() for _ in messages] == messages
        line.abort()
        assert await line.receive() is None
        line.send([b"to nobody"])
        await line.drain()
        await line.close()


@pytest.mark.parametrize(
    ("names", "days", "reason", "sentence"),
    [
        (["localhost"], -1, "expired", "its certificate has expired; whoever runs it has to renew that"),
        (["elsewhere.example"], 1, "other_host", "its certificate is for another name"),
        (["127.0.0.2"], 1, "other_host", "its certificate is for another name"),
    ],
)
async def test_certificates_that_are_wrong(
    sign: Sign, names: list[str], days: int, reason: str, sentence: str
) -> None:
    sign.names, sign.days = names, days
    async with sign.serving(echo) as address:
        with pytest.raises(WrongCertificate, match=sentence) as wrong:
            await Line.open(address)
        assert wrong.value.reason == reason


async def test_a_certificate_that_nobody_known_has_signed_and_one_that_has_changed(sign: Sign) -> None:
    async with sign.serving(echo) as address:
        with pytest.raises(WrongCertificate, match="give its fingerprint") as unknown:
            await Line.open(Address.parse(address.url))
        assert unknown.value.reason == "unknown"
        with pytest.raises(WrongCertificate, match="not the one that was expected") as changed:
            await Line.open(Address.parse(address.url, fingerprint="AB:" * 31 + "AB"))
        assert changed.value.reason == "changed"


async def test_who_answers_is_no_gateway(sign: Sign) -> None:
    sign.alpn = ["http/1.1"]
    async with sign.serving(echo) as address:
        with pytest.raises(ServerAway, match="either it is no gateway, or a proxy ends TLS"):
            await Line.open(address)
    with pytest.raises(ServerAway, match="nobody listens there"):
        await Line.open(address)
    with pytest.raises(ServerAway):
        await Line.open(Address.parse("https://nowhere.invalid"))


def saying(data: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return serve


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\0\0\0\0", ProtocolError),
        (b"\xff" * 9, LimitExceeded),
        ((tsg.MAX_SERVER_MESSAGE + 1).to_bytes(4, "big"), LimitExceeded),
    ],
)
async def test_a_server_that_lies_about_lengths(sign: Sign, data: bytes, error: type[Exception]) -> None:
    async with sign.serving(saying(data)) as address:
        line = await Line.open(address)
        with pytest.raises(error):
            await line.receive()
        await line.close()


async def test_an_end_in_the_middle_of_a_message_is_an_end(sign: Sign) -> None:
    async with sign.serving(saying(LengthPrefixed.frame(b"whole") + b"\0\0\0\5part")) as address:
        line = await Line.open(address)
        assert [await line.receive(), await line.receive(), await line.receive()] == [b"whole", None, None]
        await line.close()


@pytest.mark.parametrize("url", ["http://a", "https://", "https://a/b", "a", "https://a:b"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match=r"address like|Port"):
        Address.parse(url)
