"""One QEMU: launched or found again, reached by its monitor and ports, and ended."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater

from sessions.clipboard.agent import AgentClipboard
from sessions.displays.base import DisplayError, DisplayEvents
from sessions.displays.qemu_dbus import AskedSize, PointerLook, QemuDisplay, open_qemu_display
from sessions.displays.qemu_dbus import Machine as ShownMachine
from sessions.displays.sockets import connect_unix
from sessions.guests.base import GuestError
from sessions.guests.qemu import state
from sessions.guests.qemu.agent import Agent
from sessions.guests.qemu.endings import Ending, start_failure
from sessions.guests.qemu.monitor import Monitor, MonitorError, peer_of
from sessions.guests.qemu.process import ProcessId, QemuProcess
from sessions.guests.qemu.sound import MicrophonePort
from sessions.guests.qemu.text_port import TextPort
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from sessions.wire.qmp import Event, Greeting

QUIT_SECONDS = 3
"""How long each way of ending QEMU is given before the next, harsher one."""
STRAY_SECONDS = 10
"""How long a QEMU that nobody knows of may take to answer."""


class Vm:
    """One QEMU and our connections to it, in the guest's state folder.

    process: which one; child: as its parent sees it, None for one that was found again.
    ended: called with a sentence when QEMU goes by itself while `watched`.
    clipboard: is connected to the guest's; None: nobody is.
    screen: the size it was started with; None: that is not known.
    """

    def __init__(
        self,
        folder: Path,
        reactor: Any,
        process: ProcessId | QemuProcess,
        ended: Callable[[str], None],
        clipboard: AgentClipboard | None = None,
        *,
        screen: Size | None = None,
    ) -> None:
        self.child = process if isinstance(process, QemuProcess) else None
        self.process = process.id if isinstance(process, QemuProcess) else process
        self.watched = False
        self.text: TextPort | None = None
        self.agent: Agent | None = None
        self.microphone = MicrophonePort(reactor)
        self._folder = folder
        self._reactor = reactor
        self._ended = ended
        self._clipboard = clipboard
        self._asked = AskedSize(screen)
        self._monitor: Monitor | None = None
        self._ending = Ending()

    async def connect(self, seconds: float) -> Greeting:
        """Connect to the monitor and the ports. Raises DisplayError, MonitorError."""
        with state.short_path(self._folder, state.QMP) as path:
            connected = await connect_unix(self._reactor, path, seconds)
        # The kernel names the process that listens: we ourselves as long as QEMU has not taken over.
        owner = peer_of(connected)
        if owner not in (os.getpid(), self.process.pid):
            connected.close()
            raise MonitorError(f"the monitor belongs to process {owner}")
        self._monitor = Monitor(self._reactor, self._happened, self._lost)
        greeting = await self._monitor.connect(connected, seconds)
        with state.short_path(self._folder, state.TEXT) as path:
            self.text = TextPort(self._reactor, await connect_unix(self._reactor, path, seconds))
        if connected_port := await self._port(state.MICROPHONE, seconds):
            self.microphone.open(connected_port)
        self.agent = Agent(self._folder, self._reactor)
        if self._clipboard is not None and (connected_port := await self._port(state.CLIPBOARD, seconds)):
            self._clipboard.connected(connected_port)
        await self.look_at_ports()
        return greeting

    async def _port(self, name: str, seconds: float) -> socket.socket | None:
        """Connect to a port; None in a guest that an earlier version has started without it."""
        if not (self._folder / name).exists():
            return None
        with state.short_path(self._folder, name) as path:
            return await connect_unix(self._reactor, path, seconds)

    async def look_at_ports(self) -> None:
        """Find out on which ports the guest listens. Raises MonitorError."""
        for device in await self.monitor.execute("query-chardev"):
            self._port_listens(device["label"], device["frontend-open"])

    @property
    def monitor(self) -> Monitor:
        """The monitor. Raises MonitorError when it is not connected."""
        if self._monitor is None:
            raise MonitorError("QEMU is gone")
        return self._monitor

    @property
    def connected(self) -> bool:
        """Whether there is a monitor to speak to."""
        return self._monitor is not None

    async def open_screen(
        self, framebuffer: Framebuffer, events: DisplayEvents, pointer: PointerLook
    ) -> QemuDisplay:
        """Open the display. Raises DisplayError."""
        if self._monitor is None or self.text is None:
            raise DisplayError("The guest does not run.")
        try:
            machine = ShownMachine(self._monitor, self.text, pointer, self._asked)
            return await open_qemu_display(self._reactor, machine, framebuffer, events)
        except MonitorError as error:
            raise DisplayError(f"The guest's screen cannot be opened: {error}.") from error

    async def end(self) -> None:
        """End QEMU, the harsher the longer it takes, and let go of it."""
        self.watched = False
        if self._monitor is not None and self.process.alive:
            self._monitor.post("quit", {})
            await self.gone_within(QUIT_SECONDS)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.alive:
                self.process.send(number)
                await self.gone_within(QUIT_SECONDS)
        if self.child is not None:
            self.child.exit_code()  # so that it leaves no zombie
            self.child.let_go()
        self.let_go()

    async def gone_within(self, seconds: float) -> bool:
        """Wait for QEMU's end, so long at most; return whether it has come."""
        deadline = self._reactor.seconds() + seconds
        while self.process.alive:
            if self._reactor.seconds() >= deadline:
                return False
            if self.child is not None:
                self.child.exit_code()
            await deferLater(self._reactor, 0.02)
        return True

    def let_go(self) -> None:
        """Close what connects us; QEMU goes on."""
        self.watched = False
        if self._monitor is not None:
            self._monitor.close()
        self.microphone.close()
        for port in (self.text, self.agent):
            if port is not None:
                port.close()
        if self._clipboard is not None:
            self._clipboard.disconnect()
        self._monitor = self.text = self.agent = None

    def failure(self, error: Exception, qemu: str) -> GuestError:
        """Return what to say when it did not come up."""
        said = "" if self.child is None else self.child.error_text()
        return start_failure(qemu, said, str(error))

    def _port_listens(self, id: object, listening: object) -> None:
        ports = {"text": self.text, "agent": self.agent, "microphone": self.microphone}
        port = ports.get(str(id), self._clipboard if id == "clipboard" else None)
        if port is not None:
            port.listens(bool(listening))

    def _happened(self, event: Event) -> None:
        self._ending.learn(event)
        if event.name == "VSERPORT_CHANGE":
            self._port_listens(event.data.get("id"), event.data.get("open"))

    def _lost(self, reason: Exception) -> None:
        if self.watched:
            self.watched = False
            code = None if self.child is None else self.child.exit_code()
            self._ended(self._ending.sentence(code))


async def end_stray(folder: Path, reactor: Any) -> None:
    """End a QEMU that runs in a guest's folder though nothing there says which process it is.

    Its session host was killed between launching it and keeping that. Its monitor has no other client.
    """
    if not (folder / state.QMP).exists():
        return
    monitor = Monitor(reactor, lambda _: None, lambda _: None)
    try:
        with state.short_path(folder, state.QMP) as path:
            connected = await connect_unix(reactor, path, STRAY_SECONDS)
        await monitor.connect(connected, STRAY_SECONDS)
        await monitor.execute("quit")
    except (DisplayError, MonitorError):
        pass  # nobody listens there, as a rule: it has ended, or was never begun
    finally:
        monitor.close()
