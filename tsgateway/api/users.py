"""Accounts, for administrators. Nobody changes accounts that may do more than they themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field

from tsgateway.api.route import Answer, Call, May, Model, Route, on_gateway
from tsgateway.auth.asking import NAME
from tsgateway.auth.passwords import random_password
from tsgateway.auth.sign_in import subject_of
from tsgateway.exchange import ApiError
from tsgateway.policy import Action, Gateway, Subject, Target, authorize, covers
from tsgateway.store import (
    LOCAL,
    Account,
    GroupTaken,
    KeptGroup,
    LastAdministrator,
    NameTaken,
    NoSuchGroup,
    NoSuchUser,
    SignedIn,
    StoreError,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from tsgateway.api.api import Api

T = TypeVar("T")
_NAME = NAME.pattern


class User(Model):
    """An account. source: who checks it, "local" or an authenticator; totp: it has a second factor."""

    name: str
    display_name: str
    groups: list[str]
    enabled: bool
    source: str
    source_key: str | None
    must_change: bool
    totp: bool
    created: float


class Users(Model):
    """Accounts, by name."""

    users: list[User]


class NewUser(Model):
    """An account to be made.

    password: null for a random one, which is told once. source, source_key: for accounts that an
    authenticator checks; such a one has no password here.
    """

    name: str = Field(pattern=f"^{_NAME}$")
    display_name: str = Field("", max_length=128)
    groups: list[str] = Field([], max_length=256)
    password: str | None = Field(None, max_length=1024)
    must_change: bool = True
    source: str = Field(LOCAL, max_length=32)
    source_key: str | None = Field(None, max_length=1024)


class MadeUser(User):
    """An account that was made. password: the random one, else null."""

    password: str | None


class UserChange(Model):
    """What is to be changed; null: nothing. source and source_key link an account to an authenticator."""

    display_name: str | None = Field(None, max_length=128)
    enabled: bool | None = None
    must_change: bool | None = None
    source: str | None = Field(None, max_length=32)
    source_key: str | None = Field(None, max_length=1024)


class SetPassword(Model):
    """password: null for a random one; must_change: at the next sign-in."""

    password: str | None = Field(None, max_length=1024)
    must_change: bool = True


class Password(Model):
    """A random password, told once; null where one was given."""

    password: str | None


class SignInRow(Model):
    """A sign-in. method: as "password+totp" or "oidc:corp"; current: it is the one that asks."""

    id: str
    created: float
    used: float
    method: str
    address: str
    current: bool

    @classmethod
    def of(cls, row: SignedIn, current: bytes = b"") -> SignInRow:
        """Return it as it is told."""
        told_of = {key: value for key, value in row._asdict().items() if key != "token_hash"}
        return cls(**told_of, current=row.token_hash == current)


class SignInRows(Model):
    """Sign-ins, the latest first."""

    sign_ins: list[SignInRow]


# ---- what others use, too

_STATUS: dict[type[StoreError], tuple[int, str]] = {
    NoSuchUser: (404, "no_such_user"),
    NoSuchGroup: (404, "no_such_group"),
    NameTaken: (409, "name_taken"),
    GroupTaken: (409, "name_taken"),
    KeptGroup: (409, "kept"),
    LastAdministrator: (409, "last_administrator"),
}


async def asked_store(api: Api, call: Callable[..., T], *arguments: object) -> T:
    """Call the store; what it refuses becomes an answer."""
    try:
        return await api.access(call, *arguments)
    except StoreUnavailable:
        raise
    except StoreError as error:
        status, code = _STATUS[type(error)]
        sentence = f"{error}."
        raise ApiError(status, code, sentence[0].upper() + sentence[1:]) from None


async def sign_in_rows(api: Api, name: str) -> list[SignedIn]:
    """Return an account's sign-ins. Raises ApiError."""
    return await asked_store(api, api.store.sign_ins_of, name)


async def account_named(api: Api, name: str) -> Account:
    """Return an account. Raises ApiError."""
    account = await api.access(api.store.user, name)
    if account is None:
        raise ApiError(404, "no_such_user", f'There is no account "{name}".')
    return account


def within(subject: Subject, other: Subject) -> None:
    """Raise ApiError where the other may do what the subject may not."""
    beyond = sorted(each.role.value for each in other.roles if not covers(subject, [each]))
    if beyond:
        raise ApiError(403, "beyond_you", f"Only who is {beyond[0]} too may do that to {other.name}.")


async def of_groups(api: Api, name: str, groups: Collection[str]) -> Subject:
    """Return what somebody of that name would be, who is in groups and has nothing else."""
    given = await api.access(api.store.roles.all)
    roles = tuple((each.role, each.desktop) for each in given if each.group in groups)
    return subject_of(Account(name, "", tuple(groups), True, roles=roles))


async def on_account(api: Api, call: Call) -> Target:
    """Act on an account that may do no more than who asks."""
    if authorize(call.subject, Action.SET_USERS, Gateway()):
        within(call.subject, subject_of(await account_named(api, call.id)))
    return Gateway()


# ---- the routes


async def list_users(api: Api, call: Call) -> Answer:
    """List accounts."""
    return {"users": [_told(each) for each in await api.access(api.store.all_users)]}


async def get_user(api: Api, call: Call) -> Answer:
    """Tell about an account."""
    return _told(await account_named(api, call.id))


