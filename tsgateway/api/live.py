"""What helpers do while somebody works: messages, looking on, moving, processes, small pictures, viewers."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator
from twisted.internet.defer import Deferred, DeferredList

from sessions.wire.tsg import MAX_DIALOG
from tsgateway.api.api import on_session
from tsgateway.api.route import Answer, Call, May, Model, Query, Route, SignedIn
from tsgateway.exchange import ApiError, Response
from tsgateway.hosts.attachment import Attached, Shadowing
from tsgateway.hosts.directory import Session
from tsgateway.hosts.link import HostError, HostRefused
from tsgateway.policy import Action, Subject, authorize

if TYPE_CHECKING:
    from tsgateway.api.api import Api

JPEG = "image/jpeg"
MAX_WAIT = 300
"""Seconds that a request may wait for a message to be read."""
MAX_SECONDS = 86_400
MAX_TARGETS = 1000


class Message(Model):
    """A message for the people of a session. seconds: after which it goes away, 0: when it is read.

    wait: until it is known what has become of it, for which seconds are 1 to 300.
    """

    text: str = Field(min_length=1, max_length=MAX_DIALOG)
    title: str = Field("", max_length=200)
    seconds: int = Field(60, ge=0, le=MAX_SECONDS)
    wait: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Message:
        if len(self.text.encode(errors="replace")) > MAX_DIALOG:
            raise ValueError(f"a message has at most {MAX_DIALOG} bytes")
        if self.wait and not 0 < self.seconds <= MAX_WAIT:
            raise ValueError(f"to wait for an answer, say 1 to {MAX_WAIT} seconds")
        return self


class MessageToMany(Message):
    """The same to several sessions: those named, those of a user, or all that one may send messages to."""

    sessions: list[Annotated[str, Field(max_length=64)]] = Field(default_factory=list, max_length=MAX_TARGETS)
    user: str | None = Field(None, max_length=256)
    everybody: bool = False

    @model_validator(mode="after")
    def _means_somebody(self) -> MessageToMany:
        if [bool(self.sessions), self.user is not None, self.everybody].count(True) != 1:
            raise ValueError("name sessions, a user, or everybody: one of the three")
        return self


class Read(Model):
    """What has become of a message.

    answer: ok (it was read), timeout, disconnected (nobody is there who could see it), gone (the session has
    ended), failed (error says why); "" when nobody waited for that.
    """

    session: str
    user: str
    answer: str
    error: str = ""


class ReadByMany(Model):
    """What has become of it in each session."""

    messages: list[Read]


class Look(Model):
    """How to look on. control: with keyboard and pointer; consent: ask, whatever the rules say."""

    control: bool = False
    consent: bool = False


class LookTicket(Model):
    """A ticket to look on with, within 30 seconds; "" for who has not signed in. url: the page for it."""

    ticket: str
    session: str
    user: str
    url: str


class Destination(Model):
    """Whose viewers show the session from now on: one by its number, or all of another session."""

    viewer: int | None = Field(None, ge=1)
    session: str | None = Field(None, max_length=64)

    @model_validator(mode="after")
    def _is_one(self) -> Destination:
        if (self.viewer is None) == (self.session is None):
            raise ValueError("name a viewer or a session: one of the two")
        return self


class Moved(Model):
    """The viewers that were told, by name."""

    viewers: list[str]


class Viewer(Model):
    """A viewer that is attached. name: its door and number; shadow: "", "view" or "control"; invitation: by
    which one, "" for none."""

    number: int
    name: str
    user: str
    address: str
    door: str
    client: str
    since: float
    shadow: str
    invitation: str


class ViewersOf(Model):
    """Who is attached to a session, in the order they came."""

    viewers: list[Viewer]


class RunningProcess(Model):
    """A process in a guest. seconds: it runs for; memory: bytes; parent, seconds: 0 where not known."""

    pid: int
    parent: int
    user: str
    name: str
    seconds: int
    cpu_seconds: int
    memory: int


class ProcessesOf(Model):
    """The processes of a session: of a machine that many share only its person's own."""

    processes: list[RunningProcess]


class ProcessEnded(Model):
    """A process has ended. forced: it did not when it was asked to, and was killed."""

    forced: bool


class Small(Query):
    """How wide a picture may be, pixels."""

    width: int = Field(320, ge=64, le=640)


