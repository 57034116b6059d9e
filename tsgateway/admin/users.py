"""`tsadmin user` and `sign-in`: accounts, and who is signed in."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from tsgateway.admin.command import Command, Gateway, Group, Said, command, confirm, yes_option
from tsgateway.admin.errors import WrongUse
from tsgateway.admin.names import ACCOUNT, GROUP
from tsgateway.admin.text import facts, moment, table
from tsgateway.client.unset import UNSET

Json = Mapping[str, Any]
MAX_PASSWORD = 1024

_name = click.argument("name", type=ACCOUNT)
_password_stdin = click.option(
    "--password-stdin", is_flag=True,
    help="Read the password from the first line of standard input; else a random one is made and shown once.",
)  # fmt: skip
_keep = click.option("--keep", is_flag=True, help="It need not be changed at the next sign-in.")


@command(
    "list",
    examples=(("tsadmin user list", "all accounts"), ("tsadmin user list --group users", "of a group")),
)
@click.option("--group", type=GROUP, help="Only who is in this group.")
def list_users(gateway: Gateway, group: str | None) -> Said:
    """List accounts and their groups."""
    found = gateway.client.list_users()["users"]
    if group is not None:
        found = [each for each in found if group in each["groups"]]
    if not found:
        return Said([], ["There are no such accounts."])
    rows = [
        (each["name"], each["display_name"], _state(each), each["source"], _factor(each), _groups(each))
        for each in found
    ]
    return Said(found, table("NAME|CALLED|STATE|CHECKED BY|2ND FACTOR|GROUPS", rows), head=True)


@command("show", examples=(("tsadmin user show user1", "all that is known of user1"),))
@_name
def show_user(gateway: Gateway, name: str) -> Said:
    """Show an account."""
    return _shown(gateway.client.get_user(name))


@command(
    "add",
    examples=(
        ("tsadmin user add user1", "with a random password, shown once"),
        ("tsadmin user add user1 --group users --group staff --name 'Una Ser'", "in two groups"),
        ("tsadmin user add user2 --source corp --key uid=user2,ou=people", "one that a directory checks"),
    ),
)
@click.argument("name")
@click.option("--name", "called", default="", help="What people call them.")
@click.option("--group", "groups", type=GROUP, multiple=True, help="A group to be in; may be given again.")
@click.option(
    "--source", default=None, help="Who checks it: an authenticator of the configuration, not a password."
)
@click.option("--key", default=None, help="As whom that one knows them.")
@_password_stdin
@_keep
def add_user(
    gateway: Gateway, *, name: str, called: str, groups: tuple[str, ...], source: str | None, key: str | None,
    password_stdin: bool, keep: bool,
) -> Said:  # fmt: skip
    """Make an account."""
    made = gateway.client.make_user(
        name=name,
        display_name=called,
        groups=list(groups),
        password=_password() if password_stdin else None,
        must_change=source is None and not keep,
        source=UNSET if source is None else source,
        source_key=key,
    )
    lines = [f"Made: the account {made['name']}."]
    return Said(made, lines + _once(made["password"]))


@command(
    "passwd",
    examples=(
        ("tsadmin user passwd user1", "a random one, to be changed at the next sign-in"),
        ("tsadmin user passwd user1 --password-stdin --keep < file", "this one"),
    ),
)
@_name
@_password_stdin
@_keep
def set_password(gateway: Gateway, name: str, password_stdin: bool, keep: bool) -> Said:
    """Change an account's password; it is signed out everywhere."""
    password = _password() if password_stdin else None
    told = gateway.client.set_password(name, password=password, must_change=not keep)
    return Said({"name": name, **told}, [f"The password of {name} is set.", *_once(told["password"])])


@command(
    "change",
    examples=(
        ("tsadmin user change user1 --name 'Una Ser'", "what people call them"),
        ("tsadmin user change user1 --source corp --key uid=user1", "checked by a directory from now on"),
    ),
)
@_name
@click.option("--name", "called", default=None, help="What people call them.")
@click.option(
    "--source", default=None, help="Who checks it: `local`, or an authenticator of the configuration."
)
@click.option("--key", default=None, help="As whom that one knows them.")
@click.option(
    "--must-change/--keep", default=None, help="Whether the password is to be changed at the next sign-in."
)
def change_user(
    gateway: Gateway,
    *,
    name: str,
    called: str | None,
    source: str | None,
    key: str | None,
    must_change: bool | None,
) -> Said:
    """Change an account."""
    if (called, source, key, must_change) == (None, None, None, None):
        raise WrongUse("say what is to be changed", code="nothing")
    return _shown(
        gateway.client.change_user(
            name, display_name=called, source=source, source_key=key, must_change=must_change
        )
    )


