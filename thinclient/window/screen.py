"""The guest's screen: draws the picture where it has changed, and turns what hands do into messages."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCursor,
    QFocusEvent,
    QImage,
    QInputMethodEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QTabletEvent,
    QTouchEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from sessions.pixels.geometry import Rect
from sessions.wire import tsg
from thinclient.window.keyboard import Keyboard, lets_out
from thinclient.window.placing import Placing, placed
from thinclient.window.pointer import Pointer
from tsgateway.client.viewer import Picture

RESIZE_PAUSE = 250
"""Milliseconds that the window has to rest before the guest is given its size."""
HIDDEN_PAUSE = 300
"""Milliseconds after which a picture that is not drawn, because nobody sees the window, is acknowledged."""
_TOUCHES = (
    QEvent.Type.TouchBegin, QEvent.Type.TouchUpdate, QEvent.Type.TouchEnd, QEvent.Type.TouchCancel,
)  # fmt: skip


class Screen(QWidget):
    """A picture that takes input.

    said: with messages for the server. wished: with the width and height that the guest should have.
    shown: the last picture is on the screen. at_edge: the pointer touches the upper edge. looked: which part
    of a picture that is larger than the room is to be seen (see `placed`). focused: it has the keyboard now.
    let_out: a captured pointer is to be let go, by keys or because the keyboard is lost.
    """

    said = Signal(object)
    wished = Signal(int, int)
    shown = Signal()
    at_edge = Signal()
    looked = Signal(object)
    focused = Signal()
    let_out = Signal()

    def __init__(self, picture: Picture, guard: AbstractContextManager[object], keyboard: Keyboard) -> None:
        super().__init__()
        self.fits = True
        self.follows = True
        self._picture = picture
        self._guard = guard
        self._keyboard = keyboard
        self._pixels = picture.pixels
        self._image = QImage()
        self._look = (0.5, 0.5)
        self._span: tuple[tuple[int, int], tuple[int, int]] | None = None
        self.pointer = Pointer(self, self._guest_at)
        self.pointer.said.connect(self.said)
        self._is_owed = False
        self._rest = QTimer(self, singleShot=True, interval=RESIZE_PAUSE)
        self._rest.timeout.connect(self._wish)
        self._unseen = QTimer(self, singleShot=True, interval=HIDDEN_PAUSE)
        self._unseen.timeout.connect(self._settle)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 100)
        self.setAccessibleName("Screen of the desktop")

    # ---- the picture

    def draw(self, changes: tuple[Rect, ...]) -> None:
        """Show what has changed of the picture."""
        self._is_owed = True
        self._unseen.start()
        if self._pixels is not self._picture.pixels:
            self.show_picture()
            return
        placing, ratio = self.placing(), self.devicePixelRatioF()
        seen = [part for each in changes if (part := _covering(each, placing, ratio)).intersects(self.rect())]
        for part in seen:
            self.update(part)
        if not seen and self.isVisible():
            QTimer.singleShot(0, self._settle)  # it is another screen's, or out of sight

    @property
    def is_settled(self) -> bool:
        """Whether all that was to be drawn is."""
        return not self._is_owed

    def show_picture(self) -> None:
        """Show the picture whole. Its pixels are looked at where they are: nothing is copied."""
        self.update()
        with self._guard:
            self._pixels = self._picture.pixels
        if not self._pixels.size:
            return
        height, width = self._pixels.shape[:2]
        self._image = QImage(self._pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)

    def placing(self) -> Placing:
        """Where the picture is, in pixels of the display."""
        guest = (self._image.width(), self._image.height())
        room, begin = self._span or (self._room(), (0, 0))
        return placed(room, guest, fits=self.fits, look=self._look).seen_from(*begin)

    def set_span(self, room: tuple[int, int] | None, begin: tuple[int, int] = (0, 0)) -> None:
        """Be the part that begins there of a room of several displays, in pixels; None: be the room."""
        self._span = None if room is None else (room, begin)
        self.update()
        self._rest.start()

    def set_look(self, look: tuple[float, float]) -> None:
        """See another part of a picture that is larger than the room."""
        self._look = look
        self.update()

    def _room(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return round(self.width() * ratio), round(self.height() * ratio)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw what the event asks for."""
        painter = QPainter(self)
        placing, ratio = self.placing(), self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)
        picture = QRectF(
            placing.left, placing.top, placing.width * placing.scale, placing.height * placing.scale
        )
        if self._image.isNull() or not picture.contains(QRectF(0, 0, *self._room())):
            painter.fillRect(QRectF(0, 0, *self._room()), Qt.GlobalColor.black)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, placing.scale != 1)
        with self._guard:
            if placing.scale == 1:
                for part in event.region():  # type: ignore[attr-defined]
                    self._copy(painter, part, placing, ratio)
            else:
                painter.drawImage(picture, self._image)
        painter.end()
        if self._is_owed:
            QTimer.singleShot(0, self._settle)  # when what was drawn has been handed to the window system

    def _copy(self, painter: QPainter, part: QRect, placing: Placing, ratio: float) -> None:
        left, top = math.floor(part.x() * ratio), math.floor(part.y() * ratio)
        size = QSize(math.ceil(part.width() * ratio) + 1, math.ceil(part.height() * ratio) + 1)
        source = QRect(QPoint(left - placing.left, top - placing.top), size).intersected(self._image.rect())
        painter.drawImage(source.topLeft() + QPoint(placing.left, placing.top), self._image, source)

    def _settle(self) -> None:
        if self._is_owed:
            self._is_owed = False
            self._unseen.stop()
            self.shown.emit()

    # ---- size

    def set_fits(self, fits: bool) -> None:
        """Make the picture fit the window (True), or show it pixel by pixel."""
        self.fits = fits
        self.update()

    def set_follows(self, follows: bool) -> None:
        """Give the guest the window's size, from now on; or leave it as it is."""
        self.follows = follows
        if follows:
            self._wish()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for a guest of the window's size, when that rests."""
        self._rest.start()

    def _wish(self) -> None:
        if self.follows and self.isVisible():
            self.wished.emit(*(self._span[0] if self._span else self._room()))

    # ---- the pointer

    def show_cursor(self, cursor: tsg.Cursor) -> None:
        """Point with the guest's pointer."""
        if not cursor.width or not cursor.height:
            self.setCursor(Qt.CursorShape.BlankCursor)
            return
        image = QImage(
            cursor.pixels, cursor.width, cursor.height, 4 * cursor.width, QImage.Format.Format_ARGB32
        ).copy()
        ratio = self.devicePixelRatioF()
        image.setDevicePixelRatio(ratio)
        hot_x, hot_y = min(cursor.hot_x, cursor.width - 1), min(cursor.hot_y, cursor.height - 1)
        self.setCursor(QCursor(QPixmap.fromImage(image), round(hot_x / ratio), round(hot_y / ratio)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the guest's pointer."""
        at = event.position()
        if at.y() < 2 and not self.pointer.is_held:
            self.at_edge.emit()
        if not self.fits and not self.pointer.is_held:
            self.set_look(self._look_at(at))
            self.looked.emit(self._look)
        self.pointer.moved(event)

    def _look_at(self, at: QPointF) -> tuple[float, float]:
        """Return what part of a larger picture the pointer asks for."""
        (width, height), (left, top) = self._span or (self._room(), (0, 0))
        ratio = self.devicePixelRatioF()
        return (at.x() * ratio + left) / max(width, 1), (at.y() * ratio + top) / max(height, 1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Press a button."""
        self.pointer.pressed(event)

    mouseDoubleClickEvent = mousePressEvent

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go of a button."""
        self.pointer.released(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn the wheel."""
        self.pointer.turned(event)

    def tabletEvent(self, event: QTabletEvent) -> None:
        """Point with a pen."""
        self.pointer.drawn(event)

    def _guest_at(self, at: QPointF) -> tuple[int, int] | None:
        if self._image.isNull():
            return None
        ratio = self.devicePixelRatioF()
        return self.placing().to_guest(at.x() * ratio, at.y() * ratio)

    # ---- the keyboard

    def event(self, event: QEvent) -> bool:
        """Take keys before shortcuts, and Tab before the focus moves."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if not self._keyboard.is_ours(event):
                event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            self._say(*self._keyboard.pressed(event))
            if lets_out(event):
                self.let_out.emit()
            return True
        if event.type() in _TOUCHES and isinstance(event, QTouchEvent) and self.pointer.touched(event):
            return True
        return super().event(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Let go of a key."""
        self._say(*self._keyboard.released(event))

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Type what an input method has made."""
        self._say(*self._keyboard.composed(event.commitString()))
        event.accept()

    def inputMethodQuery(self, query: Qt.InputMethodQuery) -> object:
        """Tell input methods where their window may be: at the pointer."""
        if query == Qt.InputMethodQuery.ImCursorRectangle:
            return QRect(self.mapFromGlobal(QCursor.pos()), QSize(1, 20))
        return super().inputMethodQuery(query)

    def set_text_mode(self, on: bool) -> None:
        """Type by this machine's layout and input methods, or by the guest's layout."""
        self._keyboard.text_mode = on
        self.setAttribute(Qt.WidgetAttribute.WA_InputMethodEnabled, on)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell that the keyboard is the desktop's."""
        super().focusInEvent(event)
        self.focused.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Let go of everything that is held."""
        self.pointer.lost()
        self.let_out.emit()
        self._say(*self._keyboard.lost())
        super().focusOutEvent(event)

    def _say(self, *messages: tsg.Message) -> None:
        if messages:
            self.said.emit(messages)


def _covering(change: Rect, placing: Placing, ratio: float) -> QRect:
    """Return the part of the widget that shows a part of the picture, one pixel more where it is scaled."""
    more = 0 if placing.scale == 1 else 1 + placing.scale
    left = (placing.left + change.x * placing.scale - more) / ratio
    top = (placing.top + change.y * placing.scale - more) / ratio
    right = (placing.left + change.right * placing.scale + more) / ratio
    bottom = (placing.top + change.bottom * placing.scale + more) / ratio
    return QRect(
        QPoint(math.floor(left), math.floor(top)), QPoint(math.ceil(right) - 1, math.ceil(bottom) - 1)
    )
