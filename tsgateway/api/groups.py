"""Groups and who is in them, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tsgateway.api.route import Answer, Call, May, Model, Route, on_gateway
from tsgateway.api.users import account_named, asked_store, of_groups, within
from tsgateway.auth.asking import NAME
from tsgateway.auth.sign_in import subject_of
from tsgateway.policy import Action, Gateway, Target, authorize

if TYPE_CHECKING:
    from tsgateway.api.api import Api


class Group(Model):
    """A group. members: how many accounts are in it."""

    name: str
    description: str
    created: float
    members: int


class Groups(Model):
    """Groups, by name."""

    groups: list[Group]


class NewGroup(Model):
    """A group to be made."""

    name: str = Field(pattern=f"^{NAME.pattern}$")
    description: str = Field("", max_length=256)


class GroupChange(Model):
    """What is to be changed."""

    description: str = Field(max_length=256)


class Members(Model):
    """Who is in a group, by name."""

    members: list[str]


async def on_group(api: Api, call: Call) -> Target:
    """Act on a group whose members may do no more than who asks."""
    if authorize(call.subject, Action.SET_USERS, Gateway()):
        within(call.subject, await of_groups(api, f"the group {call.id}", [call.id]))
    return Gateway()


async def list_groups(api: Api, call: Call) -> Answer:
    """List groups."""
    return {"groups": [each._asdict() for each in await api.access(api.store.groups.all)]}


async def make_group(api: Api, call: Call) -> Answer:
    """Make a group."""
    body: NewGroup = call.body
    await asked_store(api, api.store.groups.add, body.name, body.description, api.wall())
    return None


async def change_group(api: Api, call: Call) -> Answer:
    """Change a group's description."""
    body: GroupChange = call.body
    await asked_store(api, api.store.groups.describe, call.id, body.description)
    return None


async def delete_group(api: Api, call: Call) -> Answer:
    """Delete a group; its members stay."""
    await asked_store(api, api.store.groups.remove, call.id)
    return None


async def list_members(api: Api, call: Call) -> Answer:
    """List who is in a group."""
    return Members(members=await asked_store(api, api.store.groups.members, call.id))


async def add_member(api: Api, call: Call) -> Answer:
    """Put an account into a group."""
    await asked_store(api, api.store.groups.add_member, call.id, call.parts["user"], api.wall())
    return None


async def remove_member(api: Api, call: Call) -> Answer:
    """Take an account out of a group."""
    within(call.subject, subject_of(await account_named(api, call.parts["user"])))
    await asked_store(api, api.store.groups.remove_member, call.id, call.parts["user"])
    return None


_SEE = May(Action.SEE_USERS, on_gateway)
_SET = May(Action.SET_USERS, on_gateway)
_SET_ONE = May(Action.SET_USERS, on_group)
ROUTES = (
    Route("GET", "/api/v1/groups", list_groups, "List groups", _SEE, answer=Groups),
    Route("POST", "/api/v1/groups", make_group, "Make a group", _SET, NewGroup),
    Route("PATCH", "/api/v1/groups/{id}", change_group, "Change a group", _SET_ONE, GroupChange),
    Route("DELETE", "/api/v1/groups/{id}", delete_group, "Delete a group", _SET_ONE),
    Route("GET", "/api/v1/groups/{id}/members", list_members, "List a group's members", _SEE, answer=Members),
    Route("PUT", "/api/v1/groups/{id}/members/{user}", add_member, "Put somebody into a group", _SET_ONE),
    Route(
        "DELETE",
        "/api/v1/groups/{id}/members/{user}",
        remove_member,
        "Take somebody out of a group",
        _SET_ONE,
    ),
)
