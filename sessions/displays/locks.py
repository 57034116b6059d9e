"""Caps and Num Lock: the guest's brought in line with those of whoever comes to the keyboard.

A guest tells how its locks are by the lights of its keyboard. What can be done about it is to press the key.
One whose lights do not follow, because it has no driver or has the key do something else, is pressed back,
and left alone until it tells something.
"""

from __future__ import annotations

from collections.abc import Callable

from sessions.clock import Clock, Timer
from sessions.input.events import Key, Locks

ANSWER_SECONDS = 1.0
"""How long a guest may take to switch a light after its key was pressed."""

NUM_LIGHT, CAPS_LIGHT = 2, 4
"""Bits of QEMU's `Keyboard.Modifiers` (docs: org.qemu.Display1.Keyboard)."""
_NUM_LOCK, _CAPS_LOCK = 0x45, 0x3A


class LockKeys:
    """The lights of one guest's keyboard. press: takes the keys."""

    def __init__(self, clock: Clock, press: Callable[[Key], None]) -> None:
        self._clock = clock
        self._press = press
        self._lights = 0
        self._is_trusted = True
        self._waiting: Timer | None = None
        self._pressed: list[int] = []

    def told(self, lights: int) -> None:
        """The guest has these lights on."""
        if lights == self._lights:
            return
        self._lights = lights
        self._is_trusted = True
        self.close()

    def wish(self, locks: Locks) -> None:
        """Bring the guest's locks in line with these."""
        if self._waiting is not None or not self._is_trusted:
            return
        wanted = NUM_LIGHT * locks.num | CAPS_LIGHT * locks.caps
        differ = wanted ^ self._lights
        self._pressed = [
            code for light, code in ((CAPS_LIGHT, _CAPS_LOCK), (NUM_LIGHT, _NUM_LOCK)) if differ & light
        ]
        if self._pressed:
            self._tap()
            self._waiting = self._clock.callLater(ANSWER_SECONDS, self._not_answered)

    def close(self) -> None:
        """Wait for nothing more."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _not_answered(self) -> None:
        self._waiting = None
        self._is_trusted = False
        self._tap()

    def _tap(self) -> None:
        for code in self._pressed:
            self._press(Key(True, code, 0))
            self._press(Key(False, code, 0))
