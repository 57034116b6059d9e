"""The carrier: tsg behind lengths, straight over TLS (docs/protocol.md, 1), with asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterable
from typing import Any, Self

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.lengths import LengthPrefixed
from sessions.wire.tsg import MAX_SERVER_MESSAGE, SUBPROTOCOL
from tsgateway.client.address import Address, away
from tsgateway.client.errors import ServerAway
from tsgateway.client.proxy import proxy_for, tunnel

OPEN_SECONDS = 10.0
FAREWELL_SECONDS = 1.0


class NotCarried(ServerAway):
    """The line does not carry this protocol: something on the way ends TLS, or there is no gateway."""


class Line:
    """One connection to a gateway; made by `open`."""

    alpn = SUBPROTOCOL
    """What TLS is to agree on."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: Address) -> Self:
        """Connect. Raises ServerAway (NotCarried among it), and WrongCertificate before anything is sent."""
        context = address.context()
        context.set_alpn_protocols([cls.alpn])
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                line = cls(*await _connected(address, context))
                try:
                    line._check(address)
                    await line._begin(address)
                except BaseException:
                    line.abort()
                    raise
        except OSError as error:  # TimeoutError is one
            failed = away(address.url, error)
            refuses = isinstance(error, ssl.SSLError | ConnectionResetError)
            if refuses and type(failed) is ServerAway:
                raise NotCarried(str(failed)) from error
            raise failed from error
        return line

    def _check(self, address: Address) -> None:
        secured: Any = self._writer.get_extra_info("ssl_object")
        address.check(secured.getpeercert(binary_form=True))
        self._agreed(address, secured.selected_alpn_protocol())
        plain: socket.socket = self._writer.get_extra_info("socket")
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _agreed(self, address: Address, alpn: str | None) -> None:
        if alpn != self.alpn:
            raise NotCarried(
                f"{address.url} does not speak {SUBPROTOCOL}: either it is no gateway, or a proxy ends TLS."
            )

    async def _begin(self, address: Address) -> None:
        """Say what comes before the first message. Raises OSError, ServerAway."""

    async def receive(self) -> bytes | None:
        """Return the next message; None at the end, however it came. Raises ProtocolError."""
        try:
            length = int.from_bytes(await self._reader.readexactly(4), "big")
            if length == 0:
                raise ProtocolError("an empty message")
            if length > MAX_SERVER_MESSAGE:
                raise LimitExceeded(f"a message of {length} bytes, at most {MAX_SERVER_MESSAGE}")
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError):
            return None

    def send(self, messages: Iterable[bytes]) -> None:
        """Send messages; where the line is slow they wait."""
        self._write(LengthPrefixed.frame(message) for message in messages)

    def _write(self, pieces: Iterable[bytes]) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # the end is told by `receive`
            self._writer.writelines(pieces)

    async def drain(self) -> None:
        """Wait while more is on its way than the line takes."""
        with contextlib.suppress(OSError):
            await self._writer.drain()

    async def close(self) -> None:
        """Hang up when everything is sent, within `FAREWELL_SECONDS`."""
        with contextlib.suppress(OSError):  # TimeoutError is one
            async with asyncio.timeout(FAREWELL_SECONDS):
                self._writer.close()
                await self._writer.wait_closed()
        self.abort()

    def abort(self) -> None:
        """Hang up now."""
        self._writer.transport.abort()


async def _connected(
    address: Address, context: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a line, by the system's proxy where there is one. Raises OSError."""
    proxy = proxy_for(address.host, address.port)
    if proxy is None:
        return await asyncio.open_connection(
            address.host, address.port, ssl=context, server_hostname=address.host
        )
    line = await asyncio.to_thread(tunnel, proxy, address.host, address.port, OPEN_SECONDS)
    line.setblocking(False)
    return await asyncio.open_connection(sock=line, ssl=context, server_hostname=address.host)
