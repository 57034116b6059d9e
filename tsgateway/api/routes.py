"""Every route of the JSON API: one table, one function each."""

from __future__ import annotations

import base64
import dataclasses
import enum
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from twisted.logger import Logger

from sessions.wire.tsg import MAX_SCREEN
from tsgateway.api.past import Past
from tsgateway.api.refusals import refusal, told
from tsgateway.auth.sign_in import Busy, SignIn, TooManyAttempts, WrongPassword
from tsgateway.auth.tokens import TOKEN_BYTES, hash_token
from tsgateway.config import Desktop
from tsgateway.exchange import COOKIE, ApiError, Request, Response, json_response
from tsgateway.hosts.link import HostError, HostRefused
from tsgateway.hosts.opening import Opening, Waits, Wanted
from tsgateway.hosts.sessions import Session, Sessions
from tsgateway.policy import Action, DesktopRight, Owned, Subject, authorize
from tsgateway.store import StoreUnavailable

NOBODY = Subject("", frozenset())


class Doorkeeper(Protocol):
    """What the API asks of the service beyond sign-in and sessions."""

    def ticket(self, subject: Subject, sign_in: bytes, session: str) -> bytes:
        """Issue a ticket."""

    async def signed_out(self, sign_in: bytes) -> None:
        """A sign-in ended: close its viewers, drop its tickets."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Credentials(_Body):
    """Who wants to sign in."""

    name: str = Field(min_length=1, max_length=256)
    password: str = Field(max_length=1024)


class Screen(_Body):
    """The viewer's screen, pixels."""

    width: int = Field(1280, ge=1, le=MAX_SCREEN)
    height: int = Field(800, ge=1, le=MAX_SCREEN)
    turn: str = Field("", max_length=64)
    """What an earlier answer said to wait with; not the screen's, but the request's only other word."""


class Asks(enum.Enum):
    """Whether a route asks who it is that calls."""

    NOBODY = "who it is does not matter"
    ANYBODY = "strangers are answered, too"
    SIGNED_IN = "one must have signed in"


class Route(NamedTuple):
    """method, path with {id} for one segment, function, its body, and whom it asks for."""

    method: str
    path: str
    function: Callable[[Api, Call], Awaitable[Response]]
    body: type[BaseModel] | None = None
    asks: Asks = Asks.SIGNED_IN


@dataclasses.dataclass(frozen=True)
class Call:
    """One request, checked. subject and sign_in: who asks; id: the {id} of the path."""

    request: Request
    body: Any = None
    id: str = ""
    subject: Subject = NOBODY
    sign_in: bytes = b""


class Api:
    """Answers requests under /api/."""

    log = Logger()

    def __init__(
        self,
        *,
        sign_in: SignIn,
        sessions: Sessions,
        opening: Opening,
        history: Past,
        desktops: Mapping[str, Desktop],
        doorkeeper: Doorkeeper,
        origins: Sequence[str],
    ) -> None:
        self.sign_in = sign_in
        self.sessions = sessions
        self.opening = opening
        self.history = history
        self.desktops = desktops
        self.doorkeeper = doorkeeper
        self._origins = frozenset(origins)

    async def answer(self, request: Request) -> Response:
        """Answer one request; never raises."""
        try:
            return await self._answer(request)
        except ApiError as error:
            return error.response()
        except (HostError, StoreUnavailable) as error:
            return self._cannot(request, error)
        except Exception:
            reference = secrets.token_hex(4)
            self.log.failure("[{reference}] {path} failed", reference=reference, path=request.path)
            message = "Something went wrong here. The administrator finds the reference in the log."
            return ApiError(500, "internal", message).response(reference)

    def _cannot(self, request: Request, error: Exception) -> Response:
        """Tell the person what cannot be done now, and the log where the operator has to hear of it."""
        if not refusal(error).logged:
            return told(error).response()
        reference = secrets.token_hex(4)
        self.log.error("[{reference}] {path}: {error}", reference=reference, path=request.path, error=error)
        return told(error).response(reference)

    async def _answer(self, request: Request) -> Response:
        route, segment = _find(request)
        if request.method == "POST":
            self._check_post(request)
        call = Call(request, id=segment)
        if route.asks is not Asks.NOBODY:
            subject, token_hash = await self._who(request)
            if subject is NOBODY and route.asks is Asks.SIGNED_IN:
                raise ApiError(401, "not_signed_in", "You are not signed in.")
            call = Call(request, id=segment, subject=subject, sign_in=token_hash)
        if route.body is not None:
            call = Call(request, _parse(route.body, request.body), segment, call.subject, call.sign_in)
        response = await route.function(self, call)
        return dataclasses.replace(response, person=call.subject.name)

    def _check_post(self, request: Request) -> None:
        """Refuse what another site's page could have sent."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ApiError(415, "not_json", "A request with a body has to be application/json.")
        origin = request.headers.get("origin")
        if origin is None and request.cookie is None:
            return  # no browser, and no right that came by itself
        if origin not in self._origins:
            raise ApiError(
                403,
                "wrong_origin",
                f"{origin or 'A request without an origin'} may not use this gateway. If this is its "
                "address, the administrator adds it to [server] origins in the configuration.",
            )

    async def _who(self, request: Request) -> tuple[Subject, bytes]:
        """Return who has signed in, and the sign-in; NOBODY for a stranger."""
        token = _decode_token(request.cookie)
        token_hash = hash_token(token) if token else b""
        subject = await self.sign_in.known(token_hash) if token else None
        return (NOBODY, b"") if subject is None else (subject, token_hash)

    def right(self, desktop: str) -> DesktopRight | None:
        """Return whom a desktop is given to; None when there is no such desktop."""
        found = self.desktops.get(desktop)
        return None if found is None else desktop_right(desktop, found)

    def session(self, call: Call, action: Action) -> Session:
        """Return the call's session if the person may do `action`; else it does not exist."""
        found = self.sessions.get(call.id)
        if found is not None:
            desktop = found.info["desktop"]
            owned = Owned(found.info["user"], self.right(desktop), desktop)
            if authorize(call.subject, action, owned):
                return found
        elif not self.sessions.complete:  # just started: the session may be there in a moment
            raise HostError("The session host is starting. Try again in a moment.")
        if ending := self.sessions.ending(call.id, call.subject.name):
            raise ApiError(410, "session_ended", ending)
        raise ApiError(404, "no_such_session", "There is no such session, or it has ended.")


