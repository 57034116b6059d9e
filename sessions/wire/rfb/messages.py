"""What a client sends to a server (RFC 6143 §7.5 and the community's extensions)."""

from __future__ import annotations

import enum
import struct
from collections.abc import Iterable


class Encoding(enum.IntEnum):
    """Encodings and pseudo-encodings this client knows."""

    RAW = 0
    COPY_RECT = 1
    HEXTILE = 5
    ZRLE = 16
    DESKTOP_SIZE = -223
    LAST_RECT = -224
    CURSOR = -239
    POINTER_MOTION_CHANGE = -257  # QEMU
    EXTENDED_KEY_EVENT = -258  # QEMU
    DESKTOP_NAME = -307
    EXTENDED_DESKTOP_SIZE = -308
    CURSOR_WITH_ALPHA = -314
    EXTENDED_MOUSE_BUTTONS = -316
    EXTENDED_CLIPBOARD = -0x3F5E1A32


PSEUDO_ENCODINGS = (
    Encoding.CURSOR_WITH_ALPHA,
    Encoding.CURSOR,
    Encoding.EXTENDED_DESKTOP_SIZE,
    Encoding.DESKTOP_SIZE,
    Encoding.LAST_RECT,
    Encoding.EXTENDED_KEY_EVENT,
    Encoding.POINTER_MOTION_CHANGE,
    Encoding.EXTENDED_MOUSE_BUTTONS,
    Encoding.EXTENDED_CLIPBOARD,
)
"""What is offered whatever the pixels' encoding."""

EXTENDED_BUTTONS_MARK = 0x80


def set_pixel_format() -> bytes:
    """Ask for 32 bits a pixel, little-endian true colour: the bytes B, G, R, X."""
    return struct.pack(">B3x4B3H3B3x", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)


def set_encodings(encodings: Iterable[int]) -> bytes:
    """Say what may be sent, best first."""
    wanted = tuple(encodings)
    return struct.pack(f">Bx H{len(wanted)}i", 2, len(wanted), *wanted)


def update_request(incremental: bool, width: int, height: int) -> bytes:
    """Ask for the screen, all of it or what has changed."""
    return struct.pack(">BB4H", 3, incremental, 0, 0, width, height)


def key_event(down: bool, keysym: int) -> bytes:
    """Press or release a key by its X11 keysym."""
    return struct.pack(">BBxxI", 4, down, keysym)


def extended_key_event(down: bool, keysym: int, scancode: int) -> bytes:
    """Press or release a key by its scan code (set 1, 0x80 added for E0), too: QEMU's extension."""
    return struct.pack(">BBHII", 255, 0, down, keysym, scancode)


def pointer_event(buttons: int, x: int, y: int, extended: bool = False) -> bytes:
    """Put the pointer at (x, y) with the buttons held that `buttons` has bits for.

    Bits 0–2 are left, middle, right; 3–6 the wheel up, down, left, right; 7 and 8 back and forward,
    which need `extended` (ExtendedMouseButtons) and are left out without.
    """
    if extended and buttons > 0x7F:
        return struct.pack(">BBHHB", 5, buttons & 0x7F | EXTENDED_BUTTONS_MARK, x, y, buttons >> 7)
    return struct.pack(">BBHH", 5, buttons & 0x7F, x, y)


def set_desktop_size(width: int, height: int, screen: int, flags: int) -> bytes:
    """Ask for one screen of this size; `screen` and `flags` as the server told (ExtendedDesktopSize)."""
    return struct.pack(">BxHHBxI4HI", 251, width, height, 1, screen, 0, 0, width, height, flags)
