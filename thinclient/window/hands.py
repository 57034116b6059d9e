"""What hands need beside events: whether the pointer is captured, and Caps and Num Lock."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from sessions.wire import tsg
from sessions.wire.tsg import Capability
from thinclient.locks import locks
from thinclient.window.link import Link
from thinclient.window.monitors import Screens
from thinclient.window.screen import Screen
from thinclient.window.strip import Strip

HINT_PAUSE = 5000
"""Milliseconds that it is told how a captured pointer is let out."""
GRAB_PAUSE, GRAB_TRIES = 100, 20
"""Milliseconds until the keyboard is asked for again, and how often, while somebody else has it."""


class Hands(QObject):
    """The pointer is captured where the guest asks how it moves, and where the person wants that.

    hint: tells how it is let out.
    """

    def __init__(self, link: Link, screens: Screens, main: Screen) -> None:
        super().__init__(screens)
        self.hint = Strip("", lambda: None)
        self._link = link
        self._screens = screens
        self._is_asked = self._is_chosen = False
        screens.held.connect(self._held)
        main.focused.connect(self.bring_locks)

    def began(self) -> None:
        """There is a new connection."""
        self.ask(False)

    def ask(self, relative: bool) -> None:
        """The guest asks how the pointer moves, or does so no more."""
        self._is_asked = relative
        self._set()

    def choose(self, on: bool) -> None:
        """The person wants it captured, whatever the guest asks for."""
        self._is_chosen = on
        self._set()

    def grab(self, window: QWidget, tries: int = GRAB_TRIES) -> None:
        """Take every key while a window fills the display and is active; else none beyond one's own.

        The window manager may have the keyboard for itself just then, so it is tried again for a while.
        """
        wanted = window.isFullScreen() and window.isActiveWindow()
        handle = window.windowHandle()
        if handle and not handle.setKeyboardGrabEnabled(wanted) and wanted and tries:
            QTimer.singleShot(GRAB_PAUSE, window, lambda: self.grab(window, tries - 1))

    def bring_locks(self) -> None:
        """Tell which locks are on at this machine: the guest's are brought in line."""
        if self._link.can(Capability.LOCKS) and (now := locks(QGuiApplication.platformName())):
            self._link.say(tsg.Locks(tsg.Lock.CAPS * now.caps | tsg.Lock.NUM * now.num))

    def _set(self) -> None:
        wanted = self._is_asked or self._is_chosen
        self._screens.set_captures(wanted and self._link.can(Capability.RELATIVE))

    def _held(self, held: bool) -> None:
        self.hint.tell("The desktop has the pointer. Ctrl+Alt lets it out." if held else "")
        if held:
            QTimer.singleShot(HINT_PAUSE, self.hint.hide)
