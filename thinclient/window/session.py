"""One desktop in a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QLayout, QMainWindow, QVBoxLayout, QWidget

from sessions.wire import tsg
from sessions.wire.tsg import Capability, CloseCode, DialogKind, NoticeLevel, SessionState
from thinclient.window.bar import Bar
from thinclient.window.clipboard import Clipboard
from thinclient.window.dialogs import Asked
from thinclient.window.files import Files
from thinclient.window.hands import Hands
from thinclient.window.home import LOG_OFF
from thinclient.window.keyboard import Keyboard, combination
from thinclient.window.link import Link
from thinclient.window.looking import Shadows
from thinclient.window.monitors import Screens
from thinclient.window.parts import agreed
from thinclient.window.rate import Rate
from thinclient.window.screen import Screen
from thinclient.window.sound import Sound
from thinclient.window.strip import Strip
from thinclient.window.veil import Veil
from tsgateway.client import ClientError, ViewerClosed
from tsgateway.client.viewer import Drawn, Happening, Look, Over, Queued, Retrying, Welcome

BAR_PAUSE = 1200
"""Milliseconds after which the bar goes in full screen, when the pointer has left it."""
STRIP_MARGIN = 10
_ABSENT = 255
STOP_FILES = (
    "Stop the files?",
    "Some are on their way. What is there stays: each goes on when you send or load it again.",
    "Disconnect",
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a desktop is to be shown. size: of the screen, None for the window's. monitors: see Connection.

    look: how one looks on at somebody else's session, None for one's own.
    """

    full_screen: bool = False
    kiosk: bool = False
    fits: bool = True
    text_mode: bool = False
    size: tuple[int, int] | None = None
    monitors: str = ""
    look: Look | None = None


