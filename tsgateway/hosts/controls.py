"""Who has keyboard and pointer of sessions that others look on at, from when to when: for the audit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from tsgateway.hosts.attachment import Attached
from tsgateway.hosts.seats import Seats
from tsgateway.hosts.supervisor import HostSupervisor


@dataclasses.dataclass(frozen=True)
class Turn:
    """Somebody begins to control, or has controlled.

    state: "began" or "ended"; who, address: who it is; session: whose keyboard and pointer; seconds, inputs:
    how long, and how much they did; -1 where the host has stopped and cannot tell.
    """

    state: str
    who: str
    address: str
    session: str
    viewer: int
    seconds: float
    inputs: int


class Controls:
    """All who control now while others look on. told: hears of each change; it never raises."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._now: dict[int, Attached] = {}
        self.told: list[Callable[[Turn], None]] = []

    def host_told(self, host: HostSupervisor, params: dict[str, Any]) -> None:
        """Take the link's event `control`."""
        number = params["viewer"]
        if params["state"] == "began":
            viewer = self._seats.get(number)
            if viewer is not None and viewer.host is host:
                self._now[number] = viewer
                self._tell("began", viewer)
        elif (viewer := self._now.get(number)) is not None and viewer.host is host:
            del self._now[number]
            self._tell("ended", viewer, float(params["seconds"]), int(params["inputs"]))

    def host_down(self, host: HostSupervisor) -> None:
        """A host's viewers are gone; none of them controls any more."""
        for number, viewer in list(self._now.items()):
            if viewer.host is host:
                del self._now[number]
                self._tell("ended", viewer, -1, -1)

    def _tell(self, state: str, viewer: Attached, seconds: float = 0, inputs: int = 0) -> None:
        who = viewer.who
        turn = Turn(state, who.user, who.address, viewer.session, viewer.seat.number, seconds, inputs)
        for told in self.told:
            told(turn)
