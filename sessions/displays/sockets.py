"""Twisted's part in taking a display in: a socket that fills a parser's own buffer.

Twisted's protocols are handed `bytes`, which costs an allocation and a copy for every piece read. At
250 MB of pixels a second that is dear, so a parser here offers the memory it wants filled next
(`BufferedCore.buffer`) and the socket receives straight into it.

    sock = await connect_unix(reactor, path, seconds=10)
    link = SocketLink(reactor, sock, core)        # from here on core.received and core.closed are called
    link.write(b"...")
"""

from __future__ import annotations

import array
import errno
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.error import ConnectionDone
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

from sessions.displays.base import DisplayError
from sessions.wire.errors import ProtocolError

READS_PER_TURN = 16
"""How often one socket may fill its core's buffer before others get their turn."""

MAX_UNSENT = 1024 * 1024
"""Bytes a peer may leave unread before it is given up."""

MAX_DESCRIPTORS = 16
"""Descriptors taken with one read."""

_Address = tuple[socket.AddressFamily, Any]
_NO_SUCH = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)


Reactor = Any
"""A Twisted reactor (IReactorFDSet, IReactorTime, IReactorThreads: zope interfaces, opaque to mypy)."""


class BufferedCore(Protocol):
    """A parser that owns the memory it is fed through."""

    def buffer(self) -> memoryview:
        """Return the memory the next bytes shall be received into: writable and never empty."""

    def received(self, count: int) -> None:
        """Take the `count` (≥ 1) bytes now at the start of `buffer()`.

        A ProtocolError raised here closes the socket and comes back through `closed`.
        """

    def closed(self, reason: Exception) -> None:
        """Learn that the socket is gone; called once at most, and never after `SocketLink.close`.

        reason: ConnectionDone at the stream's regular end, OSError, ProtocolError, or whatever else
        `received` raised.
        """


class SocketLink:
    """A connected stream socket (TCP or Unix) between a reactor and a core.

    It owns the socket from the moment it is made. `descriptors`, where given, is called with the file
    descriptors that came along with the bytes of the following `received`; they belong to the callee.
    Without it none are accepted (the kernel drops them).
    """

    def __init__(
        self,
        reactor: Reactor,
        connected: socket.socket,
        core: BufferedCore,
        descriptors: Callable[[Sequence[int]], None] | None = None,
    ) -> None:
        connected.setblocking(False)
        self._reactor = reactor
        self._socket = connected
        self._core = core
        self._descriptors = descriptors
        self._unsent = bytearray()
        self._bulk = 0  # bytes written as such since all was sent
        self._passing: list[tuple[int, list[int]]] = []  # (bytes of _unsent before them, descriptors)
        self.open = True
        reactor.addReader(self)

    @property
    def unsent(self) -> int:
        """Bytes written that the kernel has not taken yet."""
        return len(self._unsent)

    @property
    def unread(self) -> int:
        """`unsent`, without as many bytes as were written in bulk since all was sent; not below 0."""
        return max(len(self._unsent) - self._bulk, 0)

    def write(self, data: bytes, descriptors: Sequence[int] = (), *, bulk: bool = False) -> None:
        """Send `data`; never blocks, never raises. On a closed link it is dropped.

        A peer that leaves MAX_UNSENT bytes unread is given up; bulk: these do not count, for the caller
        bounds them. `descriptors` (Unix sockets only) travel with the first byte of `data`; the caller may
        close its own at once.
        """
        if not self.open:
            return
        self._bulk += len(data) if bulk else 0
        if len(self._unsent) + len(data) > MAX_UNSENT + self._bulk:
            self._fail_soon(TimeoutError("the other side does not read what is sent to it"))
            return
        if descriptors:
            self._passing.append((len(self._unsent), [os.dup(fd) for fd in descriptors]))
        idle = not self._unsent
        self._unsent += data
        if idle:
            self._flush()

    def close(self) -> None:
        """Close at once; unsent bytes are dropped and the core is not called again. Idempotent."""
        if not self.open:
            return
        self.open = False
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        self._socket.close()
        self._descriptors = None  # or it would keep a parser, and that its buffers, until they are collected
        self._unsent.clear()
        for _, fds in self._passing:
            _close_all(fds)
        self._passing.clear()

    def _flush(self) -> None:
        error = self.doWrite()
        if error is not None:
            self._fail_soon(error)
        elif self._unsent:
            self._reactor.addWriter(self)

    def _fail_soon(self, reason: Exception) -> None:
        # Not at once: the writer may be in the middle of something that `closed` would upset.
        self._reactor.removeReader(self)
        self._reactor.callLater(0, self._fail, reason)

    def _fail(self, reason: Exception) -> None:
        if self.open:
            self.close()
            self._core.closed(reason)

    # What the reactor calls (IReadWriteDescriptor); a returned exception ends the connection.

    def doRead(self) -> Exception | None:
        """Receive into the core until the socket is drained or others should have their turn."""
        for _ in range(READS_PER_TURN):
            room = self._core.buffer()
            try:
                count = self._receive(room)
            except OSError as error:
                return None if error.errno in _NO_SUCH else error
            if count == 0:
                return ConnectionDone()
            try:
                self._core.received(count)
            except ProtocolError as error:
                return error
            if not self.open or count < len(room):
                break
        return None

    def doWrite(self) -> Exception | None:
        """Send as much as the kernel takes."""
        try:
            while self._unsent:
                sent = self._send()
                del self._unsent[:sent]
                self._passing = [(before - sent, fds) for before, fds in self._passing]
        except OSError as error:
            return None if error.errno in _NO_SUCH else error
        self._bulk = 0
        self._reactor.removeWriter(self)
        return None

    def connectionLost(self, reason: Failure) -> None:
        """Learn from the reactor that reading or writing failed."""
        error = reason.value
        self._fail(error if isinstance(error, Exception) else ConnectionDone())

    def fileno(self) -> int:
        """Return the socket's descriptor, -1 once closed."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Name this in Twisted's log."""
        return "display"

    def _receive(self, room: memoryview) -> int:
        if self._descriptors is None:
            return self._socket.recv_into(room)
        space = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)
        count, messages, _, _ = self._socket.recvmsg_into([room], space, socket.MSG_CMSG_CLOEXEC)
        fds = array.array("i")
        for level, kind, data in messages:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        if fds:
            self._descriptors(fds.tolist())
        return count

    def _send(self) -> int:
        if not self._passing:
            return self._socket.send(self._unsent)
        before, fds = self._passing[0]
        if before > 0:  # up to, not across, the byte the descriptors belong to
            return self._socket.send(self._unsent[:before])
        after = self._passing[1][0] if len(self._passing) > 1 else None
        sent = socket.send_fds(self._socket, [self._unsent[:after]], fds)
        _close_all(fds)
        del self._passing[0]
        return sent


