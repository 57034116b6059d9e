"""`tsgateway serve`: the same service that twistd.tac starts."""

from __future__ import annotations

import gc
import sys

import click

from tsgateway.cli.options import spelled, with_config
from tsgateway.config import Config


class _Port(click.IntRange):
    name = "port number"


@click.command()
@click.option(
    "--port", type=_Port(0, 65535), metavar="PORT", help="Listen on this port instead of [server] port."
)
@click.option("--keep", is_flag=True, help="Start the gateway again at once when it dies; needs no systemd.")
@with_config
def serve(config: Config, port: int | None, keep: bool) -> None:
    """Run the gateway until it is interrupted."""
    if keep:
        from tsgateway.cli.keep import keep as keep_running

        keep_running()
    if port is not None:
        server = config.server.model_copy(update={"port": port})
        config = config.model_copy(update={"server": server})

    from twisted.internet import reactor as installed

    from sessions.clock import keep_time
    from tsgateway.log import start_logging

    gc.disable()  # what is imported stays: looking through it again and again takes a tenth of the start
    from tsgateway.service import Gateway, GatewayService

    gc.freeze()
    gc.enable()
    reactor = keep_time(installed)
    start_logging(config.server.log_level, config.server.log_format)
    gateway = Gateway(config, reactor)
    service = GatewayService(gateway, reactor, started=lambda: _announce(gateway.address))
    service.startService()
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()
    if service.failed is not None:
        sys.exit(1)  # the log said why
    if left := len(gateway.sessions):
        click.echo(
            f"Sessions left running: {left}. The next {spelled('serve')} finds them again; "
            f"{spelled('end-sessions')} ends them."
        )


def _announce(address: str) -> None:
    click.echo(f"\n  Open {address} in a browser. Ctrl-C stops the gateway; desktops go on running.\n")
