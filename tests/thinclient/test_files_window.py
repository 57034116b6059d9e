"""The panel of files: what it shows and asks, without a display; what passes is tested elsewhere."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6")
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QFileDialog, QLabel, QWidget

from tests.e2e.machine import wait_for
from tests.thinclient.scenes import listed
from thinclient.download import Fetch, Taken
from thinclient.queue import Loading, Sending, Transfers
from thinclient.transfer import State, Transfer
from thinclient.upload import Upload
from thinclient.window.files import Files
from thinclient.window.files_panel import FilesPanel
from thinclient.window.link import Link
from thinclient.window.session import SessionWindow, Wishes
from tsgateway.client import Client, NoRight

URL = "https://desk.example.org"


class Desk(Client):
    """A gateway that tells of one folder; it is asked on the panel's other thread."""

    asked: list[tuple[str, ...]]
    answer: Any

    def twin(self, patience: float | None = None) -> "Desk":
        return self

    def list_files(self, id: object, *, path: Any = "") -> Any:
        self.asked.append(("list", str(id), path))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer | {"path": path}

    def delete_file(self, id: object, *, path: Any = "") -> None:
        self.asked.append(("delete", str(id), path))


class Kept(Transfers):
    """Transfers that wait: nothing runs them."""

    def _work(self, gathers: bool) -> None:
        pass


class Shown:
    def __init__(self) -> None:
        self.desk = Desk.remote(URL)
        self.desk.asked, self.desk.answer = [], listed()
        self.transfers = Kept(self.desk)
        self.window = QWidget()
        self.panel = FilesPanel(self.window, self.desk, lambda: "s1", self.transfers)
        self.panel.show()
        self.look()

    def look(self) -> None:
        before = len(self.desk.asked)
        self.panel.look()
        self.waits(lambda: len(self.desk.asked) > before and self.panel._errands)
        QTest.qWait(20)

    def waits(self, condition: Any) -> None:
        wait_for(lambda: QApplication.processEvents() or condition(), "that", self.reads)

    def names(self) -> list[str]:
        tree = self.panel._list
        return [tree.topLevelItem(at).text(0) for at in range(tree.topLevelItemCount())]

    def select(self, *names: str) -> None:
        self.panel._list.clearSelection()
        for at, name in enumerate(self.names()):
            self.panel._list.topLevelItem(at).setSelected(name in names)

    def reads(self) -> str:
        return "\n".join(each.text() for each in self.panel.findChildren(QLabel) if each.isVisible())

    def button(self, name: str) -> QAbstractButton:
        found = [
            each
            for each in self.panel.findChildren(QAbstractButton)
            if each.isVisible() and name in (each.text(), each.accessibleName())
        ]
        return found[0]


@pytest.fixture
def shown() -> Iterator[Shown]:
    QApplication.instance() or QApplication([])
    made = Shown()
    yield made
    made.panel.leave()
    made.transfers.close()


def answers(button: str, seen: list[str]) -> None:
    """Press a button of the question that opens next."""

    def press() -> None:
        [dialog] = [
            each for each in QApplication.topLevelWidgets() if isinstance(each, QDialog) and each.isModal()
        ]
        seen.extend(each.text() for each in dialog.findChildren(QLabel))
        [found] = [each for each in dialog.findChildren(QAbstractButton) if each.text() == button]
        found.click()

    QTimer.singleShot(0, press)


def test_what_is_there_is_shown_as_text_and_folders_first(shown: Shown) -> None:
    assert shown.names() == ["Reports", "<b>report</b> \ufffdfdp.exe", "photo.png"]
    assert "4 GB of 10 GB used" in shown.reads()
    assert "The desktop does not show this folder now." in shown.reads()
    assert not shown.button("Download …").isEnabled()
    shown.panel._list.setCurrentItem(shown.panel._list.topLevelItem(2))
    shown.desk.answer["files"].append({"name": "another", "folder": True, "bytes": 0, "changed": 1e300})
    shown.look()
    assert shown.names() == ["another", "Reports", "<b>report</b> \ufffdfdp.exe", "photo.png"]
    assert shown.panel._list.currentItem().text(0) == "photo.png"
    assert [name for name, _ in shown.panel._chosen()] == ["photo.png"]
    assert shown.button("Download …").isEnabled()


