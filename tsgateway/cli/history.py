"""`tsgateway session history`: who had which session, from the database."""

from __future__ import annotations

import datetime
import json
import re
import sys
import time

import click

from tsgateway.cli.options import fail, with_config
from tsgateway.cli.user import open_store
from tsgateway.config import Config
from tsgateway.store import Cursor, Ran
from tsgateway.store.history import MAX_PAGE

_SPAN = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": 60, "h": 3600, "d": 86_400}


@click.command("history")
@click.option("--user", help="Only sessions of this account.")
@click.option("--desktop", help="Only sessions of this desktop.")
@click.option("--since", help="Only those begun since then: `90m`, `12h`, `7d`, or a date `2030-12-31`.")
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=50, show_default=True, help="How many.")
@click.option("--after", help="Go on after this, with which the last page ended.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@with_config
def history(
    config: Config,
    *,
    user: str | None,
    desktop: str | None,
    since: str | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List the sessions that run and have run, the latest first; ended ones for [sessions] keep_days."""
    try:
        cursor = None if after is None else Cursor.read(after)
    except (ValueError, OverflowError):
        fail(f'"{after}" is not what a page ends with', 2)
    begun = None if since is None else _time(since)
    store = open_store(config)
    found, end = store.history.page(after=cursor, limit=limit, user=user, desktop=desktop, since=begun)
    store.close()
    if as_json:
        shown = {"sessions": [row._asdict() for row in found], "after": None if end is None else str(end)}
        click.echo(json.dumps(shown, indent=2))
        return
    if not found:
        click.echo("There are no such sessions.")
        return
    click.echo(f"{'BEGAN':<18}{'ENDED':<18}{'USER':<18}{'DESKTOP':<18}{'HOST':<6}{'FROM':<18}STATE")
    for row in found:
        click.echo(_line(row))
    if end is not None:
        click.echo(f"There are more: --after {end}", err=sys.stdout.isatty())


def _line(row: Ran) -> str:
    ended = "" if row.ended is None else _shown(row.ended)
    state = "".join(each if each.isprintable() else " " for each in row.reason or row.state)
    who = f"{row.user:<18}{row.desktop:<18}{row.host:<6}{row.address:<18}"
    return f"{_shown(row.began):<18}{ended:<18}{who}{state}"


def _shown(seconds: float) -> str:
    return f"{datetime.datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M}"


def _time(text: str) -> float:
    if found := _SPAN.fullmatch(text):
        return time.time() - int(found[1]) * _UNITS[found[2]]
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        fail(f'"{text}" is no time: write `90m`, `12h`, `7d`, or a date like 2030-12-31', 2)
