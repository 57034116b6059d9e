"""`tsadmin guest`: what runs in a session's guest, asked by way of the agent in it."""

from __future__ import annotations

import base64
import sys
from typing import BinaryIO

import click

from tsgateway.admin import asking
from tsgateway.admin.command import Gateway, Group, Said, command
from tsgateway.admin.errors import Failed, WrongUse
from tsgateway.admin.names import SESSION
from tsgateway.admin.text import facts, universal

NOT_RUN = 255
"""Exit code for what did not run, or has not ended; a command's own can be the same, as with ssh."""
MAX_INPUT = 45 * 1024
"""Bytes; what the API takes."""
MARGIN = 40.0
"""Seconds the gateway is given beyond those a command may take."""
INFO_SECONDS = 90.0
"""How long a guest may take to be asked five things, each of which may wait for others."""

_which = click.argument("wanted", metavar="TARGET", type=SESSION)


@command(
    "info", examples=(("tsadmin guest info 7", "system, name, addresses and clock of session 7's guest"),)
)
@_which
def info(gateway: Gateway, wanted: str) -> Said:
    """Show what a guest says of itself: system, name, addresses, clock.

    TARGET: the session's number, its name, its person's, or the beginning of its id.
    """
    session = asking.chosen(asking.sessions(gateway.client), [wanted])[0]
    told = gateway.patient(INFO_SECONDS).session_guest(session["id"])
    return Said(
        told,
        facts(
            (
                ("system", f"{told['os']} {told['version']}".strip()),
                ("host name", told["host_name"]),
                ("addresses", ", ".join(told["addresses"])),
                ("clock", universal(told["time"])),
                ("agent", told["agent"]),
            )
        ),
    )


@command(
    "run",
    as_json=False,
    examples=(
        ("tsadmin guest run 7 -- ls -l /home", "list /home in session 7's guest"),
        ("tsadmin guest run 7 --input fix.sh -- sh", "run a script of yours in it"),
    ),
)
@_which
@click.argument("words", metavar="COMMAND...", nargs=-1, required=True)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 3600),
    default=30,
    show_default=True,
    help="How long to wait for it.",
)
@click.option("--input", "given", type=click.File("rb"), help="A file for its standard input; - for ours.")
def run(
    gateway: Gateway, wanted: str, words: tuple[str, ...], seconds: float, given: BinaryIO | None
) -> None:
    """Run a command in a guest, as its administrator.

    Its output, its error output and its exit code become this command's. Put -- before a command that has
    options of its own. Who ran what is in the audit. A command that takes longer than --seconds goes on in
    the guest. The exit code is 255 then, and when the command could not be run.
    """
    from tsgateway.client import Refused, Unavailable

    data = b"" if given is None else given.read(MAX_INPUT + 1)
    if len(data) > MAX_INPUT:
        raise WrongUse(
            f"the input has more than {MAX_INPUT} bytes; copy it into the guest some other way",
            code="too_large",
        )
    session = asking.chosen(asking.sessions(gateway.client), [wanted])[0]
    try:
        done = gateway.patient(seconds + MARGIN).run_in_guest(
            session["id"], command=list(words), input=base64.b64encode(data).decode(), seconds=seconds
        )
    except (Refused, Unavailable) as error:
        raise Failed(str(error), error.code, NOT_RUN) from None
    sys.stdout.buffer.write(base64.b64decode(done["out"]))
    sys.stdout.flush()
    sys.stderr.buffer.write(base64.b64decode(done["err"]))
    code = int(done["code"])
    raise SystemExit(code if code >= 0 else 128 - code)  # as shells tell of a signal


guest = Group(
    "guest", info, run, help="Ask the agent in a session's guest what it is, run commands in there."
)
