"""`tsgateway end-sessions`: for when the gateway is stopped and its desktops are to go too."""

from __future__ import annotations

import signal
import sys
from typing import Any

import click

from tsgateway.cli.options import fail, with_config
from tsgateway.config import Config
from tsgateway.errors import StartError

INTERRUPTED = 128 + signal.SIGINT


@click.command()
@with_config
def end_sessions(config: Config) -> None:
    """End all sessions and their guests, after the gateway was stopped.

    While it runs, people end their own sessions in the browser.
    """
    from twisted.internet import reactor as installed
    from twisted.internet.defer import CancelledError, Deferred

    from tsgateway.hosts.ending import end_all
    from tsgateway.log import start_logging

    reactor: Any = installed
    start_logging("warn")
    failures: list[BaseException] = []
    ended: list[int] = []
    left: list[bool] = []

    def run() -> None:
        ending = Deferred.fromCoroutine(end_all(config, reactor))
        over: Deferred[Any] = Deferred()

        def leave() -> Deferred[Any] | None:
            """Let go of session hosts first when somebody interrupts; the next time they do, at once."""
            if over.called:
                return None
            left.append(True)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            ending.cancel()
            return over

        ending.addCallbacks(ended.append, lambda failure: failures.append(failure.value))
        ending.addBoth(over.callback)
        reactor.addSystemEventTrigger("before", "shutdown", leave)
        ending.addBoth(lambda _: None if left else reactor.stop())

    reactor.callWhenRunning(run)
    reactor.run()
    if failures and isinstance(failures[0], StartError):
        fail(str(failures[0]), 1)
    if failures and not isinstance(failures[0], CancelledError):
        raise failures[0]
    click.echo(f"Sessions ended: {sum(ended)}." if ended else "Interrupted; again, it ends what is left.")
    sys.exit(0 if ended else INTERRUPTED)
