"""Transfers that wait for their turn: a few run at a time, each on a thread with a line of its own."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from thinclient.download import Fetch, Taken
from thinclient.local import make_folder, to_send
from thinclient.shared import found
from thinclient.transfer import OVER, RESTS, State, Stopped, Transfer
from thinclient.upload import Upload
from tsgateway.client import Client, ClientError, Refused

AT_ONCE = 2
MAX_WAITING = 1000
"""Files of a folder that wait at a time: a folder may have more than memory holds."""
MAX_DONE = 500
"""Finished ones that are remembered."""


class Gathering(Transfer):
    """Makes a transfer of each file of what a person has chosen. add: takes them; crowded: it has to wait."""

    def __init__(self, name: str, add: Callable[[Transfer], object]) -> None:
        super().__init__(name, None)
        self.crowded: Callable[[], bool] = lambda: False
        self._add = add

    def add(self, transfer: Transfer) -> None:
        """Hand one over. Raises Stopped."""
        while self.crowded():
            if self._stop.wait(0.2):
                raise Stopped
        self.reached(self.done + 1)
        self._add(transfer)


class Sending(Gathering):
    """paths: files and folders of this machine; folder: where they go in the shared one."""

    def __init__(
        self, session: str, paths: Iterable[Path], folder: str, add: Callable[[Transfer], object]
    ) -> None:
        super().__init__("Looking through what was chosen", add)
        self._session = session
        self._paths = deque(paths)
        self._folder = folder

    def move(self, client: Client, slow: Client) -> str:
        """See `Transfer`."""
        self.go(State.MOVING)
        while self._paths:
            for path, below, is_empty in to_send(self._paths.popleft()):
                target = f"{self._folder}/{below}" if self._folder else below
                if not is_empty:
                    self.add(Upload(path, self._session, target))
                    continue
                try:
                    client.make_folder(self._session, path=target)
                except Refused as error:
                    if error.code != "exists":
                        raise
        return ""


class Loading(Gathering):
    """sources: files and folders of the shared one, with what is to be done where a name is taken."""

    def __init__(
        self, session: str, sources: dict[str, Taken], folder: Path, add: Callable[[Transfer], object]
    ) -> None:
        super().__init__("Looking through what was chosen", add)
        self._session = session
        self._sources = deque(sources.items())
        self._folder = folder

    def move(self, client: Client, slow: Client) -> str:
        """See `Transfer`."""
        self.go(State.MOVING)
        while self._sources:
            source, taken = self._sources.popleft()
            for each in found(client, self._session, source):
                target = self._folder.joinpath(*each.below)
                if each.size is None:
                    make_folder(target)
                else:
                    self.add(Fetch(self._session, each.source, target, each.size, taken=taken))
        return ""


class Transfers:
    """All of a window. client: whose twins do the work."""

    def __init__(self, client: Client) -> None:
        self.items: list[Transfer] = []
        """In the order in which they came; replaced, never changed."""
        self._client = client
        self._turn = threading.Condition()
        self._running: set[Transfer] = set()
        self._discards: deque[Transfer] = deque()
        self._is_closed = False
        for gathers in (True, *(False for _ in range(AT_ONCE))):
            threading.Thread(target=self._work, args=(gathers,), name="files", daemon=True).start()

    def add(self, transfer: Transfer) -> None:
        """Let it run when its turn comes."""
        if isinstance(transfer, Gathering):
            transfer.crowded = lambda: sum(each.state is State.QUEUED for each in self.items) >= MAX_WAITING
        with self._turn:
            over = [each for each in self.items if each.state in OVER]
            gone = set(over[: max(0, len(over) - MAX_DONE)])
            self.items = [each for each in self.items if each not in gone] + [transfer]
            self._turn.notify_all()

    def resume(self, transfer: Transfer) -> None:
        """Let it go on, when its turn comes."""
        if transfer.queue():
            with self._turn:
                self._turn.notify_all()

    def cancel(self, transfer: Transfer) -> None:
        """Give it up, and throw away what has come of it."""
        transfer.cancel()
        with self._turn:
            self._discards.append(transfer)
            self._turn.notify_all()

    def clear(self) -> None:
        """Forget those that are over."""
        with self._turn:
            self.items = [each for each in self.items if each.state not in OVER]

    @property
    def working(self) -> int:
        """How many would go on by themselves."""
        return sum(each.state not in RESTS for each in self.items)

    def close(self) -> None:
        """Stop all; what is there stays, here and there."""
        with self._turn:
            self._is_closed = True
            self._turn.notify_all()
        for each in self.items:
            each.pause()

    def _work(self, gathers: bool) -> None:
        with self._client.twin() as client:
            while (transfer := self._next(gathers)) is not None:
                if transfer.state is State.CANCELLED:
                    with contextlib.suppress(
                        ClientError, OSError
                    ):  # the gateway gives it up by itself in time
                        transfer.discard(client)
                else:
                    transfer.run(client)
                with self._turn:
                    self._running.discard(transfer)
                    if isinstance(transfer, Gathering) and transfer.state in OVER:
                        self.items = [each for each in self.items if each is not transfer]
                    self._turn.notify_all()

    def _next(self, gathers: bool) -> Transfer | None:
        """Wait for something to do; None: nothing will come any more."""
        with self._turn:
            while not self._is_closed:
                queued = (each for each in self.items if each.state is State.QUEUED)
                for each in (*self._discards, *queued):
                    if each not in self._running and isinstance(each, Gathering) is gathers:
                        self._running.add(each)
                        if each in self._discards:
                            self._discards.remove(each)
                        return each
                self._turn.wait()
        return None
