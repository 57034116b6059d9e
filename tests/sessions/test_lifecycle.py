"""The table of states is sound, its page is current, and a session never leaves it, whatever happens."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from sessions.guests.base import GuestError
from sessions.lifecycle import (
    ALIVE,
    LIVING,
    MEANINGS,
    EndReason,
    Event,
    WrongStep,
    can,
    diagram,
    endings,
    step,
)
from sessions.reference import renewed
from sessions.rules import AtGuestEnd, AtLimit, Rules, Second
from sessions.wire import tsg
from sessions.wire.tsg import SessionState
from tests.sessions.test_session import Client, World

PAGE = Path(__file__).parents[2] / "docs" / "sessions.md"


def test_every_state_can_be_reached_and_can_end() -> None:
    assert set(MEANINGS) == set(SessionState)
    reached, last = {SessionState.STARTING}, set()
    while reached != last:
        last = set(reached)
        reached |= {each.after for each in LIVING if each.before in last}
    assert reached == set(ALIVE)
    assert {each.before for each in endings()} == set(ALIVE)
    assert {each.why for each in endings()} == set(EndReason)
    assert {each.why for each in LIVING} == set(Event)


def test_nothing_leads_to_two_states() -> None:
    steps = [(each.before, each.why) for each in (*LIVING, *endings())]
    assert len(steps) == len(set(steps))


def test_a_step_the_table_does_not_have_is_refused() -> None:
    assert step(SessionState.STARTING, Event.READY_WATCHED) is SessionState.CONNECTED
    assert not can(SessionState.ENDED, Event.CAME)
    with pytest.raises(WrongStep, match="INPUT leads nowhere from ENDED"):
        step(SessionState.ENDED, Event.INPUT)


def test_the_page_shows_the_table_as_it_is() -> None:
    page = PAGE.read_text()
    assert renewed(page) == page, "run: python -m sessions.reference docs/sessions.md"
    words = [*MEANINGS.values(), *(why.value for why in (*Event, *EndReason))]
    assert [text for text in words if f"| {text} |" not in page] == []
    assert f"```mermaid\n{diagram()}\n```" in page


RULES = st.builds(
    Rules,
    second=st.sampled_from(Second),
    active_minutes=st.sampled_from([0, 3]),
    idle_minutes=st.sampled_from([0, 2]),
    disconnected_minutes=st.sampled_from([0, 4]),
    at_limit=st.sampled_from(AtLimit),
    at_guest_end=st.sampled_from(AtGuestEnd),
)
EVENTS = st.lists(
    st.sampled_from(
        [
            "start", "start fails", "come", "leave", "see", "type", "stay", "guest ends", "display goes",
            "cannot be opened", "wait", "wait long", "log off", "reset", "disconnect",
        ]
    ),
    max_size=60,
)  # fmt: skip
ENDING = ("log off", "reset", "start fails")


class Fate:
    """A session to which things happen."""

    def __init__(self, rules: Rules) -> None:
        self.world = World(rules)
        self.clients: list[Client] = []
        self.count = 0

    def happen(self, what: str) -> None:
        world, session = self.world, self.world.session
        machine, screens = world.machine, world.machine.screens
        there = [client for client in self.clients if client.gone is None]
        match what:
            case "start" | "start fails" if not machine.started.called:
                outcome = None if what == "start" else GuestError("No.")
                (machine.started.callback if outcome is None else machine.started.errback)(outcome)
            case "come":
                self.count += 1
                self.clients.append(Client(session, self.count))
            case "leave" if there:
                session.detach(there[0].number)
            case "see" | "type" | "stay" if there:
                said = {"see": tsg.Ack(1, 0, 0), "type": tsg.Key(1, 30, 0), "stay": tsg.Stay()}[what]
                there[-1].say(said)
            case "guest ends" if screens and session.state is not SessionState.STARTING:
                machine.started = Deferred()
                machine.ended("It has ended.")
            case "display goes" if screens and not screens[-1].closed:
                screens[-1].closed = True
                screens[-1].events.lost(GuestError("Gone."))
            case "cannot be opened":
                machine.refusals.append(GuestError("Not now."))
            case "wait" | "wait long":
                world.clock.advance(0.2)
                world.clock.pump([7] * (2 if what == "wait" else 60))
            case "log off":
                Deferred.fromCoroutine(session.log_off("Enough."))
            case "reset":
                Deferred.fromCoroutine(session.end("Enough."))
            case "disconnect":
                session.disconnect("Out.")


@settings(deadline=None, max_examples=300)
@given(RULES, EVENTS)
def test_whatever_happens_a_session_stays_in_its_table(rules: Rules, events: list[str]) -> None:
    fate = Fate(rules)
    session = fate.world.session
    for what in events:
        fate.happen(what)
        attached = sum(client.gone is None for client in fate.clients)
        assert session.info()["viewers"] == attached
        if session.state in (SessionState.CONNECTED, SessionState.ACTIVE, SessionState.IDLE):
            assert attached
        elif session.state is not SessionState.STARTING:
            assert not attached
        assert (session.reason is None) == (session.state is not SessionState.ENDED)
    fate.world.machine.down.callback(None)
    Deferred.fromCoroutine(session.end("Over."))
    assert session.over.called
    assert session.state is SessionState.ENDED
    assert not fate.world.clock.getDelayedCalls()
