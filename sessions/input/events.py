"""Input values: what a person did, free of any protocol."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Button(enum.IntFlag):
    """Pointer buttons."""

    LEFT = 1
    MIDDLE = 2
    RIGHT = 4
    BACK = 8
    FORWARD = 16


@dataclass(frozen=True, slots=True)
class Key:
    """A key went down or up.

    scancode: PC scan code set 1, 0x80 added for codes prefixed E0; 0 where unknown.
    keysym: X11 keysym with the modifiers in force; 0 where unknown.
    """

    down: bool
    scancode: int
    keysym: int


@dataclass(frozen=True, slots=True)
class Text:
    """Text to be typed that key codes cannot say."""

    text: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the pointer is, in screen pixels, and which buttons are held."""

    x: int
    y: int
    buttons: Button


@dataclass(frozen=True, slots=True)
class Move:
    """The pointer was moved by so many pixels, and which buttons are held."""

    dx: int
    dy: int
    buttons: Button


@dataclass(frozen=True, slots=True)
class Locks:
    """Whether Caps Lock and Num Lock are on, on the keyboard of whoever begins to type."""

    caps: bool
    num: bool


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel turned, in 1/120 notches; positive is down and right."""

    dx: int
    dy: int


InputEvent = Key | Text | Pointer | Move | Wheel | Locks
