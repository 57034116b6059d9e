"""Mouse, pen and fingers as messages of the protocol."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCursor,
    QEventPoint,
    QGuiApplication,
    QMouseEvent,
    QPointingDevice,
    QTabletEvent,
    QTouchEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from sessions.wire import tsg
from thinclient.window.touch import LONG_PRESS, Point, Touch, Turn

_BUTTONS = {
    Qt.MouseButton.LeftButton: 1, Qt.MouseButton.MiddleButton: 2, Qt.MouseButton.RightButton: 4,
    Qt.MouseButton.BackButton: 8, Qt.MouseButton.ForwardButton: 16,
}  # fmt: skip
_LIMIT = 0x7FFF


class Pointer(QObject):
    """What is pointed at on a widget.

    to_guest: the guest's pixel at a place of the widget, None where there is no picture.
    said: with messages for the server. held: the pointer has been captured (True), or let go.

    captures: from the next click on the pointer is kept, and told by its movements: for guests that ask for
    these, and for games.
    """

    said = Signal(object)
    held = Signal(bool)

    def __init__(self, widget: QWidget, to_guest: Callable[[QPointF], tuple[int, int] | None]) -> None:
        super().__init__(widget)
        self.captures = False
        self.is_held = False
        self._widget = widget
        self._to_guest = to_guest
        self._buttons = 0
        self._touch = Touch()
        self._long = QTimer(self, singleShot=True, interval=round(1000 * LONG_PRESS))
        self._long.timeout.connect(lambda: self._do(self._touch.stayed()))
        widget.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        widget.setTabletTracking(True)  # a pen that hovers, too

    # ---- the mouse

    def moved(self, event: QMouseEvent) -> None:
        """The mouse has moved."""
        if self.is_held:
            self._pull(event.globalPosition())
        else:
            self._point(event.position())

    def pressed(self, event: QMouseEvent) -> None:
        """A button went down; the click that captures the pointer is not the guest's."""
        if self.captures and not self.is_held:
            self._capture()
            return
        self._buttons |= _BUTTONS.get(event.button(), 0)
        self._clicked(event)

    def released(self, event: QMouseEvent) -> None:
        """A button went up."""
        if self._buttons & _BUTTONS.get(event.button(), 0):
            self._buttons &= ~_BUTTONS.get(event.button(), 0)
            self._clicked(event)

    def _clicked(self, event: QMouseEvent) -> None:
        if self.is_held:
            self._say(tsg.Move(0, 0, self._buttons))
        else:
            self._point(event.position())

    def turned(self, event: QWheelEvent) -> None:
        """The wheel was turned: also by less than a notch, and to the side."""
        angle = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and _swaps_with_alt():
            angle = angle.transposed()
        if not self.is_held:
            self._point(event.position())
        self._say(tsg.Wheel(_bounded(-angle.x()), _bounded(-angle.y())))

    def _point(self, at: QPointF) -> None:
        if (pixel := self._to_guest(at)) is not None:
            self._say(tsg.Pointer(*pixel, self._buttons))

    def lost(self) -> None:
        """Let go of everything: the keyboard is somebody else's."""
        self._buttons = 0
        self._long.stop()
        self._touch.cancel()
        self.let_go()

    # ---- the captured pointer

    def _capture(self) -> None:
        self.is_held = True
        self._widget.grabMouse(Qt.CursorShape.BlankCursor)
        QCursor.setPos(self._middle())
        self.held.emit(True)

    def let_go(self) -> None:
        """Let the pointer out of the window."""
        if self.is_held:
            self.is_held = False
            self._widget.releaseMouse()
            self.held.emit(False)

    def _pull(self, at: QPointF) -> None:
        """Say how far it has come, and put it back: so it never meets an edge."""
        middle = self._middle()
        away = at - QPointF(middle)
        if away.manhattanLength() < 1:
            return
        QCursor.setPos(middle)
        ratio = self._widget.devicePixelRatioF()
        self._say(
            tsg.Move(_bounded(round(away.x() * ratio)), _bounded(round(away.y() * ratio)), self._buttons)
        )

    def _middle(self) -> QPoint:
        return self._widget.mapToGlobal(self._widget.rect().center())

    # ---- pen and fingers

    def drawn(self, event: QTabletEvent) -> None:
        """A pen hovers, touches or is lifted; its barrel's button is the right one alone."""
        held = event.buttons()
        if event.type() == QEvent.Type.TabletRelease:
            held &= ~event.button()
        right = bool(held & Qt.MouseButton.RightButton)
        tip = bool(held & Qt.MouseButton.LeftButton)
        self._buttons = 4 if right else 1 if tip else 0
        self._point(event.position())
        event.accept()

    def touched(self, event: QTouchEvent) -> bool:
        """Fingers of a touch screen; False for what touchpads tell, which come as mouse and wheel too."""
        if event.device().type() != QPointingDevice.DeviceType.TouchScreen:
            return False
        if event.type() == QEvent.Type.TouchCancel:
            self._long.stop()
            self._do(self._touch.cancel())
            return True
        now = time.monotonic()
        for finger in event.points():
            place = (finger.position().x(), finger.position().y())
            match finger.state():
                case QEventPoint.State.Pressed:
                    self._touch.down(finger.id(), place, now)
                    self._long.start()
                case QEventPoint.State.Updated:
                    self._do(self._touch.move(finger.id(), place))
                case QEventPoint.State.Released:
                    self._do(self._touch.up(finger.id(), now))
        event.accept()
        return True

    def _do(self, done: list[Point | Turn]) -> None:
        for each in done:
            match each:
                case Point(at, buttons):
                    self._buttons = buttons
                    self._point(QPointF(*at))
                case Turn(across, down):
                    self._say(tsg.Wheel(_bounded(across), _bounded(down)))

    def _say(self, message: tsg.Message) -> None:
        self.said.emit((message,))


def _bounded(amount: int) -> int:
    return min(max(amount, -_LIMIT), _LIMIT)


def _swaps_with_alt() -> bool:
    """Whether Qt takes a wheel turned while Alt is held for one to the side; the guest has its own mind."""
    return QGuiApplication.platformName() in ("xcb", "windows")
