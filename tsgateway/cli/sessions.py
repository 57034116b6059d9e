"""`tsgateway session`: what runs, and where its time goes. `tsgateway end-sessions`: for when the gateway is
stopped and its desktops are to go too.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import Any

import click

from sessions.wire.tsg import SessionState
from tsgateway.admin import latency as shown
from tsgateway.cli.history import history
from tsgateway.cli.options import fail, spelled, with_config
from tsgateway.config import Config
from tsgateway.errors import StartError
from tsgateway.hosts.asking import AskedHost, running_hosts
from tsgateway.hosts.link import HostError, HostRefused
from tsgateway.layout import Layout

EVERY = 1.0
"""Seconds between two looks of `--watch`."""

Found = tuple[AskedHost, dict[str, Any]]
"""A session, and the host that has it."""


@click.group()
def session() -> None:
    """List the sessions that run, steer them, and see where their time goes."""


@session.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@with_config
def list_sessions(config: Config, as_json: bool) -> None:
    """List the sessions that run."""
    found = [info for _, info in all_sessions(config)]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("No sessions run.")
    else:
        _say_list(found)


@session.command("stats")
@click.argument("session_id", metavar="[ID]", default="")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@click.option("--watch", is_flag=True, help="Again every second, until Ctrl-C.")
@with_config
def session_stats(config: Config, session_id: str, as_json: bool, watch: bool) -> None:
    """Show where the time of a session goes, from an input to its picture.

    ID: the session's id or the beginning of it; not needed when only one runs. docs/latency.md tells what
    the stages mean and what to do about each.
    """
    host, info = choose(all_sessions(config), session_id)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            _show(host, info, as_json, clear=watch and sys.stdout.isatty())
            if not watch:
                break
            time.sleep(EVERY)


_ID = click.argument("session_id", metavar="ID")


@session.command("disconnect")
@_ID
@with_config
def disconnect(config: Config, session_id: str) -> None:
    """Disconnect everybody who looks at a session. It goes on.

    ID: the session's id or the beginning of it.
    """
    _steer(config, session_id, "disconnect", "Disconnected")


@session.command("log-off")
@_ID
@with_config
def log_off(config: Config, session_id: str) -> None:
    """Log a session off: its guest is asked to shut down, and ended when it takes too long.

    ID: the session's id or the beginning of it.
    """
    _steer(config, session_id, "log_off", "Logged off")


@session.command("reset")
@_ID
@with_config
def reset(config: Config, session_id: str) -> None:
    """End a session and its guest at once. What is not saved in it is lost.

    ID: the session's id or the beginning of it.
    """
    _steer(config, session_id, "reset", "Reset")


def _steer(config: Config, session_id: str, method: str, done: str) -> None:
    host, info = choose(all_sessions(config), session_id)
    try:
        host.ask(method, {"session": info["session"], "administrator": True})
    except HostRefused:
        fail("the session has ended", 1)
    except HostError as error:
        fail(str(error), 1)
    click.echo(f"{done}: {info['title']} of {info['user']} ({info['session']}).")


def _show(host: AskedHost, info: dict[str, Any], as_json: bool, clear: bool) -> None:
    try:
        stats = host.ask("stats", {"session": info["session"]})
    except HostRefused:
        fail("the session has ended", 1)
    except HostError as error:
        fail(str(error), 1)
    if clear:
        click.clear()
    click.echo(json.dumps(stats) if as_json else shown.page(info, stats))


def all_sessions(config: Config) -> list[Found]:
    """Return every session that runs; without a session host that runs, say so and end the program."""
    layout = Layout.of(config)
    try:
        hosts = list(running_hosts(layout))
    except HostError as error:
        fail(str(error), 1)
    if not hosts:
        fail(f"no session host runs for {layout.root}: is the gateway running, and are you its user?", 1)
    return [(host, info) for host in hosts for info in host.sessions]


def choose(found: list[Found], beginning: str) -> Found:
    """Return the one whose id begins so; unless there is one, say so and end the program."""
    if not found:
        fail("no sessions run", 1)
    meant = [each for each in found if each[1]["session"].startswith(beginning)]
    if len(meant) == 1:
        return meant[0]
    if not meant:
        fail(f'no session has an id that begins with "{beginning}"; {spelled("session list")} shows all', 1)
    _say_list([info for _, info in meant])
    fail("which of these? Give the beginning of its id", 2)


def _say_list(found: list[dict[str, Any]]) -> None:
    click.echo(f"{'ID':<34}{'USER':<18}{'STATE':<14}{'VIEWERS':<9}DESKTOP")
    for info in found:
        state = SessionState(info["state"]).name.lower()
        click.echo(f"{info['session']:<34}{info['user']:<18}{state:<14}{info['viewers']:<9}{info['title']}")


session.add_command(history)


@click.command()
@with_config
def end_sessions(config: Config) -> None:
    """End all sessions and their guests, after the gateway was stopped.

    While it runs, people end their own sessions in the browser.
    """
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred

    from tsgateway.hosts.ending import end_all
    from tsgateway.log import start_logging

    reactor: Any = installed
    start_logging("warn")
    failures: list[BaseException] = []
    ended: list[int] = []

    def run() -> None:
        ending = Deferred.fromCoroutine(end_all(config, reactor))
        ending.addCallbacks(ended.append, lambda failure: failures.append(failure.value))
        ending.addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(run)
    reactor.run()
    if failures and isinstance(failures[0], StartError):
        fail(str(failures[0]), 1)
    if failures:
        raise failures[0]
    click.echo(f"Sessions ended: {sum(ended)}." if ended else "Interrupted.")
    sys.exit(0 if ended else 1)
