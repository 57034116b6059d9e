"""Rules come from configurations and other processes' files: what is no rule is refused."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.identity import Identity
from sessions.rules import AtGuestEnd, AtLimit, Rules, RulesError, Second, ShadowLevel

minutes = st.floats(0, 500_000) | st.integers(0, 500_000)
seconds = st.floats(0, 3600) | st.integers(0, 3600)


@given(
    st.builds(
        Rules,
        st.sampled_from(Second),
        minutes,
        minutes,
        minutes,
        st.sampled_from(AtLimit),
        seconds,
        st.sampled_from(AtGuestEnd),
        seconds,
        st.sampled_from(ShadowLevel),
    )
)
def test_rules_travel_as_json(rules: Rules) -> None:
    assert Rules.read(json.loads(json.dumps(rules.table()))) == rules


@given(minutes, minutes, minutes, minutes)
def test_the_stricter_limit_holds(idle: float, active: float, other_idle: float, other_active: float) -> None:
    rules = Rules(idle_minutes=idle, active_minutes=active, disconnected_minutes=7)
    limited = rules.limited({"idle_minutes": other_idle, "active_minutes": other_active})
    never = math.inf  # 0 is no limit
    assert (limited.idle_minutes or never) == min(idle or never, other_idle or never)
    assert (limited.active_minutes or never) == min(active or never, other_active or never)
    assert limited.disconnected_minutes == 7
    assert rules.limited({}) == rules


@pytest.mark.parametrize("table", [None, [], {"idle": 1}, {"idle_minutes": -1}, {"active_minutes": "5"}])
def test_what_is_no_limit_is_refused(table: object) -> None:
    with pytest.raises(RulesError):
        Rules().limited(table)


def test_what_is_left_out_has_its_default() -> None:
    assert Rules.read({}) == Rules()
    assert Rules.read({"second": "refuse"}) == Rules(second=Second.REFUSE)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (None, "table"),
        ([1], "table"),
        ({"secnd": "join"}, "no rule 'secnd'"),
        ({7: 8}, "no rule '7'"),
        ({"second": "fight"}, "second is none of take-over, join, refuse"),
        ({"second": ["join"]}, "second is none of"),
        ({"at_limit": None}, "at_limit is none of"),
        ({"idle_minutes": -1}, "idle_minutes is not a number from 0 to"),
        ({"idle_minutes": math.nan}, "idle_minutes"),
        ({"active_minutes": math.inf}, "active_minutes"),
        ({"warn_seconds": 3601}, "warn_seconds is not a number from 0 to 3600"),
        ({"warn_seconds": True}, "warn_seconds"),
        ({"disconnected_minutes": "5"}, "disconnected_minutes"),
        ({"shutdown_seconds": 10**400}, "shutdown_seconds"),
        ({"shadow": 5}, "shadow is not one of 0 to 4"),
        ({"shadow": True}, "shadow"),
        ({"shadow": 1.0}, "shadow"),
    ],
)
def test_what_is_no_rule_is_refused(table: object, said: str) -> None:
    with pytest.raises(RulesError, match=said):
        Rules.read(table)


def test_a_session_of_an_older_version_has_the_usual_rules() -> None:
    table = {"session": "0" * 32, "desktop": "d", "user": "ada", "title": "D", "spec": {"kind": "testcard"}}
    assert Identity.read(table).rules == Rules()
    assert Identity.read(json.loads(json.dumps(Identity.read(table).table()))) == Identity.read(table)
