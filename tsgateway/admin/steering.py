"""`tsadmin logoff`, `disconnect`, `reset`: what can be done to sessions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from tsgateway.admin import asking, targets
from tsgateway.admin.command import Command, Gateway, Said, command, confirm, yes_option
from tsgateway.admin.names import SESSION
from tsgateway.admin.text import count

_ABOUT = """

    TARGET: a session's number, its name (web#3), its person's name, or the beginning of its id; several are
    looked up before anything is done to any."""


def _steering(name: str, operation: str, done: str, question: str, about: str) -> Command:
    """Make a command that does something to sessions.

    question: asked before, {} is how many; "" for none.
    """

    def steer(gateway: Gateway, wanted: Sequence[str], every: bool, yes: bool = True) -> Said:
        # `reset session 7` is how Windows spells it in full.
        words = wanted[1:] if name == "reset" and len(wanted) > 1 and wanted[0] == "session" else wanted
        sessions = asking.chosen(asking.sessions(gateway.client), words, every)
        if question:
            which = ", ".join(targets.described(each) for each in sessions)
            confirm(f"{question.format(count(len(sessions), 'session'))}: {which}?", yes)
        operate: Callable[[object], Any] = getattr(gateway.client, operation)
        for each in sessions:
            operate(each["id"])
        lines = [f"{done}: session {targets.described(each)}." for each in sessions]
        return Said(sessions, lines)

    steer.__doc__ = about + _ABOUT
    made: Callable[..., Said] = steer
    made = click.argument("wanted", metavar="TARGET...", nargs=-1, required=True, type=SESSION)(made)
    made = click.option("--all", "every", is_flag=True, help="Where a person is named: all their sessions.")(
        made
    )
    if question:
        made = yes_option(made)
    return command(
        name,
        examples=(
            (f"tsadmin {name} 7", "session 7"),
            (f"tsadmin {name} user1", "the one session of user1"),
            (f"tsadmin {name} --all user1 user2{' --yes' if question else ''}", "every session of both"),
        ),
    )(made)


logoff = _steering(
    "logoff",
    "log_off_session",
    "Logged off",
    "Log off {}",
    """Log sessions off: their guests are asked to shut down, and ended when they take too long.""",
)
disconnect = _steering(
    "disconnect",
    "disconnect_session",
    "Disconnected",
    "",
    """Disconnect everybody who looks at sessions. The sessions go on; people come back to them.

    Also called `tsdiscon`.""",
)
reset = _steering(
    "reset",
    "reset_session",
    "Reset",
    "What is not saved is lost. End {} at once",
    """End sessions and their guests at once. What is not saved in them is lost.

    Also called `rwinsta`, and `reset session`.""",
)
