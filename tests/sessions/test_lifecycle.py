"""The table of states is sound."""

import pytest

from sessions.lifecycle import STEPS, WrongStep, step
from sessions.wire.tsg import SessionState


def test_every_state_is_in_the_table_can_be_reached_and_can_end() -> None:
    assert set(STEPS) == set(SessionState)
    reached, last = {SessionState.STARTING}, set()
    while reached != last:
        last = set(reached)
        reached |= {to for state in last for to in STEPS[state]}
    assert reached == set(SessionState)
    assert all(SessionState.ENDED in STEPS[state] for state in SessionState if state != SessionState.ENDED)


def test_a_step_the_table_does_not_have_is_refused() -> None:
    assert step(SessionState.STARTING, SessionState.CONNECTED) is SessionState.CONNECTED
    with pytest.raises(WrongStep, match="ENDED to ACTIVE"):
        step(SessionState.ENDED, SessionState.ACTIVE)
