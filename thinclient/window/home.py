"""The window before a desktop: where to, as whom, which desktop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from thinclient.connection import Connection, WrongFile
from thinclient.listing import Other
from thinclient.window import theme
from thinclient.window.others import STATES, others_card
from thinclient.window.parts import agreed, brand, button, card, centred, label, row
from tsgateway.client.operations import OwnSession, Published

LOG_OFF = ("Log off?", "All programs of this session are ended. What is not saved is lost.", "Log off")
_ICONS = {"qemu": "machine", "qemu-shared": "machine-shared", "rfb": "screen-far", "testcard": "bars"}


class Home(QMainWindow):
    """Shows one page at a time. kiosk: it fills the display and stays. closed: the person closed it."""

    closed = Signal()

    def __init__(self, kiosk: bool = False) -> None:
        super().__init__()
        self._kiosk = kiosk
        self.setWindowTitle("tsgateway")
        self.resize(760, 620)

    def show_page(self, title: str, page: QWidget, focus: QWidget | None = None) -> None:
        """Show a page in place of the last one."""
        self.setWindowTitle(f"{title} — tsgateway")
        page.setObjectName("page")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setCentralWidget(page)
        if self._kiosk:
            self.showFullScreen()
        else:
            self.show()
        self.raise_()
        if focus is not None:
            focus.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell that the person has closed it."""
        if self._kiosk:
            event.ignore()
            return
        super().closeEvent(event)
        self.closed.emit()


def show_wait(home: Home, text: str) -> None:
    """Tell what is waited for."""
    home.show_page(text, centred(card(brand(), label(text, "quiet"))))


def show_problem(home: Home, title: str, text: str, *actions: tuple[str, Callable[[], object]]) -> None:
    """Tell what went wrong, and what can be done."""
    buttons = [button(name, act, name="primary" if at == 0 else "") for at, (name, act) in enumerate(actions)]
    said = label(text, selectable=True)
    home.show_page(
        title,
        centred(
            card(brand(), label(title, "subtitle"), said, row(*reversed(buttons), to_right=True), width=460)
        ),
        buttons[0] if buttons else None,
    )


def show_start(
    home: Home,
    saved: list[tuple[str, Connection | WrongFile]],
    problem: str,
    go: Callable[[Connection], object],
    remove: Callable[[str], object],
) -> None:
    """Ask for the gateway's address, or for one of the saved connections."""
    field = QLineEdit(placeholderText="desk.example.org")
    field.setAccessibleName("Address of the gateway")
    field.setClearButtonEnabled(True)

    def entered() -> None:
        typed = field.text().strip()
        if typed:
            go(Connection(address=typed if "://" in typed else f"https://{typed}"))

    field.returnPressed.connect(entered)
    parts: list[QWidget] = [brand(), label("Which gateway?", "title"), label("Its address", "quiet"), field]
    if problem:
        parts.append(label(problem, "problem"))
    parts.append(row(button("Connect", entered, name="primary"), to_right=True))
    if saved:
        parts.append(label("Saved connections", "quiet"))
    for name, connection in saved:
        if isinstance(connection, WrongFile):
            parts.append(label(str(connection), "problem"))
            continue
        opens = button(name, partial(go, connection), icon="monitor")
        opens.setToolTip(connection.address)
        forgets = button("", partial(remove, name), icon="cross")
        forgets.setToolTip(f"Remove “{name}”")
        forgets.setAccessibleName(f"Remove “{name}”")
        parts.append(row(opens, forgets))
    home.show_page("Which gateway?", centred(card(*parts)), field)


def show_sign_in(
    home: Home,
    connection: Connection,
    problem: str,
    sign_in: Callable[[str, str], object],
    back: Callable[[], object] | None,
    *,
    ways: Sequence[tuple[str, Callable[[], object]]] = (),
) -> None:
    """Ask for name and password, or for one of the other ways."""
    name, password = QLineEdit(connection.name), QLineEdit(echoMode=QLineEdit.EchoMode.Password)
    name.setAccessibleName("Name")
    password.setAccessibleName("Password")

    def entered() -> None:
        if name.text().strip() and password.text():
            sign_in(name.text().strip(), password.text())
        else:
            (password if name.text().strip() else name).setFocus()

    name.returnPressed.connect(password.setFocus)
    password.returnPressed.connect(entered)
    enters = button("Sign in", entered, name="primary")
    host = connection.address.removeprefix("https://").rstrip("/")
    parts: list[QWidget] = [brand(), label("Sign in", "title"), label(f"at {host}", "quiet")]
    if problem:
        parts.append(label(problem, "problem"))
    parts += [label("Name", "quiet"), name, label("Password", "quiet"), password]
    others = [button("Other gateway", back)] if back else []
    parts.append(row(*others, enters, to_right=True))
    parts += [button(text.replace("&", "&&"), go) for text, go in ways]
    home.show_page("Sign in", centred(card(*parts)), password if connection.name else name)


def show_browser(home: Home, url: str, cancel: Callable[[], object]) -> None:
    """Tell that it goes on in the browser."""
    address = QLineEdit(url, readOnly=True)
    address.setAccessibleName("Address")
    address.setCursorPosition(0)
    copies = button("Copy", lambda: QGuiApplication.clipboard().setText(url))
    cancels = button("Cancel", cancel, name="primary")
    parts = [
        brand(),
        label("Go on in the browser", "title"),
        label("Sign in there, and agree that this program is signed in, too. Then it goes on here."),
        label("Where no browser has opened, open this address in one on this machine:", "quiet"),
        address,
        row(copies, cancels, to_right=True),
    ]
    home.show_page("Go on in the browser", centred(card(*parts)), cancels)