class SessionWindow(QMainWindow):
    """A desktop, and what is around it.

    over: the person is done with it; with the error that ended it, or None. again: they want it anew.
    """

    over = Signal(object)
    again = Signal()

    def __init__(self, link: Link, title: str, wishes: Wishes, log_off: Callable[[str], object]) -> None:
        super().__init__()
        self._link = link
        self._wishes = wishes
        self._log_off = log_off
        self._ended: ClientError | None = None
        self._is_left = False
        self._has_picture = False
        self._dialogs: dict[int, Asked] = {}
        self._keyboard = Keyboard(lambda: link.can(Capability.TEXT))
        self._keyboard.kiosk = wishes.kiosk
        self.screen_ = Screen(link.picture, link.guard, self._keyboard)
        self._screens = Screens(self, self.screen_, self._another_screen)
        self._monitors = wishes.monitors
        self.screen_.fits = wishes.fits
        self.screen_.follows = wishes.size is None and wishes.look is None
        self.screen_.set_text_mode(wishes.text_mode)
        self._bar = Bar(
            wishes.fits,
            self.screen_.follows,
            wishes.text_mode,
            wishes.monitors,
            looks=wishes.look is not None,
        )
        self._notice = Strip("I am here", lambda: link.say(tsg.Stay()), is_put_away=True)
        self._shadows = Shadows(link, wishes.look, self.close)
        self._hands = Hands(link, self._screens, self.screen_)
        self._said = Strip("", lambda: None, is_put_away=True)
        self._clipboard = Clipboard(link, self.isActiveWindow)
        has_files = not wishes.kiosk and wishes.look is None  # its dialogs would be a way out of a kiosk
        self._files = Files(link, self) if has_files else None
        self._sound = Sound(link)
        self._bar.add(self._sound.tool)
        self._veil = Veil(self.screen_)
        self._rate = Rate()
        self._lay_out(title)
        self._connect()
        self._veil.tell("Opening the desktop …", progress=-1)

    # ---- making it

    def _lay_out(self, title: str) -> None:
        body = QWidget()
        self._body = QVBoxLayout(body)
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(0)
        self._body.addWidget(self._bar)
        self._body.addWidget(self.screen_, 1)
        self._strips = QWidget(self.screen_)  # over the picture: the desktop keeps its size when one comes
        strips = QVBoxLayout(self._strips)
        strips.setContentsMargins(0, 0, 0, 0)
        strips.setSpacing(6)
        strips.setSizeConstraint(QLayout.SizeConstraint.SetFixedSize)
        strips.addWidget(self._notice)
        strips.addWidget(self._shadows.strip)
        strips.addWidget(self._hands.hint)
        strips.addWidget(self._said)
        self.setCentralWidget(body)
        self.setWindowTitle(f"{title} — tsgateway")
        self._bar.set_title(title)
        self.resize(1280, 800)

    def _connect(self) -> None:
        self._link.happened.connect(self._happened)
        self._link.ended.connect(self._link_ended)
        self.screen_.said.connect(self._clipboard.say)
        self._clipboard.told.connect(self._said.tell)
        self.screen_.wished.connect(self._link.resize)
        self._screens.shown.connect(self._link.presented)
        self._screens.changed.connect(self._monitors_changed)
        self.screen_.at_edge.connect(self._at_edge)
        self.screen_.installEventFilter(self)
        self._strips.installEventFilter(self)
        if self._files is not None:
            self._files.told.connect(self._said.tell)
            self._bar.files.connect(self._files.show)
        self._bar.pressed.connect(lambda name: self._link.say(*combination(name)))
        self._bar.fits.connect(self._screens.set_fits)
        self._bar.follows.connect(self.screen_.set_follows)
        self._bar.text.connect(self.screen_.set_text_mode)
        self._bar.full.connect(self.toggle_full)
        self._bar.monitors.connect(self._choose_monitors)
        self._bar.captures.connect(self._hands.choose)
        self._bar.disconnected.connect(self.close)
        self._bar.logged_off.connect(self._leave_for_good)
        if not self._wishes.kiosk:
            for keys in ("F11", "Ctrl+Alt+Return", "Ctrl+Alt+Enter"):
                QShortcut(QKeySequence(keys), self, self.toggle_full)
        self._figures = QTimer(self, interval=1000)
        self._figures.timeout.connect(self._tell_line)
        self._figures.start()
        self._bar_rest = QTimer(self, singleShot=True, interval=BAR_PAUSE)
        self._bar_rest.timeout.connect(self._hide_bar)

    def open(self) -> None:
        """Show the window and connect."""
        if self._wishes.full_screen or self._wishes.kiosk:
            self._go_full(True)
        else:
            self.show()
        self.screen_.setFocus()
        self._link.open()

    # ---- what happens

    def _happened(self, event: Happening) -> None:
        match event:
            case Drawn(changes):
                self._screens.draw(changes)
                self._settled()
            case Welcome(hello):
                self._welcome(hello.desktop)
            case tsg.Cursor():
                self._screens.show_cursor(event)
            case tsg.PointerMode(relative):
                self._hands.ask(bool(relative))
            case tsg.State():
                self._state(event)
            case tsg.Notice(level, seconds, text):
                self._notice.tell(
                    text,
                    seconds=seconds,
                    warns=level != NoticeLevel.INFORMATION,
                    acts=level == NoticeLevel.ABSENCE,
                )
            case tsg.Dialog():
                self._ask(event)
            case tsg.DialogOver(number):
                self._close_dialog(number)
            case tsg.Shadow():
                self._shadows.told(event)
            case Retrying(_, reason):
                self._veil.tell(
                    "The connection was lost", f"{reason} Your programs go on; connecting …".lstrip(), -1,
                    (("Disconnect", self.close),) if not self._wishes.kiosk else (),
                )  # fmt: skip
            case Queued(before):
                people = {0: "You are next.", 1: "One comes before you."}
                told = people.get(before, f"{before} come before you.")
                self._veil.tell("Many people come at once", told, -1)
            case Over():
                self._forget()

    def _welcome(self, title: str) -> None:
        self.setWindowTitle(f"{title} — tsgateway")
        self._bar.set_title(title)
        self._has_picture = False
        self._hands.began()
        self.screen_.set_follows(self.screen_.follows)

    def _settled(self) -> None:
        if not self._has_picture:
            self._has_picture = True
            self._veil.hide()
            self.screen_.setFocus()
            self._hands.bring_locks()

    def _state(self, state: tsg.State) -> None:
        if state.state == SessionState.STARTING and not self._has_picture:
            known = state.progress != _ABSENT
            self._veil.tell("The desktop starts", state.text, state.progress if known else -1)
        elif self._wishes.look is not None and not self._has_picture and state.text:
            self._veil.tell("Looking on", state.text, -1, (("Cancel", self.close),))

    def _forget(self) -> None:
        for number in list(self._dialogs):
            self._close_dialog(number)
        self._shadows.forget()
        self._notice.tell("")

    def _link_ended(self, error: ClientError) -> None:
        self._forget()
        self._ended = error
        self._bar.set_line("")
        if self._is_left:
            return
        code = error.close_code if isinstance(error, ViewerClosed) else None
        if self._wishes.kiosk:
            self._veil.tell(_title(code), f"{error} It opens again in a moment.", -1)
            QTimer.singleShot(3000, self.again.emit)
            return
        self._veil.tell(
            _title(code), str(error), None, (("Open again", self.again.emit), ("Close", self.close))
        )

    def _ask(self, dialog: tsg.Dialog) -> None:
        if dialog.kind not in list(DialogKind) or dialog.id in self._dialogs:
            return
        number = dialog.id
        made = Asked(self, dialog, lambda yes: self._link.say(tsg.Answer(number, int(yes))))
        self._dialogs[number] = made
        made.show()

    def _close_dialog(self, number: int) -> None:
        if dialog := self._dialogs.pop(number, None):
            dialog.over()
            dialog.deleteLater()

    def _tell_line(self) -> None:
        rate, round_trip = self._rate.add(self._link.received), self._link.round_trip
        if self._ended is None and round_trip is not None:
            self._bar.set_line(f"{1000 * round_trip:.0f} ms · {rate}")

    # ---- full screen

    def toggle_full(self) -> None:
        """Fill the display, or be a window again."""
        if not self._wishes.kiosk:
            self._go_full(not self.isFullScreen())

    def _go_full(self, full: bool) -> None:
        self._bar.set_full(full)
        if full:
            self._window_place = self.geometry()
            self._body.removeWidget(self._bar)
            self._bar.setParent(self.centralWidget())
            self._bar.hide()
            self._screens.fill(self._monitors)
        else:
            self._screens.leave()
            self._body.insertWidget(0, self._bar)
            self.showNormal()
            self.setGeometry(self._window_place)
            self._bar.show()
        self.screen_.setFocus()
        self._grab()

    def _another_screen(self) -> Screen:
        return Screen(self._link.picture, self._link.guard, self._keyboard)

    def _choose_monitors(self, monitors: str) -> None:
        """Fill these monitors in full screen, now and from now on."""
        self._monitors = monitors
        if not self.isFullScreen():
            self._go_full(True)
        else:
            self._screens.fill(monitors)

    def _monitors_changed(self) -> None:
        if self.isFullScreen():
            self._screens.fill(self._monitors)

    def _at_edge(self) -> None:
        if self.isFullScreen() and not self._wishes.kiosk and not self._bar.isVisible():
            width = min(self.width(), 760)
            self._bar.setGeometry((self.width() - width) // 2, 0, width, self._bar.sizeHint().height())
            self._bar.show()
            self._bar.raise_()
            self._bar_rest.start()

    def _hide_bar(self) -> None:
        if self.isFullScreen():
            if self._bar.underMouse() or self._bar.is_open():
                self._bar_rest.start()
            else:
                self._bar.hide()

    def _grab(self) -> None:
        """In full screen every key is the desktop's, those of the window system too."""
        self._hands.grab(self)

    def changeEvent(self, event: QEvent) -> None:
        """Grab the keyboard while this is the active window."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange:
            self._grab()
            if self.isActiveWindow():
                self._clipboard.here()

    # ---- the end

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the veil as large as what it covers, and the strips in the middle of its upper edge."""
        if event.type() == QEvent.Type.Resize and isinstance(event, QResizeEvent):
            if watched is self.screen_:
                self._veil.resize(event.size())
            self._strips.move((self.screen_.width() - self._strips.width()) // 2, STRIP_MARGIN)
        return super().eventFilter(watched, event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Disconnect. In kiosk mode the desktop is all there is: the window stays."""
        if self._wishes.kiosk and event.spontaneous():
            event.ignore()
            return
        if self._files is not None and self._files.working and not agreed(self, *STOP_FILES):
            event.ignore()
            return
        self.hide()
        self.leave()
        event.accept()
        self.over.emit(self._ended)

    def _leave_for_good(self) -> None:
        if self._link.session and agreed(self, *LOG_OFF):
            self._log_off(self._link.session)

    def dismiss(self) -> None:
        """Go without a word: another window takes its place."""
        self.leave()
        self.hide()
        self.deleteLater()

    def leave(self) -> None:
        """Disconnect; the session goes on."""
        self._is_left = True
        self._screens.leave()
        self._figures.stop()
        self._forget()
        if self._files is not None:
            self._files.leave()
        self._link.close()
        self._sound.close()


def _title(code: int | None) -> str:
    match code:
        case CloseCode.SESSION_ENDED:
            return "The session has ended"
        case CloseCode.TAKEN_OVER | CloseCode.IN_USE:
            return "The desktop is open elsewhere"
        case CloseCode.SIGNED_OUT:
            return "You are signed out"
        case CloseCode.SHADOW_OVER:
            return "Looking on has ended"
        case CloseCode.DISCONNECTED:
            return "Disconnected"
        case _:
            return "The desktop cannot be shown"
