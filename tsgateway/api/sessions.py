"""Sessions: those that run, what can be done to them, and those that have been."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from sessions.wire.tsg import SessionState
from tsgateway.api.admission import admit
from tsgateway.api.api import on_session
from tsgateway.api.route import Answer, Call, May, Model, Query, Route, SignedIn
from tsgateway.exchange import ApiError
from tsgateway.hosts.attachment import Attached
from tsgateway.hosts.directory import Session
from tsgateway.hosts.link import HostRefused
from tsgateway.policy import Action, Owned, authorize
from tsgateway.store import Cursor, Ran
from tsgateway.store.history import MAX_PAGE

if TYPE_CHECKING:
    from tsgateway.api.api import Api

MAX_INPUT = 45 * 1024
"""Bytes a command may be given as its input: a request's body is at most 64 KiB, as base64."""
MAX_RUN_SECONDS = 3600
EVERYBODY = ""
"""As whose sessions are asked for: nobody has this name."""


class RunningSession(Model):
    """A session that runs. number: a short one for people; host: the session host's number.

    name, address: of the viewer of its person that came last, `web#3`; "" while nobody is connected.
    state: starting, active, connected, idle or disconnected; started, since (of that state), idle_since:
    Unix times, idle_since 0 where that does not apply; progress: percent of a start; text: of a start, or
    what is wrong.
    """

    id: str
    number: int
    name: str
    address: str
    user: str
    desktop: str
    title: str
    kind: str
    host: int
    state: str
    viewers: int
    started: float
    since: float
    idle_since: float
    progress: int | None
    text: str


class RunningSessions(Model):
    """Sessions that run, by number."""

    sessions: list[RunningSession]


class PastSession(Model):
    """A session that has been, or runs. ended: null while it runs; reason: why it ended."""

    id: str
    user: str
    desktop: str
    host: str
    address: str
    state: str
    began: float
    since: float
    ended: float | None
    reason: str


class History(Model):
    """A page of them, the newest first. after: what the next page is asked for with; null at the end."""

    sessions: list[PastSession]
    after: str | None


class Wanted(Query):
    """Which of the sessions that run. idle: whether hosts are asked for idle_since as it is now."""

    user: str | None = Field(None, max_length=256)
    desktop: str | None = Field(None, max_length=64)
    idle: bool = False


class Page(Query):
    """Which of the sessions that have been. since: a Unix time; after: what an earlier page ended with."""

    after: str | None = Field(None, max_length=256)
    limit: int = Field(100, ge=1, le=MAX_PAGE)
    user: str | None = Field(None, max_length=256)
    desktop: str | None = Field(None, max_length=64)
    since: Annotated[float | None, Field(allow_inf_nan=False)] = None


class Ticket(Model):
    """A ticket: attaches one viewer, once, within 30 seconds."""

    ticket: str


class Statistics(Model):
    """Where a session's time goes; docs/latency.md tells what the figures mean."""

    session: str
    user: str
    desktop: str
    title: str
    state: int
    stages: dict[str, Any]
    frames: int
    refinements: int
    encodings: dict[str, Any]
    viewers: list[dict[str, Any]]


class GuestInfo(Model):
    """What a guest says of itself. time: its clock, Unix time."""

    os: str
    version: str
    host_name: str
    addresses: list[str]
    agent: str
    time: float


