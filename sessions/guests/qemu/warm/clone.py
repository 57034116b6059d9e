"""Waking a copy of a warm template: it goes on where the template stood, and gets an identity of its own."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall, deferLater

from sessions.guests.base import GuestError
from sessions.guests.qemu.identity import Identity
from sessions.guests.qemu.monitor import MonitorError
from sessions.guests.qemu.vm import Vm
from sessions.guests.qemu.warm import devices
from sessions.guests.qemu.warm.store import Taken

RENEW = "/usr/lib/tsgateway/renew-identity"
GREETING_SECONDS = 10
AGENT_SECONDS = 5.0
"""How long a copy may take until it has its identity; usually half a second. Then the guest boots instead.

Time in which it was kept from running does not count: on a machine that is busy to that degree a boot would
be worse."""
LONGEST_SECONDS = 120.0
"""With that time."""
_LOOK_SECONDS = 0.2
_AGAIN_SECONDS = 0.05


async def wake(vm: Vm, taken: Taken, reactor: Any, in_thread: devices.InThread) -> None:
    """Let a machine that was launched as a clone go on. Raises MonitorError, DisplayError, OSError."""
    greeting = await vm.connect(GREETING_SECONDS)
    if greeting.version != taken.template.qemu:
        raise MonitorError(f"QEMU {greeting.version} cannot go on with what {taken.template.qemu} has saved")
    await devices.load(reactor, vm.monitor, taken.devices, in_thread)
    await vm.monitor.execute("cont")
    await vm.look_at_ports()


async def renew(vm: Vm, identity: Identity, reactor: Any, seconds: float = AGENT_SECONDS) -> None:
    """Have the guest take its identity and the time. Raises GuestError when it does not do so in time."""
    trying = Deferred.fromCoroutine(_renew(vm, identity, reactor))
    patience = _Patience(vm, reactor, seconds, trying)
    try:
        await trying
    except CancelledError:
        if not patience.over:
            raise
        raise GuestError(
            "The guest's agent is silent.", f"the identity was not renewed within {seconds:g} s"
        ) from None
    finally:
        patience.end()


class _Patience:
    """Cancels what takes too long."""

    def __init__(self, vm: Vm, reactor: Any, seconds: float, work: Deferred[None]) -> None:
        self.over = False
        self._process, self._reactor, self._work = vm.process, reactor, work
        self._seconds = seconds
        self._began = reactor.seconds()
        self._held_up = vm.process.held_up_seconds()
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor
        self._looking.start(_LOOK_SECONDS, now=False)

    def _look(self) -> None:
        passed = self._reactor.seconds() - self._began
        held_up = self._process.held_up_seconds() - self._held_up
        if passed - held_up > self._seconds or passed > max(LONGEST_SECONDS, self._seconds):
            self.over = True
            self.end()
            self._work.cancel()

    def end(self) -> None:
        """Look no more."""
        if self._looking.running:
            self._looking.stop()


async def _renew(vm: Vm, identity: Identity, reactor: Any) -> None:
    while vm.agent is not None:
        try:
            done = await vm.agent.run([RENEW], input=identity.script(time.time()))
        except GuestError:  # it is only waking up
            await deferLater(reactor, _AGAIN_SECONDS)
            continue
        if done.code:
            said = (done.err or done.out).decode(errors="replace").strip()[-500:]
            raise GuestError("The guest cannot take an identity of its own.", f"{RENEW}: {done.code}: {said}")
        return
    raise GuestError("The guest has ended.")
