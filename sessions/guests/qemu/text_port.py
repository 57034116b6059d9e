"""The virtio port that takes text which the guest types: lines of base64 of UTF-8."""

from __future__ import annotations

import base64
import socket

from sessions.displays.sockets import Reactor, SocketLink

CHARACTERS_A_LINE = 4096
"""Longer text is cut: a guest takes lines of up to 64 KiB."""
MAX_UNSENT = 64 * 1024
"""Bytes the guest may leave unread before text is dropped: the port is not lost to one that hangs."""


class TextPort:
    """Our end of the port.

    listening: whether something in the guest has opened its end (QMP event VSERPORT_CHANGE); what is
    typed before is dropped, because it would come out at a time when nobody expects it.
    """

    def __init__(self, reactor: Reactor, connected: socket.socket) -> None:
        self.listening = False
        self._room = memoryview(bytearray(256))
        self._link = SocketLink(reactor, connected, self)

    @property
    def ready(self) -> bool:
        """Whether text will be typed."""
        return self.listening and self._link.open

    def type(self, text: str) -> None:
        """Have the guest type this."""
        if not self.ready or self._link.unsent >= MAX_UNSENT:
            return
        for start in range(0, len(text), CHARACTERS_A_LINE):
            line = text[start : start + CHARACTERS_A_LINE].encode(errors="replace")
            self._link.write(base64.b64encode(line) + b"\n")

    def close(self) -> None:
        """Let go of the port."""
        self._link.close()

    # What the socket calls (BufferedCore): the guest says nothing here that is awaited.

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._room

    def received(self, count: int) -> None:
        """Drop them."""

    def closed(self, reason: Exception) -> None:
        """Learn that QEMU is gone, which the monitor tells as well."""