def shown_name(subject: Subject) -> str:
    """Return a person as others see them: with the first of their roles."""
    roles = sorted({granted.role.value for granted in subject.roles})
    return f"{subject.name} ({roles[0]})" if roles else subject.name


async def _sent(api: Api, call: Call, session: Session, body: Message) -> dict[str, Any]:
    info = session.info
    answer = await api.sessions.messages.send(
        info["session"],
        sender=shown_name(call.subject),
        title=body.title,
        text=body.text,
        seconds=body.seconds,
        wait=body.wait,
    )
    return {"session": info["session"], "user": info["user"], "answer": answer, "error": ""}


async def send_message(api: Api, call: Call) -> Answer:
    """Show the people of a session a message."""
    try:
        return await _sent(api, call, api.session(call), call.body)
    except HostRefused as error:
        raise ApiError(409, "too_many_messages", str(error)) from None


async def send_messages(api: Api, call: Call) -> Answer:
    """Show the people of several sessions a message."""
    await api.sessions.settle()
    body: MessageToMany = call.body
    targets = _targets(api, call, body)
    for session in targets:
        api.noted(call, SEND_MESSAGES, api.owned(session), 200)

    async def one(session: Session) -> dict[str, Any]:
        try:
            return await _sent(api, call, session, body)
        except HostError as error:
            info = session.info
            return {"session": info["session"], "user": info["user"], "answer": "failed", "error": str(error)}

    done = await DeferredList([Deferred.fromCoroutine(one(each)) for each in targets], fireOnOneErrback=True)
    return {"messages": [answer for _, answer in done]}


def _targets(api: Api, call: Call, body: MessageToMany) -> list[Session]:
    """Return the sessions meant. Raises ApiError where one named is not there, or not for who asks."""

    def may(session: Session) -> bool:
        return authorize(call.subject, Action.MESSAGE, api.owned(session))

    if body.sessions:
        found = [api.sessions.named(name) for name in body.sessions]
        missing = [name for name, each in zip(body.sessions, found, strict=True) if not each or not may(each)]
        if missing:
            raise ApiError(404, "no_such_session", f"There is no session {missing[0]} for you.")
        return [each for each in found if each is not None]
    everybody = api.sessions.all() if body.user is None else api.sessions.of_user(body.user)
    targets = [session for session in everybody if may(session)]
    if not targets:
        whose = "runs" if body.user is None else f"of {body.user} runs"
        raise ApiError(404, "no_such_session", f"No session {whose} that you could send a message to.")
    return targets


async def shadow_session(api: Api, call: Call) -> Answer:
    """Look on at a session: its rules decide whether its person is asked first."""
    session, look = api.session(call), call.body
    if look.control and not authorize(call.subject, Action.SHADOW_CONTROL, api.owned(session)):
        raise ApiError(403, "no_right", "You may see this session, but not use it.")
    way, info = "control" if look.control else "view", session.info
    shadow = Shadowing(way, shown_name(call.subject), look.consent)
    return {
        "ticket": api.ticket(call, info["session"], shadow) if call.sign_in else "",
        "session": info["session"],
        "user": info["user"],
        "url": f"/session/{info['session']}?shadow={way}",
    }


async def move_session(api: Api, call: Call) -> Answer:
    """Show a session to viewers that look at another one."""
    session, destination = api.session(call), call.body
    viewers = _moving(api, destination)
    own = [each for each in viewers if each.session != session.info["session"] and each.shadow is None]
    for viewer in own:
        other = api.sessions.get(viewer.session)
        if other is None or not authorize(call.subject, Action.MOVE, api.owned(other)):
            raise _no_viewer(destination)
    if not own:
        raise _no_viewer(destination)
    title = str(session.info.get("title") or session.info["desktop"])
    if refused := [each for each in own if not api.doorkeeper.may_view(each.seat.number, api.owned(session))]:
        text = f"Session {session.info.get('number')} is not one that {refused[0].who.user} may use."
        raise ApiError(409, "not_theirs", text)
    for viewer in own:
        api.doorkeeper.switch(viewer.seat.number, session.info["session"], title)
    return {"viewers": [viewer.name for viewer in own]}


