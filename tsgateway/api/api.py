"""Answers requests under /api/: who asks, may they, and what comes of it. The same for every route."""

from __future__ import annotations

import base64
import dataclasses
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pydantic import BaseModel
from twisted.logger import Logger, LogLevel

from tsgateway.access.desk import PolicyDesk
from tsgateway.api.counting import Counts
from tsgateway.api.folders import SharedFolders
from tsgateway.api.hub import Events
from tsgateway.api.refusals import not_let_in, refusal, told
from tsgateway.api.route import NOBODY, Answer, Call, May, Open, Route, SignedIn, Table, asked, parsed
from tsgateway.audit.desk import AuditDesk
from tsgateway.auth.authenticators.base import InThread
from tsgateway.auth.bearers import Bearers
from tsgateway.auth.errors import SignInError
from tsgateway.auth.sign_in import SignIn
from tsgateway.auth.tokens import TOKEN_BYTES, hash_token
from tsgateway.config import Config, Desktop
from tsgateway.exchange import RAW, ApiError, Request, Response, json_response
from tsgateway.hosts.attachment import Shadowing
from tsgateway.hosts.directory import Session
from tsgateway.hosts.link import HostError
from tsgateway.hosts.opening import Opening
from tsgateway.hosts.sessions import Sessions
from tsgateway.inviting import Inviting
from tsgateway.layout import Layout
from tsgateway.policy import Action, DesktopRight, Granted, Owned, Role, Subject, Target, authorize
from tsgateway.store import Store, StoreUnavailable
from tsgateway.store.access import Access

BEARER = "tsg_"
"""What tokens of the API begin with, so that people and scanners know one when they see it."""

MAX_PATH = 300
"""Characters of a path that the log has."""


class Doorkeeper(Protocol):
    """What the API asks of the service beyond sign-in and sessions."""

    def ticket(
        self, subject: Subject, sign_in: bytes, session: str, shadow: Shadowing | None = None
    ) -> bytes:
        """Issue a ticket. shadow: for somebody who looks on at another's session."""

    def may_view(self, viewer: int, session: Owned) -> bool:
        """Tell whether the person of a viewer may use a session."""

    def switch(self, viewer: int, session: str, title: str) -> None:
        """Let a viewer go to another session, as far as it can."""

    def uninvite(self, invitation: str) -> None:
        """An invitation was revoked: close the viewers that came by it, drop its tickets."""

    async def signed_out(self, sign_in: bytes) -> None:
        """A sign-in ended: close its viewers, drop its tickets."""


