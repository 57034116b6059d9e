"""`tsgateway host`: session hosts, their weights, and whom they take on.

It works while the gateway runs and while it does not: what is set is in the database, where it is read before
each session is placed.
"""

from __future__ import annotations

import json
import time
from typing import Any

import click

from sessions.wire.tsg import SessionState
from tsgateway.cli.options import fail, spelled, with_config
from tsgateway.cli.user import open_store
from tsgateway.config import Config
from tsgateway.drain import ALL, MAX_WEIGHT, MIN_WEIGHT, DrainMode
from tsgateway.hosts.asking import AskedHost, running_hosts
from tsgateway.hosts.link import HostError
from tsgateway.hosts.placement import Candidate, HostState, Load, Pace
from tsgateway.hosts.placing import Placer
from tsgateway.layout import Layout

_HOST = click.argument("name", metavar="[HOST]", default=ALL)


@click.group()
def host() -> None:
    """List session hosts; set their weights, and whether they take people on.

    HOST: its number, as `list` shows it; `all`, or nothing: the whole gateway.
    """


@host.command("list")
@click.option("--desktop", default="", help="For a session of this desktop: which hosts have guests ready.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@with_config
def list_hosts(config: Config, desktop: str, as_json: bool) -> None:
    """List the hosts, the one that gets the next session first."""
    placer = Placer(Pace(config.hosts.logons_at_once, config.hosts.logons_a_minute))
    store = open_store(config)
    placer.settings = store.hosts.all()
    store.close()
    hosts = {each.number: each for each in _candidates(config)}
    found = [
        {
            "host": each.number,
            "state": hosts[each.number].state.name.lower(),
            "mode": placer.setting(each.number).mode.value,
            "weight": placer.setting(each.number).weight,
            "sessions": hosts[each.number].sessions,
            "points": round(each.points, 1),
            "reason": each.reason,
        }
        for each in placer.scores(hosts.values(), desktop)
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{'HOST':<6}{'STATE':<10}{'MODE':<21}{'WEIGHT':>6}  {'SESSIONS':>8}  {'POINTS':>8}  WHY")
    for row in found:
        click.echo(
            f"{row['host']:<6}{row['state']:<10}{row['mode']:<21}{row['weight']:>6}  {row['sessions']:>8}  "
            f"{row['points']:>8}  {row['reason']}"
        )


@host.command()
@click.argument("name", metavar="HOST")
@click.argument("weight", type=click.IntRange(MIN_WEIGHT, MAX_WEIGHT))
@with_config
def weight(config: Config, name: str, weight: int) -> None:
    """Set the weight of a host: its share of the sessions, relative to the others' (100 unless set)."""
    if name == ALL:
        fail("a weight says how much one host gets of what all get; name one", 2)
    store = open_store(config)
    store.hosts.set_weight(_checked(config, name), weight, time.time())
    store.close()
    click.echo(f"Host {name} has the weight {weight} from the next session on.")


@host.command()
@_HOST
@with_config
def enable(config: Config, name: str) -> None:
    """Take everybody on again."""
    _set(config, name, DrainMode.ENABLE, "takes everybody on")


@host.command()
@_HOST
@with_config
def disable(config: Config, name: str) -> None:
    """Take nobody on, not even those whose session runs there. Who is connected stays so."""
    _set(config, name, DrainMode.DISABLE, "takes nobody on")


@host.command()
@_HOST
@with_config
def drain(config: Config, name: str) -> None:
    """Start no new sessions; people may come back to those that run."""
    _set(config, name, DrainMode.DRAIN, "starts no new sessions")


@host.command("drain-until-restart")
@_HOST
@with_config
def drain_until_restart(config: Config, name: str) -> None:
    """The same, until the gateway, or that host, is started anew."""
    _set(config, name, DrainMode.DRAIN_UNTIL_RESTART, "starts no new sessions until it is started anew")


def _set(config: Config, name: str, mode: DrainMode, done: str) -> None:
    store = open_store(config)
    store.hosts.set_mode(_checked(config, name), mode, time.time())
    own = store.hosts.all()
    store.close()
    click.echo(f"{'The gateway' if name == ALL else f'Host {name}'} {done} from now on.")
    if name != ALL and ALL in own and own[ALL].mode is not DrainMode.ENABLE:
        click.echo(
            f"The whole gateway is set to {own[ALL].mode}, though; {spelled('host enable all')} ends that."
        )


def _checked(config: Config, name: str) -> str:
    if name == ALL or (name.isdecimal() and int(name) in _numbers(config)):
        return name if name == ALL else str(int(name))
    fail(f'there is no host "{name}"; {spelled("host list")} shows all', 2)


def _numbers(config: Config) -> set[int]:
    return {*range(config.hosts.count), *Layout.of(config).hosts()}


def _candidates(config: Config) -> list[Candidate]:
    """Return the hosts that are given sessions, as far as can be seen from outside of the gateway."""
    try:
        running = {each.number: each for each in running_hosts(Layout.of(config))}
    except HostError as error:
        fail(str(error), 1)
    return [_candidate(number, running.get(number)) for number in range(config.hosts.count)]


def _candidate(number: int, asked: AskedHost | None) -> Candidate:
    if asked is None:
        return Candidate(number, HostState.ASLEEP, 0)
    sessions: list[dict[str, Any]] = asked.sessions
    starting = sum(info["state"] == SessionState.STARTING for info in sessions)
    load = Load() if asked.load is None else Load.told(asked.load)
    asked.close()
    return Candidate(number, HostState.UP, len(sessions), starting, load=load)
