"""`tsadmin query process` and `kill`: what runs in sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from tsgateway.admin import asking, columns, targets
from tsgateway.admin.command import Gateway, Said, command, confirm, note, yes_option
from tsgateway.admin.errors import Cannot
from tsgateway.admin.names import SESSION
from tsgateway.admin.text import clean, count
from tsgateway.client import NoRight, NotThere, Refused, Unavailable

Json = dict[str, Any]
Found = list[tuple[Json, Json]]
"""Processes, each with its session."""
PATIENCE = 60.0
"""Seconds a guest may take to answer, or a process to end."""


@command(
    "process",
    examples=(
        ("tsadmin query process 7", "what runs in session 7"),
        ("tsadmin qprocess --name firefox", "in which sessions Firefox runs"),
    ),
)
@click.argument("wanted", metavar="[TARGET]...", nargs=-1, type=SESSION)
@click.option("--name", "program", help="Only processes of this name.")
def process(gateway: Gateway, wanted: Sequence[str], program: str | None) -> Said:
    """List the processes in sessions.

    TARGET: a session's number, its name (web#3), its person's name, or the beginning of its id; else every
    session you may look into. Of a machine that many share, only those of the session's person.
    """
    sessions = asking.sessions(gateway.client)
    if wanted:
        sessions = asking.chosen(sessions, wanted, every=True)
    found = _processes(gateway, sessions, strict=bool(wanted))
    if program is not None:
        found = [(session, each) for session, each in found if each["name"] == program]
    if not found:
        return Said([], ["No such processes run."])
    told = [{"session": session["id"], "number": session["number"], **each} for session, each in found]
    return Said(told, columns.process_lines(found, asking.me(gateway.client)), head=True)


@command(
    "kill",
    examples=(
        ("tsadmin kill 4711 --session 7", "the process 4711 in session 7"),
        ("tsadmin kill firefox --session user1", "every Firefox there"),
        ("tskill firefox --all --yes", "every Firefox in every session"),
    ),
)
@click.argument("process")
@click.option("--session", "wanted", type=SESSION, metavar="TARGET", help="In which session.")
@click.option("--all", "-a", "every", is_flag=True, help="In every session.")
@yes_option
def kill(gateway: Gateway, process: str, wanted: str | None, every: bool, yes: bool) -> Said:
    """End processes: they are asked to first, and killed when they do not.

    PROCESS: its number (PID) or its name, as `tsadmin query process` shows them. Also called `tskill`.
    """
    sessions = asking.sessions(gateway.client)
    if wanted is not None:
        sessions = asking.chosen(sessions, [wanted])
    found = [
        (session, each)
        for session, each in _processes(gateway, sessions, strict=wanted is not None)
        if process in (str(each["pid"]), each["name"])
    ]
    if not found:
        where = f"session {targets.described(sessions[0])}" if wanted is not None else "any session"
        raise Cannot(f"no process {clean(process)} runs in {where}", code="no_such_process")
    places = {session["id"] for session, _ in found}
    if len(places) > 1 and not every:
        numbers = ", ".join(str(session["number"]) for session in sessions if session["id"] in places)
        raise Cannot(
            f"{clean(process)} runs in several sessions: {numbers}. Say which with --session, or --all",
            code="ambiguous",
        )
    which = "; ".join(
        f"{clean(each['name'])} ({each['pid']}) in session {_of(session)}" for session, each in found
    )
    confirm(f"End {count(len(found), 'process', 'processes')}: {which}?", yes)
    return _ended(gateway, found)


def _ended(gateway: Gateway, found: Found) -> Said:
    told, lines = [], []
    client = gateway.patient(PATIENCE)
    for session, each in found:
        forced = client.end_process(session["id"], each["pid"])["forced"]
        told.append({"session": session["id"], "pid": each["pid"], "name": each["name"], "forced": forced})
        how = "Killed" if forced else "Ended"
        lines.append(f"{how}: {clean(each['name'])} ({each['pid']}) in session {_of(session)}.")
    return Said(told, lines)


def _of(session: Json) -> str:
    return f"{session['number']} of {clean(session['user'])}"


def _processes(gateway: Gateway, sessions: Sequence[Json], strict: bool) -> Found:
    """Return what runs in sessions. Raises ClientError; unless `strict`, who does not tell is noted."""
    found: Found = []
    client = gateway.patient(PATIENCE)
    for session in sessions:
        try:
            told = client.list_processes(session["id"])["processes"]
        except (Refused, Unavailable, NotThere, NoRight) as error:
            if strict:
                raise
            note(f"session {targets.described(session)}: {error}")
            continue
        found += [(session, dict(each)) for each in told]
    return found
