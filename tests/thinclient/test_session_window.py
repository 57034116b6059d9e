"""What a session's window does with what the server says, without a display or a line."""

import os
from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("PySide6")
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from sessions.pixels.geometry import Rect
from sessions.wire import tsg
from sessions.wire.tsg import CloseCode, DialogKind, NoticeLevel, SessionState, ShadowState
from tests.e2e.machine import wait_for
from thinclient.window.dialogs import Asked
from thinclient.window.errands import Errands
from thinclient.window.link import FAULT, Link
from thinclient.window.session import SessionWindow, Wishes
from tsgateway.client import Client, NoRight, ViewerClosed
from tsgateway.client.viewer import Drawn, Happening, Over, Queued, Retrying, Welcome


class Shown:
    """A window whose link has not been opened: what it is told to say is kept."""

    def __init__(self, wishes: Wishes) -> None:
        self.said: list[tsg.Message] = []
        self.over: list[object] = []
        self.again = 0
        self.logged_off: list[str] = []
        self.link = Link(Client.remote("https://desk.example.org"), "work", "s1", None)
        self.link.say = lambda *messages: self.said.extend(messages)  # type: ignore[method-assign]
        self.window = SessionWindow(self.link, "Work", wishes, self.logged_off.append)
        self.window.over.connect(self.over.append)
        self.window.again.connect(self._again)
        self.window.show()
        self.happens(Welcome(tsg.ServerHello(1, "s1", "Linux desktop", 1, 24, (1,))))
        self.said.clear()

    def happens(self, event: Happening) -> None:
        self.link.happened.emit(event)
        QApplication.processEvents()

    def draws(self) -> None:
        self.link.picture.pixels = np.zeros((50, 50, 4), np.uint8)
        self.happens(Drawn((Rect(0, 0, 50, 50),)))

    def reads(self) -> str:
        """All that can be read."""
        return "\n".join(each.text() for each in self.window.findChildren(QLabel) if each.isVisible())

    def click(self, text: str) -> None:
        found = [
            each
            for each in self.window.findChildren(QAbstractButton)
            if each.isVisible() and each.text() == text
        ]
        QTest.mouseClick(found[-1], Qt.MouseButton.LeftButton)
        QApplication.processEvents()

    def _again(self) -> None:
        self.again += 1


@pytest.fixture
def shown() -> Iterator[Shown]:
    QApplication.instance() or QApplication([])
    made = Shown(Wishes())
    yield made
    made.window.hide()


def test_the_start_is_told_until_there_is_a_picture(shown: Shown) -> None:
    assert shown.window.windowTitle() == "Linux desktop — tsgateway"
    shown.happens(tsg.State(SessionState.STARTING, 40, "The guest is booting"))
    assert "The guest is booting" in shown.reads()
    shown.draws()
    assert "booting" not in shown.reads()
    shown.happens(tsg.State(SessionState.STARTING, 50, "Too late"))
    assert "Too late" not in shown.reads()


def test_a_cut_is_told_in_words_and_the_picture_takes_its_place_again(shown: Shown) -> None:
    shown.draws()
    shown.happens(Over(None, "Nothing comes over the line any more."))
    shown.happens(Retrying(1.0, "Nothing comes over the line any more."))
    assert "Nothing comes over the line any more. Your programs go on" in shown.reads()
    assert not any(each.hasFocus() for each in shown.window.findChildren(QAbstractButton))
    shown.happens(Welcome(tsg.ServerHello(1, "s1", "Linux desktop", 1, 24, (1,))))
    shown.draws()
    assert "Your programs go on" not in shown.reads()


def test_an_end_is_told_and_the_desktop_opened_again_when_asked(shown: Shown) -> None:
    shown.draws()
    shown.link.ended.emit(ViewerClosed("This desktop was opened in another place.", CloseCode.TAKEN_OVER))
    QApplication.processEvents()
    assert "The desktop is open elsewhere\nThis desktop was opened in another place." in shown.reads()
    shown.click("Open again")
    assert (shown.again, shown.over) == (1, [])
    shown.click("Close")
    [error] = shown.over
    assert isinstance(error, ViewerClosed)


def test_who_is_absent_can_say_that_they_are_there(shown: Shown) -> None:
    shown.draws()
    size = shown.window.screen_.size()
    shown.happens(tsg.Notice(NoticeLevel.ABSENCE, 95, "You will be disconnected."))
    assert "You will be disconnected. (1:35)" in shown.reads()
    assert shown.window.screen_.size() == size
    shown.click("I am here")
    assert shown.said == [tsg.Stay()]
    shown.happens(tsg.Notice(NoticeLevel.INFORMATION, 0, ""))
    assert "disconnected" not in shown.reads()


