"""The state of a machine's devices, without its memory: saved from one QEMU, loaded into another.

QEMU calls this migration, and leaves the memory out where that is shared (capability `x-ignore-shared`). It
is sent through a pipe: the sandbox forbids QEMU to start programs, and newer ones want no file there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sessions.guests.qemu.monitor import Monitor, MonitorError

InThread = Callable[..., Awaitable[Any]]
MAX_BYTES = 512 << 20
"""Of a saved state; a desktop's has 9 MB, video memory and screens included."""
SECONDS = 20
_POLL_SECONDS = 0.005
_PIPE = 1 << 20
_NAME = "tsgateway-devices"


async def save(reactor: Any, monitor: Monitor, path: Path, in_thread: InThread) -> None:
    """Save a machine that stands still. Raises MonitorError, OSError."""
    await _leave_memory_out(monitor)
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    await _give(monitor, theirs, ours)
    writing = Deferred.fromCoroutine(_awaited(in_thread(_drain, ours, path)))
    try:
        await monitor.execute("migrate", {"uri": f"fd:{_NAME}"})
        await _done(reactor, monitor)
    finally:
        await writing


async def load(reactor: Any, monitor: Monitor, file: int, in_thread: InThread) -> None:
    """Load a machine that waits for it. Raises MonitorError: QEMU ends when it cannot."""
    await _leave_memory_out(monitor)
    theirs, ours = os.pipe2(os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # more than a user may have
        fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE)
    await _give(monitor, theirs, ours)
    feeding = Deferred.fromCoroutine(_awaited(in_thread(_feed, file, ours)))
    try:
        await monitor.execute("migrate-incoming", {"uri": f"fd:{_NAME}"})
        await _done(reactor, monitor)
    finally:
        feeding.addErrback(lambda _: None)  # QEMU has said it better


async def _give(monitor: Monitor, theirs: int, ours: int) -> None:
    """Hand QEMU its end of a pipe, closed here then; ours is closed if that fails. Raises MonitorError."""
    try:
        await monitor.execute("getfd", {"fdname": _NAME}, [theirs])
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


async def _leave_memory_out(monitor: Monitor) -> None:
    capability = {"capability": "x-ignore-shared", "state": True}
    await monitor.execute("migrate-set-capabilities", {"capabilities": [capability]})


async def _done(reactor: Any, monitor: Monitor) -> None:
    deadline = reactor.seconds() + SECONDS
    while True:
        said = await monitor.execute("query-migrate")
        if said.get("status") == "completed":
            return
        if said.get("status") in ("failed", "cancelled"):
            raise MonitorError(f"the devices' state: {said.get('error-desc') or said['status']}")
        if reactor.seconds() >= deadline:
            raise MonitorError(f"the devices' state did not pass within {SECONDS} s")
        await deferLater(reactor, _POLL_SECONDS)


def _drain(pipe: int, path: Path) -> None:
    """Write to a file what comes, to its end."""
    with open(pipe, "rb", buffering=0) as source, path.open("wb") as file:
        while piece := source.read(_PIPE):
            if file.tell() + len(piece) > MAX_BYTES:
                raise OSError(27, f"QEMU's device state is larger than {MAX_BYTES >> 20} MiB")
            file.write(piece)


def _feed(file: int, pipe: int) -> None:
    """Write a whole file into the pipe. What QEMU does not want to read is not an error here."""
    at, end = 0, os.fstat(file).st_size
    with open(pipe, "wb", buffering=0), contextlib.suppress(BrokenPipeError):
        while at < end:
            at += os.sendfile(pipe, file, at, min(_PIPE, end - at))
