"""The virtio port by which a guest mounts the folder that it shares with its person.

A program in the guest gives the port to the guest's kernel, which speaks 9P over it (sessions/wire/ninep.py);
a thread here answers. So QEMU needs no right to any file, the quota holds for what the guest writes, and
neither warm templates nor migration know that there is a mount: to them it is a port like others.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

from twisted.logger import Logger

from sessions.guests.qemu import state
from sessions.transfer.errors import TransferError
from sessions.transfer.served import Served
from sessions.transfer.shares import Share, Shares
from sessions.wire import ninep
from sessions.wire.errors import ProtocolError

log = Logger()

PORT = "org.tsgateway.share"
PROCESSOR = 0.3
"""Of a core that serving one guest may take for long: others' pictures wait for the same interpreter."""
BURST_SECONDS = 0.1
_CHUNK = 256 * 1024
_MOST_NOISE = 4 * ninep.MSIZE


class SharePort:
    """Our end of the port (`guests.base.SharedFolder`). folder: the guest's, where the socket is."""

    def __init__(self, folder: Path, shares: Shares) -> None:
        self._folder = folder
        self._shares = shares
        self._line: socket.socket | None = None
        self._mounting: _Line | None = None

    @property
    def mounted(self) -> bool:
        """Whether the guest shows it."""
        return self._mounting is not None and self._mounting.mounted

    def lend(self, user: str, desktop: str) -> None:
        """Begin to offer it to the guest, which runs. Never raises."""
        self.close()
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with state.short_path(self._folder, f"{PORT}.sock") as path:
                line.connect(path)  # QEMU listens there, or the kernel keeps it until it does
        except OSError as error:
            line.close()  # a guest that was started by an earlier version has no such port
            log.warn("{folder} has no port for files: {error}", folder=str(self._folder), error=error)
            return
        self._line = line
        self._mounting = _Line(line, lambda: self._shares.of(user, desktop))
        threading.Thread(target=self._mounting.run, name="share", daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        line, self._line, self._mounting = self._line, None, None
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # its thread wakes up, closes it and ends


class _Line:
    """One connection to a guest; `run` is a thread."""

    def __init__(self, line: socket.socket, open_share: Callable[[], Share]) -> None:
        self.mounted = False
        self._line = line
        self._open_share = open_share
        self._pace = _Pace()

    def run(self) -> None:
        """Serve until the connection ends."""
        try:
            share = self._open_share()
            while True:
                self._serve(share)
        except (OSError, EOFError):
            pass  # QEMU has gone, or we let go of it
        except TransferError as error:
            log.error("a guest gets no shared folder: {error}", error=error)
        except Exception:
            log.failure("a guest's shared folder is served no more")
        finally:
            self.mounted = False
            self._line.close()

    def _serve(self, share: Share) -> None:
        """Greet, and answer what comes until it is no 9P any more: then greetings begin anew."""
        uid, early = self._greet()
        served, cutter = Served(share, uid), ninep.Cutter()
        self.mounted = True
        try:
            data = early
            while True:
                for request in cutter.receive(data):
                    self._line.sendall(served.answer(request))
                    self._pace.keep()
                data = self._receive()
        except ProtocolError:
            pass
        finally:
            self.mounted = False
            served.close()

    def _greet(self) -> tuple[int, bytes]:
        """Offer the folder until the guest begins to mount it; return its uid, and what came behind."""
        offered = self._offer()
        heard = bytearray()
        while True:
            heard += self._receive()
            wanted = ninep.MOUNTING + offered
            at = heard.find(wanted)
            if at >= 0 and len(heard) >= at + len(wanted) + 4:
                rest = bytes(heard[at + len(wanted) :])
                return int.from_bytes(rest[:4], "little"), rest[4:]
            if at < 0 and (asked := heard.rfind(ninep.WANTED)) >= 0:
                del heard[: asked + len(ninep.WANTED)]
                offered = self._offer()
            if at < 0 and len(heard) > _MOST_NOISE:
                del heard[: -len(wanted) - len(ninep.WANTED)]

    def _offer(self) -> bytes:
        nonce = secrets.token_bytes(ninep.NONCE)
        self._line.sendall(bytes(ninep.MSIZE) + ninep.OFFERED + nonce)
        return nonce

    def _receive(self) -> bytes:
        data = self._line.recv(_CHUNK)
        if not data:
            raise EOFError
        return data


class _Pace:
    """Holds a thread to its part of the processor."""

    def __init__(self) -> None:
        self._credit = BURST_SECONDS
        self._seen = time.monotonic()
        self._used = 0.0

    def keep(self) -> None:
        """Sleep as long as the thread has taken more than it may."""
        now, used = time.monotonic(), time.thread_time()
        earned = (now - self._seen) * PROCESSOR
        self._credit = min(self._credit + earned, BURST_SECONDS) - (used - self._used)
        self._seen, self._used = now, used
        if self._credit < 0:
            time.sleep(-self._credit / PROCESSOR)
