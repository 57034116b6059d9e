"""The panel of files: what is in the folder that the desktop shares, and what is on its way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from thinclient.download import Taken
from thinclient.local import local_name, plain
from thinclient.queue import Loading, Sending, Transfers
from thinclient.transfer import OVER, TransferFailed, amount
from thinclient.window import theme
from thinclient.window.errands import Errands
from thinclient.window.files_rows import Rows
from thinclient.window.parts import agreed, button, chosen, label, row
from tsgateway.client import Client, ClientError
from tsgateway.client.operations import FileItem, Folder, Unfinished

_UNMOUNTED = (
    "The desktop does not show this folder now. What you send is kept here. If it never appears there, tell "
    "your administrator: the desktop’s image lacks the program that shows it."
)
MAX_TOLD = 3
"""Unfinished uploads that are named."""
_ENTRY = Qt.ItemDataRole.UserRole


class FilesPanel(QDialog):
    """session: returns the session's id. transfers: those of the window, which outlast the panel."""

    def __init__(
        self, over: QWidget, gateway: Client, session: Callable[[], str], transfers: Transfers
    ) -> None:
        super().__init__(over)
        self._gateway = gateway.twin()
        self._session = session
        self._transfers = transfers
        self._errands = Errands()
        self._path = ""
        self._items: list[FileItem] = []
        self._folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DownloadLocation)
        self._where = label("", "subtitle")
        self._problem = label("", "problem")
        self._used = label("", "quiet")
        self._unmounted = label(_UNMOUNTED, "quiet")
        self._left = label("", "quiet")
        self._list = _tree(("Name", "Size", "Changed"))
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self._list.setAccessibleName("Files in the folder that the desktop shares")
        self._list.itemActivated.connect(self._activated)
        self._list.itemSelectionChanged.connect(self._selected)
        self._rows = Rows(transfers, self.look)
        self._load = button("Download …", self._download, icon="download")
        self._delete = button("Delete …", self._remove, icon="cross")
        self._up = button("Up", self._go_up)
        self.setWindowTitle("Files")
        self.resize(720, 620)
        self._lay_out()
        self._selected()
        self._list.setFocus()
        self._beat = QTimer(self, interval=300)
        self._beat.timeout.connect(self._rows.refresh)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 18, 20, 18)
        layout.setSpacing(10)
        layout.addWidget(row(self._up, self._where))
        for widget in (self._problem, self._unmounted, self._left):
            widget.hide()
            layout.addWidget(widget)
        layout.addWidget(self._list, 3)
        sends = button("Upload files …", self._choose_files, icon="upload", name="primary")
        folder = button("Upload a folder …", self._choose_folder, icon="folder")
        layout.addWidget(row(sends, folder, self._load, self._delete))
        layout.addWidget(self._used)
        layout.addWidget(self._rows, 2)
        for each in (sends, folder, self._load, self._delete, self._up):
            each.setAutoDefault(False)

    # ---- what is there

    def look(self) -> None:
        """Ask what is in the folder."""
        self._beat.start()
        session, path = self._session(), self._path
        self._errands.run(lambda: self._gateway.list_files(session, path=path), self._show, self._failed)

    def _show(self, told: Folder) -> None:
        self._problem.hide()
        self._path = told["path"]
        self._where.setText(" / ".join(("Shared", *map(plain, filter(None, self._path.split("/"))))))
        self._up.setEnabled(bool(self._path))
        items = sorted(told["files"], key=lambda each: (not each["folder"], each["name"].casefold()))
        if items != self._items:
            self._fill(items)
        quota = f" of {amount(told['quota'])}" if told["quota"] else ""
        self._used.setText(f"{amount(told['used'])}{quota} used")
        self._unmounted.setVisible(not told["mounted"])
        here = {each.name for each in self._transfers.items if each.state not in OVER}
        left = _stopped([one for one in told["unfinished"] if one["path"] not in here])
        self._left.setText(left)
        self._left.setVisible(bool(left))

    def _fill(self, items: list[FileItem]) -> None:
        """Show other files than before; who is at one of them stays there."""
        kept, current = {name for name, _ in self._chosen()}, self._list.currentItem()
        at = current.data(0, _ENTRY)[0] if current is not None else None
        self._items = items
        self._list.clear()
        for each in items:
            made = _item(each)
            self._list.addTopLevelItem(made)
            if each["name"] == at:
                self._list.setCurrentItem(made)
            made.setSelected(each["name"] in kept)

    def _failed(self, error: ClientError) -> None:
        self._problem.setText(plain(str(error)))
        self._problem.show()

    def _chosen(self) -> list[tuple[str, bool]]:
        """The names that are selected, and which of them are folders."""
        return [each.data(0, _ENTRY) for each in self._list.selectedItems()]

    def _selected(self) -> None:
        for each in (self._load, self._delete):
            each.setEnabled(bool(self._list.selectedItems()))

    def _activated(self, item: QTreeWidgetItem) -> None:
        name, is_folder = item.data(0, _ENTRY)
        if is_folder:
            self._path = self._below(name)
            self.look()
        else:
            self._download()

    def _go_up(self) -> None:
        self._path = self._path.rpartition("/")[0]
        self.look()

    def _below(self, name: str) -> str:
        return f"{self._path}/{name}" if self._path else name

    def _remove(self) -> None:
        names = [name for name, _ in self._chosen()]
        what = f"“{plain(names[0])}”" if len(names) == 1 else f"{len(names)} of them"
        if not names or not agreed(
            self, f"Delete {what}?", "It is gone from the desktop, too. This cannot be undone.", "Delete"
        ):
            return
        session = self._session()
        for path in map(self._below, names):
            remove = partial(self._gateway.delete_file, session, path=path)
            self._errands.run(remove, lambda _: self.look(), self._failed)

    # ---- up

    def send(self, paths: Iterable[Path]) -> None:
        """Send files and folders into the folder that is shown."""
        self._transfers.add(Sending(self._session(), paths, self._path, self._transfers.add))
        self._rows.refresh()

    def _choose_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Upload files")
        if paths:
            self.send(map(Path, paths))

    def _choose_folder(self) -> None:
        if path := QFileDialog.getExistingDirectory(self, "Upload a folder"):
            self.send([Path(path)])

    # ---- down

    def _download(self) -> None:
        if names := [name for name, _ in self._chosen()]:
            folder = QFileDialog.getExistingDirectory(self, "Download to", self._folder)
            if folder:
                self._folder = folder
                self.load(names, Path(folder))

    def load(self, names: Iterable[str], folder: Path) -> None:
        """Load files and folders of the one that is shown; where one is here already, the person is asked."""
        wanted = {}
        for name in names:
            try:
                is_there = os.path.lexists(folder / local_name(name))
            except TransferFailed as error:
                self._failed(error)
                continue
            taken = self._ask(name, folder) if is_there else Taken.NUMBERED
            if taken is not None:
                wanted[self._below(name)] = taken
        if wanted:
            self._transfers.add(Loading(self._session(), wanted, folder, self._transfers.add))
            self._rows.refresh()

    def _ask(self, name: str, folder: Path) -> Taken | None:
        answers = {"Replace": Taken.REPLACES, "Keep both": Taken.NUMBERED}
        told = f"{folder} has something of this name already."
        return answers.get(chosen(self, f"Replace “{plain(name)}”?", told, ("Keep both", "Replace")))

    # ----

    def closeEvent(self, event: QCloseEvent) -> None:
        """What is on its way goes on."""
        self._beat.stop()
        super().closeEvent(event)

    def leave(self) -> None:
        """The desktop's window goes."""
        self._beat.stop()
        self._errands.end()
        self._gateway.close()
        self.hide()


