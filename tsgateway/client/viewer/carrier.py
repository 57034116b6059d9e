"""Which carrier a viewer goes by: plain TLS, or a WebSocket where something in between ends TLS."""

from __future__ import annotations

from tsgateway.client.address import Address
from tsgateway.client.viewer.line import Line, NotCarried
from tsgateway.client.viewer.websocket import WebSocketLine

CARRIERS = ("auto", "tls", "websocket")


class Carrier:
    """Opens one line after the other to a gateway. choice: one of CARRIERS; auto keeps to what has worked."""

    def __init__(self, choice: str = "auto") -> None:
        if choice not in CARRIERS:
            raise ValueError(f"“{choice}” is no carrier; there are {', '.join(CARRIERS)}")
        self.choice = choice

    async def open(self, address: Address) -> Line:
        """Connect. Raises as `Line.open` does."""
        if self.choice == "websocket":
            return await WebSocketLine.open(address)
        try:
            return await Line.open(address)
        except NotCarried:
            if self.choice == "tls":
                raise
        line = await WebSocketLine.open(address)
        self.choice = "websocket"
        return line
