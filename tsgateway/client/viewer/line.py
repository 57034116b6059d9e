"""The carrier: tsg behind lengths, straight over TLS (docs/protocol.md, 1), with asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from typing import Any

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.lengths import LengthPrefixed
from sessions.wire.tsg import MAX_SERVER_MESSAGE, SUBPROTOCOL
from tsgateway.client.address import Address, away
from tsgateway.client.errors import ServerAway

OPEN_SECONDS = 10.0
FAREWELL_SECONDS = 1.0


class Line:
    """One connection to a gateway; made by `open`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: Address) -> Line:
        """Connect. Raises ServerAway, and WrongCertificate before anything is sent."""
        context = address.context()
        context.set_alpn_protocols([SUBPROTOCOL])
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                reader, writer = await asyncio.open_connection(
                    address.host, address.port, ssl=context, server_hostname=address.host
                )
        except OSError as error:  # TimeoutError is one
            raise away(address.url, error) from error
        line = cls(reader, writer)
        try:
            line._check(address)
        except BaseException:
            line.abort()
            raise
        return line

    def _check(self, address: Address) -> None:
        secured: Any = self._writer.get_extra_info("ssl_object")
        address.check(secured.getpeercert(binary_form=True))
        if secured.selected_alpn_protocol() != SUBPROTOCOL:
            raise ServerAway(
                f"{address.url} does not speak {SUBPROTOCOL}: either it is no gateway, or a proxy ends TLS."
            )
        plain: socket.socket = self._writer.get_extra_info("socket")
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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
        with contextlib.suppress(OSError, RuntimeError):  # the end is told by `receive`
            self._writer.writelines(LengthPrefixed.frame(message) for message in messages)

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
