"""Signing in, for programs."""

from __future__ import annotations

from collections.abc import Callable

from tsgateway.client.client import Client
from tsgateway.client.errors import NotSignedIn
from tsgateway.client.operations import NextStep
from tsgateway.client.unset import UNSET

_NEEDS = {
    "code": "a code of its second factor; give one, or a token",
    "enrol": "a second factor to be set up; sign in with a browser once",
    "password": "a new password; sign in with a browser once",
}


def signed_in(
    url: str,
    name: str = "",
    password: str = "",
    *,
    token: str = "",
    code: str | Callable[[], str] = "",
    authority: str | None = None,
    fingerprint: str = "",
) -> Client:
    """Return a client that has signed in: by a token, or else by a name and a password.

    code: of the second factor, where one is needed, or what asks for it. authority, fingerprint: see
    `Client.remote`. Raises ClientError; ValueError and OSError as `Client.remote` does.
    """
    client = Client.remote(url, token, authority=authority, fingerprint=fingerprint)
    if token:
        if client.who_am_i()["user"] is None:
            raise NotSignedIn(
                "The token is not good, or is good no more.", status=401, code="unauthenticated"
            )
        return client
    outcome = client.sign_in(name=name, password=password)
    while step := outcome["next"]:
        outcome = client.answer_step(challenge=step["challenge"], code=_code(step, code), recovery=UNSET)
    return client


def _code(step: NextStep, code: str | Callable[[], str]) -> str:
    if step["step"] != "code" or not code:
        raise NotSignedIn(f"This account needs {_NEEDS[step['step']]}.", status=401, code="more_steps")
    return code if isinstance(code, str) else code()