def desktop_right(name: str, desktop: Desktop) -> DesktopRight:
    """Return whom a desktop is given to."""
    return DesktopRight(frozenset(desktop.users), frozenset(desktop.groups), name)


# ---- the routes


async def _health(api: Api, call: Call) -> Response:
    return json_response({"status": "ok"})


async def _me(api: Api, call: Call) -> Response:
    # Not 401 for a stranger: browsers log that as an error, and nothing is wrong at a first visit.
    return json_response({"user": None if call.subject is NOBODY else _user(call.subject)})


async def _login(api: Api, call: Call) -> Response:
    body: Credentials = call.body
    try:
        subject, token = await api.sign_in.sign_in(body.name, body.password, call.request.address)
    except WrongPassword as error:
        raise ApiError(401, "wrong_password", str(error)) from None
    except TooManyAttempts as error:
        wait = {"Retry-After": str(error.seconds)}
        raise ApiError(
            429, "too_many_attempts", str(error), headers=wait, retry_after=error.seconds
        ) from None
    except Busy as error:
        raise ApiError(503, "busy", str(error), headers={"Retry-After": "2"}) from None
    value = base64.urlsafe_b64encode(token).rstrip(b"=").decode()
    headers = {"Set-Cookie": _cookie(value, int(api.sign_in.lifetime))}
    return json_response({"user": _user(subject)}, headers=headers)


async def _logout(api: Api, call: Call) -> Response:
    await api.sign_in.sign_out(call.sign_in)
    await api.doorkeeper.signed_out(call.sign_in)
    return Response(204, headers={"Set-Cookie": _cookie("", 0), "Cache-Control": "no-store"})


async def _desktops(api: Api, call: Call) -> Response:
    shown = []
    for name, desktop in api.desktops.items():
        if authorize(call.subject, Action.SEE, desktop_right(name, desktop)):
            running = [_session(session) for session in api.sessions.all_of(call.subject.name, name)]
            shown.append(
                {
                    "id": name,
                    "title": desktop.title,
                    "description": desktop.description,
                    "kind": desktop.kind,
                    "session": running[0] if running else None,
                    "sessions": running,
                    "single": desktop.single,
                }
            )
    return json_response({"desktops": shown})


async def _connect(api: Api, call: Call) -> Response:
    right = api.right(call.id)
    if right is None or not authorize(call.subject, Action.CONNECT, right):
        raise ApiError(404, "no_such_desktop", "There is no such desktop for you.")
    screen: Screen = call.body
    wanted = Wanted(
        call.subject.name, call.id, screen.width, screen.height, call.request.address, screen.turn
    )
    session = await api.opening.open(wanted)
    if isinstance(session, Waits):
        # 202: it is on its way; who asks again with the turn hears how it stands.
        return json_response({"waiting": session._asdict()}, 202, {"Retry-After": "1"})
    ticket = api.doorkeeper.ticket(call.subject, call.sign_in, session)
    return json_response({"session": session, "ticket": base64.urlsafe_b64encode(ticket).decode()})


