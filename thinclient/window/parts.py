"""Widgets that several windows are made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from thinclient.window import theme


def label(text: str, name: str = "", *, selectable: bool = False) -> QLabel:
    """Return a text. It is never markup: much of what is shown others have written. name: its looks."""
    made = QLabel(text)
    made.setObjectName(name)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(name != "fingerprint")
    if selectable:
        made.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return made


def button(text: str, clicked: Callable[[], object], *, name: str = "", icon: str = "") -> QPushButton:
    """Return a button. name: its looks, `primary` or none; icon: by its name in the browser client."""
    made = QPushButton(text)
    made.setObjectName(name)
    made.setAutoDefault(True)
    if icon:
        made.setIcon(theme.icon(icon, theme.colours().on_accent if name == "primary" else ""))
        made.setIconSize(QSize(18, 18))
    made.clicked.connect(lambda _: clicked())
    return made


def card(*widgets: QWidget, width: int = 420) -> QFrame:
    """Return a frame with widgets below each other."""
    made = QFrame()
    made.setObjectName("card")
    made.setFixedWidth(width)
    layout = QVBoxLayout(made)
    layout.setContentsMargins(28, 26, 28, 26)
    layout.setSpacing(12)
    for widget in widgets:
        layout.addWidget(widget)
    return made


def row(*widgets: QWidget, to_right: bool = False) -> QWidget:
    """Return widgets beside each other."""
    made = QWidget()
    layout = QHBoxLayout(made)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(10)
    if to_right:
        layout.addStretch(1)
    for widget in widgets:
        layout.addWidget(widget)
    if not to_right:
        layout.addStretch(1)
    return made


def centred(*widgets: QWidget, over: QWidget | None = None) -> QWidget:
    """Return a page, or fill the widget `over`, with widgets in its middle."""
    page = over or QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(24, 24, 24, 24)
    layout.addStretch(1)
    for widget in widgets:
        line = QHBoxLayout()  # by an alignment, long texts would be given too little height
        line.addStretch(1)
        line.addWidget(widget)
        line.addStretch(1)
        layout.addLayout(line)
    layout.addStretch(1)
    return page


def agreed(over: QWidget, title: str, text: str, yes: str) -> bool:
    """Ask whether something is to be done that cannot be undone."""
    return bool(_asked(over, title, text, (yes,), name="primary"))


def chosen(over: QWidget, title: str, text: str, answers: tuple[str, ...]) -> str:
    """Ask what is to be done; return one of the answers, "" for nothing."""
    return _asked(over, title, text, answers)


def _asked(over: QWidget, title: str, text: str, answers: tuple[str, ...], *, name: str = "") -> str:
    """Ask, and return one of the answers, "" for nothing. name: their looks, see `button`."""
    asked = QDialog(over)
    asked.setWindowTitle(title)
    asked.setMinimumWidth(420)
    layout = QVBoxLayout(asked)
    layout.setContentsMargins(26, 24, 26, 22)
    layout.setSpacing(12)
    told: list[str] = []

    def answered(answer: str) -> None:
        told.append(answer)
        asked.accept()

    no = button("Cancel", asked.reject)
    buttons = [button(each, partial(answered, each), name=name) for each in answers]
    for widget in (label(title, "subtitle"), label(text), row(no, *buttons, to_right=True)):
        layout.addWidget(widget)
    no.setFocus()
    asked.exec()
    return told[0] if told else ""


def brand() -> QWidget:
    """Return logo and name."""
    picture = QLabel()
    picture.setPixmap(theme.logo().pixmap(QSize(32, 32)))
    return row(picture, label("tsgateway", "brand"))
