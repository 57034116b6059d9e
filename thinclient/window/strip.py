"""A line over the picture: what the person has to know while they work, with what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from thinclient.window.parts import button, label

WIDTH = 640


class Strip(QWidget):
    """Hidden while there is nothing to tell. act: what its button does; is_put_away: by a cross, too."""

    def __init__(self, act: str, acted: Callable[[], object], *, is_put_away: bool = False) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._told = ""
        self._left = 0
        self._text = label("")
        self._button: QPushButton = button(act, acted)
        self._button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 8, 6)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._button)
        if is_put_away:
            away = button("", self.hide, icon="cross")
            away.setAccessibleName("Put away")
            away.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            layout.addWidget(away)
        self.setFixedWidth(WIDTH)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._tick)
        self.hide()

    def tell(self, text: str, *, seconds: int = 0, warns: bool = False, acts: bool = False) -> None:
        """Show a sentence, "" for none. seconds: until what it announces happens, 0 where not known."""
        self._told, self._left = text, seconds
        self.setProperty("warns", warns)
        self.style().unpolish(self)
        self.style().polish(self)
        self._button.setVisible(acts)
        self._show()
        self.setVisible(bool(text))
        if text and seconds:
            self._clock.start()
        else:
            self._clock.stop()

    def _tick(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self._clock.stop()
        self._show()

    def _show(self) -> None:
        left = f" ({self._left // 60}:{self._left % 60:02})" if self._left > 0 else ""
        self._text.setText(self._told + left)
