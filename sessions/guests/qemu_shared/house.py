"""The shared machines of one session host: who is seated where, and when machines come and go.

Sessions of one desktop fill a machine before another is started. A machine that nobody uses is kept for a
while and then shut down. One whose template has been built anew meanwhile takes nobody any more.
"""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from sessions.guests.base import GuestError, Site
from sessions.guests.qemu_shared.machine import Machine, Tenant
from sessions.guests.qemu_shared.spec import Spec
from sessions.images.errors import ImageError
from sessions.images.store import ImageStore

log = Logger()

T = TypeVar("T")

SHUT_DOWN_SECONDS = 30.0
"""How long a machine that nobody uses may take to shut down before it is switched off."""
LEAVE_SECONDS = 15
"""How long machines that are ending may hold up a session host that leaves."""


class Machines:
    """All shared machines (`guests.base.House`)."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._machines: dict[str, Machine] = {}
        self._emptying: dict[str, Any] = {}  # IDelayedCall of each machine that nobody uses
        self._work: set[Deferred[None]] = set()
        self._left = False
        self._keep = True  # machines that nobody uses, for a while

    def adopt(self) -> None:
        """Take up the machines that an earlier session host has left."""
        for folder in sorted(self._site.folder.iterdir()):
            try:
                desktop, spec = Machine.described(folder)
            except (OSError, ValueError, GuestError) as error:
                log.warn(
                    "{folder} is no machine's and is removed: {error}", folder=str(folder), error=str(error)
                )
                self._in_background(self._remove(folder))
                continue
            machine = self._machines[folder.name] = self._machine(folder, desktop, spec)
            self._in_background(self._adopt(machine))

    def seats(self) -> Mapping[str, int]:
        """Return how many seats are free in machines that run."""
        free: Counter[str] = Counter()
        for machine in self._machines.values():
            if machine.up:
                free[machine.desktop] += machine.free
        return free

    def end_unused(self) -> None:
        """End machines that nobody uses, at once from now on."""
        self._keep = False
        for call in self._emptying.values():
            call.cancel()
        self._emptying.clear()
        for machine in list(self._machines.values()):
            self._look_whether_empty(machine)

    async def leave(self) -> None:
        """Let go of every machine; wait for those that are being ended."""
        self._left = True
        for call in self._emptying.values():
            call.cancel()
        self._emptying.clear()
        try:
            await gatherResults(self._work).addTimeout(LEAVE_SECONDS, self._site.reactor)
        except Exception as error:
            log.error(
                "a machine takes too long to end; the next session host finds it again: {e}", e=repr(error)
            )
        for machine in self._machines.values():
            await machine.detach()

    # ---- seats

    def take(self, desktop: str, spec: Spec, tenant: Tenant) -> tuple[Machine, int]:
        """Give a person a seat, in a new machine where there is none. Raises GuestError.

        The machine may not be up yet (`Machine.wait`).
        """
        version = self._version(spec.template)
        ours = [
            each
            for each in self._machines.values()
            if (each.desktop, each.spec) == (desktop, spec) and each.version in ("", version)
        ]
        # The fullest first, so that others may become empty.
        for machine in sorted(ours, key=lambda each: each.free):
            seat = machine.free_seat(tenant.user)
            if seat is not None:
                return self._seated(machine, seat, tenant)
        if spec.machines and sum(not each.closing for each in ours) >= spec.machines:
            people = spec.machines * spec.sessions_per_guest
            raise GuestError(
                f"All {people} seats of this desktop are taken. Try again when somebody has logged off."
            )
        return self._seated(self._new(desktop, spec), 0, tenant)

    def _version(self, template: str) -> str:
        """Return the version of an image; "" where there is none, which starting a machine tells better."""
        try:
            return ImageStore(self._site.images).get(template).version
        except (ImageError, OSError):
            return ""

    def _seated(self, machine: Machine, seat: int, tenant: Tenant) -> tuple[Machine, int]:
        machine.tenants[seat] = tenant
        emptying = self._emptying.pop(machine.folder.name, None)
        if emptying is not None:
            emptying.cancel()
        self._site.changed()
        return machine, seat

    def claim(self, name: str, seat: int, tenant: Tenant) -> Machine:
        """Find a person's machine again, being adopted. Raises GuestError."""
        machine = self._machines.get(name)
        if machine is None or seat in machine.tenants or seat not in range(machine.spec.sessions_per_guest):
            raise GuestError("The shared machine of this desktop is gone.", f"machine {name}, seat {seat}")
        self._seated(machine, seat, tenant)
        return machine

    def give_back(self, machine: Machine, seat: int, tenant: Tenant) -> None:
        """Free a seat. One that is not the person's any more is left alone."""
        if machine.tenants.get(seat) is tenant:
            del machine.tenants[seat]
            self._look_whether_empty(machine)
            self._site.changed()

    # ---- machines

    def _machine(self, folder: Path, desktop: str, spec: Spec) -> Machine:
        return Machine(folder, desktop, spec, self._site, self._gone)

    def _new(self, desktop: str, spec: Spec) -> Machine:
        folder = self._site.folder / uuid.uuid4().hex
        machine = self._machine(folder, desktop, spec)
        try:
            machine.describe()
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)  # one small file of ours
            raise GuestError("The shared machine's folder cannot be written.", str(error)) from error
        self._machines[folder.name] = machine
        self._in_background(self._start(machine))
        return machine

    async def _start(self, machine: Machine) -> None:
        try:
            await machine.start()
        except GuestError as error:
            log.warn("shared machine: {error} ({detail})", error=str(error), detail=error.detail)
            await self._end(machine)
        else:
            self._look_whether_empty(machine)
            self._site.changed()

    async def _adopt(self, machine: Machine) -> None:
        try:
            await machine.adopt()
        except GuestError as error:
            name = machine.folder.name
            log.warn("machine {name}: {error} ({detail})", name=name, error=str(error), detail=error.detail)
            await self._end(machine)
        else:
            self._look_whether_empty(machine)
            self._site.changed()

    def _gone(self, machine: Machine, reason: str) -> None:
        log.warn("machine {name}: {reason}", name=machine.folder.name, reason=reason)
        self._in_background(self._end(machine))

    def _look_whether_empty(self, machine: Machine) -> None:
        name, minutes = machine.folder.name, machine.spec.empty_minutes
        if machine.tenants or not machine.up:
            return
        if not self._keep:
            self._in_background(self._end(machine))
        elif minutes and name not in self._emptying and not self._left:
            self._emptying[name] = self._site.reactor.callLater(minutes * 60, self._unused, machine)

    def _unused(self, machine: Machine) -> None:
        del self._emptying[machine.folder.name]
        log.info("machine {name} is shut down: nobody uses it", name=machine.folder.name)
        self._in_background(self._shut_down(machine))

    async def _shut_down(self, machine: Machine) -> None:
        await machine.shut_down(SHUT_DOWN_SECONDS)
        await self._end(machine)

    async def _end(self, machine: Machine) -> None:
        """End it for good; its folder goes last."""
        machine.closing = True
        self._site.changed()
        await machine.stop()
        await self._remove(machine.folder)
        self._machines.pop(machine.folder.name, None)

    async def _remove(self, folder: Path) -> None:
        await self._in_thread(shutil.rmtree, folder, ignore_errors=True)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception:
                log.failure("a shared machine cannot go on")

        done = Deferred.fromCoroutine(guarded())
        self._work.add(done)
        done.addBoth(lambda _: self._work.discard(done))

    async def _in_thread(self, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
        reactor = self._site.reactor
        done: Deferred[T] = deferToThreadPool(reactor, reactor.getThreadPool(), call, *arguments, **named)
        return await done
