"""Full screen over several monitors: one screen of the guest's, and a window with its part on each of them.

A window each, and not one over all: so it works where no window may lie over two monitors (Wayland, macOS),
and each shows its part pixel by pixel whatever the density of the others. The keyboard stays with the main
window; a click into another one does not take it away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QWidget

from sessions.pixels.geometry import Rect
from sessions.wire import tsg
from thinclient.monitors import chosen
from thinclient.window.placing import LARGEST, Monitor, Span, spanned
from thinclient.window.screen import Screen

PAUSE = 300
"""Milliseconds that monitors have to be as they are before they are filled anew."""


class Screens(QObject):
    """The window's own screen, and one more for each other monitor that it fills.

    make: another screen of the same desktop. shown: a picture is on all of them. changed: a monitor has come,
    gone or moved. held: the pointer is captured by one of them, or let go.
    """

    shown = Signal()
    changed = Signal()
    held = Signal(bool)

    def __init__(self, window: QWidget, main: Screen, make: Callable[[], Screen]) -> None:
        super().__init__(window)
        self._window = window
        self._main = main
        self._make = make
        self._wings: list[Screen] = []
        self._cursor: tsg.Cursor | None = None
        self._rest = QTimer(self, singleShot=True, interval=PAUSE)
        self._rest.timeout.connect(self.changed)
        main.shown.connect(self._settle)
        main.looked.connect(self.set_look)
        main.pointer.held.connect(self.held)
        main.let_out.connect(self.let_out)
        app = cast(QGuiApplication, QGuiApplication.instance())
        app.screenAdded.connect(self._follow)
        for signal in (app.screenAdded, app.screenRemoved, app.primaryScreenChanged):
            signal.connect(self._rest.start)
        for screen in app.screens():
            self._follow(screen)

    # ---- which monitors

    def fill(self, wish: str) -> None:
        """Make the window fill the monitors that are wished for; where there are none, the one it is on."""
        monitors = numbered_monitors()
        wanted = _small_enough([monitors[number] for number in chosen(wish, len(monitors))])
        primary = QGuiApplication.primaryScreen()
        main = primary if primary in wanted else wanted[0] if wanted else self._window.screen()
        span = span_of(wanted) if len(wanted) > 1 else None
        self._window.setScreen(main)
        if self._window.geometry() != main.geometry():
            self._window.showNormal()
            self._window.setGeometry(main.geometry())
        self._window.showFullScreen()
        self._part(self._main, main, wanted, span)
        others = [each for each in wanted if each is not main]
        self._drop()
        for monitor in others:
            self._spread(monitor, wanted, span)

    def leave(self) -> None:
        """Be one window again."""
        self._drop()
        self._main.set_span(None)

    def _spread(self, monitor: QScreen, wanted: list[QScreen], span: Span | None) -> None:
        wing = self._make()
        wing.setParent(
            self._window,
            Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowDoesNotAcceptFocus,
        )
        wing.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        wing.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        wing.setWindowTitle(self._window.windowTitle())
        wing.follows, wing.fits = False, self._main.fits
        if self._cursor is not None:
            wing.show_cursor(self._cursor)
        wing.said.connect(self._main.said)
        wing.said.connect(self._touched)
        wing.shown.connect(self._settle)
        wing.looked.connect(self.set_look)
        wing.pointer.held.connect(self.held)
        wing.pointer.captures = self._main.pointer.captures
        self._part(wing, monitor, wanted, span)
        wing.setScreen(monitor)
        wing.setGeometry(monitor.geometry())
        wing.setWindowState(Qt.WindowState.WindowFullScreen)
        wing.show()
        wing.show_picture()
        self._wings.append(wing)

    def _touched(self, messages: tuple[tsg.Message, ...]) -> None:
        """A click on any of them brings the keyboard to the window."""
        pressed = any(isinstance(each, tsg.Pointer) and each.buttons for each in messages)
        if pressed and not self._window.isActiveWindow():
            self._window.activateWindow()

    def _part(self, screen: Screen, monitor: QScreen, wanted: list[QScreen], span: Span | None) -> None:
        if span is None:
            screen.set_span(None)
        else:
            screen.set_span(span.room, span.offsets[wanted.index(monitor)])

    def _drop(self) -> None:
        wings, self._wings = self._wings, []
        for wing in wings:
            wing.pointer.let_go()
            wing.hide()
            wing.deleteLater()

    def _follow(self, screen: QScreen) -> None:
        screen.geometryChanged.connect(self._rest.start)

    # ---- what all of them do

    @property
    def _all(self) -> list[Screen]:
        return [self._main, *self._wings]

    def draw(self, changes: tuple[Rect, ...]) -> None:
        """Show what has changed of the picture."""
        for screen in self._all:
            screen.draw(changes)

    def show_cursor(self, cursor: tsg.Cursor) -> None:
        """Point with the guest's pointer."""
        self._cursor = cursor
        for screen in self._all:
            screen.show_cursor(cursor)

    def set_fits(self, fits: bool) -> None:
        """Make the picture fit, or show it pixel by pixel."""
        for screen in self._all:
            screen.set_fits(fits)

    def set_look(self, look: tuple[float, float]) -> None:
        """See another part of a picture that is larger than the room."""
        for screen in self._all:
            screen.set_look(look)

    def set_captures(self, captures: bool) -> None:
        """Capture the pointer from the next click on; or let it go, and do so no more."""
        for screen in self._all:
            screen.pointer.captures = captures
        if not captures:
            self.let_out()

    def let_out(self) -> None:
        """Let a captured pointer go."""
        for screen in self._all:
            screen.pointer.let_go()

    def _settle(self) -> None:
        if all(screen.is_settled for screen in self._all):
            self.shown.emit()


def numbered_monitors() -> list[QScreen]:
    """Return the monitors in the order of their numbers: from left to right, then from top to bottom."""
    return sorted(
        QGuiApplication.screens(), key=lambda each: (each.geometry().x(), each.geometry().y(), each.name())
    )


def described(monitor: QScreen) -> str:
    """Return its size in pixels, for people."""
    size, ratio = monitor.size(), monitor.devicePixelRatio()
    return f"{round(size.width() * ratio)} × {round(size.height() * ratio)}"


def span_of(monitors: list[QScreen]) -> Span:
    """Return the room that monitors make together."""
    told = [
        Monitor(place.x(), place.y(), place.width(), place.height(), each.devicePixelRatio())
        for each in monitors
        for place in [each.geometry()]
    ]
    return spanned(told, places_are_pixels=QGuiApplication.platformName() in ("xcb", "windows", "offscreen"))


def _small_enough(monitors: list[QScreen]) -> list[QScreen]:
    """Leave out the last ones where all together are larger than a screen can be."""
    while len(monitors) > 1 and max(span_of(monitors).room) > LARGEST:
        monitors = monitors[:-1]
    return monitors
