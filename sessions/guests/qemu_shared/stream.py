"""Opening the virtio port that carries a seat's RFB stream.

QEMU and the guest may still hold bytes of an earlier connection, in both directions, and the guest may not
have seen that it ended. So a new one begins with a nonce. The guest is asked by another way to wait for it;
then we send it on the port, the guest drops all before it and sends it back, and we drop all before that.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from twisted.internet.defer import Deferred, TimeoutError
from twisted.python.failure import Failure

from sessions.displays.base import DisplayError
from sessions.displays.sockets import Reactor, connect_unix
from sessions.guests.qemu import state

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = (3.0, 6.0, 12.0)
"""How long the nonce may take to come back, each time it is tried."""
MAX_STALE = 64 * 1024 * 1024
"""Bytes of an earlier connection that are dropped at most; a screen of 4096 by 4096."""

_ROOM = 64 * 1024


async def open_stream(
    reactor: Reactor, folder: Path, port: str, begin: Callable[[str], Awaitable[object]]
) -> socket.socket:
    """Connect to a port's socket in the machine's `folder`; return it at the start of the stream.

    begin: asks the guest to wait for this nonce. Raises DisplayError, and what `begin` raises.
    """
    for seconds in ANSWER_SECONDS:
        with state.short_path(folder, f"{port}.sock") as path:
            connected = await connect_unix(reactor, path, CONNECT_SECONDS)
        try:
            nonce = secrets.token_hex(16)
            await begin(nonce)
            connected.send(nonce.encode())
            await _Beginning(reactor, connected, nonce.encode()).done.addTimeout(seconds, reactor)
        except TimeoutError:  # QEMU had not seen the end of the earlier connection
            connected.close()
        except BaseException:
            connected.close()
            raise
        else:
            return connected
    raise DisplayError("Your desktop's screen does not answer.", f"no answer on the port {port}")


class _Beginning:
    """Reads until the nonce has come, and not a byte more."""

    def __init__(self, reactor: Reactor, connected: socket.socket, nonce: bytes) -> None:
        self._socket = connected
        self._nonce = nonce
        self._end = b""  # of what was dropped: part of the nonce may be in there
        self._dropped = 0
        self.done: Deferred[None] = Deferred(lambda _: reactor.removeReader(self))
        self._reactor = reactor
        reactor.addReader(self)

    def doRead(self) -> None:
        """Drop what has come, up to the nonce."""
        try:
            data = self._socket.recv(_ROOM, socket.MSG_PEEK)
            seen = self._end + data
            at = seen.find(self._nonce)
            if at >= 0:
                self._socket.recv(at + len(self._nonce) - len(self._end))
            else:
                self._socket.recv(len(data))
        except BlockingIOError:
            return
        except OSError as error:
            self._finish(DisplayError("Your desktop's screen was cut off.", str(error)))
            return
        self._dropped += len(data)
        self._end = seen[-len(self._nonce) + 1 :]
        if at >= 0:
            self._finish(None)
        elif not data or self._dropped > MAX_STALE:
            self._finish(
                DisplayError("Your desktop's screen was cut off.", f"after {self._dropped} stale bytes")
            )

    def _finish(self, error: DisplayError | None) -> None:
        self._reactor.removeReader(self)
        if self.done.called:
            return
        if error is None:
            self.done.callback(None)
        else:
            self.done.errback(error)

    def connectionLost(self, reason: Failure) -> None:
        """Learn from the reactor that the socket is gone."""
        self._finish(DisplayError("Your desktop's screen was cut off.", str(reason.value)))

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Name this in Twisted's log."""
        return "seat"
