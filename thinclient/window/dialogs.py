"""What administrators say and ask during a session."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from sessions.wire import tsg
from sessions.wire.tsg import DialogKind
from thinclient.window.parts import button, label, row

_ASKS = {
    DialogKind.SHADOW_VIEW: "{} would like to see your screen.",
    DialogKind.SHADOW_CONTROL: "{} would like to see your screen and to use your keyboard and pointer.",
}


class Asked(QDialog):
    """One `Dialog` of the server's. answer: is called with yes or no; closing a question is a no."""

    def __init__(self, over: QWidget, dialog: tsg.Dialog, answer: Callable[[bool], object]) -> None:
        super().__init__(over)
        self._answer: Callable[[bool], object] | None = answer
        self._asks = dialog.kind in _ASKS
        self._left = dialog.seconds
        question = _ASKS[DialogKind(dialog.kind)].format(dialog.sender) if self._asks else ""
        self.setWindowTitle(dialog.title or ("May somebody look on?" if self._asks else "Message"))
        self.setWindowFlag(Qt.WindowType.WindowStaysOnTopHint)
        self.setMinimumWidth(420)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(26, 24, 26, 22)
        layout.setSpacing(12)
        layout.addWidget(label(dialog.title or question or "Message", "subtitle"))
        if dialog.text:
            layout.addWidget(label(dialog.text, selectable=True))
        self._note = label("", "quiet")
        self._from = "" if self._asks else dialog.sender
        layout.addWidget(self._note)
        layout.addSpacing(4)
        yes = button("Allow" if self._asks else "OK", lambda: self._said(True), name="primary")
        no = [button("Refuse", lambda: self._said(False))] if self._asks else []
        layout.addWidget(row(*no, yes, to_right=True))
        for each in (yes, *no):
            each.setAutoDefault(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocus()  # no button has it: what is typed at the desktop when this opens answers nothing
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._tick)
        if self._left:
            self._clock.start()
        self._count()

    def over(self) -> None:
        """It was answered elsewhere, or nobody waits for it any more."""
        self._answer = None
        self.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape answers nothing either: it may have been meant for the desktop."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Answer, where that has not been done."""
        self._tell(not self._asks)
        super().closeEvent(event)

    def _said(self, yes: bool) -> None:
        self._tell(yes)
        self.close()

    def _tell(self, yes: bool) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer(yes)

    def _tick(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self.over()
        self._count()

    def _count(self) -> None:
        told = [f"From {self._from}"] if self._from else []
        if self._left:
            told.append(f"{'refused' if self._asks else 'closes'} in {self._left // 60}:{self._left % 60:02}")
        self._note.setText(" · ".join(told))
        self._note.setVisible(bool(told))
