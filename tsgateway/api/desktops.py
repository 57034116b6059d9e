"""Desktops as their people see them: the list, and the way to a session."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field

from sessions.wire.tsg import MAX_SCREEN
from tsgateway.api.admission import admit
from tsgateway.api.origin import origin
from tsgateway.api.route import Answer, Call, Model, Route, SignedIn
from tsgateway.api.sessions import progress_of, state_of
from tsgateway.api.users import asked_store
from tsgateway.exchange import ApiError, Response, json_response
from tsgateway.hosts.directory import Session
from tsgateway.hosts.opening import Waits, Wanted
from tsgateway.policy import Action, authorize
from tsgateway.store import StoreUnavailable
from tsgateway.store.portal import OfDesktop

if TYPE_CHECKING:
    from tsgateway.api.api import Api

CONNECTION_FILE = "application/x-tsclient"
"""The type of the native client's connection files (docs/client.md)."""


class Screen(Model):
    """The viewer's screen, pixels."""

    width: int = Field(1280, ge=1, le=MAX_SCREEN)
    height: int = Field(800, ge=1, le=MAX_SCREEN)
    turn: str = Field("", max_length=64)
    """What an earlier answer said to wait with; not the screen's, but the request's only other word."""


class OwnSession(Model):
    """A session of one's own. started, since (of its state): Unix times; progress: percent of a start."""

    id: str
    number: int
    state: str
    viewers: int
    started: float | None
    since: float | None
    progress: int | None
    text: str | None


class Published(Model):
    """A desktop one may open. session: one's newest of it; single: whether one has only one.

    used: when a session of one's own was last seen running, a Unix time; null when none is remembered.
    """

    id: str
    title: str
    description: str
    kind: str
    session: OwnSession | None
    sessions: list[OwnSession]
    single: bool
    favourite: bool
    used: float | None


class Desktops(Model):
    """The desktops one may open."""

    desktops: list[Published]


class Turn(Model):
    """It is not yet one's turn. turn: what to ask again with; before: how many people come first."""

    turn: str
    before: int


class Connected(Model):
    """The way in: a ticket for one viewer, once, within 30 seconds; with status 202 a turn to wait with."""

    session: str | None = None
    ticket: str | None = None
    waiting: Turn | None = None


async def list_desktops(api: Api, call: Call) -> Answer:
    """List the desktops one may open, and one's sessions of them."""
    shown = []
    known = await _of_desktops(api, call)
    for name, desktop in api.desktops.items():
        right = api.right(name)
        if right is not None and authorize(call.subject, Action.SEE, right):
            running = [_session(session) for session in api.sessions.all_of(call.subject.name, name)]
            mine = known.get(name, OfDesktop())
            shown.append(
                {
                    "id": name,
                    "title": desktop.title,
                    "description": desktop.description,
                    "kind": desktop.kind,
                    "session": running[0] if running else None,
                    "sessions": running,
                    "single": desktop.single,
                    "favourite": mine.is_favourite,
                    "used": mine.used,
                }
            )
    return {"desktops": shown}


async def mark_desktop(api: Api, call: Call) -> Answer:
    """Make a desktop one of one's favourites, which the portal shows first."""
    right = api.right(call.id)
    if right is None or not authorize(call.subject, Action.SEE, right):
        raise _no_such_desktop()
    await asked_store(api, lambda: api.store.portal.mark(call.subject.name, call.id))
    return None


async def unmark_desktop(api: Api, call: Call) -> Answer:
    """Take a desktop out of one's favourites."""
    await asked_store(api, lambda: api.store.portal.unmark(call.subject.name, call.id))
    return None


async def connect_desktop(api: Api, call: Call) -> Answer:
    """Start a session, or find the one there is, and give a ticket for it."""
    right = api.right(call.id)
    if right is None or not authorize(call.subject, Action.CONNECT, right):
        raise _no_such_desktop()
    await admit(api, call, call.id)
    screen: Screen = call.body
    wanted = Wanted(
        call.subject.name, call.id, screen.width, screen.height, call.request.address, screen.turn
    )
    session = await api.opening.open(wanted)
    if isinstance(session, Waits):
        # 202: it is on its way; who asks again with the turn hears how it stands.
        return json_response({"waiting": session._asdict()}, 202, {"Retry-After": "1"})
    return {"session": session, "ticket": api.ticket(call, session)}


async def connection_file(api: Api, call: Call) -> Answer:
    """Give a connection file for the native client: where the desktop is, and as whom. It holds no secret."""
    right = api.right(call.id)
    if right is None or not authorize(call.subject, Action.SEE, right):
        raise _no_such_desktop()
    told = {"address": f"{origin(api, call)}/", "desktop": call.id, "name": call.subject.name}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in told.items()]
    name = quote(f"{api.desktops[call.id].title}.tsc", safe="")
    headers = {
        "Content-Type": CONNECTION_FILE,
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Cache-Control": "no-store",
    }
    return Response(body="".join(lines).encode(), headers=headers)


async def _of_desktops(api: Api, call: Call) -> dict[str, OfDesktop]:
    """Return what desktops are to who asks. The list is shown without it, too: sessions go on."""
    try:
        return await api.access(api.store.portal.of_desktops, call.subject.name)
    except StoreUnavailable:
        return {}


def _no_such_desktop() -> ApiError:
    return ApiError(404, "no_such_desktop", "There is no such desktop for you.")


def _session(session: Session) -> dict[str, Any]:
    info = session.info
    shown = {key: info.get(key) for key in ("viewers", "started", "since", "text")}
    return {
        "id": info["session"],
        "number": info.get("number", 0),
        "state": state_of(info),
        "progress": progress_of(info),
        **shown,
    }


ROUTES = (
    Route(
        "GET", "/api/v1/desktops", list_desktops, "List the desktops one may open", SignedIn(),
        answer=Desktops,
    ),
    Route(
        "PUT", "/api/v1/desktops/{id}/favourite", mark_desktop, "Make a desktop a favourite", SignedIn(),
    ),
    Route(
        "DELETE", "/api/v1/desktops/{id}/favourite", unmark_desktop, "Make it none any more", SignedIn(),
    ),
    Route(
        "POST", "/api/v1/desktops/{id}/connect", connect_desktop, "Open a desktop", SignedIn(), Screen,
        answer=Connected,
    ),
    Route(
        "GET", "/api/v1/desktops/{id}/connection-file", connection_file,
        "Give a connection file for the native client", SignedIn(), stream=CONNECTION_FILE,
    ),
)  # fmt: skip
