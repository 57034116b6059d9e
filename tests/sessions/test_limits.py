"""Limits, told as transcripts: at a time, what happens, and what is due then."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.limits import GREET_SECONDS, KEEP_SECONDS, RETURN_SECONDS, Limit, Limits, farewell, notice
from sessions.rules import AtLimit, Rules


class Clocks:
    """Limits at a time, in seconds."""

    def __init__(self, kept=None, at=0.0, **rules):
        self.rules = Rules(**rules)
        self.limits = Limits(self.rules, kept or {}, at)

    def due(self, at):
        due = self.limits.due(at)
        if due.struck:
            return f"{due.struck.value} strikes"
        if due.warned:
            return f"{due.warned.value} warns, {due.strikes_at - at:g} s"
        return f"again at {due.look_at:g}" if due.look_at is not None else "nothing"


def test_without_limits_nothing_is_ever_due():
    clocks = Clocks()
    clocks.limits.came(0)
    assert clocks.due(1e9) == "nothing"
    clocks.limits.left(1e9)
    assert clocks.due(2e9) == "nothing"


def test_who_is_away_is_warned_and_stays_by_any_input():
    clocks = Clocks(idle_minutes=10)
    clocks.limits.came(100)
    assert clocks.due(100) == "again at 640"
    assert clocks.due(639.9) == "again at 640"
    assert clocks.due(640) == "idle warns, 60 s"
    assert clocks.due(699) == "idle warns, 1 s"
    clocks.limits.heard(699)
    assert clocks.due(699) == "again at 1239"
    assert clocks.due(1299) == "idle strikes"


def test_no_input_prevents_the_end_of_the_time_that_there_is():
    clocks = Clocks(active_minutes=30, idle_minutes=20, warn_seconds=300)
    clocks.limits.came(0)
    assert clocks.due(0) == "again at 900"
    clocks.limits.heard(800)
    assert clocks.due(800) == "again at 1500"
    clocks.limits.heard(1600)
    assert clocks.due(1600) == "active warns, 200 s"
    assert clocks.due(1800) == "active strikes"


def test_the_limit_that_is_reached_first_is_the_one_that_warns():
    clocks = Clocks(active_minutes=30, idle_minutes=20)
    clocks.limits.came(0)
    assert clocks.due(1140) == "idle warns, 60 s"
    clocks.limits.heard(1140)
    assert clocks.due(1140) == "again at 1740"
    assert clocks.due(1740) == "active warns, 60 s"


def test_a_session_left_alone_is_not_warned():
    clocks = Clocks(disconnected_minutes=5, idle_minutes=1)
    clocks.limits.left(0)
    assert clocks.due(0) == "again at 300"
    assert clocks.due(299) == "again at 300"
    assert clocks.due(300) == "disconnected strikes"
    clocks.limits.came(299)
    assert clocks.due(301) == "again at 329"


def test_a_cut_line_neither_gives_more_time_nor_counts_as_being_there():
    clocks = Clocks(active_minutes=10, idle_minutes=10)
    clocks.limits.came(0)
    clocks.limits.left(500)
    clocks.limits.came(500 + RETURN_SECONDS)
    assert clocks.due(560) == "active warns, 40 s"
    clocks.limits.left(560)
    clocks.limits.came(561 + RETURN_SECONDS)
    assert clocks.due(621) == "again at 1161"


def test_who_comes_back_to_an_idle_session_is_warned_before_it_strikes():
    clocks = Clocks(idle_minutes=10)
    clocks.limits.came(0)
    clocks.limits.left(590)
    clocks.limits.came(620)
    assert clocks.due(620) == "idle warns, 60 s"
    clocks.limits.left(630)
    clocks.limits.came(631)
    assert clocks.due(631) == "idle warns, 60 s"
    assert clocks.due(691) == "idle strikes"
    unwarned = Clocks(idle_minutes=10, warn_seconds=0)
    unwarned.limits.came(0)
    unwarned.limits.left(590)
    unwarned.limits.came(620)
    assert unwarned.due(620) == f"again at {620 + GREET_SECONDS:g}"


def test_who_was_disconnected_on_purpose_has_all_the_time_again():
    clocks = Clocks(active_minutes=10)
    clocks.limits.came(0)
    assert clocks.due(600) == "active strikes"
    clocks.limits.left(600, on_purpose=True)
    clocks.limits.came(601)
    assert clocks.due(601) == "again at 1141"


def test_a_limit_shorter_than_its_warning_warns_half_way():
    clocks = Clocks(idle_minutes=1, warn_seconds=600)
    clocks.limits.came(0)
    assert clocks.due(0) == "again at 30"
    assert clocks.due(30) == "idle warns, 30 s"


def test_without_a_warning_it_strikes_all_the_same():
    clocks = Clocks(idle_minutes=1, warn_seconds=0)
    clocks.limits.came(0)
    assert clocks.due(59) == "again at 60"
    assert clocks.due(60) == "idle strikes"


def test_a_later_process_goes_on_where_the_last_one_was():
    clocks = Clocks(active_minutes=30, idle_minutes=20, disconnected_minutes=5)
    clocks.limits.came(0)
    clocks.limits.heard(100)
    later = Clocks(clocks.limits.table(), 700, active_minutes=30, idle_minutes=20, disconnected_minutes=5)
    later.limits.left(700)
    assert later.due(700) == "again at 1000"
    later.limits.came(702)
    assert later.due(702) == "again at 1240"
    assert later.due(1240) == "idle warns, 60 s"
    gone = Clocks(later.limits.table(), 1240, active_minutes=30)
    assert gone.due(1740) == "active warns, 60 s"


def test_input_is_kept_now_and_then_and_only_where_it_counts():
    clocks = Clocks(idle_minutes=10)
    clocks.limits.came(0)
    clocks.limits.table()
    assert not clocks.limits.heard(KEEP_SECONDS)
    assert clocks.limits.heard(KEEP_SECONDS + 1)
    clocks.limits.table()
    assert not clocks.limits.heard(KEEP_SECONDS + 2)
    without = Clocks(active_minutes=10)
    without.limits.came(0)
    assert not without.limits.heard(1000)


@pytest.mark.parametrize("rubbish", [None, "5", [1], {}, True, math.nan, math.inf, 10**400, 101])
def test_what_was_kept_is_not_believed_blindly(rubbish):
    clocks = Clocks(dict.fromkeys(("used_since", "heard_at", "left_at"), rubbish), 100, active_minutes=10)
    clocks.limits.came(100)
    assert clocks.due(100) == "again at 640"


@given(
    st.builds(
        Rules,
        active_minutes=st.sampled_from([0, 1, 7]),
        idle_minutes=st.sampled_from([0, 2, 5]),
        disconnected_minutes=st.sampled_from([0, 3]),
        warn_seconds=st.sampled_from([0, 60, 3600]),
    ),
    st.lists(st.tuples(st.sampled_from(["came", "left", "heard"]), st.floats(0, 400)), max_size=20),
)
def test_whoever_looks_when_told_to_misses_nothing(rules, events):
    """Between two looks, nothing becomes due."""
    limits, now = Limits(rules, {}, 0.0), 0.0
    for what, wait in events:
        due = limits.due(now)
        assert due.look_at is None or due.look_at > now
        until = min(now + wait, math.inf if due.look_at is None else due.look_at)
        middle = (now + until) / 2
        if due.struck is None and now < middle < until:
            between = limits.due(middle)
            assert (between.struck, between.warned) == (None, due.warned)
        now += wait
        getattr(limits, what)(now)


def test_people_are_told_what_and_why():
    rules = Rules(active_minutes=480, idle_minutes=1, disconnected_minutes=0.5)
    assert (
        notice(Limit.IDLE, rules) == "You have not used this desktop for a while. You will be disconnected."
    )
    assert "for 8 hours at a time" in notice(Limit.ACTIVE, rules)
    assert farewell(Limit.IDLE, rules).endswith("because it was not used for 1 minute.")
    assert "nobody was connected for 30 seconds" in farewell(Limit.DISCONNECTED, rules)
    ending = Rules(active_minutes=90, at_limit=AtLimit.END)
    assert "You will be logged off." in notice(Limit.ACTIVE, ending)
    assert farewell(Limit.ACTIVE, ending).startswith(
        "The session was logged off because it was in use for 90 minutes"
    )
