"""The states of a session and the steps between them: one table, everything else asks it."""

from __future__ import annotations

from sessions.wire.tsg import SessionState

STEPS: dict[SessionState, frozenset[SessionState]] = {
    SessionState.STARTING: frozenset({SessionState.CONNECTED, SessionState.DISCONNECTED, SessionState.ENDED}),
    SessionState.CONNECTED: frozenset({SessionState.ACTIVE, SessionState.DISCONNECTED, SessionState.ENDED}),
    SessionState.ACTIVE: frozenset({SessionState.IDLE, SessionState.DISCONNECTED, SessionState.ENDED}),
    SessionState.IDLE: frozenset({SessionState.ACTIVE, SessionState.DISCONNECTED, SessionState.ENDED}),
    SessionState.DISCONNECTED: frozenset({SessionState.CONNECTED, SessionState.ENDED}),
    SessionState.ENDED: frozenset(),
}
"""From each state, those it can go to.

Starting: the guest is being made. Connected: a viewer is there and has not had a picture yet.
Active: a viewer sees and steers. Idle: a viewer is there, its person has been away for a while.
Disconnected: the guest runs and nobody looks. Ended: over, for good.
"""


class WrongStep(Exception):
    """A step the table does not have; a mistake of the program, never of a person."""


def step(current: SessionState, to: SessionState) -> SessionState:
    """Return `to` if a session may go there from `current`. Raises WrongStep."""
    if to not in STEPS[current]:
        raise WrongStep(f"a session cannot go from {current.name} to {to.name}")
    return to
