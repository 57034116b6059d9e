"""What is on its way, a row each, with what can be done about it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from thinclient.download import Fetch
from thinclient.local import plain
from thinclient.queue import Gathering, Transfers
from thinclient.transfer import OVER, State, Transfer, amount
from thinclient.window.parts import button, label, row

MAX_ROWS = 100
RATE_SECONDS = 5.0
_STOPPED = (State.PAUSED, State.FAILED)


class Rows(QWidget):
    """transfers: what is shown. finished: is called when another one is done."""

    def __init__(self, transfers: Transfers, finished: Callable[[], object]) -> None:
        super().__init__()
        self._transfers = transfers
        self._finished = finished
        self._shown: dict[Transfer, _Row] = {}
        self._done = 0
        area, inner = QScrollArea(widgetResizable=True), QWidget()
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._places = QVBoxLayout(inner)
        self._places.setContentsMargins(0, 0, 6, 0)
        self._places.setSpacing(6)
        self._places.addStretch(1)
        area.setWidget(inner)
        self._more = label("", "quiet")
        self._clear = button("Clear finished", self._clear_over)
        self._clear.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area, 1)
        layout.addWidget(row(self._more, self._clear, to_right=True))
        self.hide()

    def refresh(self) -> None:
        """Show how far everything is: what moves first, what is over last."""
        items = self._transfers.items
        first = sorted(items, key=lambda each: _ORDER.get(each.state, 1))[:MAX_ROWS]
        for gone in self._shown.keys() - set(first):
            self._shown[gone].hide()
            self._shown.pop(gone).deleteLater()
        for each in first:
            if each not in self._shown:
                self._shown[each] = _Row(each, self._transfers)
                self._places.insertWidget(self._places.count() - 1, self._shown[each])
            self._shown[each].refresh()
        self._more.setText(f"and {len(items) - len(first)} more" if len(items) > len(first) else "")
        self._clear.setEnabled(any(each.state in OVER for each in items))
        self.setVisible(bool(items))
        done = sum(each.state is State.DONE for each in items)
        if done > self._done:
            self._finished()
        self._done = done

    def _clear_over(self) -> None:
        self._transfers.clear()
        self._done = 0
        self.refresh()


class _Row(QWidget):
    """One transfer."""

    def __init__(self, transfer: Transfer, transfers: Transfers) -> None:
        super().__init__()
        self._transfer = transfer
        self._marks: deque[tuple[float, int]] = deque()
        name = plain(transfer.name)
        self._name = label(f"{'↓' if isinstance(transfer, Fetch) else '↑'} {name}")
        if isinstance(transfer, Gathering):
            self._name.setText(name)
        self._state = label("", "quiet")
        self._bar = QProgressBar(textVisible=False)
        self._bar.setAccessibleName(name)
        self._pause = button("", transfer.pause, icon="pause")
        self._go_on = button("", lambda: transfers.resume(transfer), icon="play")
        self._cancel = button("", lambda: transfers.cancel(transfer), icon="cross")
        for each, told in ((self._pause, "Pause"), (self._go_on, "Go on with"), (self._cancel, "Cancel")):
            each.setAccessibleName(f"{told} {name}")
            each.setAutoDefault(False)
        texts = QVBoxLayout()
        texts.setSpacing(3)
        for widget in (self._name, self._state, self._bar):
            texts.addWidget(widget)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.addLayout(texts, 1)
        for each in (self._pause, self._go_on, self._cancel):
            layout.addWidget(each)

    def refresh(self) -> None:
        """Say how far it is."""
        state, done, size = self._transfer.state, self._transfer.done, self._transfer.size
        self._state.setText(self._told(state, done, size))
        self._bar.setVisible(state not in OVER and size is not None)
        self._bar.setValue(100 * done // size if size else 0)
        self._pause.setVisible(state not in OVER and state not in _STOPPED)
        self._go_on.setVisible(state in _STOPPED)
        self._cancel.setVisible(state not in OVER)

    def _told(self, state: State, done: int, size: int | None) -> str:
        of = f"{amount(done)} of {amount(size)}" if size is not None else amount(done)
        message = plain(self._transfer.message)
        if state is State.MOVING:
            is_gathering = isinstance(self._transfer, Gathering)
            return f"{done} files so far" if is_gathering else of + self._speed(done, size or 0)
        return _STATES[state].format(of=of, message=message)

    def _speed(self, done: int, size: int) -> str:
        now = time.monotonic()
        if self._marks and done < self._marks[-1][1]:
            self._marks.clear()
        self._marks.append((now, done))
        while len(self._marks) > 2 and now - self._marks[0][0] > RATE_SECONDS:
            self._marks.popleft()
        (began, first), took = self._marks[0], now - self._marks[0][0]
        if took <= 0 or done <= first:
            return ""
        rate = (done - first) / (now - began)
        return f" · {amount(rate)}/s · {_left((size - done) / rate)}"


_ORDER = {State.MOVING: 0, State.QUEUED: 2, State.DONE: 3, State.CANCELLED: 3}  # others come between
_STATES = {
    State.QUEUED: "Waits for its turn",
    State.CHECKING: "Looking at what is there",
    State.FINISHING: "Checking what has arrived",
    State.PAUSED: "Paused at {of}",
    State.WAITING: "{message} It goes on by itself.",
    State.FAILED: "{message}",
    State.DONE: "Done: {message}",
    State.CANCELLED: "Cancelled",
}


def _left(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s left"
    return f"{round(seconds / 60)} min left" if seconds < 5400 else f"{round(seconds / 3600)} h left"