class Command(Model):
    """A command for a guest. input: for its standard input, base64; seconds: how long it is waited for."""

    command: list[Annotated[str, Field(max_length=8192)]] = Field(min_length=1, max_length=256)
    input: str = Field("", max_length=4 * MAX_INPUT // 3 + 4)
    seconds: float = Field(30, ge=0, le=MAX_RUN_SECONDS)


class Done(Model):
    """What a command did. code: its exit code, negative for a signal; out, err: what it wrote, base64."""

    code: int
    out: str
    err: str


def state_of(info: Mapping[str, Any]) -> str:
    """Return the name of a session's state."""
    return SessionState(info["state"]).name.lower()


def progress_of(info: Mapping[str, Any]) -> int | None:
    """Return how far the start of a session is, percent; None where that is not known, or it has started."""
    progress = info.get("progress")
    return (
        progress if state_of(info) == "starting" and isinstance(progress, int) and progress <= 100 else None
    )


def running(session: Session, latest: Mapping[str, Attached]) -> dict[str, Any]:
    """Return a session that runs as the API tells it. latest: viewers, by session."""
    info = session.info
    viewer = latest.get(info["session"])
    return {
        "id": info["session"],
        "number": info.get("number", 0),
        "name": "" if viewer is None else viewer.name,
        "address": "" if viewer is None else viewer.who.address,
        "user": info["user"],
        "desktop": info["desktop"],
        "title": info.get("title") or info["desktop"],
        "kind": info.get("kind", ""),
        "host": session.host.number,
        "state": state_of(info),
        "viewers": info.get("viewers", 0),
        "started": float(info.get("started") or 0),
        "since": float(info.get("since") or 0),
        "idle_since": float(info.get("idle_since") or 0),
        "progress": progress_of(info),
        "text": info.get("text") or "",
    }


async def list_sessions(api: Api, call: Call) -> Answer:
    """List the sessions that run: one's own, and those one's roles let one see."""
    wanted: Wanted = call.query
    latest = api.sessions.seats.latest()
    found = [
        running(session, latest)
        for session in api.sessions.all()
        if wanted.user in (None, session.info["user"])
        and wanted.desktop in (None, session.info["desktop"])
        and authorize(call.subject, Action.LIST, api.owned(session))
    ]
    if wanted.idle:
        activity = await api.sessions.activity()
        for each in found:
            each["idle_since"] = float(activity.get(each["id"], each["idle_since"]))
    return {"sessions": sorted(found, key=lambda each: (each["number"], each["started"]))}


async def get_session(api: Api, call: Call) -> Answer:
    """Tell of one session that runs."""
    return running(api.session(call), api.sessions.seats.latest())


async def list_history(api: Api, call: Call) -> Answer:
    """List the sessions that have been, in pages: one's own, and with the right role everybody's."""
    page: Page = call.query
    user = page.user
    if not authorize(call.subject, Action.REVIEW, Owned(user or EVERYBODY, None, page.desktop or "")):
        if user is not None:
            raise ApiError(403, "not_yours", "Only administrators see the sessions of others.")
        user = call.subject.name
    try:
        after = None if page.after is None else Cursor.read(page.after)
    except (ValueError, OverflowError):
        raise ApiError(400, "bad_request", "after is what an earlier page ended with.") from None

    def read() -> tuple[list[Ran], Cursor | None]:
        return api.store.history.page(
            after=after, limit=page.limit, user=user, desktop=page.desktop, since=page.since
        )

    found, end = await api.access(read)
    return {
        "sessions": [row._asdict() for row in found],
        "after": None if end is None else str(end),
    }


async def new_ticket(api: Api, call: Call) -> Answer:
    """Give a ticket for another viewer of one's session."""
    session = api.session(call)
    await admit(api, call, session.info["desktop"])
    await api.opening.refresh()
    api.opening.come_back(session, call.request.address)
    return Ticket(ticket=api.ticket(call, session.info["session"]))


async def session_statistics(api: Api, call: Call) -> Answer:
    """Tell where a session's time goes."""
    session = api.session(call)
    who = {key: session.info.get(key) for key in ("user", "desktop", "title")}
    return {**who, **await api.sessions.statistics(session.info["session"])}


async def session_guest(api: Api, call: Call) -> Answer:
    """Tell what a session's guest is."""
    try:
        return await api.sessions.guest(api.session(call).info["session"])
    except HostRefused as error:
        raise ApiError(409, "guest_silent", str(error)) from None


async def run_in_guest(api: Api, call: Call) -> Answer:
    """Run a command in a session's guest, as its administrator."""
    body: Command = call.body
    api.log.info(
        "{who} runs {command} in the guest of session {id}",
        who=call.subject.name, command=body.command[0], id=call.id,
    )  # fmt: skip
    try:
        return await api.sessions.run(api.session(call).info["session"], body.model_dump())
    except HostRefused as error:
        raise ApiError(409, "guest_silent", str(error)) from None


def _steering(action: Action, method: str) -> Callable[[Api, Call], Awaitable[Answer]]:
    """Make the function of a route that asks something of a session's host."""

    async def steer(api: Api, call: Call) -> Answer:
        info = api.session(call).info
        api.log.info(
            "{who} asks for the {action} of session {id} of {user}",
            who=call.subject.name, action=action.value, id=info["session"], user=info["user"],
        )  # fmt: skip
        others = info["user"] != call.subject.name
        await api.sessions.steer(info["session"], method, administrator=others)
        return None

    steer.__name__ = f"{method}_session"
    return steer


_ONE = "/api/v1/sessions/{id}"

ROUTES = (
    Route(
        "GET", "/api/v1/sessions", list_sessions, "List sessions that run", SignedIn(), query=Wanted,
        answer=RunningSessions,
    ),
    Route(
        "GET", "/api/v1/history", list_history, "List sessions that have been", SignedIn(), query=Page,
        answer=History,
    ),
    Route("GET", _ONE, get_session, "Tell of a session", May(Action.LIST, on_session), answer=RunningSession),
    Route(
        "POST", f"{_ONE}/ticket", new_ticket, "Get a ticket for a viewer", May(Action.VIEW, on_session),
        answer=Ticket,
    ),
    Route(
        "POST", f"{_ONE}/disconnect", _steering(Action.DISCONNECT, "disconnect"), "Disconnect a session",
        May(Action.DISCONNECT, on_session),
    ),
    Route(
        "POST", f"{_ONE}/log-off", _steering(Action.LOG_OFF, "log_off"), "Log a session off",
        May(Action.LOG_OFF, on_session),
    ),
    Route(
        "POST", f"{_ONE}/reset", _steering(Action.RESET, "reset"), "End a session and its guest at once",
        May(Action.RESET, on_session),
    ),
    Route(
        "GET", f"{_ONE}/stats", session_statistics, "Tell where a session's time goes",
        May(Action.MEASURE, on_session), answer=Statistics,
    ),
    Route(
        "GET", f"{_ONE}/guest", session_guest, "Tell what a session's guest is",
        May(Action.INSPECT, on_session), answer=GuestInfo,
    ),
    Route(
        "POST", f"{_ONE}/run", run_in_guest, "Run a command in a session's guest",
        May(Action.RUN, on_session), Command, answer=Done,
    ),
)  # fmt: skip
