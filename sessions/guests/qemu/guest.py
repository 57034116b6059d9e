"""A virtual machine under QEMU, cloned from an image.

QEMU depends on nothing of ours once it runs: it is detached, holds no path of ours, and its state folder
says how to reach it, so a new session host takes it up again (`adopt`).

`start` returns when the guest can be used, not when QEMU runs: people rather watch a progress bar than
a boot. What counts as that is in boot.py.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.task import deferLater
from twisted.logger import Logger

from sessions.clipboard.agent import AgentClipboard
from sessions.displays.base import Display, DisplayError, DisplayEvents
from sessions.displays.qemu_dbus import QemuDisplay
from sessions.guests.base import GuestError, House, Place, Progress, SharedFolder, Site
from sessions.guests.qemu import cgroup, disk, share_port, state
from sessions.guests.qemu.accelerator import probe
from sessions.guests.qemu.agent import Agent
from sessions.guests.qemu.boot import Patience, Watcher, wait_until_ready
from sessions.guests.qemu.command import Machine
from sessions.guests.qemu.identity import Identity
from sessions.guests.qemu.launch import launch, machine_of, uid_of
from sessions.guests.qemu.monitor import MonitorError
from sessions.guests.qemu.personal import PersonalDisk
from sessions.guests.qemu.pointer import KeptPointer
from sessions.guests.qemu.share_port import SharePort
from sessions.guests.qemu.sound import QemuSound
from sessions.guests.qemu.spec import Settings, Spec
from sessions.guests.qemu.state import State
from sessions.guests.qemu.threads import Threads
from sessions.guests.qemu.vm import Vm, end_stray
from sessions.guests.qemu.warm import clone
from sessions.guests.qemu.warm.key import as_template
from sessions.guests.qemu.warm.store import Taken
from sessions.guests.qemu.warm.templates import FAILURES, Templates
from sessions.images.store import Image, ImageStore
from sessions.pixels.framebuffer import Framebuffer
from sessions.transfer.shares import Shares

log = Logger()

GREETING_SECONDS = 20
CONNECT_SECONDS = 30
"""For a guest that is found again: one that is slow is not given up."""
LOCK_POLL_SECONDS = 0.25
LOCK_SECONDS = 120
"""How long a personal disk may still be in use: by a guest of the last session that shuts down."""


class QemuGuest:
    """One guest (see sessions/guests/base.py).

    ports: names of further virtio ports; a socket NAME.sock in the guest's folder leads to each.
    append: more for the kernel's command line, where the image boots without firmware.
    """

    def __init__(
        self, spec: Mapping[str, Any], place: Place, ports: Sequence[str] = (), append: str = ""
    ) -> None:
        self._given = dict(spec)
        self._further_ports = (*ports, share_port.PORT)
        self._further_append = append
        self._spec = Spec.read(spec)
        self._settings = Settings.read(place.settings)
        self._place = place
        self._reactor = place.reactor
        self._disk = self._personal_disk()
        self._vm: Vm | None = None
        self.clipboard = AgentClipboard(place.reactor)
        self._threads = Threads(place.reactor)
        self._in_thread = self._threads.call
        shares = self._settings.shares_folder
        quota = self._settings.share_quota
        self._share = SharePort(place.folder, Shares(Path(shares), quota)) if shares else None
        self._pointer = KeptPointer(place.folder, place.reactor, self._in_thread)
        self._boot_screen: QemuDisplay | None = None
        self.sound = QemuSound(place.reactor)
        may_clone = self._spec.start == "auto" and self._disk is None
        self._templates = place.house if may_clone and isinstance(place.house, Templates) else None

    @classmethod
    def open_house(cls, site: Site) -> House:
        """Open what the QEMU guests of a session host share: the warm templates."""
        return Templates(site)

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
        if not self._place.user:
            self._close_boot_screen()  # nobody looks yet, and its pictures would be kept for nothing
        progress(100, "The guest is ready")

    async def _start(self, progress: Progress) -> None:
        await self._end_process()  # what is left of it where it has ended by itself and is started again
        progress(0, "Making the disk ready")
        again = (self._folder / state.STATE).exists()
        image = await self._image(progress)
        uid = uid_of(self._settings, self._folder)
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
        templates = None if again else self._templates
        if templates is not None:
            taken = await templates.find(machine, image)
            if taken is not None and await self._cloned(templates, machine, image, taken, identity):
                return
        progress(10, "Starting the machine")
        await self._boot(machine, image, uid, progress)
        if templates is not None:
            templates.want(machine, image)

    async def _cloned(
        self, templates: Templates, machine: Machine, image: Image, taken: Taken, identity: Identity
    ) -> bool:
        """Start as a clone; whether that has worked. If not, all is as before and the template removed."""
        key = taken.template.key
        try:
            await templates.waking.acquire()
            try:
                await self._clone(machine, image, taken, identity)
            finally:
                templates.waking.release()
            return True
        except FAILURES as error:
            failure = self._failure(error) or error
            log.warn(
                "{folder} cannot be cloned and boots: {error}", folder=str(self._folder), error=str(failure)
            )
            await self._end_process()
            await templates.spoil(key, failure)
            (self._folder / disk.WARM).unlink(missing_ok=True)
            self._pointer.look.picture = None
            await self._in_thread(disk.clone, self._settings.qemu_img, image)
            return False
        finally:
            taken.close()

    async def _clone(self, machine: Machine, image: Image, taken: Taken, identity: Identity) -> None:
        await self._in_thread(disk.clone, self._settings.qemu_img, image)
        uid = uid_of(self._settings, self._folder)
        vm = self._launch(as_template(machine), image, uid, taken)
        await clone.wake(vm, taken, self._reactor, self._in_thread)
        if vm.child is not None:
            vm.child.let_go()
        self._pointer.restore()
        watcher = Watcher(self._reactor)
        self._boot_screen = await self._open_screen(watcher.framebuffer, watcher)
        self._boot_screen.request_size(self._place.screen)  # the template's screen has another
        if image.kind == "desktop":
            await clone.renew(vm, identity, self._reactor)

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

    def _launch(self, machine: Machine, image: Image, uid: int, taken: Taken | None = None) -> Vm:
        """Start QEMU and keep how to find it. taken: what it is cloned from. Raises GuestError."""
        lock = -1 if self._disk is None else self._disk.descriptor
        memory = -1 if taken is None else taken.memory
        process = launch(machine, image, self._folder, uid, memory=memory, lock=lock)
        if self._disk is not None:
            self._disk.release()  # QEMU has it
        vm = Vm(
            self._folder, self._reactor, process, self._place.ended, self.clipboard, screen=machine.screen
        )
        self._vm = self.sound.vm = vm
        kept = State(
            self._given, image.name, image.version, machine.accelerator, vm.process, uid, time.time(),
            "" if taken is None else taken.template.key,
        )  # fmt: skip
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
        vm = Vm(self._folder, self._reactor, kept.process, self._place.ended, self.clipboard)
        self._vm = self.sound.vm = vm
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

    @property
    def share(self) -> SharedFolder | None:
        """The folder it shares with its person; None where the session host has no place for such."""
        return self._share

    async def shut_down(self, seconds: float) -> None:
        """Have the guest's agent shut it down, else press the power button; wait until QEMU has gone."""
        vm = self._vm
        if vm is None or vm.agent is None:
            return
        vm.watched = False
        deadline = self._reactor.seconds() + seconds
        asking = Deferred.fromCoroutine(vm.agent.shut_down())
        try:
            await asking.addTimeout(seconds, self._reactor)
        except (GuestError, TimeoutError):
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
        await self._threads.idle()
        if self._vm is None:
            await end_stray(self._folder, self._reactor)
        else:
            await self._vm.end()
        await self.detach()
        if self._disk is not None:
            self._disk.release()

    async def detach(self) -> None:
        """Let go of QEMU, which goes on."""
        self._close_boot_screen()
        if self._share is not None:
            self._share.close()
        self._pointer.leave()
        self.sound.close()
        if self._vm is not None:
            self._vm.let_go()

    def _close_boot_screen(self) -> None:
        if self._boot_screen is not None:
            self._boot_screen.close()
            self._boot_screen = None

    @property
    def _running(self) -> Vm:
        if self._vm is None:
            raise GuestError("The guest does not run.")
        return self._vm

    @property
    def _folder(self) -> Path:
        return self._place.folder

    def _failure(self, error: BaseException) -> GuestError | None:
        """Return what to raise for an error while starting; None for one that passes as it is."""
        if self._vm is None or not isinstance(error, MonitorError | DisplayError):
            return None
        return self._vm.failure(error, self._settings.qemu)

    def _clear(self) -> None:
        cgroup.clear(self._folder)
        disk.clear(self._folder)
        state.clear(self._folder)
