"""What QEMU's console tells of its guest's keyboard and pointer: lights, and whether it asks for places.

They are properties that change (org.qemu.Display1.Keyboard, .Mouse). The signal of a change is not read, for
it may say anything; it is a reason to ask for the values, whose form is known.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sessions.displays.dbus_peer import DBusPeer
from sessions.wire import qemu_display as wire
from sessions.wire.dbus import Message


class Hands:
    """Asks one console. lights: is given the keyboard's. relative: whether the guest asks for movements."""

    def __init__(
        self, console: DBusPeer, lights: Callable[[int], None], relative: Callable[[bool], None]
    ) -> None:
        self._console = console
        self._lights = lights
        self._relative = relative
        self._left = 0
        self._again = False

    def told(self, message: Message) -> None:
        """Take a signal of the console."""
        if message.interface == wire.PROPERTIES and message.path == wire.CONSOLE.path:
            self.ask()

    def ask(self) -> None:
        """Ask for all; while an answer is on its way, once more after it."""
        if self._left:
            self._again = True
            return
        self._again = False
        self._left = 2
        self._get("Keyboard", "Modifiers", self._lights)
        self._get("Mouse", "IsAbsolute", lambda value: self._relative(not value))

    def _get(self, interface: str, name: str, told: Callable[[int], None]) -> None:
        names = (f"org.qemu.Display1.{interface}", name)
        asked: Deferred[Message] = self._console.call(wire.CONSOLE_PROPERTIES, "Get", "ss", names)
        asked.addCallback(lambda message: told(wire.property_value(message)))
        asked.addErrback(_unknown)
        asked.addCallback(lambda _: self._answered())

    def _answered(self) -> None:
        self._left -= 1
        if not self._left and self._again:
            self.ask()


def _unknown(failure: Failure) -> None:
    """Leave it as it is: a QEMU that does not say, or has gone."""