def _switch(name: str, enabled: bool, about: str) -> Command:
    def switch(gateway: Gateway, name: str) -> Said:
        told = gateway.client.change_user(name, enabled=enabled)
        return Said(told, [f"{'Enabled' if enabled else 'Disabled'}: the account {name}."])

    switch.__doc__ = about
    return command(name, examples=((f"tsadmin user {name} user1", "the account user1"),))(_name(switch))


enable_user = _switch("enable", True, "Let an account sign in again.")
disable_user = _switch("disable", False, "Keep an account, but let nobody sign in with it; it is signed out.")


@command("delete", examples=(("tsadmin user delete user1", "the account; sessions and disks stay"),))
@_name
@yes_option
def delete_user(gateway: Gateway, name: str, yes: bool) -> Said:
    """Delete an account; it is signed out everywhere."""
    confirm(f"Delete the account {name}?", yes)
    gateway.client.delete_user(name)
    return Said({"name": name}, [f"Deleted: the account {name}."])


@command("remove-totp", examples=(("tsadmin user remove-totp user1", "who has lost their phone"),))
@_name
@yes_option
def remove_totp(gateway: Gateway, name: str, yes: bool) -> Said:
    """Remove an account's second factor, and its recovery codes."""
    confirm(f"{name} then signs in with a password alone. Remove the second factor?", yes)
    gateway.client.remove_user_totp(name)
    return Said({"name": name}, [f"Removed: the second factor of {name}."])


user = Group(
    "user", list_users, show_user, add_user, set_password, change_user, enable_user, disable_user,
    delete_user, remove_totp, help="Make and change accounts.",
)  # fmt: skip


@command(
    "list",
    examples=(
        ("tsadmin sign-in list user1", "where user1 is signed in, and how"),
        ("tsadmin sign-in list", "where you are"),
    ),
)
@click.argument("name", metavar="[USER]", required=False, type=ACCOUNT)
def list_sign_ins(gateway: Gateway, name: str | None) -> Said:
    """List the sign-ins of an account; without USER, your own."""
    client = gateway.client
    found = (client.own_sign_ins() if name is None else client.user_sign_ins(name))["sign_ins"]
    if not found:
        return Said([], ["There are no sign-ins."])
    rows = [
        (each["id"], each["method"], each["address"], moment(each["created"]), moment(each["used"]),
         "this one" if each["current"] else "")
        for each in found
    ]  # fmt: skip
    return Said(found, table("ID|METHOD|FROM|BEGAN|USED|", rows), head=True)


@command("end", examples=(("tsadmin sign-in end user1", "sign user1 out everywhere"),))
@_name
@yes_option
def end_sign_ins(gateway: Gateway, name: str, yes: bool) -> Said:
    """End all sign-ins of an account, and what was opened by them. Sessions go on."""
    confirm(f"Sign {name} out everywhere?", yes)
    gateway.client.end_user_sign_ins(name)
    return Said({"name": name}, [f"Signed out: {name}."])


sign_in = Group("sign-in", list_sign_ins, end_sign_ins, help="See who is signed in where, and end that.")


def _shown(account: Json) -> Said:
    rows = (
        ("name", account["name"]),
        ("called", account["display_name"]),
        ("state", _state(account)),
        ("groups", _groups(account)),
        ("checked by", account["source"] + (f" ({account['source_key']})" if account["source_key"] else "")),
        ("second factor", _factor(account)),
        ("made", moment(account["created"])),
    )
    return Said(account, facts(rows))


def _state(account: Json) -> str:
    if not account["enabled"]:
        return "disabled"
    return "new password" if account["must_change"] else "enabled"


def _factor(account: Json) -> str:
    return "yes" if account["totp"] else "no"


def _groups(account: Json) -> str:
    return ", ".join(account["groups"])


def _password() -> str:
    password = sys.stdin.readline(MAX_PASSWORD + 2).rstrip("\r\n")
    if not password:
        raise WrongUse("there is no password on standard input", code="no_password")
    return password


def _once(password: str | None) -> list[str]:
    return [] if password is None else [f"password: {password}", "It is not shown again."]
