"""`tsadmin token`: what programs ask with."""

from __future__ import annotations

import click

from tsgateway.admin.command import Gateway, Group, Said, command, confirm, yes_option
from tsgateway.admin.errors import WrongUse
from tsgateway.admin.names import TOKEN, USER
from tsgateway.admin.text import moment, table


@command(
    "list",
    examples=(
        ("tsadmin token list", "your tokens"),
        ("tsadmin token list --user '*'", "everybody's"),
    ),
)
@click.option("--user", type=USER, help="Whose: somebody's name, or `*` for everybody's.")
def list_tokens(gateway: Gateway, user: str | None) -> Said:
    """List tokens, the newest first. On the gateway's machine: everybody's."""
    found = gateway.client.list_tokens(user=user or whose(gateway))["tokens"]
    if not found:
        return Said([], ["There are no tokens."])
    rows = [
        (
            each["id"],
            each["user"],
            each["name"],
            "all" if each["roles"] is None else ", ".join(each["roles"]) or "none",
            "reads" if each["read_only"] else "acts",
            moment(each["created"]),
            moment(each["expires"]) or "never",
            moment(each["used"]) or "never",
        )
        for each in found
    ]
    return Said(found, table("ID|USER|NAME|ROLES|MAY|MADE|EXPIRES|USED", rows), head=True)


def whose(gateway: Gateway) -> str:
    """Return whose tokens are listed when nobody is named: a process on the machine has none of its own."""
    user = gateway.client.who_am_i()["user"]
    name = "" if user is None else user["name"]
    return "*" if name.startswith("local:") else name


@command(
    "make",
    examples=(
        ("tsadmin token make backup --read-only", "one that may only read, for 90 days"),
        ("tsadmin token make monitor --role auditor --days 365 > token", "the token alone into a file"),
        ("tsadmin token make robot --for user1", "for somebody else; on the gateway's machine"),
    ),
)
@click.argument("name")
@click.option("--days", type=click.FloatRange(0, 3650, min_open=True), default=90, show_default=True,
              help="How long it is good for.")  # fmt: skip
@click.option("--forever", is_flag=True, help="It does not expire.")
@click.option("--read-only", is_flag=True, help="It may read what you may, and change nothing.")
@click.option("--role", "roles", multiple=True, metavar="ROLE",
              help="Only this one of your roles; may be given again.")  # fmt: skip
@click.option("--for", "user", type=USER, help="Whose token it is to be; else yours.")
def make_token(
    gateway: Gateway, *, name: str, days: float, forever: bool, read_only: bool, roles: tuple[str, ...],
    user: str | None,
) -> Said:  # fmt: skip
    """Make a token called NAME, for a program. It is shown once: keep it where only the program reads it."""
    if user is None and gateway.client.who_am_i()["user"] is not None and whose(gateway) == "*":
        raise WrongUse("on the gateway's machine say whose token it is to be: --for USER", code="nobody")
    made = gateway.client.make_token(
        name=name,
        days=None if forever else days,
        read_only=read_only,
        roles=list(roles) or None,
        user=user,
    )
    return Said(made, [made["secret"]])


@command(
    "revoke", examples=(("tsadmin token revoke 3f2a91", "the token of that id is good for nothing more"),)
)
@click.argument("token", metavar="ID", type=TOKEN)
@yes_option
def revoke_token(gateway: Gateway, token: str, yes: bool) -> Said:
    """Revoke a token, at once. ID: as `tsadmin token list` shows it."""
    confirm(f"Whatever uses the token {token} stops working. Revoke it?", yes)
    gateway.client.revoke_token(token)
    return Said({"id": token}, [f"Revoked: the token {token}."])


token = Group(
    "token", list_tokens, make_token, revoke_token, help="Make, list and revoke tokens for programs."
)