async def make_user(api: Api, call: Call) -> Answer:
    """Make an account. A random password is told this once."""
    body: NewUser = call.body
    wanted = set(body.groups)
    for group in wanted:
        _group_name(group)
    within(call.subject, await of_groups(api, body.name, wanted))
    _known_source(api, body.source)
    password, hashed = None, ""
    if body.source == LOCAL:
        password = body.password if body.password is not None else random_password()
        hashed = await api.sign_in.local.new_hash(password, body.name, body.display_name)

    def add() -> None:
        api.store.add_user(
            body.name, hashed, wanted, api.wall(), display_name=body.display_name, source=body.source,
            source_key=body.source_key, must_change=body.must_change and body.source == LOCAL,
        )  # fmt: skip

    await asked_store(api, add)
    made = await account_named(api, body.name)
    return MadeUser(**_told(made), password=password if body.password is None else None)


async def change_user(api: Api, call: Call) -> Answer:
    """Change an account."""
    body: UserChange = call.body
    if body.source is not None:
        _known_source(api, body.source)
        key = None if body.source == LOCAL else body.source_key
        await asked_store(api, api.store.link_user, call.id, body.source, key)

    def change() -> None:
        api.store.change_user(
            call.id, display_name=body.display_name, enabled=body.enabled, must_change=body.must_change
        )

    before = await sign_in_rows(api, call.id)
    await asked_store(api, change)
    if body.enabled is False or body.source is not None:
        await _over(api, call.id, before)
    return _told(await account_named(api, call.id))


async def delete_user(api: Api, call: Call) -> Answer:
    """Delete an account."""
    before = await sign_in_rows(api, call.id)
    await asked_store(api, api.store.delete_user, call.id)
    await _over(api, call.id, before)
    return None


async def set_password(api: Api, call: Call) -> Answer:
    """Set an account's password; it is signed out everywhere. A random one is told this once."""
    body: SetPassword = call.body
    password = body.password if body.password is not None else random_password()
    before = await sign_in_rows(api, call.id)
    await api.sign_in.local.set_password(call.id, password, must_change=body.must_change)
    await _over(api, call.id, before)
    return Password(password=password if body.password is None else None)


async def remove_user_totp(api: Api, call: Call) -> Answer:
    """Remove an account's second factor."""
    if not await asked_store(api, api.store.factors.remove, call.id):
        raise ApiError(404, "no_factor", f"{call.id} has no second factor.")
    api.sign_in.changed(call.id)
    return None


async def user_sign_ins(api: Api, call: Call) -> Answer:
    """List an account's sign-ins."""
    return SignInRows(sign_ins=[SignInRow.of(row, call.sign_in) for row in await sign_in_rows(api, call.id)])


async def end_user_sign_ins(api: Api, call: Call) -> Answer:
    """End all of an account's sign-ins."""
    before = await sign_in_rows(api, call.id)
    await asked_store(api, api.store.end_sign_ins, call.id)
    await _over(api, call.id, before)
    return None


async def _over(api: Api, name: str, rows: list[SignedIn]) -> None:
    """Tell everybody that sign-ins of an account are over."""
    api.sign_in.changed(name, [row.token_hash for row in rows])
    for row in rows:
        await api.doorkeeper.signed_out(row.token_hash)


def _known_source(api: Api, source: str) -> None:
    if source not in api.sign_in.sources:
        known = ", ".join(api.sign_in.sources)
        raise ApiError(400, "bad_request", f"source: there is no {source!r}; there are {known}.")


def _group_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ApiError(400, "bad_request", f"groups: {name[:80]!r} cannot be the name of a group.")


def _told(account: Account) -> dict[str, Any]:
    kept = ("name", "display_name", "enabled", "source", "source_key", "must_change", "created")
    found = {key: getattr(account, key) for key in kept}
    return {**found, "groups": list(account.groups), "totp": account.has_totp}


_SEE = May(Action.SEE_USERS, on_gateway)
_SET = May(Action.SET_USERS, on_gateway)
_SET_ONE = May(Action.SET_USERS, on_account)
ROUTES = (
    Route("GET", "/api/v1/users", list_users, "List accounts", _SEE, answer=Users),
    Route("POST", "/api/v1/users", make_user, "Make an account", _SET, NewUser, answer=MadeUser),
    Route("GET", "/api/v1/users/{id}", get_user, "Tell about an account", _SEE, answer=User),
    Route("PATCH", "/api/v1/users/{id}", change_user, "Change an account", _SET_ONE, UserChange, answer=User),
    Route("DELETE", "/api/v1/users/{id}", delete_user, "Delete an account", _SET_ONE),
    Route(
        "POST", "/api/v1/users/{id}/password", set_password, "Set an account's password", _SET_ONE,
        SetPassword, answer=Password,
    ),
    Route(
        "DELETE", "/api/v1/users/{id}/totp", remove_user_totp, "Remove an account's second factor", _SET_ONE
    ),
    Route(
        "GET", "/api/v1/users/{id}/sign-ins", user_sign_ins, "List an account's sign-ins", _SEE,
        answer=SignInRows,
    ),
    Route(
        "DELETE", "/api/v1/users/{id}/sign-ins", end_user_sign_ins, "End an account's sign-ins", _SET_ONE
    ),
)  # fmt: skip