@dataclasses.dataclass(kw_only=True)
class Api:
    """Answers requests under /api/. Its attributes are what routes work with.

    origins: the pages that may use it; noted: told of every act and every refusal, for the audit: who asks,
    the route, what it was to be done to, the status. checked: whether answers are compared with what their
    routes promise; tests do.
    """

    routes: Sequence[Route]
    config: Config
    layout: Layout
    store: Store
    access: Access
    files: InThread
    sign_in: SignIn
    bearers: Bearers
    sessions: Sessions
    opening: Opening
    desk: PolicyDesk
    doorkeeper: Doorkeeper
    inviting: Inviting
    origins: Sequence[str]
    wall: Callable[[], float]
    events: Events
    audit: AuditDesk
    clock: Callable[[], float]
    counts: Counts
    folders: SharedFolders
    noted: Callable[[Call, Route, Target, int], None] = lambda call, route, target, status: None
    checked: bool = False

    log = Logger()

    def __post_init__(self) -> None:
        self._table = Table(self.routes)
        self._origins = frozenset(self.origins)

    @property
    def desktops(self) -> Mapping[str, Desktop]:
        """What is published."""
        return self.config.desktops

    async def answer(self, request: Request) -> Response:
        """Answer one request; never raises. Each has a reference, by which it is found in the log."""
        reference, began, route = secrets.token_hex(4), self.clock(), None
        try:
            route, parts = self._table.find(request)
            response = await self._answer(request, route, parts)
        except ApiError as error:
            response = error.response()
        except (HostError, StoreUnavailable) as error:
            response = self._cannot(request, error, reference)
        except Exception:
            self.log.failure("[{reference}] {path} failed", reference=reference, path=request.path)
            message = "Something went wrong here. The administrator finds the reference in the log."
            response = ApiError(500, "internal", message).response(reference)
        seconds = self.clock() - began
        self.counts.answered(request.method, "" if route is None else route.path, response.status, seconds)
        self._log_answer(request, response, seconds, reference)
        return dataclasses.replace(response, headers={**response.headers, "X-Request-Id": reference})

    def _log_answer(self, request: Request, response: Response, seconds: float, reference: str) -> None:
        """A line for each request; what stands behind the path may be secret."""
        is_news = request.method != "GET" or response.status >= 400
        self.log.emit(
            LogLevel.info if is_news else LogLevel.debug,
            "[{reference}] {method} {path}: {status} in {ms:.1f} ms for {who} at {address}",
            reference=reference, method=request.method, path=request.path[:MAX_PATH], status=response.status,
            ms=seconds * 1000, who=response.person or "nobody", address=request.address,
        )  # fmt: skip

    def _cannot(self, request: Request, error: Exception, reference: str) -> Response:
        """Tell the person what cannot be done now, and the log where the operator has to hear of it."""
        if not refusal(error).logged:
            return told(error).response()
        self.log.error("[{reference}] {path}: {error}", reference=reference, path=request.path, error=error)
        return told(error).response(reference)

    async def _answer(self, request: Request, route: Route, parts: Mapping[str, str]) -> Response:
        if request.method != "GET":
            self._check_sender(request, route)
        subject, sign_in = (NOBODY, b"") if isinstance(route.needs, Open) else await self._who(request)
        if subject is NOBODY and isinstance(route.needs, SignedIn | May):
            raise ApiError(401, "not_signed_in", "You are not signed in.")
        call = Call(request, parts=parts, subject=subject, sign_in=sign_in)
        target = await self._allowed(call, route, route.needs) if isinstance(route.needs, May) else None
        call = dataclasses.replace(
            call,
            body=None if route.body is None else parsed(route.body, request.body),
            query=None if route.query is None else asked(route.query, request.query),
        )
        response = await self._done(call, route, target)
        return dataclasses.replace(response, person=subject.name)

    async def _allowed(self, call: Call, route: Route, needs: May) -> Target:
        """Return what the call acts on. Raises ApiError where one may not."""
        target = await needs.target(self, call)
        if authorize(call.subject, needs.action, target):
            return target
        self.noted(call, route, target, 403)
        if isinstance(target, Owned) and not authorize(call.subject, Action.LIST, target):
            raise self.no_session(call)
        raise ApiError(403, "no_right", f"You may not do this here: {route.summary.lower()}.")

    async def _done(self, call: Call, route: Route, target: Target | None) -> Response:
        """Call the function; what was done to something is noted, whether it went well or not."""
        status = 500
        try:
            response = self._response(route, await route.function(self, call))
            status = response.status
        except ApiError as error:
            status = error.status
            raise
        except SignInError as error:
            refused = not_let_in(error, isinstance(route.needs, SignedIn | May))
            status = refused.status
            raise refused from None
        except (HostError, StoreUnavailable) as error:
            status = refusal(error).status
            raise
        finally:
            if target is not None and route.method != "GET" and not (route.raw and status < 400):
                self.noted(call, route, target, status)
        return response

    def _response(self, route: Route, answer: Answer) -> Response:
        match answer:
            case None:
                return Response(204, headers={"Cache-Control": "no-store"})
            case Response():
                return answer
            case BaseModel():
                return json_response(answer.model_dump(mode="json"))
        if self.checked and route.answer is not None:
            route.answer.model_validate(answer, strict=True)
        return json_response(answer)

    # ---- who asks

    def _check_sender(self, request: Request, route: Route) -> None:
        """Refuse what another site's page could have sent."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.body or route.body is not None or request.method == "POST":
            wanted = RAW if route.raw else "application/json"
            if kind != wanted:
                raise ApiError(415, "not_json", f"The body of this request has to be {wanted}.")
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
        """Return who asks and by which sign-in; NOBODY for a stranger."""
        if request.local is not None:
            owner = frozenset({Granted(Role.OWNER)})
            return Subject(f"local:{request.local}", frozenset(), owner, "local-socket"), b""
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            return await self._bearer(bearer.strip(), request), b""
        token = _decode_token(request.cookie)
        token_hash = hash_token(token) if token else b""
        subject = await self.sign_in.known(token_hash) if token else None
        return (NOBODY, b"") if subject is None else (subject, token_hash)

    async def _bearer(self, text: str, request: Request) -> Subject:
        token = _decode_token(text.removeprefix(BEARER)) if text.startswith(BEARER) else None
        found = None if token is None else await self.bearers.known(hash_token(token))
        if found is None:
            raise ApiError(
                401, "bad_token", "The token is not good here: it is wrong, has expired or was revoked.",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip
        subject, read_only = found
        if read_only and request.method != "GET":
            raise ApiError(403, "read_only", "This token is for reading only.")
        return subject

    # ---- what routes find things by

    async def still_known(self, call: Call) -> bool:
        """Tell whether who asked may still ask: for answers that go on for long."""
        try:
            if call.sign_in:
                return await self.sign_in.known(call.sign_in) is not None
            return (await self._who(call.request))[0] is not NOBODY
        except StoreUnavailable:
            return True
        except ApiError:
            return False

    def right(self, desktop: str) -> DesktopRight | None:
        """Return whom a desktop is given to; None when there is no such desktop."""
        return self.sessions.rights.of(desktop)

    def owned(self, session: Session) -> Owned:
        """Return a session as authorize() knows it."""
        return self.sessions.rights.owned(session.info)

    def ticket(self, call: Call, session: str, shadow: Shadowing | None = None) -> str:
        """Return a ticket for who asks, as text. shadow: for somebody who looks on at another's session."""
        return self.encoded_ticket(call.subject, call.sign_in, session, shadow)

    def encoded_ticket(
        self, subject: Subject, sign_in: bytes, session: str, shadow: Shadowing | None = None
    ) -> str:
        """Return a ticket for somebody, as text; see `Doorkeeper.ticket`."""
        return base64.urlsafe_b64encode(self.doorkeeper.ticket(subject, sign_in, session, shadow)).decode()

    def encoded(self, token: bytes) -> str:
        """Return a token as text, for cookies and headers."""
        return base64.urlsafe_b64encode(token).rstrip(b"=").decode()

    def decoded(self, text: str) -> bytes | None:
        """Return the token that `encoded` has made text of; None for anything else."""
        return _decode_token(text)

    def session(self, call: Call) -> Session:
        """Return the session that the call's {id} names, by id or number. Raises ApiError, HostError."""
        found = self.sessions.named(call.id)
        if found is not None:
            return found
        if not self.sessions.complete:  # just started: the session may be there in a moment
            raise HostError("The session host is starting. Try again in a moment.")
        raise self.no_session(call)

    def no_session(self, call: Call) -> ApiError:
        """Return the answer for who asks after a session that is not there for them."""
        if ending := self.sessions.ending(call.id, call.subject.name):
            return ApiError(410, "session_ended", ending)
        return ApiError(404, "no_such_session", "There is no such session, or it has ended.")


async def on_session(api: Api, call: Call) -> Target:
    """Act on the session that {id} names."""
    await api.sessions.settle()  # after a restart of the gateway people may come before the hosts
    return api.owned(api.session(call))


def _decode_token(text: str | None) -> bytes | None:
    if text is None or not re.fullmatch(r"[A-Za-z0-9_-]{43}", text):
        return None
    token = base64.urlsafe_b64decode(text + "=")
    return token if len(token) == TOKEN_BYTES else None
