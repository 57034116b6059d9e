"""What lies over a desktop that cannot be used now: it starts, the line was cut, it has ended."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from thinclient.window.parts import button, card, centred, label, row


class Veil(QWidget):
    """A card on a darkened picture; hidden while all is well."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self._title = label("", "subtitle")
        self._text = label("", "quiet")
        self._progress = QProgressBar(textVisible=False)
        self._buttons = QWidget()
        self._places = QVBoxLayout(self._buttons)
        self._places.setContentsMargins(0, 6, 0, 0)
        centred(card(self._title, self._text, self._progress, self._buttons), over=self)
        self.hide()

    def tell(
        self,
        title: str,
        text: str = "",
        progress: int | None = None,
        buttons: tuple[tuple[str, Callable[[], object]], ...] = (),
    ) -> None:
        """Cover the desktop. progress: per cent, -1 where that is not known, None where it is all over.

        Only then the first button is given the keyboard: what is typed while the line is cut presses nothing.
        """
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))
        self._progress.setVisible(progress is not None)
        if progress is not None:
            self._progress.setRange(0, 100 if progress >= 0 else 0)
            self._progress.setValue(max(progress, 0))
        while taken := self._places.takeAt(0):
            if widget := taken.widget():
                widget.deleteLater()
        made = [button(name, act, name="" if at else "primary") for at, (name, act) in enumerate(buttons)]
        if made:
            self._places.addWidget(row(*reversed(made), to_right=True))
        self._buttons.setVisible(bool(made))
        self.resize(self._over.size())
        self.show()
        self.raise_()
        if made and progress is None:
            made[0].setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Darken what is below."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(8, 11, 20, 150))
        painter.end()
