"""Between the window's loop and the connection's: the viewer lives on a thread of its own.

What happens there arrives here as queued signals; what is said here is handed over without waiting. The
pixels are the one thing that both threads touch: `guard` is held by whoever reads or changes them.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import platform
import threading
from collections.abc import Callable, Coroutine
from importlib.metadata import version
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from sessions.wire import tsg
from sessions.wire.tsg import Capability
from thinclient.faults import FAULT
from tsgateway.client import Client, ClientError, ViewerClosed
from tsgateway.client.viewer import (
    AsyncViewer,
    Clipboard,
    Content,
    Happening,
    Look,
    NotTaken,
    Picture,
    Played,
)

_log = logging.getLogger(__name__)
AT_ONCE = 4 * 1024 * 1024
"""Bytes of what is copied on the desktop that are fetched before anybody pastes them."""
FETCH_SECONDS = 20.0
"""So long a program that pastes waits for the rest."""
ABILITIES = (Capability.DIALOGS, Capability.SHADOWS, Capability.SWITCH, Capability.RELATIVE)


class Link(QObject):
    """One desktop over as many connections as it takes.

    happened: with each event of the viewer. ended: with the ViewerClosed (or another ClientError) that says
    why the desktop is not shown any more.
    """

    happened = Signal(object)
    ended = Signal(object)
    _told = Signal(object)
    _over = Signal(object)

    def __init__(
        self,
        gateway: Client,
        desktop: str,
        session: str,
        size: tuple[int, int] | None,
        *,
        look: Look | None = None,
        carrier: str = "auto",
    ) -> None:
        super().__init__()
        self.gateway = gateway
        self.guard = threading.Lock()
        self.picture = Picture(self.guard)
        self.on_sound: Callable[[Played], None] = lambda played: None
        """Is called with what the desktop plays, on the connection's thread."""
        self._told.connect(self.happened, Qt.ConnectionType.QueuedConnection)
        self._over.connect(self.ended, Qt.ConnectionType.QueuedConnection)
        self._loop = asyncio.new_event_loop()
        self._viewer = AsyncViewer(
            gateway, desktop, size=size, reconnect=True, on_event=self._tell, session=session, look=look,
            client=f"tsclient {version('tsgateway')} ({platform.system()})", abilities=ABILITIES,
            presents=True, picture=self.picture, clipboard=Clipboard(AT_ONCE), on_sound=self._sounded,
            carrier=carrier,
        )  # fmt: skip
        self._tasks: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="viewer", daemon=True)

    def open(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Leave; the session goes on. Waits until the server has been told, a second or so at most."""
        if self._thread.is_alive():
            self._soon(self._stop)
            self._thread.join(3)

    def say(self, *messages: tsg.Message) -> None:
        """Send messages; they are dropped while there is no connection."""
        self._soon(lambda: self._later(self._viewer.send(messages)))

    def resize(self, width: int, height: int) -> None:
        """Wish for a size of the screen, now and after each cut."""
        self._soon(lambda: self._later(self._viewer.resize(width, height)))

    def presented(self) -> None:
        """The last picture is on the screen."""
        self._soon(self._viewer.presented)

    def give(self, content: Content) -> None:
        """Let programs in the desktop paste this; `Taken` or `NotTaken` follows."""
        self._soon(lambda: self._give(content))

    def copied(self) -> Content | None:
        """Wait for all that the desktop's clipboard holds; None when that cannot be had."""
        if not self._loop.is_running():
            return None
        coming = asyncio.run_coroutine_threadsafe(self._viewer.copied(FETCH_SECONDS), self._loop)
        try:
            return coming.result(FETCH_SECONDS + 1)
        except (ClientError, TimeoutError, concurrent.futures.CancelledError):
            return None

    def listen(self, on: bool) -> None:
        """Hear what the desktop plays, or no more; now and after each cut."""
        self._soon(lambda: self._later(self._viewer.listen(on)))

    def microphone(self, on: bool) -> None:
        """Turn the microphone on, or off."""
        self._soon(lambda: self._later(self._viewer.microphone(on)))

    def voice(self, samples: bytes) -> None:
        """Send what the microphone hears."""
        self._soon(lambda: self._later(self._viewer.voice(samples)))

    @property
    def round_trip(self) -> float | None:
        """Seconds of a ping and its answer."""
        return self._viewer.round_trip

    @property
    def received(self) -> int:
        """Bytes that came over the line so far."""
        return self._viewer.received

    @property
    def session(self) -> str:
        """The session's id, "" before it is known."""
        return self._viewer.session

    def can(self, capability: Capability) -> bool:
        """Whether the server can do something."""
        hello = self._viewer.hello
        return hello is not None and capability in hello.capabilities

    # ---- on the other thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._see_through())
        try:
            self._loop.run_until_complete(self._task)
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _see_through(self) -> None:
        try:
            await self._viewer.open()
            closed: ClientError = await self._viewer.ended()
        except asyncio.CancelledError:
            closed = ViewerClosed("The viewer is closed.")
        except ClientError as error:
            closed = error
        except Exception:
            _log.exception("the viewer has failed")
            closed = ClientError(FAULT)
        await self._viewer.close()
        self._over.emit(closed)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _soon(self, what: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(what)

    def _give(self, content: Content) -> None:
        try:
            self._viewer.give(content)
        except ClientError as error:
            self._tell(NotTaken(str(error)))

    def _later(self, what: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(_until_closed(what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _sounded(self, played: Played) -> None:
        self.on_sound(played)

    def _tell(self, event: Happening) -> None:
        self._told.emit(event)


async def _until_closed(what: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(ViewerClosed):
        await what
