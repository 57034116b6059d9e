"""Roles: what people and groups may do beyond having desktops (docs/roles.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from tsgateway.api.route import Answer, Call, May, Model, Route, on_gateway
from tsgateway.exchange import ApiError
from tsgateway.policy import Action, Granted, Role, covers
from tsgateway.policy.reading import listed
from tsgateway.store.roles import NoSuchRole, RoleGrant, TooManyRoles
from tsgateway.store.tables import LastAdministrator, NoSuchUser

if TYPE_CHECKING:
    from tsgateway.api.api import Api


class RoleToGive(Model):
    """A role for a user or a group; desktop: the one it is for, null for everything."""

    role: str = Field(max_length=64)
    user: str | None = Field(None, min_length=1, max_length=256)
    group: str | None = Field(None, min_length=1, max_length=256)
    desktop: str | None = Field(None, min_length=1, max_length=64)


class RoleItem(Model):
    """A role that somebody has. One of user and group is null."""

    id: int
    role: str
    user: str | None
    group: str | None
    desktop: str | None


class RoleList(Model):
    """The roles that were given. Members of the group `administrators` are owners beside that."""

    roles: list[RoleItem]


async def list_roles(api: Api, call: Call) -> Answer:
    """List who has which role."""
    return {"roles": [each._asdict() for each in await api.access(api.store.roles.all)]}


async def give_role(api: Api, call: Call) -> Answer:
    """Give a role to a user or a group."""
    body: RoleToGive = call.body
    role = next((each for each in Role if each.value == body.role), None)
    if role is None:
        known = ", ".join(each.value for each in Role)
        raise ApiError(400, "bad_request", f'role: there is no role "{body.role}"; there are {known}.')
    if (body.user is None) == (body.group is None):
        raise ApiError(400, "bad_request", "user, group: a role is given to one of them.")
    if body.desktop is not None and body.desktop not in api.desktops:
        known = listed(sorted(api.desktops), "and")
        raise ApiError(404, "no_such_desktop", f'There is no desktop "{body.desktop}"; there are {known}.')
    _check(call, Granted(role, body.desktop))
    groups = await api.access(api.store.groups.all)
    if body.group is not None and body.group not in {each.name for each in groups}:
        raise ApiError(404, "no_such_group", f'There is no group "{body.group}".')
    try:
        found = await api.access(api.store.roles.give, role.value, body.user, body.group, body.desktop)
    except NoSuchUser as error:
        raise ApiError(404, "no_such_user", _sentence(error)) from None
    except TooManyRoles as error:
        raise ApiError(409, "too_many_roles", _sentence(error)) from None
    return found._asdict()


async def take_role(api: Api, call: Call) -> Answer:
    """Take a role away."""
    try:
        found: RoleGrant = await api.access(api.store.roles.one, _number(call.id))
        _check(call, *(Granted(role, found.desktop) for role in Role if role.value == found.role))
        await api.access(api.store.roles.take, found.id)
    except NoSuchRole as error:
        raise ApiError(404, "no_such_role", _sentence(error)) from None
    except LastAdministrator as error:
        raise ApiError(409, "last_administrator", _sentence(error)) from None
    return None


def _check(call: Call, *granted: Granted) -> None:
    """Nobody gives, or takes away, more than they have. Raises ApiError."""
    if not covers(call.subject, granted):
        raise ApiError(403, "no_right", "This role allows more than you may do yourself.")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else -1


def _sentence(error: Any) -> str:
    text = str(error)
    return f"{text[0].upper()}{text[1:]}."


ROUTES = (
    Route(
        "GET", "/api/v1/roles", list_roles, "List who has which role", May(Action.SEE_USERS, on_gateway),
        answer=RoleList,
    ),
    Route(
        "PUT", "/api/v1/roles", give_role, "Give a role", May(Action.SET_ROLES, on_gateway), RoleToGive,
        answer=RoleItem,
    ),
    Route(
        "DELETE", "/api/v1/roles/{id}", take_role, "Take a role away", May(Action.SET_ROLES, on_gateway),
    ),
)  # fmt: skip