def test_uploads_that_were_not_finished_are_told_but_for_those_of_this_window(shown: Shown) -> None:
    assert "“Work/disk.img” stopped at 1 GB of 4 GB. Send the same again to go on." in shown.reads()
    shown.transfers.add(Upload(Path("here.bin"), "s1", "here.bin"))
    shown.desk.answer["unfinished"] = [
        {"id": name, "path": name, "bytes": 4_000_000, "changed": 0.0, "offset": 1_000_000}
        for name in ("here.bin", "a\nb", "c", "d", "e", "f")
    ]
    shown.look()
    told = ", ".join(f"“{name}” stopped at 1 MB of 4 MB" for name in ("a\ufffdb", "c", "d"))
    assert f"{told} and 2 more. Send the same again to go on." in shown.reads()


def test_into_a_folder_and_up_again(shown: Shown) -> None:
    shown.panel._list.itemActivated.emit(shown.panel._list.topLevelItem(0), 0)
    shown.waits(lambda: "Shared / Reports" in shown.reads())
    shown.panel.send([Path("a.bin")])
    [sending] = shown.transfers.items
    assert isinstance(sending, Sending)
    assert sending._folder == "Reports"
    shown.button("Up").click()
    shown.waits(lambda: "Reports" not in shown.reads())
    assert ("list", "s1", "Reports") in shown.desk.asked


def test_what_is_forbidden_is_told_in_the_gateways_words(shown: Shown) -> None:
    shown.desk.answer = NoRight("Files may not be exchanged with this desktop from where you are.")
    shown.look()
    shown.waits(lambda: "Files may not be exchanged" in shown.reads())
    shown.desk.answer = listed()
    shown.look()
    shown.waits(lambda: "Files may not be exchanged" not in shown.reads())


def test_deleting_is_asked_before(shown: Shown) -> None:
    seen: list[str] = []
    shown.select("photo.png")
    answers("Cancel", seen)
    shown.button("Delete …").click()
    assert "Delete “photo.png”?" in seen
    assert not [each for each in shown.desk.asked if each[0] == "delete"]
    answers("Delete", seen)
    shown.button("Delete …").click()
    shown.waits(lambda: ("delete", "s1", "photo.png") in shown.desk.asked)


@pytest.mark.parametrize(
    ("answer", "taken"), [("Replace", Taken.REPLACES), ("Keep both", Taken.NUMBERED), ("Cancel", None)]
)
def test_what_is_here_already_is_asked_about(
    shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, taken: Taken | None
) -> None:
    (tmp_path / "photo.png").write_text("mine")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    shown.select("photo.png", "Reports")
    seen: list[str] = []
    answers(answer, seen)
    shown.button("Download …").click()
    assert "Replace “photo.png”?" in seen
    [loading] = shown.transfers.items
    assert isinstance(loading, Loading)
    wanted = {"Reports": Taken.NUMBERED} | ({"photo.png": taken} if taken else {})
    assert dict(loading._sources) == wanted


def test_a_name_that_cannot_be_here_is_told(shown: Shown, tmp_path: Path) -> None:
    shown.panel.load(["..", "\u202efdp.exe"], tmp_path)
    assert shown.transfers.items == []
    assert "It cannot be called that here." in shown.reads()


