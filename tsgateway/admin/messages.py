"""`tsadmin msg`: words for people in their sessions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from tsgateway.admin import asking, targets
from tsgateway.admin.command import Gateway, Said, command, note
from tsgateway.admin.errors import CANNOT, DONE, WrongUse
from tsgateway.admin.names import ADDRESSEE
from tsgateway.admin.text import clean, count

EVERYBODY = "*"
MAX_TEXT = 4096
"""Bytes of a message."""
MAX_WAIT = 300
MARGIN = 30.0
"""Seconds the gateway is given beyond those people have."""
_ANSWERS = {
    "": "sent",
    "ok": "read",
    "timeout": "not read in time",
    "disconnected": "nobody is there who could read it",
    "gone": "the session has ended",
}


@command(
    "msg",
    examples=(
        ("tsadmin msg user1 'Please call 4711.'", "to every session of user1"),
        ("tsadmin msg 7 --wait --time 120 'May I look on?'", "and wait until it is read"),
        ("tsadmin msg '*' --title Maintenance < text", "to everybody, from a file"),
    ),
)
@click.argument("target", type=ADDRESSEE)
@click.argument("words", metavar="[TEXT]...", nargs=-1)
@click.option("--title", default="", help="What stands above it.")
@click.option("--time", "seconds", type=click.IntRange(0, 86_400), default=60, show_default=True,
              help="Seconds until it goes away by itself; 0: when it is read.")  # fmt: skip
@click.option("--wait", "-w", is_flag=True, help="Wait until it is read, or the time is over.")
@click.option("--verbose", "-v", is_flag=True, help="Say what has become of it in each session.")
def msg(
    gateway: Gateway,
    *,
    target: str,
    words: Sequence[str],
    title: str,
    seconds: int,
    wait: bool,
    verbose: bool,
) -> Said:
    """Show people a message in their sessions.

    TARGET: a session's number, its name (web#3) or the beginning of its id; a person, for all their sessions;
    or `*`, for everybody. Without TEXT the message is read from standard input.

    With --wait the exit code is 0 only if everybody has read it.
    """
    if wait and not 0 < seconds <= MAX_WAIT:
        raise WrongUse(f"to wait for an answer, say --time 1 to {MAX_WAIT}", code="bad_time")
    text = _text(words)
    sessions = {each["id"]: each for each in asking.sessions(gateway.client)}
    message = {"text": text, "title": title, "seconds": seconds, "wait": wait}
    client = gateway.patient(seconds + MARGIN) if wait else gateway.client
    if target == EVERYBODY:
        sent = client.send_messages(everybody=True, **message)["messages"]  # type: ignore[arg-type]
    else:
        meant = [each["id"] for each in targets.found(list(sessions.values()), target)]
        sent = client.send_messages(sessions=meant, **message)["messages"]  # type: ignore[arg-type]
    read_by_all = all(each["answer"] in ("ok", "") for each in sent)
    return Said(sent, _lines(sent, sessions, wait or verbose), status=DONE if read_by_all else CANNOT)


def _text(words: Sequence[str]) -> str:
    text = " ".join(words)
    if not words:
        if sys.stdin.isatty():
            note("The message; Ctrl-D ends it:")
        text = sys.stdin.read(MAX_TEXT + 1).strip()
    if not text:
        raise WrongUse("there is nothing to say", code="no_text")
    if len(text.encode()) > MAX_TEXT:
        raise WrongUse(f"a message has at most {MAX_TEXT} bytes", code="too_large")
    return text


def _lines(sent: Sequence[Any], sessions: dict[str, Any], each_one: bool) -> list[str]:
    if not each_one and all(not each["answer"] for each in sent):
        return [f"Sent to {count(len(sent), 'session')}."]
    lines = []
    for each in sent:
        session = sessions.get(each["session"])
        who = targets.described(session) if session else clean(each["user"])
        lines.append(
            f"Session {who}: {clean(each['error']) or _ANSWERS.get(each['answer'], each['answer'])}."
        )
    return lines
