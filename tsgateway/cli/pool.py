"""`tsgateway pool`: the guests that stand ready, and how many sessions there may be."""

from __future__ import annotations

import dataclasses
import json

import click

from tsgateway.cli.options import fail, with_config
from tsgateway.config import Config
from tsgateway.hosts.asking import AskedHost, running_hosts
from tsgateway.hosts.link import HostError
from tsgateway.hosts.pools import local_time
from tsgateway.hosts.schedule import wanted
from tsgateway.layout import Layout


@dataclasses.dataclass
class _Row:
    """One desktop. max: 0 where there is none; trouble: "" while all is well."""

    desktop: str
    wanted: int
    ready: int
    starting: int
    in_use: int
    max: int
    trouble: str


@click.group()
def pool() -> None:
    """See how many guests stand ready, and what keeps them from it."""


@pool.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@with_config
def list_pools(config: Config, as_json: bool) -> None:
    """List the desktops that have a pool.

    WANTED: guests that shall stand ready now; IN USE: sessions.
    """
    if not any(desktop.pool.is_warm or desktop.pool.max for desktop in config.desktops.values()):
        click.echo("[]" if as_json else "No desktop has a pool.")
        return
    layout = Layout.of(config)
    try:
        hosts = list(running_hosts(layout))
        rows = _rows(config, hosts)
    except HostError as error:
        fail(str(error), 1)
    if not hosts:
        fail(f"no session host runs for {layout.root}: is the gateway running, and are you its user?", 1)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))
    else:
        _say(rows)


def _rows(config: Config, hosts: list[AskedHost]) -> list[_Row]:
    now = local_time()
    rows = {
        name: _Row(name, wanted(desktop.pool, now), 0, 0, 0, desktop.pool.max, "")
        for name, desktop in config.desktops.items()
        if desktop.pool.is_warm or desktop.pool.max
    }
    for host in hosts:
        for session in host.sessions:
            if session["desktop"] in rows:
                rows[session["desktop"]].in_use += 1
        for told in host.ask("spares", {})["pools"]:
            row = rows.get(told["desktop"])
            if row is not None:
                row.ready += told["ready"]
                row.starting += told["starting"]
                row.trouble = row.trouble or told["trouble"]
    for row in rows.values():
        if row.max:
            row.wanted = min(row.wanted, max(0, row.max - row.in_use))
    return list(rows.values())


def _say(rows: list[_Row]) -> None:
    width = max(len("DESKTOP"), *(len(row.desktop) for row in rows))
    click.echo(f"{'DESKTOP':{width}}  WANTED  READY  STARTING  IN USE  MAX   TROUBLE")
    for row in rows:
        most = str(row.max) if row.max else "–"
        click.echo(
            f"{row.desktop:{width}}  {row.wanted:>6}  {row.ready:>5}  {row.starting:>8}  {row.in_use:>6}  "
            f"{most:<4}  {row.trouble or 'none'}"
        )
