"""From an address to a desktop: trust, sign-in, choice, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from sessions.wire.tsg import CloseCode
from thinclient import kept
from thinclient.browser import BrowserSignIn, Cancelled, open_browser
from thinclient.certificate import Shown, shown_by
from thinclient.connection import Connection, WrongFile, parsed_size
from thinclient.listing import Other, others
from thinclient.window import home as pages
from thinclient.window.errands import Errands
from thinclient.window.link import Link
from thinclient.window.looking import Looking
from thinclient.window.session import SessionWindow, Wishes
from thinclient.window.trust import ChangedDialog, TrustDialog
from tsgateway.client import Client, ClientError, NotSignedIn, ViewerClosed, WrongCertificate
from tsgateway.client.address import Address
from tsgateway.client.operations import NextStep, Outcome, Published, Way, Ways
from tsgateway.client.viewer import Look

_NO_TOKEN = "The token is not good, or is good no more."
MAX_WAYS = 4
"""Providers that have a button; the browser has all."""
KIOSK_PAUSE = 5000
"""Milliseconds until a kiosk tries again what has not worked."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a person would be asked for, from files or the environment; "" for what they are asked."""

    password: str = ""
    token: str = ""


def _as_asked(code: str) -> dict[str, str]:
    """Return what somebody typed as a code of an app, or as one of the recovery codes."""
    digits = code.replace(" ", "")
    return {"code": digits} if digits.isdecimal() and len(digits) <= 8 else {"recovery": code}