def show_code(home: Home, problem: str, answer: Callable[[str], object], back: Callable[[], object]) -> None:
    """Ask for a code of the second factor."""
    code = QLineEdit(placeholderText="123456", maxLength=64)
    code.setAccessibleName("Code")

    def entered() -> None:
        if code.text().strip():
            answer(code.text().strip())

    code.returnPressed.connect(entered)
    parts: list[QWidget] = [brand(), label("Second step", "title")]
    parts.append(
        label("The code that your authenticator app shows now, or one of your recovery codes.", "quiet")
    )
    if problem:
        parts.append(label(problem, "problem"))
    parts += [code, row(button("Back", back), button("Go on", entered, name="primary"), to_right=True)]
    home.show_page("Second step", centred(card(*parts)), code)


class DesktopsPage(QWidget):
    """The desktops that one may open, and what runs there.

    opens: with a desktop's id, a session's id or "", and whether in full screen. looks: with the id of
    somebody else's session, and whether to control it.
    """

    opens = Signal(str, str, bool)
    looks = Signal(str, bool)
    logs_off = Signal(str)
    saves = Signal(str)
    refreshes = Signal()
    signs_out = Signal()

    def __init__(
        self,
        name: str,
        desktops: list[Published],
        problem: str,
        told: str,
        full_screen: bool,
        *,
        others: Sequence[Other] = (),
    ) -> None:
        super().__init__()
        self.first: QPushButton | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 22, 28, 22)
        layout.setSpacing(14)
        top = QHBoxLayout()
        top.addWidget(brand(), 1)
        who = label(name, "quiet")
        who.setWordWrap(False)
        top.addWidget(who)
        top.addWidget(button("Sign out", self.signs_out.emit, icon="leave"))
        layout.addLayout(top)
        layout.addWidget(label("Your desktops", "title"))
        if problem:
            layout.addWidget(label(problem, "problem"))
        if told:
            layout.addWidget(label(told, "good"))
        area, inner = QScrollArea(widgetResizable=True), QWidget()
        inner.setObjectName("page")
        inner.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._rows = QVBoxLayout(inner)
        self._rows.setContentsMargins(0, 0, 6, 0)
        self._rows.setSpacing(12)
        for desktop in desktops:
            self._rows.addWidget(self._row(desktop))
        if not desktops:
            self._rows.addWidget(
                label("There is no desktop for you yet. Whoever runs the gateway can change that.")
            )
        if others:
            foreign = others_card(others, self.looks.emit)
            self._rows.addWidget(foreign)
            self.first = self.first or foreign.findChild(QPushButton)
        self._rows.addStretch(1)
        area.setWidget(inner)
        layout.addWidget(area, 1)
        self._full = button("Open in full screen", lambda: None, icon="full")
        self._full.setCheckable(True)
        self._full.setChecked(full_screen)
        bottom = QHBoxLayout()
        bottom.addWidget(self._full)
        bottom.addStretch(1)
        bottom.addWidget(button("Look again", self.refreshes.emit))
        layout.addLayout(bottom)

    def _row(self, desktop: Published) -> QFrame:
        made = QFrame()
        made.setObjectName("card")
        layout = QVBoxLayout(made)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.setSpacing(8)
        head, picture, texts = QHBoxLayout(), QLabel(), QVBoxLayout()
        picture.setPixmap(
            theme.icon(_ICONS.get(desktop["kind"], "monitor"), theme.colours().accent).pixmap(34, 34)
        )
        head.addWidget(picture)
        texts.setSpacing(2)
        texts.addWidget(label(desktop["title"], "subtitle"))
        if desktop["description"]:
            texts.addWidget(label(desktop["description"], "quiet"))
        head.addSpacing(8)
        head.addLayout(texts, 1)
        save = button("", partial(self.saves.emit, desktop["id"]), icon="pin")
        save.setToolTip("Save as a connection")
        save.setAccessibleName(f"Save {desktop['title']} as a connection")
        head.addWidget(save)
        if not desktop["sessions"] or not desktop["single"]:
            text = "Open" if not desktop["sessions"] else "Open another"
            head.addWidget(self._opening(text, desktop["id"], ""))
        layout.addLayout(head)
        for session in desktop["sessions"]:
            layout.addWidget(self._session(desktop["id"], session))
        return made

    def _session(self, desktop: str, session: OwnSession) -> QWidget:
        line = QWidget()
        layout = QHBoxLayout(line)
        layout.setContentsMargins(44, 0, 0, 0)
        layout.addWidget(
            label(f"Session {session['number']} · {STATES.get(session['state'], session['state'])}", "good"),
            1,
        )
        layout.addWidget(button("Log off", partial(self._log_off, session), icon="power"))
        layout.addWidget(self._opening("Go on", desktop, session["id"]))
        return line

    def _log_off(self, session: OwnSession) -> None:
        if agreed(self, *LOG_OFF):
            self.logs_off.emit(session["id"])

    def _opening(self, text: str, desktop: str, session: str) -> QPushButton:
        made = button(text, partial(self._open, desktop, session), name="primary")
        self.first = self.first or made
        return made

    def _open(self, desktop: str, session: str) -> None:
        self.opens.emit(desktop, session, self._full.isChecked())
