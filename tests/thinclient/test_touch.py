"""What fingers and pens mean: as places and seconds, and as Qt tells it."""

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("PySide6")
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QInputDevice, QPointingDevice, QTabletEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from sessions.pixels.geometry import Rect
from sessions.wire import tsg
from thinclient.window.keyboard import Keyboard
from thinclient.window.screen import Screen
from thinclient.window.touch import LEFT, LONG_PRESS, RIGHT, TAP, Point, Touch, Turn
from tsgateway.client.viewer import Picture

AT, FAR = (50.0, 50.0), (90.0, 50.0)


def clicks(at: tuple[float, float], button: int) -> list[Point]:
    return [Point(at, 0), Point(at, button), Point(at, 0)]


def test_a_tap_clicks_where_it_began() -> None:
    touch = Touch()
    touch.down(1, AT, 0)
    assert touch.move(1, (55, 55)) == []
    assert touch.up(1, 0.2) == clicks(AT, LEFT)


def test_a_finger_that_moves_drags() -> None:
    touch = Touch()
    touch.down(1, AT, 0)
    assert touch.move(1, FAR) == [Point(AT, 0), Point(AT, LEFT), Point(FAR, LEFT)]
    assert touch.stayed() == []
    assert touch.move(1, (95, 50)) == [Point((95, 50), LEFT)]
    assert touch.up(1, 2) == [Point((95, 50), 0)]


def test_a_finger_that_stays_is_the_right_button_and_can_drag() -> None:
    touch = Touch()
    touch.down(1, AT, 0)
    assert touch.stayed() == [Point(AT, 0), Point(AT, RIGHT)]
    assert touch.move(1, FAR) == [Point(FAR, RIGHT)]
    assert touch.up(1, 2) == [Point(FAR, 0)]


def test_two_fingers_tap_the_right_button_unless_they_take_their_time() -> None:
    for seconds, said in ((TAP, clicks((55, 50), RIGHT)), (TAP + 0.1, [])):
        touch = Touch()
        touch.down(1, AT, 0)
        touch.down(2, (60, 50), 0.1)
        assert touch.up(2, seconds) == said
        assert touch.up(1, seconds) == []
        touch.down(3, AT, 5)
        assert touch.up(3, 5.1) == clicks(AT, LEFT)


def test_two_fingers_turn_the_wheel_and_lose_nothing() -> None:
    touch = Touch()
    touch.down(1, (0, 100), 0)
    touch.down(2, (10, 100), 0)
    said = []
    for step in range(1, 101):
        said += touch.move(1, (0, 100 - step))
        said += touch.move(2, (10 + 0.5 * step, 100 - step))
    assert said[0] == Point((5, 100), 0)
    turns = [each for each in said if isinstance(each, Turn)]
    assert len(turns) == len(said) - 1
    assert abs(sum(turn.down for turn in turns) - 120) <= 1
    assert abs(sum(turn.across for turn in turns) + 30) <= 1
    assert touch.up(1, 3) == touch.up(2, 3) == []


def test_fingers_that_the_system_takes_away_let_go() -> None:
    touch = Touch()
    touch.down(1, AT, 0)
    assert touch.cancel() == []
    touch.down(1, AT, 1)
    touch.move(1, FAR)
    assert touch.cancel() == [Point(FAR, 0)]
    assert touch.move(1, AT) == touch.up(1, 2) == []
    for finger in (1, 2, 3):
        touch.down(finger, AT, 3)
    assert [touch.up(finger, 3.1) for finger in (1, 2, 3)] == [[], [], []]


# ---- as Qt tells it


@pytest.fixture
def screen() -> Iterator[tuple[Screen, list[tsg.Message]]]:
    QApplication.instance() or QApplication([])
    picture = Picture(threading.Lock())
    made = Screen(picture, threading.Lock(), Keyboard(lambda: True))
    said: list[tsg.Message] = []
    made.resize(200, 120)
    picture.pixels = np.zeros((120, 200, 4), np.uint8)
    made.show()
    made.draw((Rect(0, 0, 200, 120),))
    QApplication.processEvents()
    made.said.connect(said.extend)
    yield made, said
    made.close()


def test_a_touch_screen(screen: tuple[Screen, list[tsg.Message]]) -> None:
    widget, said = screen
    device = QTest.createTouchDevice()
    QTest.touchEvent(widget, device).press(1, QPoint(30, 40), widget).commit()
    QTest.touchEvent(widget, device).release(1, QPoint(30, 40), widget).commit()
    assert said == [tsg.Pointer(30, 40, 0), tsg.Pointer(30, 40, 1), tsg.Pointer(30, 40, 0)]
    said.clear()
    QTest.touchEvent(widget, device).press(1, QPoint(30, 40), widget).commit()
    QTest.qWait(round(1000 * LONG_PRESS) + 200)
    QTest.touchEvent(widget, device).release(1, QPoint(30, 40), widget).commit()
    assert said == [tsg.Pointer(30, 40, 0), tsg.Pointer(30, 40, 4), tsg.Pointer(30, 40, 0)]
    said.clear()
    QTest.touchEvent(widget, device).press(1, QPoint(30, 40), widget).commit()
    QTest.touchEvent(widget, device).stationary(1).press(2, QPoint(50, 40), widget).commit()
    QTest.touchEvent(widget, device).move(1, QPoint(30, 65), widget).move(2, QPoint(50, 65), widget).commit()
    QTest.touchEvent(widget, device).release(1, QPoint(30, 65), widget).release(
        2, QPoint(50, 65), widget
    ).commit()
    assert said[0] == tsg.Pointer(40, 40, 0)
    assert sum(each.dy for each in said if isinstance(each, tsg.Wheel)) == -30


def test_a_pen(screen: tuple[Screen, list[tsg.Message]]) -> None:
    widget, said = screen
    pen = QPointingDevice(
        "pen", 1, QInputDevice.DeviceType.Stylus, QPointingDevice.PointerType.Pen,
        QInputDevice.Capability.Position, 1, 3,
    )  # fmt: skip
    none, tip, barrel = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton

    def draw(kind: QEvent.Type, x: int, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        where = QPointF(x, 20)
        modifiers = Qt.KeyboardModifier.NoModifier
        event = QTabletEvent(kind, pen, where, where, 0.5, 0, 0, 0, 0, 0, modifiers, button, held)
        QApplication.sendEvent(widget, event)
        assert event.isAccepted()  # else it comes as a mouse, too

    draw(QEvent.Type.TabletMove, 10, none, none)
    draw(QEvent.Type.TabletPress, 11, tip, tip)
    draw(QEvent.Type.TabletMove, 12, none, tip | barrel)
    draw(QEvent.Type.TabletRelease, 13, barrel, tip)
    draw(QEvent.Type.TabletRelease, 14, tip, none)
    assert said == [tsg.Pointer(x, 20, held) for x, held in ((10, 0), (11, 1), (12, 4), (13, 1), (14, 0))]
