"""What a session host has of warm templates: guests ask for one, and want one where there is none.

The first guest of a desktop boots, and nobody waits for its template: that is built behind it. Templates of
images that were replaced are built anew when the session host starts.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.task import deferLater
from twisted.logger import Logger

from sessions.displays.base import DisplayError
from sessions.guests.base import DEFAULT_SCREEN, GuestError, Site
from sessions.guests.qemu.accelerator import probe
from sessions.guests.qemu.command import Descriptors, Machine
from sessions.guests.qemu.identity import Identity
from sessions.guests.qemu.launch import machine_of
from sessions.guests.qemu.monitor import MonitorError
from sessions.guests.qemu.spec import Settings, Spec
from sessions.guests.qemu.threads import Threads
from sessions.guests.qemu.warm.build import Builder, Order
from sessions.guests.qemu.warm.key import Circumstances, key_of
from sessions.guests.qemu.warm.store import Taken, Template, WarmStore, slot_of
from sessions.images.errors import ImageError
from sessions.images.store import Image, ImageStore

log = Logger()

WAKING = 2
"""Clones that a session host wakes at once: more of them only make each other late."""
SPARE_MEMORY = 512 << 20
"""Bytes of memory, and of disk, that must be left beyond what a build takes."""
IDLE_SECONDS = 600.0
"""After the last clone; the memory of a template is not kept longer than that for nobody."""
WAIT_SECONDS = 5.0
"""Between looks whether another session host has finished its build."""

FAILURES = (GuestError, MonitorError, DisplayError, OSError, ValueError, TypeError, KeyError)
"""What goes wrong with a template that does not work."""


class Templates:
    """The warm templates that a session host's QEMU guests share (`House` of sessions/guests/base.py)."""

    def __init__(self, site: Site) -> None:
        self._settings = Settings.read(site.settings)
        self._reactor = site.reactor
        self._images = site.images
        self._threads = Threads(site.reactor)
        self._builds: dict[str, Deferred[None]] = {}
        self._building = True
        self._idling: Any = None  # IDelayedCall
        self.waking = DeferredSemaphore(WAKING)
        folder = self._settings.warm_folder
        self.store = WarmStore(Path(folder)) if folder else None
        if folder:
            site.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # so that the next host adopts this

    async def find(self, machine: Machine, image: Image) -> Taken | None:
        """Return what a guest of this machine needs to be a clone, in whose folder the image's files are.

        None when it must boot.
        """
        if self.store is None or not clonable(image):
            return None
        key = await self._threads.call(self._key, machine, image)
        if self.store.given_up(key):
            return None
        self._let_go_later()
        try:
            return await self._threads.call(self.store.take, key, image.folder)
        except FAILURES as error:
            await self.spoil(key, error)
            return None

    def _let_go_later(self) -> None:
        """Let go of the memory when nobody has been cloned for long."""
        if self._idling is not None and self._idling.active():
            self._idling.cancel()
        if self.store is not None:
            self._idling = self._reactor.callLater(IDLE_SECONDS, self.store.close)

    async def spoil(self, key: str, error: Exception) -> None:
        """Learn that a template does not work: it is not used again."""
        why = f"{error} ({getattr(error, 'detail', '') or type(error).__name__})"
        log.warn("warm template {key} does not work and is removed: {why}", key=key, why=why)
        if self.store is not None:
            await self._threads.call(self.store.spoil, key, why)

    def want(self, machine: Machine, image: Image) -> None:
        """Have a template built for guests of this machine, some time soon, if one can be."""
        slot = slot_of(image.name, machine.memory_mb, machine.cpus)
        if self.store is None or not self._building or not clonable(image) or slot in self._builds:
            return
        building = Deferred.fromCoroutine(self._build(self.store, machine, image))
        self._builds[slot] = building
        building.addErrback(self._failed, slot)
        building.addBoth(lambda _: self._forget(slot))

    async def _build(self, store: WarmStore, machine: Machine, image: Image) -> None:
        key = await self._threads.call(self._key, machine, image)
        order = Order(key, machine, image.name, image.version)
        while True:
            with store.building() as alone:
                if alone:
                    await self._build_alone(store, order)
                    return
            await deferLater(self._reactor, WAIT_SECONDS)

    async def _build_alone(self, store: WarmStore, order: Order) -> None:
        if store.has(order.key) or store.given_up(order.key):
            return
        short = await self._threads.call(_short_of, store.folder, order.machine)
        if short:
            log.info("no warm template of {image} is built: {short}", image=order.image, short=short)
            return
        log.info("building a warm template of {image}", image=order.image)
        began = self._reactor.seconds()
        try:
            made = await Builder(store, self._images, self._settings, self._reactor).build(order)
            if made is not None:
                await self._threads.call(store.warm_up, made.key)
        except FAILURES as error:
            await self.spoil(order.key, error)
            return
        seconds = round(self._reactor.seconds() - began)
        log.info("the warm template of {image} stands after {s} s", image=order.image, s=seconds)

    def _forget(self, slot: str) -> None:
        self._builds.pop(slot, None)

    def _failed(self, failure: Any, slot: str) -> None:
        if not failure.check(CancelledError):
            log.failure("the warm template of {slot} cannot be built", failure, slot=slot)

    def _key(self, machine: Machine, image: Image) -> str:
        program = shutil.which(self._settings.qemu) or self._settings.qemu
        status = Path(program).stat()
        qemu = (str(Path(program).resolve()), status.st_size, status.st_mtime_ns)
        processor = _processor() if machine.accelerator == "kvm" else ""
        files = (0 if file is not None else -1 for file in (image.disk, image.kernel, image.initrd))
        template, kernel, initrd = files
        present = replace(NO_FILES, disk=template, template=template, kernel=kernel, initrd=initrd)
        return key_of(machine, present, Circumstances(image.name, image.version, qemu, processor))

    # ---- House

    def adopt(self) -> None:
        """Begin to build templates anew whose image, QEMU or settings are others by now."""
        if self.store is not None:
            Deferred.fromCoroutine(self._refresh(self.store)).addErrback(self._failed, "an earlier version")

    async def _refresh(self, store: WarmStore) -> None:
        settings, images = self._settings, ImageStore(self._images)
        made = await probe(
            self._reactor, settings.qemu, wanted=settings.accelerator, cache=settings.cache_folder
        )
        for template in await self._threads.call(store.list):
            try:
                image = await self._threads.call(images.get, template.image)
            except ImageError:
                await self._threads.call(store.remove, template.key)
                continue
            machine = _machine_of(template, settings, image, made.name)
            if await self._threads.call(self._key, machine, image) != template.key:
                self.want(machine, image)

    def seats(self) -> Mapping[str, int]:
        """Return nothing: each guest is a machine of its own."""
        return {}

    def end_unused(self) -> None:
        """Give up what is being built, and build no more."""
        self._building = False
        for building in list(self._builds.values()):
            building.cancel()

    async def leave(self) -> None:
        """Give up what is being built, and let go of the memory: clones keep it as long as they need it."""
        builds = list(self._builds.values())
        self.end_unused()
        for building in builds:
            await building
        await self._threads.idle()
        if self._idling is not None and self._idling.active():
            self._idling.cancel()
        if self.store is not None:
            self.store.close()


