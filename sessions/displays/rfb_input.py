"""Input events as RFB messages."""

from __future__ import annotations

from sessions.input.events import Button, InputEvent, Key, Locks, Move, Pointer, Text, Wheel
from sessions.input.keysyms import keysym_of
from sessions.input.scancodes import machine_code
from sessions.wire.rfb.messages import extended_key_event, key_event, pointer_event
from sessions.wire.rfb.updates import ServerMessages

NOTCH = 120
"""What one click of a wheel adds up to."""

MAX_NOTCHES = 20
"""Clicks one event may make in one direction; more is dropped."""

_RELATIVE_ORIGIN = 0x7FFF
_UP, _DOWN, _LEFT, _RIGHT = 1 << 3, 1 << 4, 1 << 5, 1 << 6
_HELD = Button.LEFT | Button.MIDDLE | Button.RIGHT


class RfbInput:
    """Turns input events into messages that the server understands.

    absolute: whether the guest takes the pointer's position, else its movement (QEMU's
    pointer-motion change).
    """

    def __init__(self, server: ServerMessages) -> None:
        self.absolute = True
        self._server = server
        self._x = self._y = 0
        self._buttons = Button(0)
        self._turned = [0, 0]

    def encode(self, event: InputEvent) -> bytes:
        """Return the messages for one event; none where RFB has no way to say it."""
        match event:
            case Key():
                return self._key(event)
            case Text(text):
                symbols = [keysym_of(character) for character in text]
                return b"".join(key_event(True, s) + key_event(False, s) for s in symbols if s)
            case Pointer():
                return self._point(event)
            case Move(dx, dy, buttons):
                return self._move(dx, dy, buttons)
            case Locks():
                return b""
            case Wheel():
                return self._turn(0, event.dx, _LEFT, _RIGHT) + self._turn(1, event.dy, _UP, _DOWN)

    def _key(self, key: Key) -> bytes:
        if self._server.extended_keys and key.scancode:
            return extended_key_event(key.down, key.keysym, machine_code(key.scancode))
        return key_event(key.down, key.keysym) if key.keysym else b""

    def _point(self, pointer: Pointer) -> bytes:
        x = min(max(pointer.x, 0), max(self._server.width - 1, 0))
        y = min(max(pointer.y, 0), max(self._server.height - 1, 0))
        moved = x - self._x, y - self._y
        self._x, self._y, self._buttons = x, y, pointer.buttons
        return self._pointer_message(0, *moved)

    def _move(self, dx: int, dy: int, buttons: Button) -> bytes:
        """Move on from where the pointer is; a server that takes movements gets all of it."""
        if self.absolute:
            return self._point(Pointer(self._x + dx, self._y + dy, buttons))
        self._buttons = buttons
        return self._pointer_message(0, dx, dy)

    def _turn(self, axis: int, amount: int, back: int, forth: int) -> bytes:
        self._turned[axis] += amount
        notches = int(self._turned[axis] / NOTCH)
        self._turned[axis] -= notches * NOTCH
        button = forth if notches > 0 else back
        click = self._pointer_message(button, 0, 0) + self._pointer_message(0, 0, 0)
        return click * min(abs(notches), MAX_NOTCHES)

    def _pointer_message(self, wheel: int, dx: int, dy: int) -> bytes:
        buttons = int(self._buttons & _HELD) | wheel
        buttons |= 0x80 * bool(self._buttons & Button.BACK) | 0x100 * bool(self._buttons & Button.FORWARD)
        x, y = (self._x, self._y) if self.absolute else (_RELATIVE_ORIGIN + dx, _RELATIVE_ORIGIN + dy)
        return pointer_event(buttons, x, y, self._server.extended_buttons)
