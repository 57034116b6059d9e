"""`tsadmin group` and `role`: who belongs together, and who may administer what."""

from __future__ import annotations

import click

from tsgateway.admin.command import Gateway, Group, Said, command, confirm, yes_option
from tsgateway.admin.errors import WrongUse
from tsgateway.admin.names import ACCOUNT, DESKTOP, GROUP, ROLE
from tsgateway.admin.text import moment, table

_group = click.argument("name", metavar="GROUP", type=GROUP)
_user = click.argument("user", type=ACCOUNT)


@command("list", examples=(("tsadmin group list", "all groups, and how many are in each"),))
def list_groups(gateway: Gateway) -> Said:
    """List groups."""
    found = gateway.client.list_groups()["groups"]
    rows = [(each["name"], each["members"], moment(each["created"]), each["description"]) for each in found]
    return Said(found, table("NAME|>MEMBERS|MADE|ABOUT", rows), head=True)


@command("add", examples=(("tsadmin group add staff --about 'Everybody on the payroll'", "make a group"),))
@click.argument("name", metavar="GROUP")
@click.option("--about", default="", help="What it is for.")
def add_group(gateway: Gateway, name: str, about: str) -> Said:
    """Make a group."""
    gateway.client.make_group(name=name, description=about)
    return Said({"name": name, "description": about}, [f"Made: the group {name}."])


@command(
    "describe", examples=(("tsadmin group describe staff 'Everybody on the payroll'", "say what it is for"),)
)
@_group
@click.argument("about")
def describe_group(gateway: Gateway, name: str, about: str) -> Said:
    """Say what a group is for."""
    gateway.client.change_group(name, description=about)
    return Said({"name": name, "description": about}, [f"Changed: the group {name}."])


@command("delete", examples=(("tsadmin group delete staff", "the group; its members stay"),))
@_group
@yes_option
def delete_group(gateway: Gateway, name: str, yes: bool) -> Said:
    """Delete a group. Its members stay, and lose what was given to the group."""
    confirm(f"Delete the group {name}?", yes)
    gateway.client.delete_group(name)
    return Said({"name": name}, [f"Deleted: the group {name}."])


@command("members", examples=(("tsadmin group members staff", "who is in it"),))
@_group
def list_members(gateway: Gateway, name: str) -> Said:
    """List who is in a group."""
    found = gateway.client.list_members(name)["members"]
    return Said(found, found or [f"Nobody is in {name}."])


@command("join", examples=(("tsadmin group join staff user1", "user1 is in it from now on"),))
@_group
@_user
def join_group(gateway: Gateway, name: str, user: str) -> Said:
    """Put USER into a group."""
    gateway.client.add_member(name, user)
    return Said({"name": name, "user": user}, [f"{user} is in {name} from now on."])


@command("leave", examples=(("tsadmin group leave staff user1", "user1 is in it no more"),))
@_group
@_user
def leave_group(gateway: Gateway, name: str, user: str) -> Said:
    """Take USER out of a group."""
    gateway.client.remove_member(name, user)
    return Said({"name": name, "user": user}, [f"{user} is in {name} no more."])


group = Group(
    "group", list_groups, add_group, describe_group, delete_group, list_members, join_group, leave_group,
    help="Make groups, and put people into them.",
)  # fmt: skip


@command("list", examples=(("tsadmin role list", "who may administer what"),))
def list_roles(gateway: Gateway) -> Said:
    """List the roles that were given. Members of the group `administrators` are owners beside that."""
    found = gateway.client.list_roles()["roles"]
    if not found:
        return Said([], ["No roles were given. Members of the group administrators are owners."])
    rows = [
        (each["id"], each["role"], each["user"] or f"group {each['group']}", each["desktop"] or "everything")
        for each in found
    ]
    return Said(found, table(">ID|ROLE|WHO|FOR", rows), head=True)


@command(
    "give",
    examples=(
        ("tsadmin role give helpdesk --group support", "to a group, for everything"),
        ("tsadmin role give operator --user user1 --desktop desktop1", "to user1, for one desktop"),
    ),
)
@click.argument("role", type=ROLE)
@click.option("--user", type=ACCOUNT, help="To whom.")
@click.option("--group", type=GROUP, help="To a group, instead.")
@click.option("--desktop", type=DESKTOP, help="For this desktop and its sessions; else for everything.")
def give_role(gateway: Gateway, role: str, user: str | None, group: str | None, desktop: str | None) -> Said:
    """Give a role: owner, operator, helpdesk, auditor or template-manager.

    docs/roles.md says what each may.
    """
    if (user is None) == (group is None):
        raise WrongUse("say to whom: --user or --group", code="nobody")
    given = gateway.client.give_role(role=role, user=user, group=group, desktop=desktop)
    who = user or f"the group {group}"
    return Said(given, [f"{who} is {role} of {desktop or 'everything'} from now on (role {given['id']})."])


@command("take", examples=(("tsadmin role take 3", "the role of that number"),))
@click.argument("number", metavar="ID", type=click.IntRange(min=1))
@yes_option
def take_role(gateway: Gateway, number: int, yes: bool) -> Said:
    """Take a role away. ID: as `tsadmin role list` shows it."""
    confirm(f"Take the role {number} away?", yes)
    gateway.client.take_role(number)
    return Said({"id": number}, [f"Taken away: the role {number}."])


role = Group("role", list_roles, give_role, take_role, help="Say who may administer what.")
