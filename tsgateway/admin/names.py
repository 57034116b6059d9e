"""What arguments name: sessions, people, desktops, hosts. A shell completes them by asking the gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from tsgateway.admin.command import PLACE, connected, wanted_of
from tsgateway.admin.place import place

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from tsgateway.client import Client

WITHIN = 1.0
"""Seconds a shell waits for the gateway; then nothing is completed."""

Found = Iterator[tuple[str, str]]
"""Words, and what is said about each."""


class Name(click.ParamType[str]):
    """A word that names something the gateway knows."""

    def __init__(self, name: str, find: Callable[[Client], Found]) -> None:
        self.name = name
        self._find = find

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """click: return the words that begin so; none if the gateway does not say."""
        from click.shell_completion import CompletionItem  # slow to import

        given = {key: ctx.params.get(key) for key in PLACE}
        try:
            with connected(place(wanted_of(ctx, given)), WITHIN) as client:
                found = dict(self._find(client))
        except Exception:  # there is nobody here to tell
            return []
        return [
            CompletionItem(word, help=about) for word, about in found.items() if word.startswith(incomplete)
        ]


def _sessions(client: Client) -> Found:
    for each in client.list_sessions()["sessions"]:
        about = f"{each['user']}, {each['desktop']}, {each['state']}"
        yield str(each["number"]), about
        if each["name"]:
            yield each["name"], about
        yield each["user"], "person"


def _people_with_sessions(client: Client) -> Found:
    for each in client.list_sessions()["sessions"]:
        yield each["user"], each["desktop"]


def _desktops(client: Client) -> Found:
    for each in client.list_pools()["desktops"]:
        yield each["desktop"], each["title"]


def _hosts(client: Client) -> Found:
    yield "all", "the whole gateway"
    for each in client.list_hosts()["hosts"]:
        yield str(each["host"]), each["state"]


def _images(client: Client) -> Found:
    for each in client.list_images()["images"]:
        yield each["name"], each["kind"]


def _tokens(client: Client) -> Found:
    for each in client.list_tokens()["tokens"]:
        yield each["id"], each["name"]


def _invitations(client: Client) -> Found:
    for each in client.list_invitations()["invitations"]:
        yield each["id"], f"{each['user']}, {each['desktop']}"


def _addressees(client: Client) -> Found:
    yield "*", "everybody"
    yield from _sessions(client)


def _viewers(client: Client) -> Found:
    for each in client.list_sessions()["sessions"]:
        about = f"{each['user']}, {each['desktop']}"
        yield str(each["number"]), about
        if each["name"]:
            yield each["name"], about


def _accounts(client: Client) -> Found:
    for each in client.list_users()["users"]:
        yield each["name"], each["display_name"]


def _groups(client: Client) -> Found:
    for each in client.list_groups()["groups"]:
        yield each["name"], each["description"]


def _roles(client: Client) -> Found:
    for each in ("owner", "operator", "helpdesk", "auditor", "template-manager"):
        yield each, ""


def _policies(client: Client) -> Found:
    for each in client.list_policies()["policies"]:
        yield each["id"], each["policy"]["name"]
        yield each["policy"]["name"], each["policy"]["kind"]


SESSION = Name("session", _sessions)
ADDRESSEE = Name("target", _addressees)
VIEWER = Name("viewer", _viewers)
USER = Name("user", _people_with_sessions)
DESKTOP = Name("desktop", _desktops)
HOST = Name("host", _hosts)
IMAGE = Name("image", _images)
ACCOUNT = Name("user", _accounts)
GROUP = Name("group", _groups)
ROLE = Name("role", _roles)
POLICY = Name("policy", _policies)
TOKEN = Name("token", _tokens)
INVITATION = Name("invitation", _invitations)
