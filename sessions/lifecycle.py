"""The life of a session: its states, what happens to it, and where that leads. One table; pure.

docs/sessions.md shows it; sessions/reference.py writes that part of the page.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import NamedTuple

from sessions.wire.tsg import SessionState


class Event(enum.Enum):
    """What happens to a session while it lives. The value says it for people."""

    READY = "the guest is ready, and nobody waits for it"
    READY_WATCHED = "the guest is ready, and somebody waits for it"
    CAME = "somebody connects"
    SEEN = "the first picture is on a viewer's screen"
    QUIET = "no input for a while"
    INPUT = "keyboard or pointer are used"
    LEFT = "the last viewer has gone"
    RESTART = "the guest has ended by itself, and the rules say that it is started again"


class EndReason(enum.Enum):
    """Why a session has ended. The value says it for people."""

    LOGGED_OFF = "its person logged off"
    RESET = "its person reset it"
    ADMINISTRATOR = "an administrator ended it"
    LIMIT = "a limit of its rules struck"
    GUEST_ENDED = "its guest ended by itself: shut down from within, crashed or killed"
    START_FAILED = "its guest could not be started"
    LOST = "its guest or its screen could not be reached any more"
    FAULT = "an internal error; the session host's log has more"


class Step(NamedTuple):
    """From one state to another; `why` is an `EndReason` for the last step."""

    before: SessionState
    why: Event | EndReason
    after: SessionState


_S = SessionState

MEANINGS: dict[SessionState, str] = {
    _S.STARTING: "the guest is being started",
    _S.CONNECTED: "a viewer is there and has not had a picture yet",
    _S.ACTIVE: "somebody sees it and uses it",
    _S.IDLE: "somebody is connected and has been away from keyboard and pointer for a while",
    _S.DISCONNECTED: "the guest runs and nobody is connected",
    _S.ENDED: "over, for good",
}

ALIVE = tuple(state for state in SessionState if state is not _S.ENDED)
ATTENDED = frozenset({_S.CONNECTED, _S.ACTIVE, _S.IDLE})
"""The states in which somebody is connected to a guest that runs."""

LIVING: tuple[Step, ...] = (
    Step(_S.STARTING, Event.READY, _S.DISCONNECTED),
    Step(_S.STARTING, Event.READY_WATCHED, _S.CONNECTED),
    Step(_S.DISCONNECTED, Event.CAME, _S.CONNECTED),
    Step(_S.CONNECTED, Event.SEEN, _S.ACTIVE),
    Step(_S.ACTIVE, Event.QUIET, _S.IDLE),
    Step(_S.IDLE, Event.INPUT, _S.ACTIVE),
    *(Step(state, Event.LEFT, _S.DISCONNECTED) for state in (_S.CONNECTED, _S.ACTIVE, _S.IDLE)),
    *(Step(state, Event.RESTART, _S.STARTING) for state in ALIVE if state is not _S.STARTING),
)
"""The steps of a session that lives."""

_ONLY_FROM: dict[EndReason, tuple[SessionState, ...]] = {
    EndReason.START_FAILED: (_S.STARTING,),
    EndReason.LIMIT: tuple(state for state in ALIVE if state is not _S.STARTING),
}


def endings() -> Iterator[Step]:
    """Yield the last steps there are."""
    for reason in EndReason:
        for state in _ONLY_FROM.get(reason, ALIVE):
            yield Step(state, reason, _S.ENDED)


_TABLE = {(each.before, each.why): each.after for each in (*LIVING, *endings())}


class WrongStep(Exception):
    """A step the table does not have; a mistake of the program, never of a person."""


def step(current: SessionState, why: Event | EndReason) -> SessionState:
    """Return where `why` leads from `current`. Raises WrongStep."""
    try:
        return _TABLE[current, why]
    except KeyError:
        raise WrongStep(f"{why.name} leads nowhere from {current.name}") from None


def can(current: SessionState, why: Event | EndReason) -> bool:
    """Tell whether the table has that step."""
    return (current, why) in _TABLE


def diagram() -> str:
    """Return the table as a diagram in Mermaid's language."""
    lines = ["stateDiagram-v2", "    direction LR", f"    [*] --> {_name(_S.STARTING)}"]
    lines += [f"    {_name(each.before)} --> {_name(each.after)}: {each.why.name}" for each in LIVING]
    lines += [f"    {_name(state)} --> {_name(_S.ENDED)}" for state in ALIVE]
    return "\n".join([*lines, f"    {_name(_S.ENDED)} --> [*]"])


def markdown() -> str:
    """Return the diagram and what its words mean, for docs/sessions.md."""
    states = [f"| **{_name(state)}** | {meaning} |" for state, meaning in MEANINGS.items()]
    events: list[str] = []
    for event in Event:
        steps = ", ".join(
            f"{_name(each.before)} → {_name(each.after)}" for each in LIVING if each.why is event
        )
        events.append(f"| `{event.name}` | {event.value} | {steps} |")
    reasons: list[str] = []
    for reason in EndReason:
        only = ", ".join(map(_name, _ONLY_FROM[reason])) if reason in _ONLY_FROM else "any"
        reasons.append(f"| `{reason.name}` | {reason.value} | {only} |")
    return "\n".join(
        [
            "```mermaid", diagram(), "```", "",
            "| state | means |", "|---|---|", *states, "",
            "| what happens | means | leads |", "|---|---|---|", *events, "",
            "| why it ended | means | from |", "|---|---|---|", *reasons, "",
        ]
    )  # fmt: skip


def _name(state: SessionState) -> str:
    return state.name.capitalize()
