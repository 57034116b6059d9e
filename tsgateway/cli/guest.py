"""`tsgateway guest`: what runs in a session's guest, asked by way of the agent in it."""

from __future__ import annotations

import base64
import json
import sys
from datetime import UTC, datetime
from typing import Any, BinaryIO

import click

from tsgateway.cli.options import fail, with_config
from tsgateway.cli.sessions import Found, all_sessions, choose
from tsgateway.config import Config
from tsgateway.hosts.link import HostError

INFO_SECONDS = 90.0
"""How long a host may take to ask a guest five things, each of which may wait for others."""
MARGIN = 40.0
"""Seconds a host is given beyond those a command may take."""
NOT_RUN = 255
"""Exit code for what did not run, or has not ended; a command's own can be the same, as with ssh."""
MAX_INPUT = 512 * 1024
"""Bytes; what the host takes for a guest."""


@click.group()
def guest() -> None:
    """Ask the agent in a session's guest what it is, and run commands in there."""


@guest.command()
@click.argument("session_id", metavar="SESSION")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@with_config
def info(config: Config, session_id: str, as_json: bool) -> None:
    """Show what a guest says of itself: system, name, addresses, clock.

    SESSION: the session's id or the beginning of it; `tsgateway session list` shows all.
    """
    told = _ask(choose(all_sessions(config), session_id), "guest", {}, INFO_SECONDS, 1)
    click.echo(json.dumps(told, indent=2) if as_json else _page(told))


@guest.command()
@click.argument("session_id", metavar="SESSION")
@click.argument("command", nargs=-1, required=True)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 3600),
    default=30,
    show_default=True,
    help="How long to wait for it.",
)
@click.option("--input", "given", type=click.File("rb"), help="A file for its standard input; - for ours.")
@with_config
def run(
    config: Config, session_id: str, command: tuple[str, ...], seconds: float, given: BinaryIO | None
) -> None:
    """Run a command in a guest, as its administrator.

    Its output, its error output and its exit code become this command's. Put -- before a command that has
    options of its own: `tsgateway guest run 3f2a -- ls -l /home`. Who ran what is noted in the session host's
    log. A command that takes longer than --seconds goes on in the guest. The exit code is 255 then, and when
    the command could not be run.
    """
    data = b"" if given is None else given.read(MAX_INPUT + 1)
    if len(data) > MAX_INPUT:
        fail(f"the input has more than {MAX_INPUT} bytes; copy it into the guest some other way", 1)
    request = {"command": list(command), "input": base64.b64encode(data).decode(), "seconds": seconds}
    found = choose(all_sessions(config), session_id)
    done = _ask(found, "run", request, seconds + MARGIN, NOT_RUN)
    sys.stdout.buffer.write(base64.b64decode(done["out"]))
    sys.stdout.flush()
    sys.stderr.buffer.write(base64.b64decode(done["err"]))
    code = int(done["code"])
    sys.exit(code if code >= 0 else 128 - code)  # as shells tell of a signal


def _ask(found: Found, method: str, params: dict[str, Any], within: float, status: int) -> dict[str, Any]:
    host, session = found
    try:
        return host.ask(method, {"session": session["session"], **params}, within)
    except HostError as error:
        fail(str(error), status)


def _page(told: dict[str, Any]) -> str:
    clock = (
        datetime.fromtimestamp(told["time"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if told["time"] else ""
    )
    rows = [
        ("system", f"{told['os']} {told['version']}".strip()),
        ("host name", told["host_name"]),
        ("addresses", ", ".join(told["addresses"])),
        ("clock", clock),
        ("agent", told["agent"]),
    ]
    return "\n".join(f"{name:<12}{value or 'not told'}" for name, value in rows)