async def _ticket(api: Api, call: Call) -> Response:
    await api.sessions.settle()  # who comes back after a restart of the gateway may come before the hosts
    session = api.session(call, Action.VIEW)
    await api.opening.refresh()
    api.opening.come_back(session, call.request.address)
    ticket = api.doorkeeper.ticket(call.subject, call.sign_in, call.id)
    return json_response({"ticket": base64.urlsafe_b64encode(ticket).decode()})


def _steering(action: Action, method: str) -> Callable[[Api, Call], Awaitable[Response]]:
    """Make the function of a route that asks something of a session's host."""

    async def steer(api: Api, call: Call) -> Response:
        owner = api.session(call, action).info["user"]
        api.log.info(
            "{who} asks for the {action} of session {id} of {user}",
            who=call.subject.name, action=action.value, id=call.id, user=owner,
        )  # fmt: skip
        await api.sessions.steer(call.id, method, administrator=owner != call.subject.name)
        return Response(204, headers={"Cache-Control": "no-store"})

    return steer


async def _past(api: Api, call: Call) -> Response:
    return json_response(await api.history.page(call.subject, call.request.query))


async def _stats(api: Api, call: Call) -> Response:
    session = api.session(call, Action.MEASURE)
    who = {key: session.info.get(key) for key in ("user", "desktop", "title")}
    return json_response({**who, **await api.sessions.statistics(call.id)})


async def _guest(api: Api, call: Call) -> Response:
    api.session(call, Action.INSPECT)
    try:
        return json_response(await api.sessions.guest(call.id))
    except HostRefused as error:
        raise ApiError(409, "guest_silent", str(error)) from None


ROUTES = (
    Route("GET", "/api/v1/health", _health, asks=Asks.NOBODY),
    Route("GET", "/api/v1/me", _me, asks=Asks.ANYBODY),
    Route("POST", "/api/v1/login", _login, Credentials, Asks.NOBODY),
    Route("POST", "/api/v1/logout", _logout),
    Route("GET", "/api/v1/desktops", _desktops),
    Route("POST", "/api/v1/desktops/{id}/connect", _connect, Screen),
    Route("GET", "/api/v1/sessions", _past),
    Route("POST", "/api/v1/sessions/{id}/ticket", _ticket),
    Route("POST", "/api/v1/sessions/{id}/disconnect", _steering(Action.DISCONNECT, "disconnect")),
    Route("POST", "/api/v1/sessions/{id}/log-off", _steering(Action.LOG_OFF, "log_off")),
    Route("POST", "/api/v1/sessions/{id}/reset", _steering(Action.RESET, "reset")),
    Route("GET", "/api/v1/sessions/{id}/stats", _stats),
    Route("GET", "/api/v1/sessions/{id}/guest", _guest),
)
_PATTERNS = [(re.compile(route.path.replace("{id}", "([a-z0-9-]{1,64})")), route) for route in ROUTES]


def _find(request: Request) -> tuple[Route, str]:
    allowed = set()
    for pattern, route in _PATTERNS:
        if found := pattern.fullmatch(request.path):
            if request.method == route.method:
                return route, found[1] if found.groups() else ""
            allowed.add(route.method)
    if allowed:
        names = ", ".join(sorted(allowed))
        raise ApiError(405, "wrong_method", f"Use {names} here.", headers={"Allow": names})
    raise ApiError(404, "not_found", "There is nothing at this address.")


def _parse(model: type[BaseModel], body: bytes) -> BaseModel:
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise ApiError(400, "bad_request", f"{where}: {first['msg']}") from None


def _decode_token(cookie: str | None) -> bytes | None:
    if cookie is None or not re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie):
        return None
    token = base64.urlsafe_b64decode(cookie + "=")
    return token if len(token) == TOKEN_BYTES else None


def _cookie(value: str, age: int) -> str:
    return f"{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={age}"


def _user(subject: Subject) -> dict[str, Any]:
    return {"name": subject.name, "groups": sorted(subject.groups)}


def _session(session: Session) -> dict[str, Any]:
    info = session.info
    shown = {key: info.get(key) for key in ("state", "viewers", "started", "since", "progress", "text")}
    return {"id": info["session"], **shown}