NO_FILES = Descriptors(-1, -1, -1, -1)


def clonable(image: Image) -> bool:
    """Whether copies of a running guest can be told apart again: ours take a new identity, or have none."""
    return image.kind in ("desktop", "tiny")


def _machine_of(template: Template, settings: Settings, image: Image, accelerator: str) -> Machine:
    """Return the machine of guests that a template was made for, as it would be now."""
    spec = Spec(template.image, template.memory_mb, template.cpus)
    identity = Identity.new(image.name)
    return machine_of(
        spec, settings, image, accelerator=accelerator, screen=DEFAULT_SCREEN, identity=identity
    )


def _short_of(folder: Path, machine: Machine) -> str:
    """Return what there is too little of to build, "" when there is enough. Raises OSError."""
    need = (machine.memory_mb + machine.tb_size_mb << 20) + SPARE_MEMORY
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:") and int(line.split()[1]) << 10 < need:
            return f"less than {need >> 20} MiB of memory are free"
    if shutil.disk_usage(folder).free < need:
        return f"less than {need >> 20} MiB are free in {folder}"
    return ""


def _processor() -> str:
    """What guests see of the processor where it is the host's. Raises OSError."""
    first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    lines = [
        line
        for line in first.splitlines()
        if line.startswith(("vendor_id", "cpu family", "model", "stepping", "flags"))
    ]
    return "\n".join(lines)