def _moving(api: Api, destination: Destination) -> list[Attached]:
    if destination.viewer is not None:
        found = api.sessions.seats.get(destination.viewer)
        return [] if found is None else [found]
    other = api.sessions.named(destination.session or "")
    return [] if other is None else api.sessions.seats.of(other.info["session"])


def _no_viewer(destination: Destination) -> ApiError:
    if destination.viewer is not None:
        return ApiError(
            404, "no_such_viewer", f"There is no viewer {destination.viewer} that could be moved."
        )
    text = f"Nobody looks at a session {destination.session} who could be moved."
    return ApiError(404, "no_such_viewer", text)


async def list_viewers(api: Api, call: Call) -> Answer:
    """List who is attached to a session."""
    found = api.sessions.seats.of(api.session(call).info["session"])
    return {
        "viewers": [
            {
                "number": each.seat.number,
                "name": each.name,
                "user": each.who.user,
                "address": each.who.address,
                "door": each.who.door,
                "client": each.who.client,
                "since": each.since,
                "shadow": "" if each.shadow is None else each.shadow.way,
                "invitation": "" if each.shadow is None else each.shadow.invitation,
            }
            for each in found
        ]
    }


async def list_processes(api: Api, call: Call) -> Answer:
    """List the processes in a session's guest."""
    return await _of_guest(api, call, "processes")


async def end_process(api: Api, call: Call) -> Answer:
    """End a process in a session's guest: ask it first, then kill it."""
    pid = call.parts["pid"]
    if not (pid.isascii() and pid.isdecimal() and len(pid) <= 10):
        raise ApiError(404, "no_such_process", "A process is named by its number.")
    return await _of_guest(api, call, "kill", pid=int(pid), by=call.subject.name)


async def _of_guest(api: Api, call: Call, method: str, **params: Any) -> Answer:
    try:
        return await api.sessions.ask(api.session(call).info["session"], method, **params)
    except HostRefused as error:
        raise ApiError(409, "guest_refused", str(error)) from None


async def get_thumbnail(api: Api, call: Call) -> Answer:
    """Give a small picture of a session's screen, as it is or was when somebody looked last.

    Whoever has it already (If-None-Match) is told so with status 304.
    """
    made = await api.sessions.ask(api.session(call).info["session"], "thumbnail", width=call.query.width)
    file = base64.b64decode(made["jpeg"])
    if not file:
        raise ApiError(404, "no_picture", "There is no picture of this session yet.")
    tag = f'"{hashlib.sha256(file).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-store", "X-Taken-At": f"{float(made['at']):.3f}"}
    if call.request.headers.get("if-none-match") == tag:
        return Response(304, headers=headers)
    return Response(body=file, headers={**headers, "Content-Type": JPEG})


_ONE = "/api/v1/sessions/{id}"

SEND_MESSAGES = Route(
    "POST", "/api/v1/sessions/message", send_messages, "Send a message to several sessions", SignedIn(),
    MessageToMany, answer=ReadByMany,
)  # fmt: skip

ROUTES = (
    SEND_MESSAGES,
    Route(
        "POST", f"{_ONE}/message", send_message, "Send a message to a session",
        May(Action.MESSAGE, on_session), Message, answer=Read,
    ),
    Route(
        "POST", f"{_ONE}/shadow", shadow_session, "Look on at a session", May(Action.SHADOW, on_session),
        Look, answer=LookTicket,
    ),
    Route(
        "POST", f"{_ONE}/move", move_session, "Show a session to other viewers", May(Action.MOVE, on_session),
        Destination, answer=Moved,
    ),
    Route(
        "GET", f"{_ONE}/viewers", list_viewers, "List who is attached to a session",
        May(Action.LIST, on_session), answer=ViewersOf,
    ),
    Route(
        "GET", f"{_ONE}/processes", list_processes, "List the processes of a session",
        May(Action.INSPECT, on_session), answer=ProcessesOf,
    ),
    Route(
        "DELETE", f"{_ONE}/processes/{{pid}}", end_process, "End a process of a session",
        May(Action.KILL, on_session), answer=ProcessEnded,
    ),
    Route(
        "GET", f"{_ONE}/thumbnail", get_thumbnail, "Get a small picture of a session",
        May(Action.PEEK, on_session), query=Small, stream=JPEG,
    ),
)  # fmt: skip
