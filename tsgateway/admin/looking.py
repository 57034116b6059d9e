"""`tsadmin shadow` and `connect`: looking on at sessions, and showing them to other viewers."""

from __future__ import annotations

from typing import Any

import click

from tsgateway.admin import asking, targets
from tsgateway.admin.command import Gateway, Said, command
from tsgateway.admin.errors import WrongUse
from tsgateway.admin.names import SESSION, VIEWER


@command(
    "shadow",
    examples=(
        ("tsadmin shadow 7", "a link to look at session 7 with its person"),
        ("tsadmin shadow user1 --control --open", "use keyboard and pointer too; opens a browser"),
    ),
)
@click.argument("target", type=SESSION)
@click.option("--view/--control", "view", default=True, help="Only see it, or use keyboard and pointer too.")
@click.option("--consent", is_flag=True, help="Ask its person first, also where the rules do not want it.")
@click.option("--open", "opens", is_flag=True, help="Open the link in a browser.")
def shadow(gateway: Gateway, target: str, view: bool, consent: bool, opens: bool) -> Said:
    """Look on at somebody's session.

    TARGET: the session's number, its name, its person's, or the beginning of its id.

    Whether that may be, and whether the person is asked, is a rule: `shadow`, 0 to 4, in [sessions] or of the
    desktop, with the numbers of Windows. The person always sees that somebody looks on, and can end it. The
    link is good for who signs in with the same rights.
    """
    session = asking.chosen(asking.sessions(gateway.client), [target])[0]
    told = gateway.client.shadow_session(session["id"], control=not view, consent=consent)
    link = f"{gateway.address.rstrip('/')}{told['url']}{'&consent=1' if consent else ''}"
    if opens:
        click.launch(link)
    way = "see" if view else "use"
    lines = [f"To {way} session {targets.described(session)}, open:", link]
    return Said({"session": told["session"], "user": told["user"], "url": link}, lines)


@command(
    "connect",
    examples=(
        ("tsadmin connect 4 --dest web#3", "the viewer web#3 shows session 4 from now on"),
        ("tscon 4 --dest 7", "so do all viewers of session 7"),
        ("tsadmin connect 4", "so do the viewers of your own session"),
    ),
)
@click.argument("target", type=SESSION)
@click.option(
    "--dest", metavar="VIEWER|SESSION", type=VIEWER, help="Whose viewers; else those of your session."
)
def connect(gateway: Gateway, target: str, dest: str | None) -> Said:
    """Show a session to viewers that look at another one.

    TARGET: the session's number, its name, its person's, or the beginning of its id. Who is moved has to have
    the right to that session. Also called `tscon`.
    """
    sessions = asking.sessions(gateway.client)
    session = asking.chosen(sessions, [target])[0]
    moved = gateway.client.move_session(session["id"], **_destination(gateway, sessions, dest))["viewers"]
    lines = [f"Shown to {', '.join(moved)}: session {targets.described(session)}."]
    return Said({"session": session["id"], "viewers": moved}, lines)


def _destination(gateway: Gateway, sessions: list[dict[str, Any]], dest: str | None) -> dict[str, Any]:
    if dest is None:
        me = asking.me(gateway.client)
        own = [each for each in sessions if me and each["user"] == me and each["name"]]
        if len(own) != 1:
            raise WrongUse("say who is to see it: --dest web#3, or a session", code="no_destination")
        return {"session": own[0]["id"]}
    door, mark, number = dest.rpartition("#")
    if mark and door and number.isdecimal():
        return {"viewer": int(number)}
    return {"session": targets.one(sessions, dest)["id"]}
