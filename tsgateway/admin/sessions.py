"""`tsadmin session`: where a session's time goes, and who had which session."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from tsgateway.admin import asking, latency
from tsgateway.admin.command import Gateway, Group, Said, command, note
from tsgateway.admin.errors import Cannot, WrongUse
from tsgateway.admin.names import DESKTOP, SESSION, USER
from tsgateway.admin.text import table
from tsgateway.client.unset import UNSET, Unset

EVERY = 1.0
"""Seconds between two looks of `--watch`."""
MAX_PAGE = 500
_SPAN = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": 60, "h": 3600, "d": 86_400}


@command(
    "stats",
    examples=(
        ("tsadmin session stats 7", "is it the guest, the line, the viewer or the gateway?"),
        ("tsadmin session stats user1 --watch", "again every second"),
    ),
)
@click.argument("wanted", metavar="[TARGET]", required=False, type=SESSION)
@click.option("--watch", is_flag=True, help="Again every second, until Ctrl-C.")
def stats(gateway: Gateway, wanted: str | None, watch: bool) -> Said | Iterator[Said]:
    """Show where the time of a session goes, from an input to its picture.

    TARGET: the session's number, its name, its person's, or the beginning of its id; not needed when only one
    runs. docs/latency.md tells what the stages mean and what to do about each.
    """
    found = asking.sessions(gateway.client)
    if wanted is None and len(found) == 1:
        wanted = found[0]["id"]
    if wanted is None and not found:
        raise Cannot("there are no sessions", code="no_such_session")
    meant = asking.chosen(found, [] if wanted is None else [wanted])[0]
    return _watched(gateway, meant) if watch else _measured(gateway, meant)


def _measured(gateway: Gateway, session: dict[str, Any]) -> Said:
    told = gateway.client.session_statistics(session["id"])
    return Said(told, latency.page(told).splitlines())


def _watched(gateway: Gateway, session: dict[str, Any]) -> Iterator[Said]:
    while True:
        said = _measured(gateway, session)
        if sys.stdout.isatty():
            click.clear()
        yield said
        time.sleep(EVERY)


@command(
    "history",
    examples=(
        ("tsadmin session history --since 7d", "the sessions begun in the last week"),
        ("tsadmin session history --user user1", "those of user1"),
    ),
)
@click.option("--user", type=USER, help="Only sessions of this person.")
@click.option("--desktop", type=DESKTOP, help="Only sessions of this desktop.")
@click.option("--since", help="Only those begun since then: `90m`, `12h`, `7d`, or a date `2030-12-31`.")
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=50, show_default=True, help="How many.")
@click.option("--after", help="Go on after this, with which the last page ended.")
def history(
    gateway: Gateway,
    *,
    user: str | None,
    desktop: str | None,
    since: str | None,
    limit: int,
    after: str | None,
) -> Said:
    """List the sessions that run and have run, the latest first; ended ones for [sessions] keep_days."""
    told = gateway.client.list_history(
        limit=limit,
        user=given(user),
        desktop=given(desktop),
        after=given(after),
        since=UNSET if since is None else moment_of(since),
    )
    if not told["sessions"]:
        return Said(told, ["There are no such sessions."])
    rows = [
        (
            _day(each["began"]), _day(each["ended"]), each["user"], each["desktop"], each["host"],
            each["address"], each["reason"] or each["state"],
        )
        for each in told["sessions"]
    ]  # fmt: skip
    if told["after"] is not None:
        note(f"There are more: --after {told['after']}")
    return Said(told, table("BEGAN|ENDED|USER|DESKTOP|HOST|FROM|STATE", rows), head=True)


def given(text: str | None) -> str | Unset:
    """Return what was said, in the way the client wants to be told that nothing was."""
    return UNSET if text is None else text


def _day(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"


def moment_of(text: str) -> float:
    """Return the Unix time that `7d` (ago) or a date stand for. Raises WrongUse."""
    if found := _SPAN.fullmatch(text):
        return time.time() - int(found[1]) * _UNITS[found[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise WrongUse(
            f'"{text}" is no time: write `90m`, `12h`, `7d`, or a date like 2030-12-31', code="bad_time"
        ) from None


session = Group("session", stats, history, help="See where a session's time goes, and who had which session.")
