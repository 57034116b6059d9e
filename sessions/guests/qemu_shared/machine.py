"""One machine that people share: a QEMU guest, the port by which it is told whom to seat, and who sits where.

Its folder holds `machine.json`, what it was made for, and `guest/`, QEMU's own.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sessions.displays.base import DisplayError
from sessions.displays.sockets import connect_unix
from sessions.files import write_whole
from sessions.guests.base import GuestError, Place, Progress, Services, Site
from sessions.guests.qemu import state
from sessions.guests.qemu.guest import QemuGuest
from sessions.guests.qemu.state import State
from sessions.guests.qemu_shared.control import REPLY_SECONDS, Control
from sessions.guests.qemu_shared.spec import Spec
from sessions.guests.qemu_shared.stream import open_stream
from sessions.guests.qemu_shared.unseen import look_away
from sessions.pixels.geometry import Size
from sessions.wire import seats as answers
from sessions.wire.seats import Ended, HungUp

log = Logger()

CONTROL_PORT = "org.tsgateway.seats"
SEAT_PORT = "org.tsgateway.seat."
SHARED = "tsgateway.shared"
"""The word by which an image's kernel is told that nobody sits at the machine's own screen."""

CONNECT_SECONDS = 5.0
HELLO_SECONDS = 120.0
"""How long the program that seats people may take to answer when the machine is up."""
LOG_ON_SECONDS = 150.0
LOG_OFF_SECONDS = 45.0
"""How long a log-off may take beyond what the person is given."""

DESCRIPTION = "machine.json"
_MAX_DESCRIPTION = 64 * 1024


class Tenant(Protocol):
    """Who has a seat. signed_in: whether the machine has been told so, with success."""

    user: str
    session: str
    signed_in: bool

    def ended(self, reason: str) -> None:
        """The seat is no more, by itself; the reason is a sentence."""

    def hung_up(self) -> None:
        """The stream was cut in the guest."""


class Machine:
    """One machine.

    gone: is called when the machine has ended by itself, with a sentence, after every tenant was told.
    """

    def __init__(
        self, folder: Path, desktop: str, spec: Spec, site: Site, gone: Callable[[Machine, str], None]
    ) -> None:
        self.folder = folder
        self.desktop = desktop
        self.spec = spec
        self.tenants: dict[int, Tenant] = {}
        self.version = ""
        """Of the image it was made from; "" as long as it is not up."""
        self.up = False
        self.closing = False
        """Nobody is seated here any more: it is ending."""
        self._site = site
        self._gone = gone
        self._watchers: list[Progress] = []
        self._waiting: list[Deferred[None]] = []
        self._failure: GuestError | None = None
        self._control: Control | None = None
        place = Place(folder / "guest", site.images, self._lost, site.reactor, site.settings, desktop=desktop)
        seats = [f"{SEAT_PORT}{number}" for number in range(spec.sessions_per_guest)]
        self._guest = QemuGuest(spec.machine, place, [CONTROL_PORT, *seats], SHARED)

    # ---- its life

    def describe(self) -> None:
        """Make the folder, by which a later session host finds the machine. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True)
        (self.folder / "guest").mkdir(mode=0o700)
        table = {"desktop": self.desktop, "spec": self.spec.table()}
        write_whole(self.folder / DESCRIPTION, json.dumps(table).encode())

    @staticmethod
    def described(folder: Path) -> tuple[str, Spec]:
        """Return desktop and spec of a machine's folder. Raises OSError, ValueError, GuestError."""
        with (folder / DESCRIPTION).open("rb") as file:
            table = json.loads(file.read(_MAX_DESCRIPTION))
        if not isinstance(table, dict) or not isinstance(table.get("spec"), dict):
            raise ValueError("not a machine's description")
        return str(table.get("desktop")), Spec.read(table["spec"])

    async def start(self) -> None:
        """Start it; whoever waits (`wait`) is told how it goes. Raises GuestError."""
        try:
            await self._guest.start(self._report)
            await look_away(self._guest)
            await self._meet()
        except (GuestError, DisplayError) as error:
            self._settle(GuestError(str(error), error.detail))
            raise GuestError(str(error), error.detail) from error
        self._settle(None)

    async def adopt(self) -> None:
        """Take up one that an earlier session host has left; people who sit there by mistake are signed out.

        Raises GuestError.
        """
        try:
            await self._guest.adopt()
            sessions = await self._meet()
        except (GuestError, DisplayError) as error:
            self._settle(GuestError(str(error), error.detail))
            raise GuestError(str(error), error.detail) from error
        for number, session in sessions.items():
            tenant = self.tenants.get(number)
            if tenant is None or tenant.session != session:
                log.warn(
                    "seat {seat} of {machine} is nobody's any more", seat=number, machine=self.folder.name
                )
                Deferred.fromCoroutine(self._sign_out(number, session, 0))
        for number, tenant in list(self.tenants.items()):
            if tenant.signed_in and sessions.get(number) != tenant.session:
                self._dismiss(number, tenant, "This desktop has ended while nobody looked after it.")
        self._settle(None)

    async def _meet(self) -> dict[int, str]:
        """Connect to the program that seats people; return who sits where."""
        with state.short_path(self.folder / "guest", f"{CONTROL_PORT}.sock") as path:
            connected = await connect_unix(self._site.reactor, path, CONNECT_SECONDS)
        self.version = State.read(self.folder / "guest").image_version
        self._control = Control(self._site.reactor, connected, self._told, lambda: None)
        try:
            return await self._control.hello(HELLO_SECONDS)
        except GuestError as error:
            message = f"The image “{self.spec.template}” cannot be shared: nothing in it seats people."
            raise GuestError(message, error.detail) from error

    async def shut_down(self, seconds: float) -> None:
        """Ask its operating system to shut down; see `Guest.shut_down`."""
        self.closing = True
        await self._guest.shut_down(seconds)

    async def stop(self) -> None:
        """End it. Never raises."""
        self._let_go()
        await self._guest.stop()

    async def detach(self) -> None:
        """Let go of it without ending it."""
        self._let_go()
        await self._guest.detach()

    def _let_go(self) -> None:
        self.up, self.closing = False, True
        if self._control is not None:
            self._control.close()

    def _lost(self, reason: str) -> None:
        self._let_go()
        for number, tenant in list(self.tenants.items()):
            self._dismiss(number, tenant, reason)
        self._gone(self, reason)

    def _report(self, percent: int | None, text: str) -> None:
        for watcher in list(self._watchers):
            watcher(percent, text)

    def _settle(self, failure: GuestError | None) -> None:
        """Tell those who wait that it is up, or why it is not."""
        self.up, self._failure = failure is None and not self.closing, failure
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if failure is None:
                each.callback(None)
            else:
                each.errback(failure)

    async def wait(self, progress: Progress) -> None:
        """Return when it is up. Raises GuestError."""
        if self._failure is not None:
            raise self._failure
        if self.up:
            return
        done: Deferred[None] = Deferred(lambda _: self._waiting.remove(done))
        self._waiting.append(done)
        self._watchers.append(progress)
        try:
            await done
        finally:
            self._watchers.remove(progress)

    # ---- its seats

    def free_seat(self, user: str) -> int | None:
        """Return a seat for this person, who can have one only; None where there is none."""
        if self.closing or any(tenant.user == user for tenant in self.tenants.values()):
            return None
        numbers = range(self.spec.sessions_per_guest)
        return next((number for number in numbers if number not in self.tenants), None)

    @property
    def free(self) -> int:
        """How many seats nobody has."""
        return 0 if self.closing else self.spec.sessions_per_guest - len(self.tenants)

    @property
    def services(self) -> Services | None:
        """What the agent in the machine can do."""
        return self._guest.services

    async def sign_in(self, seat: int, tenant: Tenant, screen: Size) -> str:
        """Give a person a desktop on a seat; return the account that they have there. Raises GuestError."""
        fields = {
            "seat": seat,
            "session": tenant.session,
            "user": tenant.user,
            "width": screen.width,
            "height": screen.height,
        }
        return answers.account(await self._ask("log-on", fields, LOG_ON_SECONDS))

    async def sign_out(self, seat: int, tenant: Tenant, seconds: float) -> bool:
        """End a person's desktop, politely at first where it has some seconds; tell whether it has ended.

        Never raises.
        """
        return await self._sign_out(seat, tenant.session, seconds)

    async def _sign_out(self, seat: int, session: str, seconds: float) -> bool:
        try:
            fields = {"seat": seat, "session": session, "seconds": seconds}
            await self._ask("log-off", fields, seconds + LOG_OFF_SECONDS)
        except GuestError as error:
            log.debug("seat {seat}: {error} ({detail})", seat=seat, error=str(error), detail=error.detail)
            return False
        return True

    async def stream(self, seat: int, tenant: Tenant) -> socket.socket:
        """Return the beginning of a new RFB stream from a seat. Raises GuestError, DisplayError."""

        def begin(nonce: str) -> Deferred[object]:
            fields = {"seat": seat, "session": tenant.session, "nonce": nonce}
            return Deferred.fromCoroutine(self._ask("connect", fields, REPLY_SECONDS))

        return await open_stream(self._site.reactor, self.folder / "guest", f"{SEAT_PORT}{seat}", begin)

    async def _ask(self, do: str, fields: dict[str, object], seconds: float) -> object:
        if self._control is None:
            raise GuestError("The shared machine is gone.", f"{do}: it is not up")
        return await self._control.ask(do, fields, seconds)

    def _told(self, event: Ended | HungUp) -> None:
        tenant = self.tenants.get(event.seat)
        if tenant is None or tenant.session != event.session:
            return
        if isinstance(event, HungUp):
            tenant.hung_up()
        else:
            self._dismiss(event.seat, tenant, "You have logged off.")

    def _dismiss(self, seat: int, tenant: Tenant, reason: str) -> None:
        if self.tenants.get(seat) is tenant:
            tenant.ended(reason)