def test_rows_tell_how_far_it_is_and_what_can_be_done(shown: Shown) -> None:
    def made(kind: Transfer, state: State, message: str = "", done: int = 1_000_000) -> Transfer:
        kind.state, kind.message, kind.done, kind.size = state, message, done, 4_000_000
        shown.transfers.add(kind)
        return kind

    moving = made(Upload(Path("a"), "s1", "<b>a"), State.MOVING)
    paused = made(Fetch("s1", "b", Path("b"), None), State.PAUSED)
    made(Upload(Path("c"), "s1", "c"), State.WAITING, "https://desk hung up.")
    made(Upload(Path("d"), "s1", "d"), State.FAILED, "The disk is full.")
    made(Upload(Path("e"), "s1", "e"), State.DONE, "e (2)")
    shown.panel._rows.refresh()
    told = shown.reads()
    for part in (
        "↑ <b>a", "1 MB of 4 MB", "↓ b", "Paused at 1 MB of 4 MB",
        "https://desk hung up. It goes on by itself.", "The disk is full.", "Done: e (2)",
    ):  # fmt: skip
        assert part in told
    moving.done = 2_000_000
    QTest.qWait(5)
    shown.panel._rows.refresh()
    assert "MB/s · 1 s left" in shown.reads()
    shown.button("Pause <b>a").click()
    assert moving.state is State.PAUSED
    shown.button("Go on with b").click()
    assert paused.state is State.QUEUED
    shown.button("Cancel c").click()
    shown.panel._rows.refresh()
    assert "Cancelled" in shown.reads()
    shown.button("Clear finished").click()
    assert "Done: e (2)" not in shown.reads()
    assert len(shown.transfers.items) == 3


def test_many_are_not_all_shown(shown: Shown) -> None:
    for at in range(250):
        shown.transfers.add(Upload(Path("a"), "s1", f"a{at}"))
    shown.panel._rows.refresh()
    assert "and 150 more" in shown.reads()
    assert shown.transfers.working == 250


def dropped(window: QWidget, *urls: str) -> tuple[bool, bool]:
    """Drag something onto a window and let go; tells whether each was taken."""
    data = QMimeData()
    data.setUrls([QUrl(each) for each in urls])
    held = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, *held)
    enter.ignore()
    QApplication.sendEvent(window, enter)
    if not enter.isAccepted():
        return False, False
    drop = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, *held)
    drop.ignore()
    QApplication.sendEvent(window, drop)
    return True, drop.isAccepted()


def test_only_files_of_this_machine_are_taken_when_they_are_dropped(tmp_path: Path) -> None:
    QApplication.instance() or QApplication([])
    (tmp_path / "a b.txt").write_text("a")
    desk = Desk.remote(URL)
    desk.asked, desk.answer = [], listed()
    window, told = QWidget(), []
    files = Files(Link(desk, "work", "s1", None), window)
    files.told.connect(told.append)
    assert dropped(window, "https://example.org/a.txt") == (False, False)
    assert (told, files.working) == ([], 0)
    assert dropped(window, QUrl.fromLocalFile(str(tmp_path / "a b.txt")).toString()) == (True, True)
    assert told == ["Let go to send it to the folder “Shared” on the desktop.", ""]
    assert files._panel is not None
    assert files._panel.isVisible()
    QApplication.sendEvent(window, QEvent(QEvent.Type.DragLeave))
    assert told[-1] == ""
    files.leave()


def test_closing_asks_while_files_are_on_their_way() -> None:
    QApplication.instance() or QApplication([])
    desk = Desk.remote(URL)
    desk.asked, desk.answer = [], listed()
    window, over = SessionWindow(Link(desk, "work", "s1", None), "Work", Wishes(), lambda _: None), []
    window.over.connect(over.append)
    window.show()
    transfers = Kept(desk)
    assert window._files is not None
    window._files._transfers = transfers
    upload = Upload(Path("a"), "s1", "a")
    transfers.add(upload)
    seen: list[str] = []
    answers("Cancel", seen)
    window.close()
    assert "Stop the files?" in seen
    assert (window.isVisible(), over) == (True, [])
    answers("Disconnect", seen)
    window.close()
    assert (window.isVisible(), over, upload.state) == (False, [None], State.PAUSED)


def test_a_kiosk_takes_no_files(tmp_path: Path) -> None:
    QApplication.instance() or QApplication([])
    link = Link(Client.remote(URL), "work", "s1", None)
    window = SessionWindow(link, "Work", Wishes(kiosk=True), lambda _: None)
    assert dropped(window, QUrl.fromLocalFile(str(tmp_path)).toString()) == (False, False)
    window.dismiss()
