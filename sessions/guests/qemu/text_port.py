"""The virtio port that takes text which the guest types: lines of base64 of UTF-8.

A guest that answers a line with a newline when it has typed it can be waited for. Whether one does is found
out by an empty line, which types nothing, as soon as it listens.
"""

from __future__ import annotations

import base64
import socket

from sessions.displays.sockets import Reactor, SocketLink

CHARACTERS_A_LINE = 4096
"""Longer text is cut: a guest takes lines of up to 64 KiB."""
MAX_UNSENT = 64 * 1024
"""Bytes the guest may leave unread before text is dropped: the port is not lost to one that hangs."""


class TextPort:
    """Our end of the port."""

    def __init__(self, reactor: Reactor, connected: socket.socket) -> None:
        self._listening = False
        self._answers = False
        self._unanswered = 0
        self._room = memoryview(bytearray(256))
        self._link = SocketLink(reactor, connected, self)

    @property
    def ready(self) -> bool:
        """Whether text will be typed."""
        return self._listening and self._link.open

    @property
    def busy(self) -> bool:
        """Whether the guest is known to have text that it has not typed yet."""
        return self.ready and self._answers and self._unanswered > 0

    def listens(self, listening: bool) -> None:
        """Learn whether something in the guest has opened its end (QMP event VSERPORT_CHANGE).

        What is typed before is dropped, because it would come out at a time when nobody expects it.
        """
        if listening and not self._listening:
            self._answers, self._unanswered = False, 1
            self._link.write(b"\n")
        self._listening = listening

    def type(self, text: str) -> None:
        """Have the guest type this."""
        if not self.ready or self._link.unsent >= MAX_UNSENT:
            return
        for start in range(0, len(text), CHARACTERS_A_LINE):
            line = text[start : start + CHARACTERS_A_LINE].encode(errors="replace")
            self._link.write(base64.b64encode(line) + b"\n")
            self._unanswered += 1

    def close(self) -> None:
        """Let go of the port."""
        self._link.close()

    # What the socket calls (BufferedCore).

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._room

    def received(self, count: int) -> None:
        """Count the answers; nothing else is said here."""
        answers = bytes(self._room[:count]).count(b"\n")
        self._answers = self._answers or answers > 0
        self._unanswered = max(self._unanswered - answers, 0)

    def closed(self, reason: Exception) -> None:
        """Learn that QEMU is gone, which the monitor tells as well."""
