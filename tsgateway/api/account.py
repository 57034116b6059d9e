"""One's own account: password, second factor, sign-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tsgateway.api.route import Answer, Call, May, Model, Route, on_own_account
from tsgateway.api.users import SignInRow, SignInRows, asked_store, sign_in_rows
from tsgateway.exchange import ApiError
from tsgateway.policy import Action

if TYPE_CHECKING:
    from tsgateway.api.api import Api


class OwnAccount(Model):
    """One's account.

    method: how one has signed in this time. recovery_codes: how many are left, null without a second factor.
    """

    name: str
    display_name: str
    groups: list[str]
    source: str
    method: str
    totp: bool
    totp_required: bool
    recovery_codes: int | None


class NewPassword(Model):
    """The password one has, and the one to have."""

    old: str = Field(max_length=1024)
    new: str = Field(max_length=1024)


class OwnPassword(Model):
    """The password one has: a sign-in alone may be somebody else's who found the screen unlocked."""

    password: str = Field(max_length=1024)


class Setup(Model):
    """A second factor to be set up, for an app: as text, as an address, as a picture (SVG)."""

    secret: str
    uri: str
    qr: str


class Code(Model):
    """A code of the app."""

    code: str = Field(max_length=32)


class CodeOrRecovery(Model):
    """A code of the app, or a recovery code."""

    code: str = Field("", max_length=32)
    recovery: str = Field("", max_length=64)


class RecoveryCodes(Model):
    """Each lets one in once without the app. They are not shown again."""

    recovery_codes: list[str]


async def own_account(api: Api, call: Call) -> Answer:
    """Tell about one's own account."""
    account = await api.access(api.store.user, call.subject.name)
    if account is None:
        raise ApiError(404, "no_account", "You have no account here.")
    required = set(api.config.sign_in.require_totp)
    return OwnAccount(
        name=account.name,
        display_name=account.display_name,
        groups=list(account.groups),
        source=account.source,
        method=call.subject.method,
        totp=account.has_totp,
        totp_required=not required.isdisjoint(account.groups),
        recovery_codes=await api.sign_in.factors.recovery_left(account.name),
    )


async def change_password(api: Api, call: Call) -> Answer:
    """Change one's own password. Other sign-ins end."""
    body: NewPassword = call.body
    _signed_in(call)
    name, address = call.subject.name, call.request.address
    before = await sign_in_rows(api, name)
    await api.sign_in.change_password(name, body.old, body.new, address, call.sign_in)
    for each in before:
        if each.token_hash != call.sign_in:
            await api.doorkeeper.signed_out(each.token_hash)
    return None


async def begin_totp(api: Api, call: Call) -> Answer:
    """Begin to set up a second factor."""
    body: OwnPassword = call.body
    _signed_in(call)
    await api.sign_in.check_own_password(call.subject.name, body.password, call.request.address)
    drawn = await api.sign_in.factors.begin(call.subject.name)
    return Setup(**drawn._asdict())


async def confirm_totp(api: Api, call: Call) -> Answer:
    """Confirm the second factor with a code. The recovery codes are told this once."""
    body: Code = call.body
    _signed_in(call)
    codes = await api.sign_in.factors.confirm(call.subject.name, body.code, call.request.address)
    return RecoveryCodes(recovery_codes=list(codes))


async def remove_totp(api: Api, call: Call) -> Answer:
    """Remove one's own second factor, by a code or a recovery code."""
    body: CodeOrRecovery = call.body
    _signed_in(call)
    required = set(api.config.sign_in.require_totp) & call.subject.groups
    if required:
        raise ApiError(403, "totp_required", f'Whoever is in "{min(required)}" needs a second factor.')
    name, address = call.subject.name, call.request.address
    await api.sign_in.factors.remove(name, address, code=body.code, recovery=body.recovery)
    return None


async def renew_recovery_codes(api: Api, call: Call) -> Answer:
    """Make new recovery codes in place of the old ones, by a code."""
    body: Code = call.body
    _signed_in(call)
    codes = await api.sign_in.factors.renew_codes(call.subject.name, body.code, call.request.address)
    return RecoveryCodes(recovery_codes=list(codes))


async def own_sign_ins(api: Api, call: Call) -> Answer:
    """List one's own sign-ins."""
    rows = await sign_in_rows(api, call.subject.name)
    return SignInRows(sign_ins=[SignInRow.of(row, call.sign_in) for row in rows])


async def end_own_sign_in(api: Api, call: Call) -> Answer:
    """End one of one's own sign-ins."""
    for row in await sign_in_rows(api, call.subject.name):
        if row.id == call.id:
            await api.sign_in.sign_out(row.token_hash)
            await api.doorkeeper.signed_out(row.token_hash)
            return None
    raise ApiError(404, "no_such_sign_in", "You have no such sign-in, or it is over.")


async def end_other_sign_ins(api: Api, call: Call) -> Answer:
    """End one's own sign-ins but this one."""
    ended = await asked_store(api, lambda: api.store.end_sign_ins(call.subject.name, call.sign_in))
    api.sign_in.changed(call.subject.name, ended)
    for token_hash in ended:
        await api.doorkeeper.signed_out(token_hash)
    return None


def _signed_in(call: Call) -> None:
    """Refuse tokens of programs: whoever finds one should not be able to take the account over."""
    if not call.sign_in:
        raise ApiError(403, "no_right", "Sign in as a person for that: a token does not do.")


_OWN = May(Action.OWN_ACCOUNT, on_own_account)
ROUTES = (
    Route("GET", "/api/v1/account", own_account, "Tell about one's own account", _OWN, answer=OwnAccount),
    Route(
        "POST", "/api/v1/account/password", change_password, "Change one's own password", _OWN, NewPassword
    ),
    Route(
        "POST", "/api/v1/account/totp", begin_totp, "Begin to set up a second factor", _OWN, OwnPassword,
        answer=Setup,
    ),
    Route(
        "POST", "/api/v1/account/totp/confirm", confirm_totp, "Confirm one's own second factor", _OWN,
        Code, answer=RecoveryCodes,
    ),
    Route(
        "POST", "/api/v1/account/totp/remove", remove_totp, "Remove one's own second factor", _OWN,
        CodeOrRecovery,
    ),
    Route(
        "POST", "/api/v1/account/totp/recovery", renew_recovery_codes, "Make new recovery codes", _OWN,
        Code, answer=RecoveryCodes,
    ),
    Route(
        "GET", "/api/v1/account/sign-ins", own_sign_ins, "List one's own sign-ins", _OWN,
        answer=SignInRows,
    ),
    Route("DELETE", "/api/v1/account/sign-ins", end_other_sign_ins, "End one's other sign-ins", _OWN),
    Route("DELETE", "/api/v1/account/sign-ins/{id}", end_own_sign_in, "End one of one's sign-ins", _OWN),
)  # fmt: skip
