"""Those who look on at others' sessions: who they are, and what is to be noted of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from tsgateway.hosts.attachment import Attached
from tsgateway.hosts.supervisor import HostSupervisor

log = Logger()

STOPPED = "The session host has stopped."
STATES = ("asked", "began", "refused", "ended")


@dataclasses.dataclass(frozen=True)
class ShadowEvent:
    """Something that has become of somebody's looking on.

    state: one of STATES. who, address: who looks on; session, user, desktop: at whose. control: keyboard and
    pointer as well. asked: whether the person was asked. reason: of a refusal, a sentence.
    invitation: its id, "" for a helper.
    """

    state: str
    who: str
    address: str
    session: str
    user: str
    desktop: str
    control: bool
    asked: bool
    reason: str
    invitation: str = ""


class Shadowings:
    """All who look on now, or want to. told: hears of each change; it never raises."""

    def __init__(self) -> None:
        self.told: list[Callable[[ShadowEvent], None]] = [_log]
        self._there: dict[int, tuple[Attached, dict[str, Any], ShadowEvent | None]] = {}

    def comes(self, viewer: Attached, info: dict[str, Any]) -> None:
        """Somebody wants to look on at the session of this info."""
        self._there[viewer.seat.number] = (viewer, info, None)

    def host_told(self, host: HostSupervisor, params: dict[str, Any]) -> None:
        """Take the link's event `shadow`."""
        number, state = params["viewer"], params["state"]
        viewer, info, _ = self._there.get(number, (None, {}, None))
        if viewer is None or viewer.host is not host or state not in STATES:
            return
        event = _event(viewer, info, params)
        self._there[number] = (viewer, info, event)
        if state in ("refused", "ended"):
            del self._there[number]
        self._tell(event)

    def host_down(self, host: HostSupervisor) -> None:
        """A host's viewers are gone; none of them looks on any more."""
        for number, (viewer, _, event) in list(self._there.items()):
            if viewer.host is host:
                del self._there[number]
                if event is not None:
                    state = "ended" if event.state == "began" else "refused"
                    self._tell(
                        dataclasses.replace(event, state=state, reason="The session host has stopped.")
                    )

    def _tell(self, event: ShadowEvent) -> None:
        for told in self.told:
            told(event)


def _event(viewer: Attached, info: dict[str, Any], params: dict[str, Any]) -> ShadowEvent:
    return ShadowEvent(
        state=params["state"],
        who=viewer.who.user,
        address=viewer.who.address,
        session=viewer.session,
        user=str(info.get("user", "")),
        desktop=str(info.get("desktop", "")),
        control=bool(params["control"]),
        asked=bool(params["asked"]),
        reason=str(params["reason"]),
        invitation="" if viewer.shadow is None else viewer.shadow.invitation,
    )


def _log(event: ShadowEvent) -> None:
    log.info(
        "shadow {state}: {who} from {address} at session {session} of {user} ({way}) {reason}",
        way="keyboard and pointer too" if event.control else "view only",
        **dataclasses.asdict(event),
    )