def _stopped(unfinished: list[Unfinished]) -> str:
    """Tell of uploads that another program, or an earlier one, has not finished."""
    told = [
        f"“{plain(one['path'])}” stopped at {amount(one['offset'])} of {amount(one['bytes'])}"
        for one in unfinished[:MAX_TOLD]
    ]
    if not told:
        return ""
    more = f" and {len(unfinished) - MAX_TOLD} more" if len(unfinished) > MAX_TOLD else ""
    return f"{', '.join(told)}{more}. Send the same again to go on."


def _tree(columns: tuple[str, ...]) -> QTreeWidget:
    made = QTreeWidget()
    made.setHeaderLabels(columns)
    made.setRootIsDecorated(False)
    made.setUniformRowHeights(True)
    made.setAllColumnsShowFocus(True)
    head = made.header()
    head.setStretchLastSection(False)
    head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    for column in range(1, len(columns)):
        head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
    return made


def _item(each: FileItem) -> QTreeWidgetItem:
    size = "" if each["folder"] else amount(each["bytes"])
    made = QTreeWidgetItem([plain(each["name"]), size, _when(each["changed"])])
    made.setIcon(0, theme.icon("folder" if each["folder"] else "file"))
    made.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    made.setData(0, _ENTRY, (each["name"], each["folder"]))
    return made


def _when(changed: float) -> str:
    try:
        return datetime.fromtimestamp(changed).strftime("%x %H:%M")
    except (ValueError, OverflowError, OSError):
        return ""  # guests set these times as they like
