"""Tokens for programs: one's own, and others'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tsgateway.api.route import Answer, Call, May, Model, Query, Route, SignedIn, on_own_account
from tsgateway.auth.tokens import hash_token, new_token
from tsgateway.exchange import ApiError
from tsgateway.policy import Action, Gateway, Own, Role, Target, authorize
from tsgateway.store import NoSuchUser
from tsgateway.store.tokens import ApiToken, TooManyTokens

if TYPE_CHECKING:
    from tsgateway.api.api import Api

DAY = 86_400.0


class NewToken(Model):
    """A token to be made. days: how long it is good for, null for ever; roles: null for all of the account's.

    user: for whom, where that is not oneself; only owners may.
    """

    name: str = Field(min_length=1, max_length=64)
    days: float | None = Field(90, gt=0, le=3650)
    read_only: bool = False
    roles: list[str] | None = Field(None, max_length=8)
    user: str | None = Field(None, max_length=256)


class Token(Model):
    """A token. expires, used: null for never."""

    id: str
    user: str
    name: str
    roles: list[str] | None
    read_only: bool
    created: float
    expires: float | None
    used: float | None


class MadeToken(Token):
    """A token that was made. secret: what it is used with; it is told this once."""

    secret: str


class Tokens(Model):
    """Tokens, the newest first."""

    tokens: list[Token]


class Whose(Query):
    """Whose tokens: one's own; somebody's; everybody's with `*`."""

    user: str | None = Field(None, max_length=256)


async def list_tokens(api: Api, call: Call) -> Answer:
    """List tokens: one's own, or with the right role anybody's."""
    whose: Whose = call.query
    user = whose.user or call.subject.name
    if user != call.subject.name and not authorize(call.subject, Action.SEE_TOKENS, Gateway()):
        raise ApiError(403, "no_right", "You may list your own tokens only.")
    found = await api.access(api.store.tokens.all, None if user == "*" else user)
    return {"tokens": [_told(each).model_dump() for each in found]}


async def make_token(api: Api, call: Call) -> Answer:
    """Make a token. Its secret is told this once."""
    body: NewToken = call.body
    if call.request.headers.get("authorization"):
        raise ApiError(403, "no_right", "A token cannot make tokens: sign in, or use the gateway's machine.")
    user = body.user or call.subject.name
    if user != call.subject.name and not authorize(call.subject, Action.SET_ROLES, Gateway()):
        raise ApiError(403, "no_right", "You may make tokens for yourself only.")
    unknown = set(body.roles or ()) - {role.value for role in Role}
    if unknown:
        known = ", ".join(role.value for role in Role)
        raise ApiError(400, "bad_request", f"roles: there is no role {min(unknown)!r}; there are {known}.")
    secret = new_token()
    now = api.wall()
    try:
        made = await api.access(
            lambda: api.store.tokens.add(
                hash_token(secret),
                user,
                body.name,
                roles=None if body.roles is None else tuple(body.roles),
                read_only=body.read_only,
                now=now,
                expires=None if body.days is None else now + body.days * DAY,
            )
        )
    except TooManyTokens as error:
        raise ApiError(409, "too_many_tokens", f"{error}.") from None
    except NoSuchUser:
        raise ApiError(404, "no_such_user", f"There is no account {user!r} to make a token for.") from None
    return MadeToken(**_told(made).model_dump(), secret=f"tsg_{api.encoded(secret)}")


async def revoke_token(api: Api, call: Call) -> Answer:
    """Revoke a token: it is good for nothing from then on."""
    await api.access(api.store.tokens.remove, call.id)
    return None


async def _on_token(api: Api, call: Call) -> Target:
    """Act on the account a token belongs to, or for others' on the gateway."""
    token = await api.access(api.store.tokens.get, call.id)
    mine = token is not None and token.user == call.subject.name
    if not mine and not authorize(call.subject, Action.SET_TOKENS, Gateway()):
        token = None  # one's own only
    if token is None:
        raise ApiError(404, "no_such_token", "There is no such token of yours.")
    return Own(call.subject.name)


def _told(token: ApiToken) -> Token:
    roles = None if token.roles is None else list(token.roles)
    return Token(**{**token._asdict(), "roles": roles})


ROUTES = (
    Route("GET", "/api/v1/tokens", list_tokens, "List tokens", SignedIn(), query=Whose, answer=Tokens),
    Route(
        "POST", "/api/v1/tokens", make_token, "Make a token", May(Action.OWN_ACCOUNT, on_own_account),
        NewToken, answer=MadeToken,
    ),
    Route(
        "DELETE", "/api/v1/tokens/{id}", revoke_token, "Revoke a token",
        May(Action.OWN_ACCOUNT, _on_token),
    ),
)  # fmt: skip
