"""Key events as messages of the protocol."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent

from sessions.input.keysyms import keysym_of
from sessions.wire import tsg
from thinclient import scancodes
from tsgateway.client.viewer import keys

_CHORD = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)
_SHIFTS = (Qt.Key.Key_Shift, Qt.Key.Key_AltGr)
_CTRL_ALT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


class Keyboard:
    """What is held down.

    text_mode: what can be typed goes as text, by this machine's layout; else keys go by their places, and the
    guest's layout decides. takes_text: whether the guest takes text. kiosk: no key is ours.
    """

    def __init__(self, takes_text: Callable[[], bool]) -> None:
        self.text_mode = False
        self.kiosk = False
        self._takes_text = takes_text
        self._held: dict[int, tuple[int, int]] = {}  # the window system's code: scan code, keysym
        self._waiting: dict[int, tuple[int, int]] = {}

    def is_ours(self, event: QKeyEvent) -> bool:
        """Whether a key means something to this program: F11 and Ctrl+Alt+Enter."""
        if self.kiosk:
            return False
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() == Qt.Key.Key_F11:
            return plain == Qt.KeyboardModifier.NoModifier
        return event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain == _CTRL_ALT

    def pressed(self, event: QKeyEvent) -> list[tsg.Message]:
        """A key went down, or is held and repeats.

        In text mode Shift and AltGr wait for a key that is no text: what they do to text is in it already.
        """
        code, named = event.nativeScanCode() or event.key(), _named(event)
        if self.text_mode and event.key() in _SHIFTS:
            self._waiting[code] = named
            return []
        if self.text_mode and _is_text(event):
            return self.composed(event.text())
        if not any(named):
            return []
        self._held |= self._waiting | {code: named}
        shifts, self._waiting = self._waiting.values(), {}
        return [tsg.Key(1, *each) for each in (*shifts, named)]

    def released(self, event: QKeyEvent) -> list[tsg.Message]:
        """A key went up; while one is held, some systems say so between its repetitions."""
        if event.isAutoRepeat():
            return []
        code = event.nativeScanCode() or event.key()
        self._waiting.pop(code, None)
        held = self._held.pop(code, None)
        return [] if held is None else [tsg.Key(0, *held)]

    def composed(self, text: str) -> list[tsg.Message]:
        """A text was made by an input method."""
        if not text:
            return []
        if self._takes_text() and text.isprintable():
            return [tsg.TypeText(text[at : at + 1024]) for at in range(0, len(text), 1024)]
        return list(keys.typed(text, takes_text=False))

    def lost(self) -> list[tsg.Message]:
        """The keyboard is somebody else's now."""
        self._held.clear()
        self._waiting.clear()
        return [tsg.ReleaseKeys()]


def lets_out(event: QKeyEvent) -> bool:
    """Whether Ctrl and Alt are held together, and nothing else is: what lets a captured pointer go."""
    held, key = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier, event.key()
    if key == Qt.Key.Key_Alt:
        return bool(held & Qt.KeyboardModifier.ControlModifier)
    return key == Qt.Key.Key_Control and bool(held & Qt.KeyboardModifier.AltModifier)


def _is_text(event: QKeyEvent) -> bool:
    """Whether a key types: Ctrl and Alt together are what Windows calls AltGr."""
    held = event.modifiers() & _CHORD
    is_chord = bool(held) and held != _CTRL_ALT
    return bool(event.text()) and event.text().isprintable() and not is_chord


def combination(*names: str) -> Iterator[tsg.Message]:
    """Yield what pressing combinations such as `Ctrl+Alt+Delete` says, one after the other."""
    return chain.from_iterable(keys.pressed(name) for name in names)


def _named(event: QKeyEvent) -> tuple[int, int]:
    """Return scan code and keysym of a key, 0 for what is not known."""
    match QGuiApplication.platformName():
        case "windows":
            return scancodes.from_windows(event.nativeScanCode()), _keysym(event)
        case "cocoa":
            return scancodes.from_mac(event.nativeVirtualKey()), _keysym(event)
        case "xcb" | "wayland" if sys.platform.startswith("linux"):
            return scancodes.from_x11(event.nativeScanCode()), event.nativeVirtualKey()
        case _:
            return 0, event.nativeVirtualKey() or _keysym(event)


def _keysym(event: QKeyEvent) -> int:
    text = event.text()
    return keysym_of(text) if len(text) == 1 and text.isprintable() else 0
