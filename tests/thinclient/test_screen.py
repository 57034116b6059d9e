"""The widget that shows a desktop, without a display: what it draws, and what it says of hands."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("PySide6")
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QImage, QInputMethodEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sessions.pixels.geometry import Rect, Size
from sessions.wire import tsg
from sessions.wire.tsg import Encoding, FrameFlag
from thinclient.window.keyboard import Keyboard, combination
from thinclient.window.screen import HIDDEN_PAUSE, Screen
from tsgateway.client.viewer import Picture

SIZE = Size(200, 120)
NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(scope="session")
def app() -> QApplication:
    made = QApplication.instance() or QApplication([])
    assert isinstance(made, QApplication)
    return made


class Hands:
    """A screen, and what it has said."""

    def __init__(self) -> None:
        self.picture = Picture(threading.Lock())
        self.takes_text = True
        self.keyboard = Keyboard(lambda: self.takes_text)
        self.screen = Screen(self.picture, threading.Lock(), self.keyboard)
        self.said: list[tsg.Message] = []
        self.wished: list[tuple[int, int]] = []
        self.shown = 0
        self.screen.said.connect(self.said.extend)
        self.screen.wished.connect(lambda *size: self.wished.append(size))
        self.screen.shown.connect(self._count)
        self.screen.resize(*SIZE)

    def paint(self, change: Rect | None = None) -> None:
        """Show what the picture is now."""
        self.screen.draw((change or Rect(0, 0, *SIZE),))
        QApplication.processEvents()

    def seen(self) -> np.ndarray:
        image = self.screen.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        pixels = np.frombuffer(image.constBits(), "<u4").reshape(image.height(), image.width())
        return pixels & 0xFFFFFF

    def key(
        self, down: bool, key: Qt.Key, text: str = "", modifiers: Qt.KeyboardModifier = NONE, **more: int
    ) -> None:
        kind = QEvent.Type.KeyPress if down else QEvent.Type.KeyRelease
        event = QKeyEvent(
            kind,
            key,
            modifiers,
            more.get("code", 0),
            more.get("keysym", 0),
            0,
            text,
            bool(more.get("repeats")),
        )
        QApplication.sendEvent(self.screen, event)

    def take(self) -> list[tsg.Message]:
        said, self.said[:] = list(self.said), []
        return said

    def _count(self) -> None:
        self.shown += 1


@pytest.fixture
def hands(app: QApplication) -> Iterator[Hands]:
    made = Hands()
    made.picture.pixels = noise(SIZE)
    made.screen.show()
    QTest.qWaitForWindowExposed(made.screen)
    made.paint()
    made.take()
    yield made
    made.screen.close()


def noise(size: Size) -> np.ndarray:
    rng = np.random.default_rng(size.width)
    return rng.integers(0, 256, (size.height, size.width, 4), np.uint8)


def colours(pixels: np.ndarray) -> np.ndarray:
    return pixels.view("<u4")[:, :, 0] & 0xFFFFFF


# ---- the picture


def test_every_pixel_is_shown_and_only_what_changed_is_drawn(hands: Hands) -> None:
    assert np.array_equal(hands.seen(), colours(hands.picture.pixels))
    hands.picture.pixels[10:20, 30:60] = 7
    drawn = []
    paint = hands.screen.paintEvent
    hands.screen.paintEvent = lambda event: (drawn.append(event.rect()), paint(event))  # type: ignore[method-assign]
    hands.paint(Rect(30, 10, 30, 10))
    assert [(each.x(), each.y(), each.width(), each.height()) for each in drawn] == [(30, 10, 30, 10)]
    assert np.array_equal(hands.seen(), colours(hands.picture.pixels))


def test_the_picture_is_not_copied(hands: Hands) -> None:
    hands.picture.pixels[:] = 0x55  # in place, and nobody is told
    assert (hands.seen() == 0x555555).all()


def test_a_picture_of_another_size_is_in_the_middle(hands: Hands) -> None:
    hands.screen.set_fits(False)
    hands.picture.pixels = noise(Size(100, 60))
    hands.paint()
    expected = np.zeros((120, 200), np.uint32)
    expected[30:90, 50:150] = colours(hands.picture.pixels)
    assert np.array_equal(hands.seen(), expected)
    hands.screen.set_fits(True)
    scaled = hands.seen()
    assert np.count_nonzero(scaled) > 0.95 * scaled.size
    assert hands.screen.placing().scale == 2.0


def test_a_larger_picture_shows_where_the_pointer_is(hands: Hands) -> None:
    hands.screen.set_fits(False)
    hands.picture.pixels = noise(Size(400, 240))
    hands.paint()
    for at, left, top in ((QPoint(0, 0), 0, 0), (QPoint(199, 119), 200, 120)):
        QTest.mouseMove(hands.screen, at)
        hands.screen.mouseMoveEvent(moved(at))
        seen, whole = hands.seen(), colours(hands.picture.pixels)
        near = 3  # the last pixel of a widget is not its edge
        assert any(
            np.array_equal(seen, whole[y : y + 120, x : x + 200])
            for y in range(max(top - near, 0), top + 1)
            for x in range(max(left - near, 0), left + 1)
        )


def test_what_the_decoder_draws_is_shown(hands: Hands) -> None:
    hands.picture.begin(20)
    hands.picture.resize(SIZE)
    frame = tsg.Frame(
        1, FrameFlag.LAST, (tsg.Operation(Encoding.COPY, 5, 5, 9, 9, tsg.copy_source(0, 0)),), b""
    )
    hands.screen.draw(hands.picture.add(frame).changes)
    QApplication.processEvents()
    assert np.array_equal(hands.seen(), colours(hands.picture.pixels))


def test_a_picture_is_acknowledged_when_it_is_shown_and_when_nobody_sees_it(hands: Hands) -> None:
    before = hands.shown
    hands.paint()
    QApplication.processEvents()
    assert hands.shown == before + 1
    hands.screen.hide()
    hands.paint()
    assert hands.shown == before + 1
    QTest.qWait(3 * HIDDEN_PAUSE)
    assert hands.shown == before + 2


def test_the_guest_is_given_the_size_of_a_window_that_rests(hands: Hands) -> None:
    QTest.qWait(600)
    hands.wished.clear()
    for width in (210, 220, 230):
        hands.screen.resize(width, 130)
        QTest.qWait(10)
    QTest.qWait(600)
    assert hands.wished == [(230, 130)]
    hands.screen.set_follows(False)
    hands.screen.resize(300, 200)
    QTest.qWait(600)
    assert hands.wished == [(230, 130)]


def test_the_pointer_looks_as_the_guest_says(hands: Hands) -> None:
    hands.screen.show_cursor(tsg.Cursor(2, 1, 9, 9, bytes([1, 2, 3, 255, 4, 5, 6, 0])))
    cursor = hands.screen.cursor()
    assert (cursor.hotSpot().x(), cursor.hotSpot().y()) == (1, 0)
    image = cursor.pixmap().toImage()
    assert image.pixelColor(0, 0).getRgb() == (3, 2, 1, 255)
    assert image.pixelColor(1, 0).alpha() == 0
    hands.screen.show_cursor(tsg.Cursor(0, 0, 0, 0, b""))
    assert hands.screen.cursor().shape() == Qt.CursorShape.BlankCursor


# ---- hands


def moved(at: QPoint) -> QMouseEvent:
    where = QPointF(at)
    return QMouseEvent(
        QEvent.Type.MouseMove, where, where, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton, NONE
    )


def test_buttons_and_moves(hands: Hands) -> None:
    at = QPoint(20, 30)
    QTest.mousePress(hands.screen, Qt.MouseButton.LeftButton, NONE, at)
    QTest.mousePress(hands.screen, Qt.MouseButton.RightButton, NONE, at)
    hands.screen.mouseMoveEvent(moved(QPoint(500, 40)))
    QTest.mouseRelease(hands.screen, Qt.MouseButton.LeftButton, NONE, at)
    assert hands.take() == [
        tsg.Pointer(20, 30, 1), tsg.Pointer(20, 30, 5), tsg.Pointer(199, 40, 5), tsg.Pointer(20, 30, 4),
    ]  # fmt: skip
    QApplication.sendEvent(hands.screen, QFocusEvent(QEvent.Type.FocusOut))
    assert hands.take() == [tsg.ReleaseKeys()]
    hands.screen.mouseMoveEvent(moved(at))
    assert hands.take() == [tsg.Pointer(20, 30, 0)]


def test_the_wheel_turns_where_the_pointer_is(hands: Hands) -> None:
    where = QPointF(5, 6)
    for turned, said in (
        (QPoint(0, 120), (0, -120)),
        (QPoint(-30, -240), (30, 240)),
        (QPoint(0, 99999), (0, -32767)),
    ):
        event = QWheelEvent(
            where, where, QPoint(), turned, Qt.MouseButton.NoButton, NONE, Qt.ScrollPhase.NoScrollPhase, False
        )
        QApplication.sendEvent(hands.screen, event)
        assert hands.take() == [tsg.Pointer(5, 6, 0), tsg.Wheel(*said)]


def test_keys_repeat_and_are_let_go(hands: Hands) -> None:
    a = tsg.Key(1, 0, ord("a"))
    hands.key(True, Qt.Key.Key_A, "a", code=38)
    hands.key(False, Qt.Key.Key_A, "a", code=38, repeats=1)
    hands.key(True, Qt.Key.Key_A, "a", code=38, repeats=1)
    hands.key(False, Qt.Key.Key_A, "A", code=38)  # Shift came meanwhile: it is the same key
    assert hands.take() == [a, a, tsg.Key(0, 0, ord("a"))]
    hands.key(False, Qt.Key.Key_A, "a", code=38)
    assert hands.take() == []
    hands.key(True, Qt.Key.Key_Tab, "\t", code=23, keysym=0xFF09)
    assert hands.take() == [tsg.Key(1, 0, 0xFF09)]
    QApplication.sendEvent(hands.screen, QFocusEvent(QEvent.Type.FocusOut))
    hands.key(False, Qt.Key.Key_Tab, "\t", code=23, keysym=0xFF09)
    assert hands.take() == [tsg.ReleaseKeys()]


def test_text_goes_as_text_where_that_is_wanted(hands: Hands) -> None:
    hands.screen.set_text_mode(True)
    hands.key(True, Qt.Key.Key_A, "ä", code=38)
    hands.key(False, Qt.Key.Key_A, "ä", code=38)
    assert hands.take() == [tsg.TypeText("ä")]
    hands.key(True, Qt.Key.Key_C, "\x03", CTRL, code=54, keysym=ord("c"))
    assert hands.take() == [tsg.Key(1, 0, ord("c"))]
    hands.key(True, Qt.Key.Key_Return, "\r", code=36, keysym=0xFF0D)
    assert hands.take() == [tsg.Key(1, 0, 0xFF0D)]
    hands.key(False, Qt.Key.Key_Return, "\r", code=36)
    hands.take()
    shift = Qt.KeyboardModifier.ShiftModifier
    hands.key(True, Qt.Key.Key_Shift, "", shift, code=50, keysym=0xFFE1)
    hands.key(True, Qt.Key.Key_A, "A", shift, code=38)
    assert hands.take() == [tsg.TypeText("A")]  # whatever Shift does to it is done
    hands.key(True, Qt.Key.Key_Left, "", shift, code=113, keysym=0xFF51)
    hands.key(False, Qt.Key.Key_Left, "", shift, code=113)
    hands.key(False, Qt.Key.Key_Shift, "", code=50)
    arrow, held = 0xFF51, 0xFFE1
    assert hands.take() == [
        tsg.Key(1, 0, held),
        tsg.Key(1, 0, arrow),
        tsg.Key(0, 0, arrow),
        tsg.Key(0, 0, held),
    ]
    hands.key(True, Qt.Key.Key_Q, "@", CTRL | Qt.KeyboardModifier.AltModifier, code=24)  # AltGr on Windows
    assert hands.take() == [tsg.TypeText("@")]
    hands.key(True, Qt.Key.Key_F, "f", Qt.KeyboardModifier.AltModifier, code=41, keysym=ord("f"))
    assert hands.take() == [tsg.Key(1, 0, ord("f"))]
    composed = QInputMethodEvent("", [])
    composed.setCommitString("日本" * 1000)
    QApplication.sendEvent(hands.screen, composed)
    said = hands.take()
    assert all(isinstance(each, tsg.TypeText) and len(each.encode()) < 4200 for each in said)
    assert "".join(each.text for each in said if isinstance(each, tsg.TypeText)) == "日本" * 1000
    hands.takes_text = False
    composed.setCommitString("x")
    QApplication.sendEvent(hands.screen, composed)
    assert hands.take() == [tsg.Key(1, 0, ord("x")), tsg.Key(0, 0, ord("x"))]


@pytest.mark.parametrize(
    ("key", "modifiers", "ours"),
    [
        (Qt.Key.Key_F11, NONE, True),
        (Qt.Key.Key_F11, CTRL, False),
        (Qt.Key.Key_Return, CTRL | Qt.KeyboardModifier.AltModifier, True),
        (Qt.Key.Key_Enter, CTRL | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.KeypadModifier, True),
        (Qt.Key.Key_Return, CTRL, False),
        (Qt.Key.Key_Q, CTRL, False),
    ],
)
def test_which_keys_are_ours(hands: Hands, key: Qt.Key, modifiers: Qt.KeyboardModifier, ours: bool) -> None:
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, modifiers)
    assert hands.keyboard.is_ours(event) is ours
    hands.keyboard.kiosk = True
    assert hands.keyboard.is_ours(event) is False


def test_every_combination_of_the_menu_can_be_pressed() -> None:
    from thinclient.window.bar import COMBINATIONS

    for _, named in COMBINATIONS:
        said = list(combination(named))
        assert len(said) == 2 * len(named.split("+"))


DENSE = """
import sys, threading
import numpy as np
from PySide6.QtWidgets import QApplication
from PySide6.QtGui import QImage
from sessions.pixels.geometry import Rect
from thinclient.window.keyboard import Keyboard
from thinclient.window.screen import Screen
from tsgateway.client.viewer import Picture
app = QApplication([])
picture = Picture()
screen = Screen(picture, threading.Lock(), Keyboard(lambda: True))
screen.resize(200, 120)
wished = []
screen.wished.connect(lambda *size: wished.append(size))
screen.show()
screen.set_follows(True)
width, height = wished[-1]
picture.pixels = np.random.default_rng(1).integers(0, 256, (height, width, 4), np.uint8)
screen.draw((Rect(0, 0, width, height),))
app.processEvents()
picture.pixels[20:31, 33:62] = 9
screen.draw((Rect(33, 20, 29, 11),))
app.processEvents()
image = screen.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
seen = np.frombuffer(image.constBits(), "<u4").reshape(image.height(), image.width()) & 0xFFFFFF
print(width, height, np.array_equal(seen, picture.pixels.view("<u4")[:, :, 0] & 0xFFFFFF))
"""


@pytest.mark.parametrize(("factor", "size"), [("2", "400 240"), ("1.5", "300 180"), ("1.25", "250 150")])
def test_on_dense_displays_a_pixel_is_a_pixel(factor: str, size: str) -> None:
    environment = os.environ | {"QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", DENSE],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout == f"{size} True\n"
