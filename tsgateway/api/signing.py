"""Signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tsgateway.api.route import NOBODY, Answer, Call, Model, Open, Route, SignedIn, Stranger
from tsgateway.audit import Event
from tsgateway.auth.errors import Busy, TooManyAttempts, WrongPassword
from tsgateway.auth.sign_in import Accepted
from tsgateway.exchange import COOKIE, ApiError, Response, json_response
from tsgateway.policy import Subject

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
    """A role somebody has; desktop: null for all."""

    role: str
    desktop: str | None


class Person(Model):
    """Who has signed in."""

    name: str
    groups: list[str]
    roles: list[Granted]


class Me(Model):
    """Who asks; null for a stranger."""

    user: Person | None


async def health(api: Api, call: Call) -> Answer:
    """Tell that the gateway answers."""
    return Health(status="ok")


async def who_am_i(api: Api, call: Call) -> Answer:
    """Tell who asks."""
    # Not 401 for a stranger: browsers log that as an error, and nothing is wrong at a first visit.
    return Me(user=None if call.subject is NOBODY else person(call.subject))


async def sign_in(api: Api, call: Call) -> Answer:
    """Check a name and a password, and give a cookie."""
    body: Credentials = call.body
    try:
        outcome = await api.sign_in.sign_in(body.name, body.password, call.request.address)
    except WrongPassword as error:
        raise ApiError(401, "wrong_password", str(error)) from None
    except TooManyAttempts as error:
        wait = {"Retry-After": str(error.seconds)}
        raise ApiError(
            429, "too_many_attempts", str(error), headers=wait, retry_after=error.seconds
        ) from None
    except Busy as error:
        raise ApiError(503, "busy", str(error), headers={"Retry-After": "2"}) from None
    if not isinstance(outcome, Accepted):
        raise ApiError(403, "needs_second", "This account needs a second step, which this client has not.")
    headers = {"Set-Cookie": cookie(api.encoded(outcome.token), int(api.sign_in.lifetime))}
    return json_response(Me(user=person(outcome.subject)).model_dump(), headers=headers)


async def sign_out(api: Api, call: Call) -> Answer:
    """End the sign-in and what was opened by it."""
    await api.sign_in.sign_out(call.sign_in)
    await api.doorkeeper.signed_out(call.sign_in)
    api.audit.note(Event("sign-in.ended", call.subject.name, call.request.address, "gateway", "signed out"))
    return Response(204, headers={"Set-Cookie": cookie("", 0), "Cache-Control": "no-store"})


def cookie(value: str, age: int) -> str:
    """Return the header that keeps a sign-in's token for so many seconds."""
    return f"{COOKIE}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={age}"


def person(subject: Subject) -> Person:
    """Return who it is, as the API tells it."""
    roles = sorted((each.role.value, each.desktop or "") for each in subject.roles)
    return Person(
        name=subject.name,
        groups=sorted(subject.groups),
        roles=[Granted(role=role, desktop=desktop or None) for role, desktop in roles],
    )


ROUTES = (
    Route("GET", "/api/v1/health", health, "Tell that the gateway answers", Open(), answer=Health),
    Route("GET", "/api/v1/me", who_am_i, "Tell who asks", Stranger(), answer=Me),
    Route("POST", "/api/v1/login", sign_in, "Sign in", Open(), Credentials, answer=Me),
    Route("POST", "/api/v1/logout", sign_out, "Sign out", SignedIn()),
)
