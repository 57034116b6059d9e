"""The virtio ports of a shared machine, joined to the sockets of X servers (see `seats`)."""

import contextlib
import os
import select
import socket
import struct
from pathlib import Path

PORTS = Path("/dev/virtio-ports")
SEAT = "org.tsgateway.seat."
PIECE = 128 * 1024


class Stream:
    """A virtio port and the connection to the X server whose stream it carries."""

    def __init__(self, seat, nonce, poll):
        self.seat = seat
        self.nonce = nonce.encode()
        self.poll = poll
        self.seen = b""
        self.server = None
        self.port = os.open(PORTS / f"{SEAT}{seat.number}", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.to_host = self.to_server = memoryview(b"")
        # The host's connection may not be there yet, which counts as hung up: hear of changes only.
        poll.register(self.port, select.EPOLLIN | select.EPOLLET)

    def find_nonce(self):
        """Drop what comes before the nonce; then answer it and connect to the X server."""
        while chunk := read(self.port):
            self.seen += chunk
            at = self.seen.find(self.nonce)
            if at >= 0:
                self.to_server = memoryview(self.seen[at + len(self.nonce) :])
                self.to_host = memoryview(self.nonce)
                self.connect()
                return
            self.seen = self.seen[-len(self.nonce) :]

    def connect(self):
        """Connect to the X server of the seat's person. Raises OSError."""
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.server.connect(str(self.seat.folder / "rfb"))
        # The path is the person's own: it may lead to somebody else's desktop, but must not.
        credentials = self.server.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        if struct.unpack("3i", credentials)[1] != self.seat.account.pw_uid:
            raise OSError("the socket is somebody else's")
        self.server.setblocking(False)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * PIECE)
        self.poll.modify(self.port, 0)
        self.poll.register(self.server, 0)
        self.listen()

    def listen(self):
        """Wait for what can go on."""
        port = (select.EPOLLOUT if self.to_host else 0) | (0 if self.to_server else select.EPOLLIN)
        server = (select.EPOLLOUT if self.to_server else 0) | (0 if self.to_host else select.EPOLLIN)
        self.poll.modify(self.port, port)
        self.poll.modify(self.server, server)

    def turn(self, descriptor, events):
        """Move what can be moved. Raises EOFError when the host, OSError when the X server has hung up."""
        if self.server is None:
            self.find_nonce()
            return
        if descriptor == self.port:
            if events & select.EPOLLHUP:
                raise EOFError
            if events & select.EPOLLIN and not self.to_server:
                self.to_server = memoryview(read(self.port))
        elif not self.to_host and events & (select.EPOLLIN | select.EPOLLHUP):
            with contextlib.suppress(BlockingIOError):
                chunk = self.server.recv(PIECE)
                if not chunk:
                    raise OSError("the X server has hung up")
                self.to_host = memoryview(chunk)
        with contextlib.suppress(BlockingIOError):
            while self.to_host:
                self.to_host = self.to_host[os.write(self.port, self.to_host) :]
        with contextlib.suppress(BlockingIOError):
            while self.to_server:
                self.to_server = self.to_server[self.server.send(self.to_server) :]
        self.listen()

    def close(self):
        """Let go of both ends."""
        self.poll.unregister(self.port)
        os.close(self.port)
        if self.server is not None:
            with contextlib.suppress(OSError, KeyError, ValueError):
                self.poll.unregister(self.server)
            self.server.close()


def read(port):
    """What has come; nothing when the host is not connected."""
    try:
        return os.read(port, PIECE)
    except BlockingIOError:
        return b""
