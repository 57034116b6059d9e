"""What many commands ask the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tsgateway.admin import targets
from tsgateway.admin.errors import WrongUse

if TYPE_CHECKING:
    from tsgateway.client import Client

Json = dict[str, Any]


def sessions(client: Client, *, idle: bool = False) -> list[Json]:
    """Return the sessions that run, by number. Raises ClientError.

    idle: whether it matters how long nobody typed, as of now.
    """
    return [dict(each) for each in client.list_sessions(idle=idle)["sessions"]]


def me(client: Client) -> str:
    """Return the name of who asks; "" for nobody the gateway has an account of. Raises ClientError."""
    user = client.who_am_i()["user"]
    return "" if user is None else user["name"]


def chosen(found: Sequence[Json], words: Sequence[str], every: bool = False) -> list[Json]:
    """Return the sessions that words mean, each once, in the order they were said.

    every: whether a person's name may mean all of their sessions. Raises Cannot where one means none, or too
    many, before anything is done to any.
    """
    meant: dict[str, Json] = {}
    for word in words:
        for each in targets.found(found, word) if every else [targets.one(found, word)]:
            meant[each["id"]] = dict(each)
    if not meant:
        raise WrongUse("say which session: by its number, its name, or its person's", code="no_target")
    return list(meant.values())
