"""Input that comes in a heap is passed on piece by piece; what a person does passes at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from sessions.displays.pace import AT_ONCE, MAX_WAITING, SECONDS, TYPING_SECONDS, Pace
from sessions.input.events import Button, InputEvent, Key, Move, Pointer, Text, Wheel


class Guest:
    """Notes what it is sent, and when."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sent: list[InputEvent] = []
        self.times: list[float] = []
        self.waited: list[float] = []
        self.types = False
        self.pace = Pace(self.clock, self._take, lambda: self.types)

    def _take(self, event: InputEvent, waited: float) -> None:
        self.sent.append(event)
        self.waited.append(waited)
        self.times.append(self.clock.seconds())

    def wait(self, seconds: float) -> None:
        """Let time pass in small steps, as a reactor does."""
        self.clock.pump([SECONDS / 2] * round(2 * seconds / SECONDS))


def typed(text: str) -> list[InputEvent]:
    return [Key(down, 0, ord(character)) for character in text for down in (True, False)]


@pytest.fixture
def guest() -> Guest:
    return Guest()


def test_what_a_person_does_passes_at_once(guest):
    click = [Pointer(5, 5, Button(0)), Pointer(5, 5, Button.LEFT), Pointer(5, 5, Button(0))]
    for event in [*click, *typed("ab")]:
        guest.pace.put(event)
    assert guest.sent == [*click, *typed("ab")]


def test_moves_that_wait_are_added_up_between_changes_of_buttons(guest):
    guest.types = True
    guest.pace.put(Text("x"))
    free, held = Button(0), Button.LEFT
    for event in (Move(1, 2, free), Move(3, -1, free), Move(0, 0, held), Move(5, 5, held)):
        guest.pace.put(event)
    guest.types = False
    guest.wait(1)
    assert guest.sent == [Text("x"), Move(4, 1, free), Move(5, 5, held)]
    guest.pace.close()
    assert guest.sent[-1] == Move(0, 0, free)


def test_how_long_each_has_waited_is_told(guest):
    for event in typed("abcd"):
        guest.pace.put(event)
    guest.wait(1)
    assert guest.waited == [0.0] * AT_ONCE
    for _ in range(3):
        guest.pace.put(Wheel(0, 120))
    for event in typed("abcde"):
        guest.pace.put(event)
    guest.wait(1)
    later = guest.waited[AT_ONCE:]
    assert later[:3] == [0.0] * 3
    assert later[-1] == pytest.approx((len(later) - AT_ONCE) * SECONDS, abs=SECONDS)
    assert later == sorted(later)


def test_what_becomes_one_has_waited_since_the_first(guest):
    guest.types = True
    guest.pace.put(Text("x"))
    for x in range(3):
        guest.pace.put(Pointer(x, 0, Button(0)))
        guest.wait(1)
    guest.types = False
    guest.wait(1)
    assert guest.sent[1:] == [Pointer(2, 0, Button(0))]
    assert guest.waited[1] == pytest.approx(3, abs=2 * SECONDS)


def test_a_heap_comes_in_order_and_never_more_than_the_guest_takes(guest):
    keys = typed("a line that had stalled for a while")
    for event in keys:
        guest.pace.put(event)
    assert guest.sent == keys[:AT_ONCE]
    guest.wait(2)
    assert guest.sent == keys
    for first in range(len(keys)):
        within = [time for time in guest.times[first:] if time - guest.times[first] < 0.1]
        assert len(within) <= AT_ONCE + 0.1 / SECONDS


def test_what_follows_a_text_waits_until_it_is_typed(guest):
    guest.types = True
    for event in (*typed("a"), Text("日本"), *typed("b"), Text("語"), *typed("c")):
        guest.pace.put(event)
    assert guest.sent == [*typed("a"), Text("日本")]
    guest.wait(TYPING_SECONDS / 2)
    assert guest.sent == [*typed("a"), Text("日本")]
    guest.types = False
    guest.wait(0.1)
    assert guest.sent == [*typed("a"), Text("日本"), *typed("b"), Text("語"), *typed("c")]


def test_a_guest_that_never_ends_typing_is_not_waited_for_without_end(guest):
    guest.types = True
    for event in (Text("日本"), *typed("b")):
        guest.pace.put(event)
    guest.wait(TYPING_SECONDS + 0.1)
    assert guest.sent == [Text("日本"), *typed("b")]


def test_text_and_keys_keep_their_order(guest):
    mixed = [*typed("abcd"), Text("é"), *typed("x"), Text("漢")]
    for event in mixed:
        guest.pace.put(event)
    guest.wait(1)
    assert guest.sent == mixed


def test_moves_that_wait_become_the_newest_and_turns_add_up(guest):
    for event in typed("abcd"):
        guest.pace.put(event)
    for at in range(50):
        guest.pace.put(Pointer(at, at, Button(0)))
    guest.pace.put(Pointer(49, 49, Button.LEFT))
    for _ in range(50):
        guest.pace.put(Wheel(1, -30))
    guest.wait(1)
    assert guest.sent[8:] == [Pointer(49, 49, Button(0)), Pointer(49, 49, Button.LEFT), Wheel(50, -1500)]


def test_a_flood_is_dropped_and_nothing_stays_held(guest):
    guest.pace.put(Key(True, 29, 0))
    for event in typed("a" * MAX_WAITING):
        guest.pace.put(event)
    guest.wait(60)
    assert len(guest.sent) < 2 * MAX_WAITING
    assert held(guest.sent) == set()


def test_closing_lets_go_of_what_is_held_and_drops_the_rest(guest):
    for event in [Key(True, 29, 0), Pointer(1, 1, Button.LEFT), *typed("abcdefgh")]:
        guest.pace.put(event)
    before = len(guest.sent)
    guest.pace.close()
    assert guest.sent[before:] == [Key(False, 29, 0), Pointer(1, 1, Button(0))]
    guest.wait(1)
    assert guest.clock.getDelayedCalls() == []


keys = st.builds(Key, st.booleans(), st.integers(1, 5), st.just(0))
points = st.builds(Pointer, st.integers(0, 9), st.integers(0, 9), st.sampled_from([Button(0), Button.LEFT]))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(keys | points | st.builds(Text, st.text(max_size=2)), st.sampled_from([0, 0, 0, 0.02]))
    )
)
def test_in_the_end_the_guest_knows_what_the_person_knows(events):
    guest = Guest()
    for event, pause in events:
        guest.pace.put(event)
        guest.clock.advance(pause)
    guest.wait(2)
    put = [event for event, _ in events]
    assert [e for e in guest.sent if isinstance(e, Text)] == [e for e in put if isinstance(e, Text)]
    assert held(guest.sent) == held(put)
    pointers = [e for e in put if isinstance(e, Pointer)]
    assert [e for e in guest.sent if isinstance(e, Pointer)][-1:] == pointers[-1:]


def held(events: list[InputEvent]) -> set[int]:
    down: set[int] = set()
    for event in events:
        if isinstance(event, Key):
            (down.add if event.down else down.discard)(event.scancode or event.keysym)
    return down
