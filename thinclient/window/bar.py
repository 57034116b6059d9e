"""The bar above a desktop: its name, menus, and how the line is. In full screen the upper edge brings it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from thinclient.monitors import ALL, chosen, numbered
from thinclient.window import theme
from thinclient.window.monitors import described, numbered_monitors
from thinclient.window.parts import label

COMBINATIONS = (
    ("Ctrl+Alt+Delete", "Ctrl+Alt+Delete"), ("Ctrl+Alt+Backspace", "Ctrl+Alt+BackSpace"),
    ("Alt+Tab", "Alt+Tab"), ("Alt+F4", "Alt+F4"), ("Windows key", "Super"), ("Print Screen", "Print"),
    ("F11", "F11"), ("Ctrl+Alt+Enter", "Ctrl+Alt+Return"),
    ("Ctrl+Alt+F1", "Ctrl+Alt+F1"), ("Ctrl+Alt+F7", "Ctrl+Alt+F7"),
)  # fmt: skip
"""What people read, and what `tsgateway.client.viewer.keys` calls it."""


class Bar(QWidget):
    """Menus and figures.

    pressed: a combination was chosen. files: the panel of files is wanted. fits, follows, text: a choice of
    the view was made. full, disconnected, logged_off: what the person wants. monitors: which ones full screen
    is to fill (see Connection). captures: whether the pointer is to be captured.

    looks: it is somebody else's session, which is left and not ended.
    """

    pressed = Signal(str)
    files = Signal()
    fits = Signal(bool)
    follows = Signal(bool)
    text = Signal(bool)
    full = Signal()
    monitors = Signal(str)
    captures = Signal(bool)
    disconnected = Signal()
    logged_off = Signal()

    def __init__(
        self, fits: bool, follows: bool, by_text: bool, monitors: str = "", *, looks: bool = False
    ) -> None:
        super().__init__()
        self._looks = looks
        self._monitors = monitors
        self._chosen = {"fits": fits, "follows": follows, "text": by_text}
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._title = label("", "brand")
        self._title.setWordWrap(False)
        self._line = label("", "quiet")
        self._line.setWordWrap(False)
        picture = QLabel()
        picture.setPixmap(theme.logo().pixmap(QSize(22, 22)))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 4, 8, 4)
        layout.setSpacing(6)
        layout.addWidget(picture)
        layout.addWidget(self._title)
        layout.addStretch(1)
        layout.addWidget(self._line)
        layout.addSpacing(8)
        self._tools, self._added_at = layout, layout.count()
        layout.addWidget(
            tool("Keys", "keyboard", "Send keys that this machine keeps for itself", self._keys())
        )
        layout.addWidget(tool("View", "scale", "How the desktop fits this window", self._view()))
        files = tool("Files", "folder", "Files of this desktop, up and down", None)
        files.clicked.connect(self.files)
        files.setVisible(not looks)
        layout.addWidget(files)
        self._full = tool("", "full", "Full screen (F11)", None)
        self._full.clicked.connect(self.full)
        layout.addWidget(self._full)
        layout.addWidget(tool("", "power", "Disconnect or log off", self._leave()))

    def add(self, added: QToolButton) -> None:
        """Put another tool before those of the bar's own."""
        self._tools.insertWidget(self._added_at, added)
        self._added_at += 1

    def set_title(self, title: str) -> None:
        """Name the desktop."""
        self._title.setText(title)

    def set_line(self, text: str) -> None:
        """Tell how the line is."""
        self._line.setText(text)

    def set_full(self, full: bool) -> None:
        """Look as in full screen, or not."""
        self.setProperty("floating", full)
        self.style().unpolish(self)
        self.style().polish(self)
        self._full.setIcon(theme.icon("full-off" if full else "full"))
        self._full.setToolTip("Leave full screen (F11)" if full else "Full screen (F11)")

    def is_open(self) -> bool:
        """Whether one of the menus is open."""
        return any(menu.isVisible() for menu in self.findChildren(QMenu))

    def _keys(self) -> QMenu:
        menu = QMenu(self)
        for shown, named in COMBINATIONS:
            _act(menu, shown, lambda named=named: self.pressed.emit(named))  # type: ignore[misc]
        menu.addSeparator()
        by_text = _choice(menu, "Type by this machine's layout", self._chosen["text"], self.text)
        by_text.setToolTip("For input methods, and where the desktop has another layout")
        return menu

    def _view(self) -> QMenu:
        menu = QMenu(self)
        group = QActionGroup(menu)
        group.addAction(_choice(menu, "Fit the window", self._chosen["fits"], self.fits))
        group.addAction(_choice(menu, "Pixel by pixel", not self._chosen["fits"], None))
        menu.addSeparator()
        _choice(menu, "Give the desktop the window's size", self._chosen["follows"], self.follows)
        menu.addSeparator()
        games = _choice(menu, "Capture the pointer, for games", False, self.captures)
        games.setToolTip("From the next click on; Ctrl+Alt lets it out")
        menu.addSeparator()
        full = _act(menu, "Full screen", self.full.emit)
        full.setText("Full screen\tF11")
        over = menu.addMenu("Full screen over")
        menu.aboutToShow.connect(lambda: self._offer_monitors(over))
        return menu

    def _offer_monitors(self, menu: QMenu) -> None:
        """Offer the monitors that there are now."""
        monitors = numbered_monitors()
        menu.clear()
        menu.menuAction().setVisible(len(monitors) > 1)
        for wish, text in (("", "This monitor"), (ALL, "All monitors")):
            _tick(menu, text, wish == self._monitors, partial(self._fill, wish))
        menu.addSeparator()
        now = {number + 1 for number in chosen(self._monitors, len(monitors))}
        for number, monitor in enumerate(monitors, 1):
            text = f"Monitor {number} ({described(monitor)})"
            _tick(menu, text, number in now, partial(self._fill, numbered(now ^ {number})))

    def _fill(self, wish: str) -> None:
        self._monitors = wish
        self.monitors.emit(wish)

    def _leave(self) -> QMenu:
        menu = QMenu(self)
        if self._looks:
            _act(menu, "Stop looking on", self.disconnected.emit, "unplug")
            return menu
        _act(menu, "Disconnect; programs go on", self.disconnected.emit, "unplug")
        _act(menu, "Log off; programs end", self.logged_off.emit, "power")
        return menu


def tool(text: str, icon: str, tip: str, menu: QMenu | None) -> QToolButton:
    """Return a button of the bar. tip: what it is for; text: "" for a picture alone."""
    made = QToolButton()
    made.setText(text)
    made.setIcon(theme.icon(icon))
    made.setIconSize(QSize(18, 18))
    made.setToolTip(tip)
    made.setAccessibleName(tip)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the desktop keeps the keyboard
    if text:
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    if menu is not None:
        made.setMenu(menu)
        made.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    return made


def _act(menu: QMenu, text: str, act: Callable[[], object], icon: str = "") -> QAction:
    action = menu.addAction(theme.icon(icon), text) if icon else menu.addAction(text)
    action.triggered.connect(lambda _: act())
    return action


def _tick(menu: QMenu, text: str, on: bool, act: Callable[[], object]) -> None:
    action = _act(menu, text, act)
    action.setCheckable(True)
    action.setChecked(on)


def _choice(menu: QMenu, text: str, on: bool, signal: object) -> QAction:
    action = menu.addAction(text)
    action.setCheckable(True)
    action.setChecked(on)
    if signal is not None:
        action.toggled.connect(signal)
    return action
