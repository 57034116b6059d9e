"""A guest's Caps and Num Lock follow those of whoever types; what does not follow is left alone."""

from twisted.internet.task import Clock

from sessions.displays.locks import ANSWER_SECONDS, CAPS_LIGHT, NUM_LIGHT, LockKeys
from sessions.input.events import Key, Locks

CAPS, NUM = 0x3A, 0x45


class Guest:
    """A keyboard whose lights follow its keys, or do not. on: which locks are on."""

    def __init__(self, *, follows: bool = True) -> None:
        self.clock = Clock()
        self.follows = follows
        self.on = 0
        self.pressed: list[int] = []
        self.keys = LockKeys(self.clock, self.press)

    def press(self, key: Key) -> None:
        if key.down:
            self.pressed.append(key.scancode)
            self.on ^= CAPS_LIGHT if key.scancode == CAPS else NUM_LIGHT

    def wish(self, caps: bool, num: bool) -> list[int]:
        """Say what is wished for; return which keys were pressed until all is told."""
        before = len(self.pressed)
        self.keys.wish(Locks(caps, num))
        if self.follows:
            self.keys.told(self.on)
        self.clock.advance(ANSWER_SECONDS + 0.1)
        return self.pressed[before:]


def test_the_locks_follow() -> None:
    guest = Guest()
    assert guest.wish(False, False) == []
    assert guest.wish(True, True) == [CAPS, NUM]
    assert guest.wish(True, True) == []
    assert guest.wish(False, True) == [CAPS]
    guest.on = 0
    guest.keys.told(0)  # somebody has pressed Num Lock
    assert guest.wish(False, True) == [NUM]


def test_a_guest_without_lights_is_as_before_and_is_left_alone() -> None:
    guest = Guest(follows=False)
    assert guest.wish(True, True) == [CAPS, NUM, CAPS, NUM]
    assert guest.on == 0
    assert guest.wish(True, True) == []
    guest.follows = True
    guest.keys.told(NUM_LIGHT)  # it has got a driver
    guest.on = NUM_LIGHT
    assert guest.wish(False, False) == [NUM]


def test_nothing_is_pressed_twice_while_the_guest_has_not_answered() -> None:
    guest = Guest(follows=False)
    guest.keys.wish(Locks(True, False))
    guest.keys.wish(Locks(True, False))
    assert guest.pressed == [CAPS]
    guest.keys.close()
    guest.clock.advance(10)
    assert guest.pressed == [CAPS]
