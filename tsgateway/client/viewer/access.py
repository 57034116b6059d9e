"""How a viewer gets its tickets: by asking the API, as anybody would."""

from __future__ import annotations

import asyncio
import base64
import binascii
import enum
from collections.abc import Callable
from typing import NamedTuple

from sessions.pixels.geometry import Size
from sessions.wire.tsg import CloseCode
from tsgateway.client.client import Client
from tsgateway.client.errors import (
    ClientError,
    NoRight,
    NotSignedIn,
    NotThere,
    Refused,
    ServerAway,
    WrongCertificate,
)
from tsgateway.client.unset import UNSET

TURN_SECONDS = 2.0
"""Between two questions of who waits in the queue."""


class Look(enum.Enum):
    """How one looks on at somebody else's session."""

    VIEW = "view"
    CONTROL = "control"


class Pass(NamedTuple):
    """What a connection begins with."""

    session: str
    ticket: bytes


class Access:
    """One desktop of one gateway. desktop: its id or title; "" where there is but one.

    look: how one looks on at a session, None for one's own.
    on_turn: is called in the queue, now and then, with how many people come before.

    Raises ClientError where it says so in the API's words; ValueError for a client without an address.
    """

    def __init__(
        self,
        gateway: Client,
        desktop: str,
        on_turn: Callable[[int], object] = lambda before: None,
        look: Look | None = None,
    ) -> None:
        if gateway.address is None:
            raise ValueError("a desktop is shown over TLS: use Client.remote, or signed_in")
        self.address = gateway.address
        self._gateway = gateway.twin()  # one that nobody else asks meanwhile
        self._desktop = desktop
        self._on_turn = on_turn
        self.look = look

    async def first(self, size: Size | None) -> Pass:
        """Start a session or find the one there is; waits in the queue where there is one."""
        desktop = await asyncio.to_thread(self._found)
        turn: str | None = None
        while True:
            connected = await asyncio.to_thread(
                self._gateway.connect_desktop,
                desktop,
                width=size.width if size else UNSET,
                height=size.height if size else UNSET,
                turn=turn or UNSET,
            )
            session, ticket = connected.get("session"), connected.get("ticket")
            if session and ticket:
                return Pass(session, _bytes(ticket))
            waiting = connected.get("waiting")
            turn = waiting["turn"] if waiting else None
            if waiting:
                self._on_turn(waiting["before"])
            await asyncio.sleep(TURN_SECONDS)

    async def again(self, session: str) -> Pass:
        """Return a new ticket for a session; when one looks on at it, its person may be asked again."""
        if self.look is not None:
            seen = await asyncio.to_thread(
                self._gateway.shadow_session, session, control=self.look is Look.CONTROL
            )
            return Pass(seen["session"], _bytes(seen["ticket"]))
        given = await asyncio.to_thread(self._gateway.new_ticket, session)
        return Pass(session, _bytes(given["ticket"]))

    def close(self) -> None:
        """Hang up, also on a question that is not answered yet."""
        self._gateway.abandon()

    def _found(self) -> str:
        desktops = self._gateway.list_desktops()["desktops"]
        if not self._desktop and len(desktops) == 1:
            return desktops[0]["id"]
        for by in ("id", "title"):
            for each in desktops:
                if str(each.get(by, "")).casefold() == self._desktop.casefold():
                    return each["id"]
        there = ", ".join(each["id"] for each in desktops) or "none at all"
        raise NotThere(f"There is no desktop “{self._desktop}” for you. There is: {there}.", status=404)


def close_code(error: ClientError) -> int | None:
    """Return the CloseCode that says the same as a refused ticket; None where trying again may help."""
    if isinstance(error, NotSignedIn):
        return CloseCode.SIGNED_OUT
    if isinstance(error, NoRight | NotThere | Refused):
        return CloseCode.SESSION_ENDED
    return CloseCode.VERSION if isinstance(error, WrongCertificate) else None


def _bytes(ticket: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(ticket + "==")
    except (binascii.Error, ValueError):
        raise ServerAway("What answers there is not a gateway: its ticket is none.") from None
