"""A viewer's way to its session, as the hosts' side sees it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from typing import Protocol

from sessions.wire.tsg import CloseCode
from tsgateway.hosts.supervisor import HostSupervisor


class Seat(Protocol):
    """A viewer, as the hosts' side sees it; its methods never raise. number: its channel."""

    number: int

    def deliver(self, message: bytes) -> None:
        """Send a message of the session host."""

    def close(self, code: CloseCode, reason: str) -> None:
        """Say goodbye with a sentence for the person."""


@dataclasses.dataclass(frozen=True)
class Who:
    """Who is behind a viewer, and how it came. door: "web" or "tsg"; client: the name of its program."""

    user: str
    address: str
    door: str
    client: str


@dataclasses.dataclass(frozen=True)
class Shadowing:
    """How somebody looks on at another's session.

    way: "view" or "control". by: who it is, for the session's person. consent: whether that person is asked
    although the session's rules do not want it. invitation: the id of the one that lets them,
    "" for a helper.
    """

    way: str
    by: str
    consent: bool
    invitation: str = ""

    def params(self) -> dict[str, object]:
        """Return the fields of the link's `attach`."""
        invited = {"invited": True} if self.invitation else {}
        return {"shadow": self.way, "by": self.by, "consent": self.consent, **invited}


@dataclasses.dataclass(frozen=True)
class Attached:
    """A viewer that is attached to a session.

    shadow: for one who looks on; limits: of the session from now on, allow: what may go between the guest and
    the person's machine (attach of the link); since: Unix time.
    """

    host: HostSupervisor
    session: str
    seat: Seat
    who: Who
    shadow: Shadowing | None = None
    limits: Mapping[str, float] | None = None
    allow: tuple[str, ...] = ()
    since: float = dataclasses.field(default_factory=time.time)

    @property
    def name(self) -> str:
        """What people call it by: its door and its number."""
        return f"{self.who.door}#{self.seat.number}"


@dataclasses.dataclass
class Relayed:
    """Bytes of messages that went through."""

    to_viewers: int = 0
    to_hosts: int = 0


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A viewer's channel on its host's link."""

    host: HostSupervisor
    channel: int
    viewers: dict[int, Attached]
    relayed: Relayed

    def send(self, message: bytes) -> None:
        """Hand over a message of the viewer."""
        self.relayed.to_hosts += len(message)
        self.host.send(self.channel, message)

    def detach(self) -> None:
        """The viewer has left: tell the host, unless it let it go itself."""
        if self.viewers.pop(self.channel, None) is not None:
            self.host.request("detach", {"viewer": self.channel}).addErrback(lambda _: None)


def close_code(number: int) -> CloseCode:
    """Return a close code; SERVER_ERROR for one of a newer host."""
    try:
        return CloseCode(number)
    except ValueError:
        return CloseCode.SERVER_ERROR
