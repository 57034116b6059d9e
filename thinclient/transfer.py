"""What uploads and downloads have in common: states, pauses, and going on after a cut.

QUEUED ─▶ CHECKING ─▶ MOVING ─▶ FINISHING ─▶ DONE
   ▲         ├──────────┴──────────┴──▶ WAITING (for the gateway; goes on by itself), FAILED
   └── PAUSED, FAILED (by `queue`)      PAUSED, CANCELLED (by the person, at any time)

A transfer runs on one thread, and is told what to do by another.
"""

from __future__ import annotations

import enum
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tsgateway.client import Client, ClientError, ServerAway, Unavailable, WrongCertificate

if TYPE_CHECKING:
    from hashlib import _Hash

WAITS = (0.5, 1, 2, 4, 8)
"""Seconds between two tries while the gateway is away; the last one repeats."""
LONG_PATIENCE = 600.0
"""Seconds that the gateway may take to read a large file for its checksum."""
_READ = 1024 * 1024
_PASSING = ("wrong_offset", "no_such_upload")
_log = logging.getLogger(__name__)


class State(enum.StrEnum):
    """How far a transfer is."""

    QUEUED = "waits for its turn"
    CHECKING = "is compared"
    MOVING = "is on its way"
    FINISHING = "is checked"
    WAITING = "waits for the gateway"
    PAUSED = "is paused"
    FAILED = "has failed"
    DONE = "is done"
    CANCELLED = "is cancelled"


OVER = frozenset((State.DONE, State.CANCELLED))
RESTS = OVER | {State.PAUSED, State.FAILED}


class TransferFailed(ClientError):
    """It cannot be done on this machine; the text is a sentence."""


class Stopped(Exception):
    """Somebody has paused or cancelled what runs."""


class Transfer:
    """One file on its way.

    name: for people. size: bytes, None while it is not known. changed: is called whenever something is
    different, on the thread that it runs on. patience: seconds to wait while the gateway is away and nothing
    moves; None for as long as it takes.
    """

    def __init__(self, name: str, size: int | None, *, patience: float | None = None) -> None:
        self.name = name
        self.size = size
        self.done = 0
        """Bytes that are there."""
        self.state = State.QUEUED
        self.message = ""
        """Why it has failed or waits; what it has become."""
        self.error: ClientError | None = None
        """Why it has failed."""
        self.changed: Callable[[Transfer], object] = lambda transfer: None
        self.is_running = False
        self._patience = patience
        self._lock = threading.Lock()
        self._stop = threading.Event()

    # ---- from another thread

    def pause(self) -> None:
        """Stop for now; what is there stays."""
        self._halt(State.PAUSED)

    def cancel(self) -> None:
        """Give up; see `discard`."""
        self._halt(State.CANCELLED)

    def queue(self) -> bool:
        """Let it run again; tells whether it will."""
        with self._lock:
            if self.state in OVER:
                return False
            self.state, self.message = State.QUEUED, ""
        self.changed(self)
        return True

    def _halt(self, state: State) -> None:
        with self._lock:
            if self.state in OVER:
                return
            self._stop.set()
            self.state, self.message = state, ""
        self.changed(self)

    # ---- on its own thread

    def run(self, client: Client) -> None:
        """Work until it is done, has failed, or was stopped. Raises nothing."""
        with self._lock:
            if self.state is not State.QUEUED:
                return
            self._stop = threading.Event()
            self.is_running = True
        slow = client.twin(LONG_PATIENCE)
        try:
            self._try(client, slow)
        except Stopped:
            pass
        except Exception as error:
            if not isinstance(error, ClientError):
                _log.exception("%s has failed", self.name)
                error = ClientError("This program has a fault; its log says more.")
            self._fails(error)
        finally:
            slow.close()
            self.is_running = False
            self.changed(self)

    def discard(self, client: Client) -> None:
        """Throw away what has come of something that was cancelled. Raises ClientError."""

    def move(self, client: Client, slow: Client) -> str:
        """Do it, from where it is; return what has become of it. slow: a client that waits long.

        Raises Stopped, ClientError, OSError.
        """
        raise NotImplementedError

    def go(self, state: State, message: str = "") -> None:
        """Tell how far it is. Raises Stopped."""
        with self._lock:
            if self._stop.is_set():
                raise Stopped
            self.state, self.message = state, message
        self.changed(self)

    def reached(self, done: int) -> None:
        """So many bytes are there. Raises Stopped."""
        self.done = done
        if self._stop.is_set():
            raise Stopped
        self.changed(self)

    def hashed(self, read: Callable[[int], bytes], size: int) -> _Hash:
        """Hash the first bytes of a file. read: returns so many more of them, or fewer. Raises Stopped."""
        sha256, at = hashlib.sha256(), 0
        while at < size:
            data = read(min(_READ, size - at))
            sha256.update(data)
            at += len(data)
            self.reached(at)
        self.reached(at)
        return sha256

    def _try(self, client: Client, slow: Client) -> None:
        tries, since = 0, time.monotonic()
        while True:
            before = self.done
            try:
                become = self.move(client, slow)
                with self._lock:  # also when it was to stop in the last moment
                    self.state, self.message = State.DONE, become
                return
            except OSError as error:
                raise TransferFailed(f"{self.name}: {os.strerror(error.errno or 0)}.") from error
            except ClientError as error:
                if self.done > before:
                    tries, since = 0, time.monotonic()
                if not _is_passing(error) or self._is_enough(since):
                    raise
                self.go(State.WAITING, str(error))
            if self._stop.wait(WAITS[min(tries, len(WAITS) - 1)]):
                raise Stopped
            tries += 1

    def _is_enough(self, since: float) -> bool:
        return self._patience is not None and time.monotonic() - since >= self._patience

    def _fails(self, error: ClientError) -> None:
        with self._lock:
            if not self._stop.is_set():
                self.state, self.message, self.error = State.FAILED, str(error), error


def _is_passing(error: ClientError) -> bool:
    """Whether it may go well after a while: the gateway is away, busy, or has lost what we know."""
    if isinstance(error, WrongCertificate):
        return False
    is_away = isinstance(error, ServerAway) or (
        isinstance(error, Unavailable) and error.status in (502, 503, 504)
    )
    return is_away or error.code in _PASSING


def amount(size: float) -> str:
    """Return a number of bytes for people.

    >>> amount(999), amount(12_345_678), amount(4.2e9)
    ('999 B', '12.3 MB', '4.2 GB')
    """
    for unit in ("B", "kB", "MB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB" if size < 999.5 else f"{size:.0f} GB"
