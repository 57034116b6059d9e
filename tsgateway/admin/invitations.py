"""`tsadmin invitation`: links by which people let others look on at their sessions."""

from __future__ import annotations

import click

from tsgateway.admin.command import Gateway, Group, Said, command, confirm, yes_option
from tsgateway.admin.names import INVITATION
from tsgateway.admin.text import moment, table


@command("list", examples=(("tsadmin invitation list", "who may look on by a link, until when"),))
def list_invitations(gateway: Gateway) -> Said:
    """List the invitations to sessions, the newest first."""
    found = gateway.client.list_invitations()["invitations"]
    if not found:
        return Said([], ["There are no invitations."])
    rows = [
        (
            each["id"],
            each["user"],
            each["desktop"],
            "control" if each["control"] else "watch",
            "anybody" if each["anybody"] else "signed in",
            f"{len(each['guests'])}/{each['uses']}",
            ", ".join(each["guests"]),
            moment(each["expires"]),
        )
        for each in found
    ]
    return Said(found, table("ID|OF|DESKTOP|MAY|WHO|USED|BY|EXPIRES", rows), head=True)


@command(
    "revoke",
    examples=(("tsadmin invitation revoke 3f2a91", "its link leads nowhere, who came by it is sent away"),),
)
@click.argument("invitation", metavar="ID", type=INVITATION)
@yes_option
def revoke_invitation(gateway: Gateway, invitation: str, yes: bool) -> Said:
    """Revoke an invitation, at once. ID: as `tsadmin invitation list` shows it."""
    confirm(f"Who looks on by the invitation {invitation} is sent away. Revoke it?", yes)
    gateway.client.revoke_invitation(invitation)
    return Said({"id": invitation}, [f"Revoked: the invitation {invitation}."])


invitation = Group(
    "invitation", list_invitations, revoke_invitation, help="List and revoke invitations to sessions."
)
