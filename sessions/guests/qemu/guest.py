"""A virtual machine under QEMU, cloned from an image.

QEMU depends on nothing of ours once it runs: it is detached, holds no path of ours, and its state folder
says how to reach it, so a new session host takes it up again (`adopt`).

`start` returns when the guest can be used, not when QEMU runs: people rather watch a progress bar than
a boot. What counts as that is in boot.py.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool

from sessions.displays.base import Display, DisplayError, DisplayEvents
from sessions.displays.qemu_dbus import QemuDisplay
from sessions.guests.base import GuestError, Place, Progress
from sessions.guests.qemu import disk, state
from sessions.guests.qemu.accelerator import probe
from sessions.guests.qemu.agent import Agent
from sessions.guests.qemu.boot import Patience, wait_until_ready
from sessions.guests.qemu.command import Machine
from sessions.guests.qemu.identity import Identity
from sessions.guests.qemu.launch import launch, machine_of
from sessions.guests.qemu.monitor import MonitorError
from sessions.guests.qemu.personal import PersonalDisk
from sessions.guests.qemu.pointer import KeptPointer
from sessions.guests.qemu.spec import Settings, Spec
from sessions.guests.qemu.state import State
from sessions.guests.qemu.vm import Vm
from sessions.images.store import Image, ImageStore
from sessions.pixels.framebuffer import Framebuffer

T = TypeVar("T")

GREETING_SECONDS = 20
CONNECT_SECONDS = 5
LOCK_POLL_SECONDS = 0.25
LOCK_SECONDS = 120
"""How long a personal disk may still be in use: by a guest of the last session that shuts down."""
_UIDS = 1 << 28


class QemuGuest:
    """One guest (see sessions/guests/base.py).

    ports: names of further virtio ports; a socket NAME.sock in the guest's folder leads to each.
    append: more for the kernel's command line, where the image boots without firmware.
    """

    def __init__(
        self, spec: Mapping[str, Any], place: Place, ports: Sequence[str] = (), append: str = ""
    ) -> None:
        self._given = dict(spec)
        self._further_ports = tuple(ports)
        self._further_append = append
        self._spec = Spec.read(spec)
        self._settings = Settings.read(place.settings)
        self._place = place
        self._reactor = place.reactor
        self._disk = self._personal_disk()
        self._vm: Vm | None = None
        self._pointer = KeptPointer(place.folder, place.reactor, self._in_thread)
        self._boot_screen: QemuDisplay | None = None
        self._at_work = 0  # calls on threads

    async def start(self, progress: Progress) -> None:
        """Clone the image, start QEMU and wait until the guest can be used. Raises GuestError.

        After the guest has ended by itself: start it again, on the disk it had.
        """
        try:
            await self._start(progress)
            self._running.watched = True
        except BaseException as error:
            failure = self._failure(error)
            await self.stop()
            if failure is None:
                raise
            raise failure from error
        progress(100, "The guest is ready")

    async def _start(self, progress: Progress) -> None:
        await self._end_process()  # what is left of it where it has ended by itself and is started again
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
        identity = Identity.new(image.name)
        machine = machine_of(
            self._spec, self._settings, image, accelerator=accelerator.name, screen=self._place.screen,
            identity=identity, ports=self._further_ports, append=self._further_append,
        )  # fmt: skip
        progress(10, "Starting the machine")
        await self._boot(machine, image, uid, progress)

    async def _boot(self, machine: Machine, image: Image, uid: int, progress: Progress) -> None:
        vm = self._launch(machine, image, uid)
        await vm.connect(GREETING_SECONDS)
        if vm.child is not None:
            vm.child.let_go()
        patience = Patience(self._settings.boot_seconds, speaks=image.kind != "disk")
        self._boot_screen = await wait_until_ready(
            self._reactor, vm.monitor, self._open_screen, patience, progress
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

    def _launch(self, machine: Machine, image: Image, uid: int) -> Vm:
        """Start QEMU and keep how to find it. Raises GuestError."""
        lock = -1 if self._disk is None else self._disk.descriptor
        process = launch(machine, image, self._folder, uid, lock=lock)
        if self._disk is not None:
            self._disk.release()  # QEMU has it
        vm = Vm(self._folder, self._reactor, process, self._place.ended)
        self._vm = vm
        kept = State(
            self._given, image.name, image.version, machine.accelerator, vm.process, uid, time.time()
        )
        try:
            kept.write(self._folder)
        except OSError as error:
            raise GuestError("The guest could not be started.", detail=str(error)) from error
        return vm

    async def adopt(self) -> None:
        """Take up the QEMU that the state folder tells of. Raises GuestError."""
        kept = State.read(self._folder)
        if not kept.process.alive:
            raise GuestError(
                "This session's guest has ended while nobody looked after it.",
                f"process {kept.process.pid} is gone, or is another one now; {self._folder} is left over",
            )
        vm = self._vm = Vm(self._folder, self._reactor, kept.process, self._place.ended)
        try:
            await vm.connect(CONNECT_SECONDS)
            self._pointer.restore()
        except (MonitorError, DisplayError) as error:
            await self.detach()
            detail = f"process {kept.process.pid} runs, but its monitor in {self._folder} fails: {error}"
            raise GuestError("This session's guest does not answer.", detail) from error
        vm.watched = True

    async def open_display(self, framebuffer: Framebuffer, events: DisplayEvents) -> Display:
        """Open the guest's screen. Raises DisplayError."""
        display, self._boot_screen = self._boot_screen, None
        if display is None or not display.is_open:
            return await self._open_screen(framebuffer, events)
        display.hand_over(framebuffer, events)
        return display

    async def _open_screen(self, framebuffer: Framebuffer, events: DisplayEvents) -> QemuDisplay:
        if self._vm is None:
            raise DisplayError("The guest does not run.")
        return await self._vm.open_screen(framebuffer, events, self._pointer.look)

    @property
    def services(self) -> Agent | None:
        """The guest agent, as long as QEMU runs; whether one answers shows when it is asked."""
        return None if self._vm is None else self._vm.agent

    async def shut_down(self, seconds: float) -> None:
        """Have the guest's agent shut it down, else press the power button; wait until QEMU has gone."""
        vm = self._vm
        if vm is None or vm.agent is None:
            return
        vm.watched = False
        deadline = self._reactor.seconds() + seconds
        try:
            await vm.agent.shut_down()
        except GuestError:
            if vm.connected:
                vm.monitor.post("system_powerdown", {})
        await vm.gone_within(deadline - self._reactor.seconds())

    async def stop(self) -> None:
        """End QEMU, the harsher the longer it takes, and remove the guest's disk; a personal one stays."""
        await self._end_process()
        await self._in_thread(self._clear)  # a large disk takes a while

    async def _end_process(self) -> None:
        if self._vm is not None:
            self._vm.watched = False
        self._pointer.forget()
        while self._at_work:
            await deferLater(self._reactor, 0.02)
        if self._vm is not None:
            await self._vm.end()
        await self.detach()
        if self._disk is not None:
            self._disk.release()

    async def detach(self) -> None:
        """Let go of QEMU, which goes on."""
        if self._boot_screen is not None:
            self._boot_screen.close()
            self._boot_screen = None
        self._pointer.leave()
        if self._vm is not None:
            self._vm.let_go()

    @property
    def _running(self) -> Vm:
        if self._vm is None:
            raise GuestError("The guest does not run.")
        return self._vm

    @property
    def _folder(self) -> Path:
        return self._place.folder

    def _uid(self) -> int:
        """Return a user id no other living guest has: folders have different inode numbers."""
        if os.geteuid() != 0 or not self._settings.uid_base:
            return 0
        return self._settings.uid_base + self._folder.stat().st_ino % _UIDS

    def _failure(self, error: BaseException) -> GuestError | None:
        """Return what to raise for an error while starting; None for one that passes as it is."""
        if self._vm is None or not isinstance(error, MonitorError | DisplayError):
            return None
        return self._vm.failure(error, self._settings.qemu)

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
