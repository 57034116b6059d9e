"""Signing in, step by step, and out."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from tsgateway.api.route import NOBODY, Answer, Call, Model, Open, Route, SignedIn, Stranger
from tsgateway.audit import Event
from tsgateway.auth.sign_in import Accepted, Needs
from tsgateway.auth.sign_in import Answer as StepAnswer
from tsgateway.exchange import COOKIE, Response, json_response
from tsgateway.policy import ROLES, Subject

if TYPE_CHECKING:
    from tsgateway.api.api import Api


class Health(Model):
    """That the gateway answers."""

    status: str


class Credentials(Model):
    """Who wants to sign in."""

    name: str = Field(min_length=1, max_length=256)
    password: str = Field(max_length=1024)


class Granted(Model):
    """A role somebody has; desktop: null for all. actions: what it lets one do, for pages that offer it."""

    role: str
    desktop: str | None
    actions: list[str]


class Person(Model):
    """Who has signed in."""

    name: str
    groups: list[str]
    roles: list[Granted]


class Me(Model):
    """Who asks; null for a stranger."""

    user: Person | None


class NextStep(Model):
    """What a sign-in still needs.

    challenge: to be sent with the answer. secret, uri, qr (an SVG picture): of a second factor that is to be
    set up; else empty.
    """

    challenge: str
    step: Literal["code", "enrol", "password"]
    secret: str
    uri: str
    qr: str


class Outcome(Model):
    """How a sign-in stands: who it is once it is done, else the next step.

    recovery_codes: made on the way; they are not shown again.
    """

    user: Person | None
    next: NextStep | None
    recovery_codes: list[str]


class Challenge(Model):
    """A sign-in that is half done."""

    challenge: str = Field(max_length=64)


class Second(Challenge):
    """The answer to a step: a code or a recovery code, or a new password."""

    code: str = Field("", max_length=32)
    recovery: str = Field("", max_length=64)
    password: str = Field("", max_length=1024)


class Way(Model):
    """A provider that people may sign in by. Their browser goes to /api/v1/login/oidc/ID."""

    id: str
    title: str


class Ways(Model):
    """How one can sign in here, beside a name and a password."""

    providers: list[Way]


async def health(api: Api, call: Call) -> Answer:
    """Tell that the gateway answers."""
    return Health(status="ok")


async def who_am_i(api: Api, call: Call) -> Answer:
    """Tell who asks."""
    # Not 401 for a stranger: browsers log that as an error, and nothing is wrong at a first visit.
    return Me(user=None if call.subject is NOBODY else person(call.subject))


async def ways_to_sign_in(api: Api, call: Call) -> Answer:
    """List the providers that people may sign in by."""
    found = [source for source in api.sign_in.sources.values() if source.redirects]
    return Ways(providers=[Way(id=source.name, title=source.title) for source in found])


async def sign_in(api: Api, call: Call) -> Answer:
    """Check a name and a password, and give a cookie or name the next step."""
    body: Credentials = call.body
    outcome = await api.sign_in.sign_in(body.name, body.password, call.request.address)
    return _outcome(api, outcome)


async def answer_step(api: Api, call: Call) -> Answer:
    """Take the answer to a step, and give a cookie or name the next step."""
    body: Second = call.body
    answer = StepAnswer(code=body.code, recovery=body.recovery, password=body.password)
    outcome = await api.sign_in.answer(decoded(body.challenge), answer, call.request.address)
    return _outcome(api, outcome)


async def show_step(api: Api, call: Call) -> Answer:
    """Tell what a half-done sign-in needs: for who comes back from a provider."""
    body: Challenge = call.body
    needs = await api.sign_in.pending(decoded(body.challenge), call.request.address)
    return _outcome(api, needs)


async def sign_out(api: Api, call: Call) -> Answer:
    """End the sign-in and what was opened by it."""
    await api.sign_in.sign_out(call.sign_in)
    await api.doorkeeper.signed_out(call.sign_in)
    api.audit.note(Event("sign-in.ended", call.subject.name, call.request.address, "gateway", "signed out"))
    return Response(204, headers={"Set-Cookie": cookie("", 0), "Cache-Control": "no-store"})


def cookie(value: str, age: int) -> str:
    """Return the header that keeps a sign-in's token for so many seconds."""
    return f"{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={age}"


def accepted_cookie(api: Api, accepted: Accepted) -> dict[str, str]:
    """Return the header that gives a browser its sign-in."""
    return {"Set-Cookie": cookie(api.encoded(accepted.token), int(api.sign_in.lifetime))}


def person(subject: Subject) -> Person:
    """Return who it is, as the API tells it."""
    granted = sorted(subject.roles, key=lambda each: (each.role.value, each.desktop or ""))
    roles = [
        Granted(
            role=each.role.value,
            desktop=each.desktop,
            actions=sorted(action.value for action in ROLES[each.role]),
        )
        for each in granted
    ]
    return Person(name=subject.name, groups=sorted(subject.groups), roles=roles)


def decoded(token: str) -> bytes:
    """Return a token that was sent as text; what is none is no good token."""
    try:
        return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return b""


def _outcome(api: Api, outcome: Accepted | Needs) -> Answer:
    if isinstance(outcome, Accepted):
        done = Outcome(user=person(outcome.subject), next=None, recovery_codes=list(outcome.recovery_codes))
        return json_response(done.model_dump(), headers=accepted_cookie(api, outcome))
    drawn = outcome.enrolment
    step = NextStep(
        challenge=api.encoded(outcome.challenge),
        step=outcome.step.value,
        secret=drawn.secret if drawn else "",
        uri=drawn.uri if drawn else "",
        qr=drawn.qr if drawn else "",
    )
    return Outcome(user=None, next=step, recovery_codes=[])


ROUTES = (
    Route("GET", "/api/v1/health", health, "Tell that the gateway answers", Open(), answer=Health),
    Route("GET", "/api/v1/me", who_am_i, "Tell who asks", Stranger(), answer=Me),
    Route("GET", "/api/v1/login/methods", ways_to_sign_in, "List the ways to sign in", Open(), answer=Ways),
    Route("POST", "/api/v1/login", sign_in, "Sign in", Open(), Credentials, answer=Outcome),
    Route("POST", "/api/v1/login/second", answer_step, "Go on signing in", Open(), Second, answer=Outcome),
    Route("POST", "/api/v1/login/step", show_step, "Tell the next step", Open(), Challenge, answer=Outcome),
    Route("POST", "/api/v1/logout", sign_out, "Sign out", SignedIn()),
)
