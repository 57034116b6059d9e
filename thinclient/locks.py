"""Whether Caps Lock and Num Lock are on at this machine, where its window system tells."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import sys
from typing import NamedTuple


class Locks(NamedTuple):
    """Which of them are on."""

    caps: bool
    num: bool


def locks(platform: str) -> Locks | None:
    """Return how they are now; None where nobody says. platform: Qt's name of the window system."""
    match platform:
        case "xcb":
            return _x11()
        case "windows":
            return _windows()
        case "cocoa":
            return _mac()
        case _:
            return None


# ---- X11: the keyboard's indicators, by their names


@functools.cache
def _display() -> tuple[ctypes.CDLL, int] | None:
    """Return the library and a connection of its own; None without one."""
    name = ctypes.util.find_library("X11")
    if name is None:
        return None
    library = ctypes.CDLL(name)
    library.XOpenDisplay.restype = ctypes.c_void_p
    library.XInternAtom.restype = ctypes.c_ulong
    library.XInternAtom.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
    library.XkbGetNamedIndicator.argtypes = (
        ctypes.c_void_p, ctypes.c_ulong, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int), ctypes.c_void_p,
        ctypes.c_void_p,
    )  # fmt: skip
    opened = library.XOpenDisplay(None)
    return (library, opened) if opened else None


def _x11() -> Locks | None:
    found = _display()
    if found is None:
        return None
    library, display = found

    def is_on(name: bytes) -> bool:
        on = ctypes.c_int(0)
        atom = library.XInternAtom(display, name, 0)
        library.XkbGetNamedIndicator(display, atom, None, ctypes.byref(on), None, None)
        return bool(on.value)

    return Locks(is_on(b"Caps Lock"), is_on(b"Num Lock"))


# ---- Windows and macOS

_VK_CAPITAL, _VK_NUMLOCK = 0x14, 0x90
_CAPS_FLAG = 1 << 16


def _windows() -> Locks | None:
    if sys.platform != "win32":
        return None
    state = ctypes.windll.user32.GetKeyState
    return Locks(bool(state(_VK_CAPITAL) & 1), bool(state(_VK_NUMLOCK) & 1))


def _mac() -> Locks | None:
    """Its keypads have no Num Lock: they type digits."""
    name = ctypes.util.find_library("ApplicationServices")
    if name is None:
        return None
    flags = ctypes.CDLL(name).CGEventSourceFlagsState
    flags.restype = ctypes.c_uint64
    return Locks(bool(flags(0) & _CAPS_FLAG), True)
