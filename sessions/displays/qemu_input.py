"""Input events as QEMU's `input-send-event` takes them (QMP schema: InputEvent).

Keys and pointer go over QMP and not over the D-Bus display's Keyboard and Mouse, for two reasons.
One channel keeps their order: with Control going one way and the click another, a guest may see them
swapped. And Mouse.SetAbsPosition takes whole pixels and rounds them down to the tablet's 0…0x7fff: a guest
that rounds down again, as Xorg does, lands one pixel short, and never in the last row and column.
"""

from __future__ import annotations

from typing import Any

from sessions.input.events import Button, Key, Move, Pointer, Wheel
from sessions.input.scancodes import LEFT_SHIFT, RIGHT_SHIFT, key_of, machine_code
from sessions.pixels.geometry import Size

NOTCH = 120
"""What one click of a wheel adds up to."""

MAX_NOTCHES = 20
"""Clicks one event may make in one direction; more is dropped."""

KEYBOARD, POINTER = "keyboard", "tablet"
"""The devices' ids on QEMU's command line."""

_AXIS_RANGE = 0x8000
_BUTTONS = {
    Button.LEFT: "left",
    Button.MIDDLE: "middle",
    Button.RIGHT: "right",
    Button.BACK: "side",
    Button.FORWARD: "extra",
}
QemuEvent = dict[str, Any]


class QemuInput:
    """Turns input events into QEMU's; remembers what is held."""

    def __init__(self) -> None:
        self._buttons = Button(0)
        self._shifts: set[int] = set()
        self._turned = [0, 0]

    def encode(self, event: Key | Pointer | Move | Wheel, size: Size) -> list[QemuEvent]:
        """Return QEMU's events for one of ours on a screen of `size`; none where it cannot be said."""
        match event:
            case Key():
                return self._key(event)
            case Pointer():
                return self._point(event, size)
            case Move():
                return self._move(event)
            case Wheel():
                return self._turn(0, event.dx, "wheel-left", "wheel-right") + self._turn(
                    1, event.dy, "wheel-up", "wheel-down"
                )

    def _key(self, event: Key) -> list[QemuEvent]:
        scancode, shifted = (event.scancode, False) if event.scancode else key_of(event.keysym)
        if not scancode:
            return []
        if scancode in (LEFT_SHIFT, RIGHT_SHIFT):
            (self._shifts.add if event.down else self._shifts.discard)(scancode)
        if event.down and shifted and not self._shifts:
            return [_key(LEFT_SHIFT, True), _key(scancode, True), _key(LEFT_SHIFT, False)]
        return [_key(scancode, event.down)]

    def _point(self, event: Pointer, size: Size) -> list[QemuEvent]:
        place = [_axis("x", event.x, size.width), _axis("y", event.y, size.height)]
        return place + self._press(event.buttons)

    def _move(self, event: Move) -> list[QemuEvent]:
        moves = (("x", event.dx), ("y", event.dy))
        return [_relative(axis, by) for axis, by in moves if by] + self._press(event.buttons)

    def _press(self, buttons: Button) -> list[QemuEvent]:
        changed, self._buttons = buttons ^ self._buttons, buttons
        return [_button(name, bool(buttons & each)) for each, name in _BUTTONS.items() if changed & each]

    def _turn(self, axis: int, amount: int, back: str, forth: str) -> list[QemuEvent]:
        self._turned[axis] += amount
        notches = int(self._turned[axis] / NOTCH)
        self._turned[axis] -= notches * NOTCH
        name = forth if notches > 0 else back
        return [_button(name, True), _button(name, False)] * min(abs(notches), MAX_NOTCHES)


def device_of(events: list[QemuEvent]) -> str:
    """Return which device has these events of one `encode`, "" for the PS/2 mouse, which has the moves."""
    match events[0]["type"]:
        case "key":
            return KEYBOARD
        case "rel":
            return ""
        case _:
            return POINTER


def _axis(axis: str, pixel: int, length: int) -> QemuEvent:
    # A quarter of a pixel in, so that a guest that scales back lands on this pixel whether it rounds down
    # (Xorg, a little below even) or to the nearest, and whether it takes the range for 0x7fff or 0x8000.
    pixel = min(max(pixel, 0), max(length - 1, 0))
    value = -(-(4 * pixel + 1) * _AXIS_RANGE // (4 * max(length, 1)))
    return {"type": "abs", "data": {"axis": axis, "value": min(value, _AXIS_RANGE - 1)}}


def _relative(axis: str, by: int) -> QemuEvent:
    return {"type": "rel", "data": {"axis": axis, "value": by}}


def _button(name: str, down: bool) -> QemuEvent:
    return {"type": "btn", "data": {"button": name, "down": down}}


def _key(scancode: int, down: bool) -> QemuEvent:
    return {"type": "key", "data": {"key": {"type": "number", "data": machine_code(scancode)}, "down": down}}
