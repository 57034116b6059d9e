"""How many guests shall stand ready when: by the wall's clock, over midnight and changes of the clock."""

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsgateway.config import PoolSection
from tsgateway.hosts.schedule import share, wanted

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def pool(*periods, warm=1):
    return PoolSection.model_validate({"warm": warm, "schedule": list(periods)})


def at(text, zone=BERLIN, fold=0):
    return datetime.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00", "warm": 5}


@pytest.mark.parametrize(("moment", "number"), [
    ("2026-03-02T07:59:59", 1),  # a Monday
    ("2026-03-02T08:00:00", 5),
    ("2026-03-02T17:59:59", 5),
    ("2026-03-02T18:00:00", 1),
    ("2026-02-28T12:00:00", 1),  # a Saturday
])  # fmt: skip
def test_office_hours(moment, number):
    assert wanted(pool(OFFICE), at(moment)) == number


@pytest.mark.parametrize(("moment", "number"), [
    ("2026-03-06T21:59:00", 1),  # a Friday
    ("2026-03-06T22:00:00", 3),
    ("2026-03-06T23:59:59", 3),
    ("2026-03-07T00:00:00", 3),
    ("2026-03-07T01:59:59", 3),
    ("2026-03-07T02:00:00", 1),
    ("2026-03-07T22:00:00", 1),  # it begins on Fridays only
    ("2026-03-06T01:00:00", 1),
])  # fmt: skip
def test_over_midnight_it_belongs_to_its_first_day(moment, number):
    assert wanted(pool({"days": ["fri"], "from": "22:00", "to": "02:00", "warm": 3}), at(moment)) == number


def test_from_sunday_into_monday():
    night = pool({"days": ["sun"], "from": "23:00", "to": "01:00", "warm": 2})
    assert [wanted(night, at(moment)) for moment in ("2026-03-01T23:30", "2026-03-02T00:30")] == [2, 2]
    assert wanted(night, at("2026-03-01T00:30")) == 1


def test_to_the_end_of_the_day_and_the_whole_of_it():
    late = pool({"from": "20:00", "to": "24:00", "warm": 4}, warm=0)
    assert [wanted(late, at(f"2026-03-02T{time}")) for time in ("23:59", "00:00")] == [4, 0]
    always = pool({"days": ["sat"], "from": "00:00", "to": "24:00", "warm": 4}, warm=0)
    moments = ("2026-02-27T23:59", "2026-02-28T00:00", "2026-02-28T23:59", "2026-03-01T00:00")
    assert [wanted(always, at(moment)) for moment in moments] == [0, 4, 4, 0]


def test_the_first_of_several_counts():
    lunch = {"from": "12:00", "to": "13:00", "warm": 0}
    assert wanted(pool(lunch, OFFICE), at("2026-03-02T12:30")) == 0
    assert wanted(pool(OFFICE, lunch), at("2026-03-02T12:30")) == 5


def test_an_hour_that_is_left_out_in_spring_is_skipped():
    early = pool({"from": "02:00", "to": "03:00", "warm": 9})
    before = at("2026-03-29T01:30").astimezone(datetime.UTC)
    moments = [before + datetime.timedelta(minutes=minutes) for minutes in range(0, 120, 10)]
    seen = [wanted(early, moment.astimezone(BERLIN)) for moment in moments]
    assert set(seen) == {1}


def test_an_hour_that_comes_twice_in_autumn_holds_twice():
    early = pool({"from": "02:00", "to": "03:00", "warm": 9})
    before = at("2026-10-25T01:30").astimezone(datetime.UTC)
    moments = [before + datetime.timedelta(minutes=minutes) for minutes in range(0, 210, 30)]
    seen = [wanted(early, moment.astimezone(BERLIN)) for moment in moments]
    assert seen == [1, 9, 9, 9, 9, 1, 1]


def test_a_period_across_the_change_ends_when_the_clock_says_so():
    night = pool({"days": ["sat"], "from": "22:00", "to": "06:00", "warm": 2})
    for last in ("2026-03-29T05:59", "2026-10-25T05:59"):
        assert wanted(night, at(last)) == 2
        assert wanted(night, at(last) + datetime.timedelta(minutes=1)) == 1


@given(st.integers(0, 1000), st.integers(1, 64), st.integers(0, 100))
def test_shares_are_even_and_whole(total, hosts, turn):
    shares = share(total, hosts, turn)
    assert len(shares) == hosts
    assert sum(shares) == total
    assert max(shares) - min(shares) <= 1


def test_single_guests_of_several_desktops_do_not_meet_on_one_host():
    assert [share(1, 3, turn) for turn in range(3)] == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert share(5, 0) == []
