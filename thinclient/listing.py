"""What runs on a gateway: sessions of one's own, and of others where a role allows that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from thinclient.who import Who, gateway_options
from tsgateway.client import Client
from tsgateway.client.operations import Person, Published, RunningSession


@dataclass(frozen=True, slots=True)
class Other:
    """Somebody else's session. views, controls: whether one may ask to look on, and to help."""

    session: RunningSession
    views: bool
    controls: bool


def others(gateway: Client) -> list[Other]:
    """Return the sessions of others that one is shown. Raises ClientError."""
    me = gateway.who_am_i()["user"]
    if me is None or not me["roles"]:
        return []
    return [
        Other(each, _may(me, "shadow", each), _may(me, "shadow-control", each))
        for each in gateway.list_sessions()["sessions"]
        if each["user"] != me["name"]
    ]


def _may(person: Person, action: str, session: RunningSession) -> bool:
    """Whether one's roles allow something; the gateway decides in any case."""
    return any(
        action in role["actions"] and role["desktop"] in (None, session["desktop"])
        for role in person["roles"]
    )


@click.command("list")
@gateway_options
def list_(*, who: Who) -> None:
    """List the desktops at URL that you may open, and the sessions that run there."""
    with who.sign_in() as gateway:
        desktops, foreign = gateway.list_desktops()["desktops"], others(gateway)
    for line in _table([("DESKTOP", "TITLE", "SESSION", "STATE", "WHOSE", ""), *_rows(desktops, foreign)]):
        click.echo(line)


Row = tuple[str, ...]


def _rows(desktops: Iterable[Published], foreign: Iterable[Other]) -> Iterable[Row]:
    for desktop in desktops:
        names = (desktop["id"], desktop["title"])
        own = [(str(each["number"]), each["state"], "yours", "") for each in desktop["sessions"]]
        for what in own or [("-", "-", "-", "")]:
            yield (*names, *what)
    for other in foreign:
        may = "look on, control" if other.controls else "look on" if other.views else ""
        told = other.session
        yield (told["desktop"], told["title"], str(told["number"]), told["state"], told["user"], may)


def _table(rows: Sequence[Row]) -> list[str]:
    """Return lines with aligned columns; nothing in them moves the cursor, whoever has named it."""
    plain = [tuple("".join(c if c.isprintable() else "?" for c in cell) for cell in row) for row in rows]
    widths = [max(len(row[at]) for row in plain) for at in range(len(plain[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in plain
    ]
