"""How much of the input that QEMU was given has not reached the guest's driver yet.

A virtio keyboard hands events over in buffers that the driver provides, 64 of them, and gets back once it has
looked. QEMU drops an event for which there is none, and says so to nobody: a guest that gets no processor for
a third of a second while somebody types loses keys. How many buffers there are is asked over QMP. The answer
also tells that QEMU has dealt with the input sent before: held up itself, it takes all in one heap later.

A driver puts what it takes where programs read it, and there is as little room: Linux drops all when more
than 64 events wait there. A guest that was slow to take is given as long again to read before more comes.

Guests without a driver for these devices have a PS/2 keyboard. QEMU then refuses to answer: nothing is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from sessions.clock import Clock

AT_ONCE = 16
"""Events of the device on their way into the guest at most; a key that goes down or up is two."""

ASK_AFTER = 8
"""Events of the device after which QEMU is asked, so that nobody is held up who types."""

PATIENCE = 10
"""Seconds after which buffers that do not come back are taken for ones that this driver never had."""

_QUESTION = "x-query-virtio-queue-element"  # unlike -status it looks at what the driver has written
_INDEX_MASK = 0xFFFF


class Commands(Protocol):
    """The part of a QMP connection that is needed here."""

    async def execute(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Run a command and return what it returns."""


class Backlog:
    """What one input device of a guest has not got rid of. device: its id on QEMU's command line."""

    def __init__(self, clock: Clock, commands: Commands, device: str) -> None:
        self._clock = clock
        self._commands = commands
        self._where = {"path": f"/machine/peripheral/{device}/virtio-backend", "queue": 0}
        self._sent = 0  # and not known to be taken
        self._asked = 0  # of those, what had been sent when QEMU was asked last
        self._began: float | None = None  # when it was asked first whether they have been taken
        self._is_asking = False
        self._buffers = 0  # the most that the driver was seen to provide
        self._taken = 0  # by the driver, and perhaps not yet by who reads from it
        self._read_at = 0.0  # when they are taken for read

    @property
    def full(self) -> bool:
        """Whether the next event had better wait."""
        unread = self._taken if self._clock.seconds() < self._read_at else 0
        if self._sent >= ASK_AFTER:
            self._ask()
        return self._sent + unread >= AT_ONCE

    def sent(self, events: int) -> None:
        """Note that QEMU was given so many events of the device."""
        self._sent += events
        if self._sent >= ASK_AFTER or not self._buffers:
            self._ask()

    def _ask(self) -> None:
        if self._is_asking:
            return
        self._is_asking = True
        self._asked = self._sent
        if self._began is None:
            self._began = self._clock.seconds()
        asked = Deferred.fromCoroutine(self._commands.execute(_QUESTION, self._where))
        asked.addCallback(self._told).addErrback(lambda _: self._took_all())

    def _told(self, answer: Any) -> None:
        provided, filled = (int(answer[ring]["idx"]) for ring in ("avail", "used"))
        free = (provided - filled) & _INDEX_MASK
        if free < self._buffers and self._waited < PATIENCE:
            self._is_asking = False
            return
        self._buffers = free
        self._took_all()

    @property
    def _waited(self) -> float:
        """Seconds since QEMU was asked first."""
        return 0.0 if self._began is None else self._clock.seconds() - self._began

    def _took_all(self) -> None:
        """What a guest took its time to take, it takes its time to read as well."""
        self._taken, self._read_at = self._asked, self._clock.seconds() + self._waited
        self._sent -= self._asked
        self._began = None
        self._is_asking = False
