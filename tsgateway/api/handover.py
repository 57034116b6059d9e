"""Signing in a program on the person's machine by the browser; `tsgateway/auth/handover.py` tells how."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pydantic import Field

from tsgateway.api.route import Answer, Call, May, Model, Open, Route, on_own_account
from tsgateway.api.signing import Outcome, accepted_cookie, decoded, person
from tsgateway.auth.handover import HandOver
from tsgateway.auth.sign_in import Accepted, subject_of
from tsgateway.exchange import ApiError, json_response
from tsgateway.policy import Action

if TYPE_CHECKING:
    from tsgateway.api.api import Api


class Asking(Model):
    """The program that asks. redirect: where it listens, http://127.0.0.1:PORT/ or http://[::1]:PORT/.

    state: comes back with the code; challenge: of PKCE, S256; client: what it calls itself.
    """

    redirect: str = Field(max_length=128)
    state: str = Field(min_length=16, max_length=128, pattern=r"^[A-Za-z0-9_-]+$")
    challenge: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")
    client: str = Field(min_length=1, max_length=80)


class Whither(Model):
    """Where the browser goes next: to the program, with a code that is good for a minute."""

    location: str


class Taking(Model):
    """A code that the browser has brought, the verifier behind its challenge, and where it was brought to."""

    code: str = Field(max_length=64)
    verifier: str = Field(min_length=43, max_length=128, pattern=r"^[A-Za-z0-9._~-]+$")
    redirect: str = Field(max_length=128)


async def hand_over(api: Api, call: Call) -> Answer:
    """Hand this sign-in over to a program on the person's machine, when the person has agreed."""
    body: Asking = call.body
    if not call.sign_in:
        raise ApiError(403, "no_right", "Sign in as a person for that: a token does not do.")
    if not body.client.isprintable():
        raise ApiError(400, "bad_request", "client: a program's name is one line of plain letters")
    asked = HandOver(call.sign_in, call.subject.name, body.challenge, body.redirect, body.client)
    code = api.sign_in.hand_overs.give(asked, call.request.address)
    query = urlencode({"code": api.encoded(code), "state": body.state})
    return Whither(location=f"{body.redirect}?{query}")


async def take_over(api: Api, call: Call) -> Answer:
    """Trade a code that the browser has brought for a sign-in; its cookie comes with the answer."""
    body: Taking = call.body
    known, token = await api.sign_in.hand_overs.take(
        decoded(body.code), body.verifier, body.redirect, call.request.address
    )
    subject = subject_of(known.account, known.method)
    done = Outcome(user=person(subject), next=None, recovery_codes=[])
    return json_response(done.model_dump(), headers=accepted_cookie(api, Accepted(subject, token)))


_OWN = May(Action.OWN_ACCOUNT, on_own_account)
ROUTES = (
    Route(
        "POST", "/api/v1/hand-over", hand_over, "Hand one's sign-in over to a program", _OWN, Asking,
        answer=Whither,
    ),
    Route(
        "POST", "/api/v1/login/hand-over", take_over, "Take a sign-in over from a browser", Open(), Taking,
        answer=Outcome,
    ),
)  # fmt: skip