class Flow(QObject):
    """What happens from the start to the end of the program. over: it ends, with this error or None."""

    over = Signal(object)

    def __init__(self, connection: Connection, secrets: Secrets, looking: Looking | None = None) -> None:
        super().__init__()
        self._looking = looking
        self._given = connection
        self._connection = connection
        self._secrets = secrets
        self._errands = Errands()
        self._home = pages.Home(connection.kiosk)
        self._home.closed.connect(self._home_closed)
        self._gateway: Client | None = None
        self._ways: list[Way] = []
        self._browser: BrowserSignIn | None = None
        self._session: SessionWindow | None = None
        self._full = connection.full_screen or bool(connection.monitors)

    def start(self) -> None:
        """Go where the connection says, or ask."""
        if self._connection.address:
            self._reach()
        else:
            self._ask_where()

    # ---- where to

    def _ask_where(self, problem: str = "") -> None:
        self._drop()
        pages.show_start(self._home, kept.saved(), problem, self._go, self._remove)

    def _go(self, connection: Connection) -> None:
        self._connection = connection
        self._full = connection.full_screen or bool(connection.monitors)
        self._reach()

    def _remove(self, name: str) -> None:
        kept.remove(name)
        self._ask_where()

    # ---- whom to trust

    def _reach(self) -> None:
        """Find out whether the gateway is there and can be trusted."""
        try:
            address = Address.parse(self._connection.address)
            pin = self._connection.fingerprint or kept.Pins.usual().of(address.host, address.port)
            gateway = Client.remote(
                self._connection.address,
                self._secrets.token,
                authority=self._connection.ca_file or None,
                fingerprint=pin,
            )
        except (ValueError, WrongFile) as error:
            self._ask_where(f"{error}.".replace("..", "."))
            return
        except OSError as error:
            self._ask_where(f"{self._connection.ca_file} cannot be read: {error.strerror}.")
            return
        self._gateway = gateway
        self._wait(f"Connecting to {address.host} …")
        self._errands.run(gateway.ways_to_sign_in, self._reached, lambda error: self._away(error, pin))

    def _reached(self, ways: Ways) -> None:
        self._ways = ways["providers"][:MAX_WAYS]
        self._sign_in()

    def _away(self, error: ClientError, pin: str) -> None:
        if not isinstance(error, WrongCertificate) or self._connection.kiosk:
            self._failed("There is no connection", error, self._reach)
            return
        reason = error.reason
        address = Address.parse(self._connection.address)
        self._errands.run(
            lambda: shown_by(address.host, address.port),
            lambda shown: (
                self._changed(shown, pin) if reason == "changed" else self._ask_trust(shown, reason)
            ),
            lambda error: self._failed("There is no connection", error, self._reach),
        )

    def _ask_trust(self, shown: Shown, reason: str) -> None:
        address = Address.parse(self._connection.address)
        if not TrustDialog(self._home, address.host, shown, reason).exec():
            self._ask_where("The gateway was not trusted; nothing was sent there.")
            return
        try:
            kept.Pins.usual().trust(address.host, address.port, shown.fingerprint)
        except (OSError, WrongFile) as error:
            self._ask_where(f"The certificate cannot be kept: {error}")
            return
        self._reach()

    def _changed(self, shown: Shown, pin: str) -> None:
        ChangedDialog(self._home, self._connection.address, pin.replace(":", "").lower(), shown).exec()
        self._ask_where(
            "The gateway shows another certificate than the one that was trusted; nothing was sent."
        )

    # ---- as whom

    def _sign_in(self) -> None:
        """Sign in as the command line says, or ask."""
        if self._secrets.token:
            self._errands.run(
                self._at().who_am_i,
                lambda me: self._choose() if me["user"] else self._refused(NotSignedIn(_NO_TOKEN)),
                self._refused,
            )
        elif self._connection.name and self._secrets.password:
            self._check(self._connection.name, self._secrets.password)
        elif self._connection.browser:
            self._by_browser()
        else:
            self._ask_who()

    def _ask_who(self, problem: str = "") -> None:
        back = None if self._given.kiosk else self._ask_where
        pages.show_sign_in(self._home, self._connection, problem, self._check, back, ways=self._other_ways())

    def _other_ways(self) -> list[tuple[str, Callable[[], object]]]:
        """Return what the system's browser can do; a kiosk has none."""
        if self._given.kiosk:
            return []
        ways = [
            (f"Sign in with {each['title'][:60]}", partial(self._by_browser, each["id"]))
            for each in self._ways
        ]
        return [*ways, ("Sign in with the browser", self._by_browser)]

    def _by_browser(self, by: str = "") -> None:
        try:
            way = BrowserSignIn(self._at(), by)
        except OSError as error:
            self._ask_who(f"No browser could come back to this program: {error.strerror}.")
            return
        self._browser = way
        open_browser(way.url)
        pages.show_browser(self._home, way.url, way.cancel)
        self._errands.run(way.wait, self._came_back, self._came_back)

    def _came_back(self, told: Outcome | ClientError) -> None:
        self._hang_up()
        if isinstance(told, ClientError):
            self._ask_who("" if isinstance(told, Cancelled) else str(told))
        else:
            if user := told["user"]:
                self._connection = replace(self._connection, name=user["name"])
            self._outcome(told)

    def _hang_up(self) -> None:
        """Wait for the browser no more."""
        if self._browser is not None:
            self._browser.cancel()
            self._browser.close()
            self._browser = None

    def _check(self, name: str, password: str) -> None:
        gateway = self._at()
        self._connection = replace(self._connection, name=name)
        self._wait("Signing in …")
        self._errands.run(lambda: gateway.sign_in(name=name, password=password), self._outcome, self._refused)

    def _refused(self, error: ClientError) -> None:
        if self._connection.kiosk:
            self._failed("Nobody can sign in", error, self._sign_in)
        elif self._secrets.token:
            self._secrets = Secrets()
            self._reach()
        else:
            self._secrets = Secrets()
            self._ask_who(str(error))

    def _outcome(self, outcome: Outcome) -> None:
        step = outcome["next"]
        if step is None:
            self._choose()
        elif step["step"] == "code":
            self._ask_code(step)
        else:
            what = "a second factor" if step["step"] == "enrol" else "a new password"
            where = self._connection.address
            self._ask_who(f"This account needs {what} first. Sign in with a browser once: {where}")

    def _ask_code(self, step: NextStep, problem: str = "") -> None:
        def answer(code: str) -> None:
            self._wait("Signing in …")
            self._errands.run(
                lambda: self._at().answer_step(challenge=step["challenge"], **_as_asked(code)),
                self._outcome,
                lambda error: (
                    self._ask_code(step, str(error))
                    if error.code == "wrong_code"
                    else self._ask_who(str(error))
                ),
            )

        pages.show_code(self._home, problem, answer, self._ask_who)

    # ---- which desktop

    def _choose(self, problem: str = "") -> None:
        """Open the desktop that was named, or ask which."""
        gateway = self._at()
        if self._looking is not None:
            self._look_on(self._looking)
            return
        if self._connection.desktop or self._connection.kiosk:
            self._open(self._connection.desktop, "", self._full)
            return
        self._errands.run(
            lambda: (gateway.list_desktops()["desktops"], others(gateway)),
            lambda found: self._show_desktops(*found, problem),
            self._lost,
        )

    def _show_desktops(
        self, desktops: list[Published], foreign: list[Other], problem: str = "", told: str = ""
    ) -> None:
        page = pages.DesktopsPage(self._connection.name, desktops, problem, told, self._full, others=foreign)
        page.looks.connect(
            lambda session, controls: self._look_on(Looking(session, Look.CONTROL if controls else Look.VIEW))
        )
        page.opens.connect(self._open)
        page.logs_off.connect(self._log_off)
        page.saves.connect(lambda desktop: self._save(desktop, desktops, foreign))
        page.refreshes.connect(self._choose)
        page.signs_out.connect(self._sign_out)
        self._home.show_page("Your desktops", page, page.first)

    def _log_off(self, session: str) -> None:
        gateway = self._at()
        self._errands.run(
            lambda: gateway.log_off_session(session),
            lambda _: QTimer.singleShot(500, self._choose) if self._session is None else None,
            lambda error: self._choose(str(error)) if self._session is None else None,
        )

    def _save(self, desktop: str, desktops: list[Published], foreign: list[Other]) -> None:
        title = next(each["title"] for each in desktops if each["id"] == desktop)
        try:
            path = kept.save(title, replace(self._connection, desktop=desktop, full_screen=self._full))
        except OSError as error:
            self._show_desktops(desktops, foreign, f"It cannot be saved: {error.strerror}.")
        else:
            self._show_desktops(desktops, foreign, told=f"Saved as {path}")

    def _sign_out(self) -> None:
        gateway = self._at()
        self._secrets = Secrets()
        self._errands.run(gateway.sign_out, lambda _: self._reach(), lambda _: self._reach())

    # ---- the desktop

    def _look_on(self, looking: Looking) -> None:
        """Show somebody else's session, when its person has agreed."""
        self._dismiss()
        self._show("", looking.session, looking.look, lambda: self._look_on(looking))

    def _open(self, desktop: str, session: str, full_screen: bool) -> None:
        self._full = full_screen
        self._show(desktop, session, None, lambda: self._again(desktop, session))

    def _show(self, desktop: str, session: str, look: Look | None, again: Callable[[], object]) -> None:
        size = parsed_size(self._connection.size)
        wishes = Wishes(
            self._full, self._connection.kiosk and look is None, self._connection.scale == "fit",
            self._connection.keyboard == "text", size, self._connection.monitors, look,
        )  # fmt: skip
        link = Link(
            self._at(), desktop, session, None if look else size,
            look=look, carrier=self._connection.carrier,
        )  # fmt: skip
        window = SessionWindow(link, desktop or "Desktop", wishes, self._log_off)
        window.over.connect(self._session_over)
        window.again.connect(again)
        self._session = window
        self._home.hide()
        window.open()

    def _dismiss(self) -> None:
        """Have another window take the place of the one that is there."""
        if window := self._session:
            self._session = None
            window.over.disconnect(self._session_over)
            self._full = window.isFullScreen()
            window.dismiss()

    def _again(self, desktop: str, session: str) -> None:
        """Open a desktop anew; whoever is signed out signs in first."""
        self._dismiss()
        gateway = self._at()
        self._errands.run(
            gateway.who_am_i,
            lambda me: self._open(desktop, "", self._full) if me["user"] else self._sign_in(),
            lambda error: self._failed(
                "There is no connection", error, lambda: self._again(desktop, session)
            ),
        )

    def _session_over(self, error: ClientError | None) -> None:
        self._session = None
        if isinstance(error, ViewerClosed) and error.close_code == CloseCode.SESSION_ENDED:
            error = None  # which is how work ends
        if self._given.desktop or self._looking is not None:
            self._end(error)
        else:
            self._connection = replace(self._connection, desktop="")
            self._choose()

    # ---- what goes wrong, and the end

    def _wait(self, text: str) -> None:
        pages.show_wait(self._home, text)

    def _lost(self, error: ClientError) -> None:
        if isinstance(error, NotSignedIn):
            self._ask_who(str(error))
        else:
            self._failed("There is no connection", error, self._choose)

    def _failed(self, title: str, error: ClientError, again: Callable[[], object]) -> None:
        if not self._connection.kiosk:
            actions = ("Try again", again), ("Other gateway", self._ask_where)
            pages.show_problem(self._home, title, str(error), *actions)
            return
        pages.show_problem(self._home, title, f"{error} It is tried again in a moment.")
        QTimer.singleShot(KIOSK_PAUSE, again)

    def _at(self) -> Client:
        if self._gateway is None:
            raise RuntimeError("no gateway has been reached")
        return self._gateway

    def _drop(self) -> None:
        if self._gateway is not None:
            self._gateway.abandon()
            self._gateway = None

    def _home_closed(self) -> None:
        if self._session is None:
            self._end(None)

    def leave(self) -> None:
        """The program ends, however that came."""
        if self._session is not None:
            self._session.leave()
        self._hang_up()
        self._errands.end()
        self._drop()

    def _end(self, error: ClientError | None) -> None:
        self._home.hide()
        self.over.emit(error)
