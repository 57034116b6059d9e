"""Building a warm template: an image is booted, left until it has calmed down, and kept as it stands.

It boots behind everything else: its QEMU has a low priority, and ends with us.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater

from sessions.displays.base import DisplayError
from sessions.guests.base import GuestError
from sessions.guests.qemu import disk, state
from sessions.guests.qemu.boot import Patience, wait_until_ready
from sessions.guests.qemu.command import Machine
from sessions.guests.qemu.identity import Identity
from sessions.guests.qemu.launch import launch, uid_of
from sessions.guests.qemu.monitor import MonitorError
from sessions.guests.qemu.pointer import KeptPointer
from sessions.guests.qemu.process import ProcessId
from sessions.guests.qemu.spec import Settings
from sessions.guests.qemu.threads import Threads
from sessions.guests.qemu.vm import Vm
from sessions.guests.qemu.warm import clone, devices, memory
from sessions.guests.qemu.warm.key import as_template
from sessions.guests.qemu.warm.store import DEVICES, Template, WarmStore
from sessions.images.store import Image, ImageStore

BOOT_SECONDS = 900.0
"""The longest a boot may take that nobody waits for, on a machine that is busy with other things."""
GREETING_SECONDS = 60
AGENT_SECONDS = 120.0
CALM_SECONDS, CALM_SHARE = 4, 0.1
"""A guest is calm when it has used less than this share of a processor in each of so many seconds."""
RESTLESS_SECONDS = 90
"""One that never gets calm is taken as it is."""


@dataclass(frozen=True)
class Order:
    """A template to build. machine: of any guest that shall be cloned from it."""

    key: str
    machine: Machine
    image: str
    version: str


class Builder:
    """Builds into a store, from the images of another."""

    def __init__(self, store: WarmStore, images: Path, settings: Settings, reactor: Any) -> None:
        self._store = store
        self._images = images
        self._settings = settings
        self._reactor = reactor

    async def build(self, order: Order) -> Template | None:
        """Build one and put it in place; None when the image was replaced meanwhile.

        Raises GuestError, OSError; nothing stays behind then.
        """
        threads = Threads(self._reactor)
        partial = await threads.call(self._store.begin, order.key)
        with ExitStack() as clearing:
            try:
                clearing.callback(partial.drop)
                images = ImageStore(self._images)
                making = (images, order.image, partial.folder, self._settings.qemu_img)
                image = await threads.call(disk.ready, *making)
                if image.version != order.version:
                    return None
                shared = memory.new(order.machine.memory_mb << 20)
                clearing.callback(os.close, shared)
                qemu = await self._boot_and_keep(order.machine, image, shared, threads)
                size = order.machine.memory_mb, order.machine.cpus
                template = Template(order.key, image.name, image.version, *size, qemu, time.time())
                await threads.call(self._finish, partial.folder, template, shared)
                await threads.call(self._store.put, partial, template)
                return template
            finally:
                await threads.idle()

    async def _boot_and_keep(
        self, machine: Machine, image: Image, shared: int, threads: Threads
    ) -> tuple[int, ...]:
        """Boot it, and save its devices when it has calmed down; return QEMU's version."""
        folder = image.folder
        machine = replace(as_template(machine), memory="template", cpu_percent=0)
        uid = uid_of(self._settings, folder)
        process = launch(machine, image, folder, uid, memory=shared, behind=True)
        vm = Vm(folder, self._reactor, process, lambda _: None)
        pointer = KeptPointer(folder, self._reactor, threads.call)
        try:
            greeting = await vm.connect(GREETING_SECONDS)
            screen = await wait_until_ready(
                self._reactor,
                vm.monitor,
                lambda framebuffer, events: vm.open_screen(framebuffer, events, pointer.look),
                Patience(BOOT_SECONDS, speaks=True),
                lambda percent, text: None,
            )
            try:
                if image.kind == "desktop":  # runs once here, so that it is in every clone's memory already
                    await clone.renew(vm, Identity.new(image.name), self._reactor, AGENT_SECONDS)
                await self._calm(vm.process)
            finally:
                screen.close()
                pointer.leave()
            await self._freeze(vm, folder / DEVICES, threads)
            return greeting.version
        except (MonitorError, DisplayError) as error:
            raise vm.failure(error, self._settings.qemu) from error
        finally:
            await vm.end()

    async def _calm(self, process: ProcessId) -> None:
        calm, deadline = 0, self._reactor.seconds() + RESTLESS_SECONDS
        used, then = process.cpu_seconds(), self._reactor.seconds()
        while calm < CALM_SECONDS and self._reactor.seconds() < deadline:
            await deferLater(self._reactor, 1)
            before, used = used, process.cpu_seconds()
            earlier, then = then, self._reactor.seconds()
            calm = calm + 1 if used - before < CALM_SHARE * (then - earlier) else 0

    async def _freeze(self, vm: Vm, path: Path, threads: Threads) -> None:
        if vm.agent is not None:
            vm.agent.close()
        status: Mapping[str, Any] = await vm.monitor.execute("query-status")
        if status["status"] != "running":  # stopped by a full disk, for example
            raise GuestError("The guest does not run any more.", f"its state is {status['status']}")
        await vm.monitor.execute("stop")
        await devices.save(self._reactor, vm.monitor, path, threads.call)

    def _finish(self, folder: Path, template: Template, shared: int) -> None:
        """Leave in the folder what a template is, and no more."""
        memory.keep(shared, folder / memory.MEMORY)
        state.clear(folder, keep=(state.POINTER,))
        for name in disk.FILES:
            if name != disk.OVERLAY:
                (folder / name).unlink(missing_ok=True)
        self._store.describe(folder, template)
