"""`tsadmin query`: the lists that administrators know from Windows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from tsgateway.admin import asking, columns
from tsgateway.admin.command import Gateway, Group, Said, command
from tsgateway.admin.hosts import list_hosts
from tsgateway.admin.names import DESKTOP, SESSION
from tsgateway.admin.processes import process

_NOBODY = "Nobody has a session."

_which = click.argument("wanted", metavar="[TARGET]...", nargs=-1, type=SESSION)
_desktop = click.option("--desktop", type=DESKTOP, help="Only sessions of this desktop.")


@command(
    "session",
    examples=(
        ("tsadmin query session", "all sessions you may see"),
        ("tsadmin qwinsta user1", "those of user1"),
        ("tsadmin query session 7 --json", "session 7, for a program"),
    ),
)
@_which
@_desktop
def session(gateway: Gateway, wanted: Sequence[str], desktop: str | None) -> Said:
    """List sessions.

    TARGET: a session's number, its name (web#3), its person's name, or the beginning of its id.

    SESSIONNAME is the viewer that was connected last, by the way it came and its number; DEVICE is the
    desktop. States are those of Windows: Init (starts), Active, Conn (connected, nothing typed yet), Idle,
    Disc (disconnected: it goes on). Your own sessions are marked with `>`.
    """
    found = _found(gateway, wanted, desktop)
    if not found:
        return Said([], [_NOBODY])
    return Said(found, columns.session_lines(found, asking.me(gateway.client)), head=True)


@command(
    "user",
    examples=(
        ("tsadmin query user", "who has sessions, since when, and who is idle"),
        ("tsadmin quser user1", "the sessions of user1"),
    ),
)
@_which
@_desktop
def user(gateway: Gateway, wanted: Sequence[str], desktop: str | None) -> Said:
    """List who has sessions, and how long nobody has typed there.

    TARGET: a session's number, its name (web#3), its person's name, or the beginning of its id.

    IDLE TIME: `.` for less than a minute, minutes, h:mm, days+hh:mm; `none` where nobody could type yet. Of a
    disconnected session, how long it is that.
    """
    found = _found(gateway, wanted, desktop, idle=True)
    if not found:
        return Said([], [_NOBODY])
    return Said(found, columns.user_lines(found, asking.me(gateway.client), time.time()), head=True)


def _found(
    gateway: Gateway, wanted: Sequence[str], desktop: str | None, *, idle: bool = False
) -> list[dict[str, Any]]:
    sessions = asking.sessions(gateway.client, idle=idle)
    if desktop is not None:
        sessions = [each for each in sessions if each["desktop"] == desktop]
    return asking.chosen(sessions, wanted, every=True) if wanted else sessions


query = Group(
    "query",
    session,
    user,
    process,
    list_hosts("host"),
    help="List sessions, people, processes and hosts, in the columns administrators know from Windows.",
)
