"""Waiting until a guest that has started can be used.

Images of our recipes say so on their serial port ("READY …", "tsgateway: desktop ready"). Others say
nothing, so for them a screen that has been in a graphics mode for some seconds counts as ready: the
person then watches the rest of the boot. When one of ours never says its word but shows graphics, it
counts as well, once the time is up: an imperfect desktop serves people better than none.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from twisted.internet.task import deferLater

from sessions.displays.base import DisplayError, DisplayEvents
from sessions.displays.qemu_dbus import QemuDisplay
from sessions.displays.sockets import Reactor
from sessions.guests.base import GuestError, Progress
from sessions.guests.qemu.command import SERIAL_LOG_BYTES
from sessions.guests.qemu.monitor import Monitor
from sessions.input.events import InputEvent
from sessions.pixels.cursor import Cursor
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size

GRAPHICS_SECONDS = 5
_POLL_SECONDS = 0.1
_READY = re.compile(rb"(?:^|\n)(?:READY\b|tsgateway: [a-z ]*ready)")
_TEXT_MODES = (Size(720, 400), Size(640, 400), Size(640, 480), Size(640, 350), Size(720, 350))
_TAIL_LINES = 12


class SerialLog:
    """The last of what a guest wrote to its serial port, out of QEMU's ring buffer; both are bounded."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._log = b""

    async def read(self) -> bytes:
        """Fetch what is new; return all that is kept. Raises MonitorError."""
        arguments = {"device": "serial", "size": SERIAL_LOG_BYTES, "format": "base64"}
        new = base64.b64decode(await self._monitor.execute("ringbuf-read", arguments))
        self._log = (self._log + new)[-SERIAL_LOG_BYTES:]
        return self._log

    @property
    def tail(self) -> str:
        """The last lines, for the operator."""
        lines = self._log.decode(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(lines) or "nothing"


class Watcher:
    """Looks at the guest's screen from aside."""

    def __init__(self, reactor: Reactor) -> None:
        self.framebuffer = Framebuffer()
        self.drawn = False
        self.graphics_since: float | None = None
        self._reactor = reactor

    def resized(self) -> None:
        """Learn that the mode has changed."""
        if self.framebuffer.size in _TEXT_MODES:
            self.graphics_since = None
        elif self.graphics_since is None:
            self.graphics_since = self._reactor.seconds()

    def updated(self) -> None:
        """Learn that something was drawn."""
        self.drawn = True

    def cursor(self, cursor: Cursor) -> None:
        """Nothing to learn."""

    def pointing(self, relative: bool) -> None:
        """Nothing to learn."""

    def injected(self, event: InputEvent, waited: float) -> None:
        """Nothing to learn."""

    def lost(self, reason: DisplayError) -> None:
        """The monitor tells this better."""


OpenDisplay = Callable[[Framebuffer, DisplayEvents], Awaitable[QemuDisplay]]


@dataclass(frozen=True)
class Patience:
    """seconds: how long to wait in all. speaks: whether the guest is known to say when it is ready."""

    seconds: float
    speaks: bool


async def wait_until_ready(
    reactor: Reactor, monitor: Monitor, open_display: OpenDisplay, patience: Patience, progress: Progress
) -> QemuDisplay:
    """Return when the guest can be used, with the display by which it was watched, for the caller to close.

    Raises GuestError when it cannot in time, MonitorError or DisplayError when QEMU ends meanwhile.
    """
    deadline = reactor.seconds() + patience.seconds
    log, screen = SerialLog(monitor), Watcher(reactor)
    display = await open_display(screen.framebuffer, screen)
    told = 0
    try:
        while not _READY.search(await log.read()):
            now = reactor.seconds()
            graphics = screen.graphics_since is not None and now - screen.graphics_since >= GRAPHICS_SECONDS
            if graphics and (not patience.speaks or now >= deadline):
                break
            if now >= deadline:
                raise _never_ready(patience.seconds, log)
            step = 60 if screen.graphics_since is not None else 40 if screen.drawn else 20
            if step > told:
                told = step
                progress(step, "The desktop is starting" if step == 60 else "The guest is booting")
            await deferLater(reactor, _POLL_SECONDS)
    except BaseException:
        display.close()
        raise
    return display


def _never_ready(seconds: float, log: SerialLog) -> GuestError:
    return GuestError(
        f"The guest did not start within {seconds:g} seconds: "
        "this machine may be too busy, or the guest's image broken.",
        detail=f"never ready; the end of its serial log:\n{log.tail}",
    )
