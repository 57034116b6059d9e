"""Files between this machine and the desktop, in its window: dropped onto it, and a panel of their own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from thinclient.queue import Transfers
from thinclient.window.files_panel import FilesPanel
from thinclient.window.link import Link

_LET_GO = "Let go to send it to the folder “Shared” on the desktop."


class Files(QObject):
    """Takes what is dropped onto a window, and shows the panel. told: a sentence for the person, or ""."""

    told = Signal(str)

    def __init__(self, link: Link, window: QWidget) -> None:
        super().__init__(window)
        self._link = link
        self._window = window
        self._transfers: Transfers | None = None
        self._panel: FilesPanel | None = None
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    @property
    def working(self) -> int:
        """How many files are on their way."""
        return self._transfers.working if self._transfers is not None else 0

    def show(self) -> None:
        """Show the panel."""
        panel = self._opened()
        panel.show()
        panel.raise_()
        panel.activateWindow()
        panel.look()

    def send(self, paths: list[Path]) -> None:
        """Send files and folders to the folder that the panel shows, and show it."""
        if paths and self._link.session:
            self.show()
            self._opened().send(paths)

    def leave(self) -> None:
        """The window goes: what is on its way stops where it is."""
        if self._panel is not None:
            self._panel.leave()
        if self._transfers is not None:
            self._transfers.close()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take files of this machine that are dropped."""
        match event:
            case QDropEvent() if event.type() == QEvent.Type.Drop:
                self.told.emit("")
                event.acceptProposedAction()
                self.send(_local(event))
                return True
            case QDragEnterEvent() if _local(event):
                self.told.emit(_LET_GO)
                event.acceptProposedAction()
                return True
        if event.type() == QEvent.Type.DragLeave:
            self.told.emit("")
        return super().eventFilter(watched, event)

    def _opened(self) -> FilesPanel:
        if self._panel is None or self._transfers is None:
            self._transfers = Transfers(self._link.gateway)
            self._panel = FilesPanel(
                self._window, self._link.gateway, lambda: self._link.session, self._transfers
            )
        return self._panel


def _local(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
