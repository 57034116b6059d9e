"""A seat in a machine that many people share, as a session's guest (kind "qemu-shared", see spec.py).

Its folder holds `seat.json`: which machine, which seat, and the name by which the machine knows the session,
a new one for each time the person signs in. It is written before the person is signed in, and again when that
is done: a session host that finds it in between goes on with it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sessions.clipboard.vnc import VncClipboard
from sessions.displays.base import Display, DisplayError, DisplayEvents
from sessions.displays.rfb import RfbDisplay, open_rfb
from sessions.files import write_whole
from sessions.guests.base import (
    MAX_OUTPUT,
    Finished,
    GuestError,
    GuestInfo,
    House,
    Place,
    Progress,
    Services,
    Site,
)
from sessions.guests.qemu_shared.house import Machines
from sessions.guests.qemu_shared.machine import Machine
from sessions.guests.qemu_shared.spec import Spec
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from sessions.wire import seats
from sessions.wire.rfb import RfbClient
from sessions.wire.rfb.client import RAW

SEAT = "seat.json"
STARTING = "Starting the shared machine"
_MAX_SEAT = 4096


class SharedGuest:
    """One seat (see sessions/guests/base.py)."""

    def __init__(self, spec: Mapping[str, Any], place: Place) -> None:
        self._spec = Spec.read(spec)
        self._place = place
        if not place.user:
            raise GuestError("A shared desktop cannot be made before somebody wants it.")
        self.user = place.user
        self.session = ""
        self.signed_in = False
        self.account = ""
        self._screen = place.screen
        self._machine: Machine | None = None
        self._seat = -1
        self._up = False  # signed in or adopted, and not let go of: only then is `Place.ended` called
        self._failure = ""
        self._display: RfbDisplay | None = None
        self.clipboard = VncClipboard(place.reactor)

    @property
    def _house(self) -> Machines:
        house = self._place.house
        if not isinstance(house, Machines):
            raise GuestError("Shared desktops need a session host.", "no house")
        return house

    @staticmethod
    def open_house(site: Site) -> House:
        """Open what the seats of a session host share: the machines."""
        site.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Machines(site)

    async def start(self, progress: Progress) -> None:
        """Sign the person in, in a machine that runs or one that is started for it. Raises GuestError."""
        self._failure = ""
        self.session, self.signed_in = secrets.token_hex(16), False
        self._machine, self._seat = self._house.take(self._place.desktop, self._spec, self)
        try:
            self._write()
            await self._sign_in(self._machine, progress)
        except BaseException:
            await self.stop()
            raise
        self._up = True
        progress(100, "Your desktop is ready")

    async def _sign_in(self, machine: Machine, progress: Progress) -> None:
        if not machine.up:
            await machine.wait(lambda percent, _: progress((percent or 0) * 8 // 10, STARTING))
        if self._failure:  # the machine has said so while it was taken up
            raise GuestError(self._failure)
        if not self.signed_in:
            progress(85, "Signing you in")
            self.account = await machine.sign_in(self._seat, self, self._screen)
            self.signed_in = True
            self._write()
        if self._failure:
            raise GuestError(self._failure)

    async def adopt(self) -> None:
        """Find the seat again. Raises GuestError."""
        name, seat, self.session, self.signed_in = self._read()
        self._machine = self._house.claim(name, seat, self)
        self._seat = seat
        try:
            await self._sign_in(self._machine, lambda percent, text: None)
        except BaseException:
            self._house.give_back(self._machine, seat, self)
            self._machine = None
            raise
        self._up = True

    def _write(self) -> None:
        if self._machine is None:
            return
        table = {
            "machine": self._machine.folder.name,
            "seat": self._seat,
            "session": self.session,
            "signed_in": self.signed_in,
            "account": self.account,
            "screen": self._screen,
        }
        try:
            write_whole(self._place.folder / SEAT, json.dumps(table).encode())
        except OSError as error:
            raise GuestError("This session's folder cannot be written.", str(error)) from error

    def _read(self) -> tuple[str, int, str, bool]:
        try:
            with (self._place.folder / SEAT).open("rb") as file:
                table = json.loads(file.read(_MAX_SEAT))
            name, seat, session = str(table["machine"]), int(table["seat"]), str(table["session"])
            width, height = table["screen"]
            self._screen = Size(int(width), int(height))
            self.account = seats.account(table)
            return name, seat, session, bool(table["signed_in"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise GuestError("This session's seat cannot be found again.", repr(error)) from error

    async def open_display(self, framebuffer: Framebuffer, events: DisplayEvents) -> Display:
        """Open the seat's screen. Raises GuestError, DisplayError."""
        if self._machine is None:
            raise DisplayError("This desktop does not run.")
        self._close_display()  # a port carries one stream
        connected = await self._machine.stream(self._seat, self)
        client = RfbClient(None, True, RAW)
        self._display = await open_rfb(
            self._place.reactor, connected, client, framebuffer, events, awake=0, clipboard=self.clipboard
        )
        return self._display

    @property
    def share(self) -> None:
        """Machines that many share have no folders for each yet."""

    @property
    def services(self) -> Services | None:
        """What the agent in the machine does for us; nothing that would touch other people."""
        services = None if self._machine is None else self._machine.services
        return None if services is None else _SeatServices(services, self.account)

    @property
    def sound(self) -> None:
        """Nothing: people who share a machine share its sound card, and would hear each other."""

    async def shut_down(self, seconds: float) -> None:
        """End the person's desktop, politely: windows are asked to close. See `Guest.shut_down`."""
        self._up = False
        if self._machine is not None and await self._machine.sign_out(self._seat, self, seconds):
            self._house.give_back(self._machine, self._seat, self)
            self._machine = None

    async def stop(self) -> None:
        """End the person's desktop, with all that runs in it, and free the seat."""
        self._up = False
        self._close_display()
        machine, self._machine = self._machine, None
        if machine is not None:
            if machine.up:
                await machine.sign_out(self._seat, self, 0)
            self._house.give_back(machine, self._seat, self)

    async def detach(self) -> None:
        """Let go of the seat."""
        self._up = False
        self._close_display()

    def _close_display(self) -> None:
        if self._display is not None:
            self._display.close()
            self._display = None

    # ---- what the machine tells (machine.Tenant)

    def ended(self, reason: str) -> None:
        """The seat has ended by itself."""
        self._failure = reason
        machine, seat = self._machine, self._seat
        if self._up and machine is not None:
            self._up = False
            self._machine = None
            self._close_display()
            self._house.give_back(machine, seat, self)
            self._place.ended(reason)

    def hung_up(self) -> None:
        """The stream was cut in the guest, which the socket to QEMU does not tell."""
        if self._display is not None and self._display.is_open:
            self._display.closed(DisplayError("Your desktop's screen was cut off."))


class _SeatServices:
    """The machine's services, without what would end or change other people's desktops."""

    def __init__(self, machine: Services, account: str) -> None:
        self._machine = machine
        self.account = account

    async def info(self) -> GuestInfo:
        return await self._machine.info()

    async def run(
        self, command: Sequence[str], *, input: bytes = b"", seconds: float = 30, limit: int = MAX_OUTPUT
    ) -> Finished:
        return await self._machine.run(command, input=input, seconds=seconds, limit=limit)

    async def set_time(self, unix: float) -> None:
        await self._machine.set_time(unix)

    async def shut_down(self) -> None:
        raise GuestError("Other people use this machine: it cannot be shut down for one of them.")