def test_whoever_looks_on_is_named_and_can_be_stopped(shown: Shown) -> None:
    shown.draws()
    shown.happens(tsg.Shadow(4, ShadowState.VIEW, "Bob"))
    assert "Bob sees this screen." in shown.reads()
    shown.happens(tsg.Shadow(5, ShadowState.CONTROL, "Ann"))
    assert "Bob and Ann see this screen and can use keyboard and pointer." in shown.reads()
    shown.click("Stop")
    assert shown.said == [tsg.StopShadow(4), tsg.StopShadow(5)]
    shown.happens(tsg.Shadow(4, ShadowState.OVER, "Bob"))
    shown.happens(tsg.Shadow(5, ShadowState.OVER, "Ann"))
    assert "screen" not in shown.reads()


@pytest.mark.parametrize(
    ("kind", "button", "answer"),
    [
        (DialogKind.MESSAGE, "OK", 1),
        (DialogKind.SHADOW_VIEW, "Allow", 1),
        (DialogKind.SHADOW_CONTROL, "Refuse", 0),
        (DialogKind.MESSAGE, "", 1),
        (DialogKind.SHADOW_VIEW, "", 0),
    ],
)
def test_a_dialog_is_answered_once(shown: Shown, kind: DialogKind, button: str, answer: int) -> None:
    shown.draws()
    shown.happens(tsg.Dialog(7, kind, 30, "Ann", "Title", "<b>Text</b>"))
    assert "<b>Text</b>" in shown.reads()
    [dialog] = shown.window.findChildren(Asked)
    shown.click(button) if button else dialog.close()
    assert shown.said == [tsg.ReleaseKeys(), tsg.Answer(7, answer)]  # the desktop has lost the keyboard
    assert not dialog.isVisible()
    shown.happens(tsg.DialogOver(7))
    assert shown.said == [tsg.ReleaseKeys(), tsg.Answer(7, answer)]


def test_a_dialog_that_nobody_waits_for_goes_without_an_answer(shown: Shown) -> None:
    shown.draws()
    shown.happens(tsg.Dialog(7, DialogKind.SHADOW_VIEW, 30, "Ann", "", ""))
    assert "Ann would like to see your screen." in shown.reads()
    shown.happens(tsg.DialogOver(7))
    assert shown.said == [tsg.ReleaseKeys()]
    assert "Ann" not in shown.reads()
    shown.happens(tsg.Dialog(8, 99, 0, "Ann", "Unknown", ""))
    assert "Unknown" not in shown.reads()


def test_leaving(shown: Shown) -> None:
    shown.draws()
    shown.window.close()
    assert (shown.over, shown.logged_off) == ([None], [])


class Strange:
    """A gateway's client whose answers are not what they should be."""

    address = Client.remote("https://desk.example.org").address

    def twin(self) -> "Strange":
        return self

    def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass

    def list_desktops(self) -> dict[str, object]:
        return {"desks": []}


class Busy(Strange):
    """A gateway that has somebody wait, and then no desktop."""

    def __init__(self) -> None:
        self.turns: list[object] = []

    def list_desktops(self) -> dict[str, object]:
        return {"desktops": [{"id": "work", "title": "Work"}]}

    def connect_desktop(self, desktop: str, *, turn: object, **_: object) -> dict[str, object]:
        self.turns.append(turn)
        if len(self.turns) > 2:
            raise NoRight("It is closed now.")
        return {"waiting": {"turn": f"turn {len(self.turns)}", "before": 2 - len(self.turns)}}


def test_who_waits_in_the_queue_is_told(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsgateway.client.viewer.access.TURN_SECONDS", 0.01)
    gateway = Busy()
    link = Link(gateway, "work", "", None)  # type: ignore[arg-type]
    happened: list[Happening] = []
    ended: list[object] = []
    link.happened.connect(happened.append)
    link.ended.connect(ended.append)
    link.open()
    wait_for(lambda: QApplication.processEvents() or ended, "an end")
    assert happened == [Queued(1), Queued(0)]
    assert gateway.turns[1:] == ["turn 1", "turn 2"]
    assert [str(each) for each in ended] == ["It is closed now."]
    link.close()
    for event, told in (
        (Queued(7), "7 come before you."),
        (Queued(1), "One comes"),
        (Queued(0), "You are next."),
    ):
        shown.happens(event)
        assert told in shown.reads()


def test_an_answer_that_nobody_expected_is_told_and_noted(caplog: pytest.LogCaptureFixture) -> None:
    app = QApplication.instance() or QApplication([])
    link = Link(Strange(), "work", "", None)  # type: ignore[arg-type]
    ended: list[object] = []
    link.ended.connect(ended.append)
    link.open()
    QTest.qWait(50)
    wait_for(lambda: app.processEvents() or ended, "an end")
    assert [str(each) for each in ended] == [FAULT]
    assert "KeyError: 'desktops'" in caplog.text
    errands, told = Errands(), []
    errands.run(
        lambda: Strange().list_desktops()["desktops"], told.append, lambda error: told.append(str(error))
    )
    wait_for(lambda: app.processEvents() or told, "an answer")
    assert told == [FAULT]
    errands.end()
    link.close()
