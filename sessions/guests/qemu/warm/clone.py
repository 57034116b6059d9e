"""Waking a copy of a warm template: it goes on where the template stood, and gets an identity of its own."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.task import deferLater

from sessions.guests.base import GuestError
from sessions.guests.qemu.identity import Identity
from sessions.guests.qemu.monitor import MonitorError
from sessions.guests.qemu.vm import Vm
from sessions.guests.qemu.warm import devices
from sessions.guests.qemu.warm.store import Taken

RENEW = "/usr/lib/tsgateway/renew-identity"
GREETING_SECONDS = 10
AGENT_SECONDS = 5.0
"""How long a copy may take until it has its identity; usually half a second. Then the guest boots instead."""
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
    try:
        await trying.addTimeout(seconds, reactor)
    except TimeoutError as error:
        raise GuestError(
            "The guest's agent is silent.", f"the identity was not renewed within {seconds:g} s"
        ) from error


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