async def connect_unix(reactor: Reactor, path: str, seconds: float) -> socket.socket:
    """Connect to the Unix socket at `path` within so many `seconds`.

    Returns a connected non-blocking socket. Raises DisplayError.
    """
    try:
        return await _connect(reactor, (socket.AF_UNIX, path), seconds)
    except (OSError, TimeoutError) as error:
        raise DisplayError(f"Nothing answers on the socket {path}: {_why(error)}.") from error


async def connect_tcp(reactor: Reactor, host: str, port: int, seconds: float) -> socket.socket:
    """Connect to `host` (a name or an address), trying its addresses in turn, within so many `seconds`.

    Returns a connected non-blocking socket with Nagle's algorithm off. Raises DisplayError.
    """
    deadline = reactor.seconds() + seconds
    try:
        addresses = await _resolve(reactor, host, port, seconds)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise DisplayError(f"The host name {host} cannot be resolved: {_why(error)}.") from error
    reason: Exception = TimeoutError()
    for number, address in enumerate(addresses):
        share = (deadline - reactor.seconds()) / (len(addresses) - number)
        try:
            connected = await _connect(reactor, address, max(share, 0))
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
        except (OSError, TimeoutError) as error:
            reason = error
    raise DisplayError(f"Nothing answers at {host} port {port}: {_why(reason)}.") from reason


async def _resolve(reactor: Reactor, host: str, port: int, seconds: float) -> list[_Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:  # not an address but a name: asking for it may block
        asked: Deferred[Any] = deferToThreadPool(
            reactor, reactor.getThreadPool(), socket.getaddrinfo, host, port, type=socket.SOCK_STREAM
        )
        found = await asked.addTimeout(seconds, reactor)
    return [(family, address) for family, _, _, _, address in found]


async def _connect(reactor: Reactor, address: _Address, seconds: float) -> socket.socket:
    family, where = address
    connecting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        code = connecting.connect_ex(where)
        if code == errno.EINPROGRESS:
            await _Connecting(reactor, connecting).done.addTimeout(seconds, reactor)
            code = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        connecting.close()
        raise
    return connecting


class _Connecting:
    """Waits until a connecting socket is writable, that is connected or refused."""

    def __init__(self, reactor: Reactor, connecting: socket.socket) -> None:
        self._reactor = reactor
        self._socket = connecting
        self.done: Deferred[None] = Deferred(lambda _: reactor.removeWriter(self))
        reactor.addWriter(self)

    def doWrite(self) -> None:
        self._reactor.removeWriter(self)
        self.done.callback(None)

    def doRead(self) -> None:
        """Never asked for."""

    def connectionLost(self, reason: Failure) -> None:
        if not self.done.called:
            self.doWrite()  # SO_ERROR says what happened

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "connecting"


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = isinstance(error, OSError) and error.strerror
    return (text or str(error) or type(error).__name__).lower()


def _close_all(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)
