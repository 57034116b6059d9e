"""`tsgateway end-sessions`: for when the gateway is stopped and its desktops are to go too."""

from __future__ import annotations

import sys
from typing import Any

import click

from tsgateway.cli.options import fail, with_config
from tsgateway.config import Config
from tsgateway.errors import StartError


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
