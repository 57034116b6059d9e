"""A virtual machine under QEMU, cloned from an image.

QEMU depends on nothing of ours once it runs: it is detached, holds no path of ours, and its state folder
says how to reach it, so a new session host takes it up again (`adopt`).

`start` returns when the guest can be used, not when QEMU runs: people rather watch a progress bar than
a boot. What counts as that is in boot.py.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool

from sessions.displays.base import Display, DisplayError, DisplayEvents
from sessions.displays.qemu_dbus import Machine as ShownMachine
from sessions.displays.qemu_dbus import QemuDisplay, open_qemu_display
from sessions.displays.sockets import connect_unix
from sessions.guests.base import GuestError, Place, Progress
from sessions.guests.qemu import disk, state
from sessions.guests.qemu.accelerator import Accelerator, kvm_groups, probe
from sessions.guests.qemu.agent import Agent
from sessions.guests.qemu.boot import Patience, wait_until_ready
from sessions.guests.qemu.command import Descriptors, Machine, as_user, qemu_command
from sessions.guests.qemu.endings import Ending, start_failure
from sessions.guests.qemu.monitor import Monitor, MonitorError, peer_of
from sessions.guests.qemu.personal import PersonalDisk
from sessions.guests.qemu.pointer import KeptPointer
from sessions.guests.qemu.process import ProcessId, QemuProcess
from sessions.guests.qemu.spec import Settings, Spec
from sessions.guests.qemu.state import State
from sessions.guests.qemu.text_port import TextPort
from sessions.images.store import Image, ImageStore
from sessions.pixels.framebuffer import Framebuffer
from sessions.wire.qmp import Event

T = TypeVar("T")

GREETING_SECONDS = 20
CONNECT_SECONDS = 5
LOCK_POLL_SECONDS = 0.25
LOCK_SECONDS = 120
"""How long a personal disk may still be in use: by a guest of the last session that shuts down."""
QUIT_SECONDS = 3
"""How long each way of ending QEMU is given before the next, harsher one."""

_UIDS = 1 << 28


class QemuGuest:
    """One guest (see sessions/guests/base.py)."""

    def __init__(self, spec: Mapping[str, Any], place: Place) -> None:
        self._given = dict(spec)
        self._spec = Spec.read(spec)
        self._settings = Settings.read(place.settings)
        self._place = place
        self._reactor = place.reactor
        self._disk = self._personal_disk()
        self._monitor: Monitor | None = None
        self._text: TextPort | None = None
        self._agent: Agent | None = None
        self._child: QemuProcess | None = None
        self._process: ProcessId | None = None
        self._pointer = KeptPointer(place.folder, place.reactor, self._in_thread)
        self._boot_screen: QemuDisplay | None = None
        self._ending = Ending()
        self._at_work = 0  # calls on threads
        self._up = False  # started or adopted, and not let go of: only then is `ended` called

    async def start(self, progress: Progress) -> None:
        """Clone the image, start QEMU and wait until the guest can be used. Raises GuestError."""
        try:
            await self._start(progress)
        except BaseException as error:
            failure = self._failure(error)
            await self.stop()
            if failure is None:
                raise
            raise failure from error
        self._up = True
        progress(100, "The guest is ready")

    async def _start(self, progress: Progress) -> None:
        await self._end_process()  # what is left of it where it has ended by itself and is started again
        self._ending = Ending()
        progress(0, "Making the disk ready")
        image = await self._image(progress)
        uid = self._uid()
        accelerator = await probe(
            self._reactor,
            self._settings.qemu,
            wanted=self._settings.accelerator,
            cache=self._settings.cache_folder,
            uid=uid,
        )
        progress(10, "Starting the machine")
        self._launch(image, accelerator, uid)
        await self._connect(GREETING_SECONDS)
        if self._child is not None:
            self._child.let_go()
        patience = Patience(self._settings.boot_seconds, speaks=image.kind != "disk")
        self._boot_screen = await wait_until_ready(
            self._reactor, self._connected(), self._open_screen, patience, progress
        )

    async def _image(self, progress: Progress) -> Image:
        """Return the image in whose folder the guest's disk is, both made where they are not there yet."""
        store, template, qemu_img = (
            ImageStore(self._place.images),
            self._spec.template,
            self._settings.qemu_img,
        )
        if self._disk is None:
            return await self._in_thread(disk.ready, store, template, self._folder, qemu_img)
        if not self._place.user:
            raise GuestError("This desktop keeps a disk for each user, so it starts for its user only.")
        deadline = self._reactor.seconds() + LOCK_SECONDS
        while not await self._in_thread(self._disk.lock):
            if self._reactor.seconds() >= deadline:
                raise GuestError(
                    "Your desktop still runs from an earlier session and does not shut down. Try again later,"
                    " or ask the administrator.",
                    detail=f"{self._disk.folder} has been locked for {LOCK_SECONDS} s",
                )
            progress(0, "Your desktop is still shutting down")
            await deferLater(self._reactor, LOCK_POLL_SECONDS)
        return await self._in_thread(self._disk.ready, store, template, qemu_img)

    def _personal_disk(self) -> PersonalDisk | None:
        """Return the user's own disk; None for a pooled guest. Raises GuestError."""
        place = self._place
        if self._spec.assignment != "personal":
            return None
        if not self._settings.disks_folder:
            raise GuestError("This server has no folder for personal disks.", "guests.qemu.disks_folder")
        return PersonalDisk(Path(self._settings.disks_folder), place.desktop, place.user)

    async def adopt(self) -> None:
        """Take up the QEMU that the state folder tells of. Raises GuestError."""
        kept = State.read(self._folder)
        if not kept.process.alive:
            raise GuestError(
                "This session's guest has ended while nobody looked after it.",
                f"process {kept.process.pid} is gone, or is another one now; {self._folder} is left over",
            )
        self._process = kept.process
        try:
            await self._connect(CONNECT_SECONDS)
            self._pointer.restore()
        except (MonitorError, DisplayError) as error:
            await self.detach()
            detail = f"process {kept.process.pid} runs, but its monitor in {self._folder} fails: {error}"
            raise GuestError("This session's guest does not answer.", detail) from error
        self._up = True

    async def open_display(self, framebuffer: Framebuffer, events: DisplayEvents) -> Display:
        """Open the guest's screen. Raises DisplayError."""
        display, self._boot_screen = self._boot_screen, None
        if display is None or not display.is_open:
            return await self._open_screen(framebuffer, events)
        display.hand_over(framebuffer, events)
        return display

    async def _open_screen(self, framebuffer: Framebuffer, events: DisplayEvents) -> QemuDisplay:
        if self._monitor is None or self._text is None:
            raise DisplayError("The guest does not run.")
        try:
            machine = ShownMachine(self._monitor, self._text, self._pointer.look)
            return await open_qemu_display(self._reactor, machine, framebuffer, events)
        except MonitorError as error:
            raise DisplayError(f"The guest's screen cannot be opened: {error}.") from error

    @property
    def services(self) -> Agent | None:
        """The guest agent, as long as QEMU runs; whether one answers shows when it is asked."""
        return self._agent

    async def shut_down(self, seconds: float) -> None:
        """Have the guest's agent shut it down, else press the power button; wait until QEMU has gone."""
        self._up = False
        deadline = self._reactor.seconds() + seconds
        if self._monitor is None or self._agent is None:
            return
        try:
            await self._agent.shut_down()
        except GuestError:
            self._monitor.post("system_powerdown", {})
        await self._gone_within(deadline - self._reactor.seconds())

    async def stop(self) -> None:
        """End QEMU, the harsher the longer it takes, and remove the guest's disk; a personal one stays."""
        await self._end_process()
        await self._in_thread(self._clear)  # a large disk takes a while

    async def _end_process(self) -> None:
        self._up = False
        self._pointer.forget()
        while self._at_work:
            await deferLater(self._reactor, 0.02)
        if self._monitor is not None and self._process is not None and self._process.alive:
            self._monitor.post("quit", {})
            await self._gone_within(QUIT_SECONDS)
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process is not None and self._process.alive:
                self._process.send(number)
                await self._gone_within(QUIT_SECONDS)
        if self._child is not None:
            self._child.exit_code()  # so that it leaves no zombie
            self._child.let_go()
        await self.detach()
        if self._disk is not None:
            self._disk.release()

    async def detach(self) -> None:
        """Let go of QEMU, which goes on."""
        self._up = False
        if self._boot_screen is not None:
            self._boot_screen.close()
            self._boot_screen = None
        self._pointer.leave()
        if self._monitor is not None:
            self._monitor.close()
        for port in (self._text, self._agent):
            if port is not None:
                port.close()
        self._monitor = self._text = self._agent = None

    @property
    def _folder(self) -> Path:
        return self._place.folder

    def _uid(self) -> int:
        """Return a user id no other living guest has: folders have different inode numbers."""
        if os.geteuid() != 0 or not self._settings.uid_base:
            return 0
        return self._settings.uid_base + self._folder.stat().st_ino % _UIDS

    def _launch(self, image: Image, accelerator: Accelerator, uid: int) -> None:
        """Start QEMU and keep how to find it. What it inherits is closed here."""
        try:
            with ExitStack() as opened:
                machine = self._machine(image, accelerator, self._descriptors(image, opened))
                groups = kvm_groups() if accelerator.name == "kvm" else []
                command = as_user(qemu_command(machine), uid, groups)
                self._child = QemuProcess(command, machine.descriptors.passed)
            if self._disk is not None:
                self._disk.release()  # QEMU has it
            self._process = self._child.id
            State(
                self._given, image.name, image.version, accelerator.name, self._process, uid, time.time()
            ).write(self._folder)
        except OSError as error:
            raise GuestError("The guest could not be started.", detail=str(error)) from error

    def _machine(self, image: Image, accelerator: Accelerator, descriptors: Descriptors) -> Machine:
        return Machine(
            name=f"tsgateway-{self._folder.name}".replace(",", "_"),
            qemu=self._settings.qemu,
            accelerator=accelerator.name,
            tb_size_mb=self._settings.tb_size_mb,
            memory_mb=self._spec.memory_mb or image.memory_mb,
            cpus=self._spec.cpus or (2 if accelerator.name == "kvm" else 1),
            screen=self._place.screen,
            network=self._settings.network,
            firmware=image.firmware,
            append=image.append,
            descriptors=descriptors,
        )

    def _descriptors(self, image: Image, opened: ExitStack) -> Descriptors:
        def listening(name: str) -> int:
            return opened.enter_context(state.listen(self._folder, name)).fileno()

        def file(path: Path | None, flags: int = os.O_RDONLY) -> int:
            if path is None:
                return -1
            descriptor = os.open(path, flags | os.O_CLOEXEC)
            opened.callback(os.close, descriptor)
            return descriptor

        overlay = None if image.disk is None else image.folder / disk.OVERLAY
        return Descriptors(
            qmp=listening(state.QMP),
            operator=listening(state.OPERATOR),
            text=listening(state.TEXT),
            agent=listening(state.AGENT),
            disk=file(overlay, os.O_RDWR),
            template=file(image.disk),
            kernel=file(image.kernel),
            initrd=file(image.initrd),
            lock=-1 if self._disk is None else self._disk.descriptor,
        )

    async def _connect(self, seconds: float) -> None:
        """Connect to the monitor and the ports. Raises DisplayError, MonitorError."""
        with state.short_path(self._folder, state.QMP) as path:
            connected = await connect_unix(self._reactor, path, seconds)
        # The kernel names the process that listens: we ourselves as long as QEMU has not taken over.
        owner = peer_of(connected)
        if owner not in (os.getpid(), self._process and self._process.pid):
            connected.close()
            raise MonitorError(f"the monitor belongs to process {owner}")
        self._monitor = Monitor(self._reactor, self._happened, self._lost)
        await self._monitor.connect(connected, seconds)
        with state.short_path(self._folder, state.TEXT) as path:
            self._text = TextPort(self._reactor, await connect_unix(self._reactor, path, seconds))
        self._agent = Agent(self._folder, self._reactor)
        for device in await self._connected().execute("query-chardev"):
            self._port_listens(device["label"], device["frontend-open"])

    def _port_listens(self, id: object, listening: object) -> None:
        port = {"text": self._text, "agent": self._agent}.get(str(id))
        if port is not None:
            port.listens(bool(listening))

    def _connected(self) -> Monitor:
        if self._monitor is None:
            raise MonitorError("QEMU is gone")
        return self._monitor

    def _happened(self, event: Event) -> None:
        self._ending.learn(event)
        if event.name == "VSERPORT_CHANGE":
            self._port_listens(event.data.get("id"), event.data.get("open"))

    def _lost(self, reason: Exception) -> None:
        if self._up:
            self._up = False
            code = None if self._child is None else self._child.exit_code()
            self._place.ended(self._ending.sentence(code))

    def _failure(self, error: BaseException) -> GuestError | None:
        """Return what to raise for an error while starting; None for one that passes as it is."""
        if isinstance(error, GuestError) or not isinstance(error, MonitorError | DisplayError):
            return None
        said = "" if self._child is None else self._child.error_text()
        return start_failure(self._settings.qemu, said, str(error))

    async def _gone_within(self, seconds: float) -> None:
        deadline = self._reactor.seconds() + seconds
        while self._process is not None and self._process.alive and self._reactor.seconds() < deadline:
            if self._child is not None:
                self._child.exit_code()
            await deferLater(self._reactor, 0.02)

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        """Make a call that takes long. A cancelled start leaves it at work, so `stop` waits for that."""
        self._at_work += 1
        done: Deferred[T] = Deferred()
        pool = self._reactor.getThreadPool()
        working: Deferred[T] = deferToThreadPool(self._reactor, pool, call, *arguments)
        working.addBoth(self._worked).chainDeferred(done)
        return await done

    def _worked(self, outcome: Any) -> Any:
        self._at_work -= 1
        return outcome

    def _clear(self) -> None:
        disk.clear(self._folder)
        state.clear(self._folder)
