"""Guests' clocks follow when the machine's has jumped, and are left alone else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from sessions.guests.base import GuestError, GuestInfo
from sessions.host.timekeeping import LOOK_SECONDS, TOLERANCE, Timekeeper, jumped


class Guest:
    """A guest whose clock runs beside the host's monotonic one."""

    def __init__(self, clock, offset):
        self.clock, self.offset = clock, offset
        self.set = 0

    async def info(self):
        return GuestInfo("", "", "", (), "", self.clock.seconds() + self.offset)

    async def set_time(self, unix):
        self.offset = unix - self.clock.seconds()
        self.set += 1


class Silent(Guest):
    async def info(self):
        raise GuestError("No agent runs in this guest.")


class Broken(Guest):
    async def info(self):
        raise ZeroDivisionError


class Host:
    def __init__(self):
        self.clock = Clock()
        self.offset = 1e9
        self.guests = []
        self.keeper = Timekeeper(self.clock, self.asked, lambda: self.clock.seconds() + self.offset)
        self.keeper.begin()

    def asked(self):
        return [(str(number), guest) for number, guest in enumerate(self.guests)]

    def looks(self, times=1):
        self.clock.pump([LOOK_SECONDS] * times)


@pytest.fixture
def host():
    made = Host()
    made.guests = [Silent(made.clock, 0), Broken(made.clock, 0), Guest(made.clock, 1e9)]
    return made


@pytest.mark.parametrize("jump", [3600, -3600, 2])
def test_guests_follow_a_jump_once_and_one_that_cannot_disturbs_no_other(host, jump):
    host.looks(5)
    assert host.guests[-1].set == 0
    host.offset += jump
    host.looks(5)
    assert host.guests[-1].set == 1
    assert host.guests[-1].offset == pytest.approx(host.offset)
    assert [guest.set for guest in host.guests[:2]] == [0, 0]


def test_a_guest_that_is_right_already_is_left_alone(host):
    host.offset += 3600
    host.guests[-1].offset += 3600  # it has a network, and has asked
    host.looks(2)
    assert host.guests[-1].set == 0


def test_a_guest_that_went_wrong_before_this_process_began_is_set_right(host):
    host.guests[-1].offset -= 100
    host.looks(3)
    assert host.guests[-1].set == 1
    host.guests[-1].offset -= 100  # its own business
    host.looks(3)
    assert host.guests[-1].set == 1


def test_a_clock_that_is_slewed_does_not_jump(host):
    for _ in range(200):
        host.offset += 0.02
        host.looks()
    assert host.guests[-1].set == 0


@given(st.floats(-1e12, 1e12), st.floats(-1e6, 1e6))
def test_a_jump_is_one_whatever_its_direction(before, by):
    assert jumped(before, before + by) is jumped(before + by, before)
    assert not jumped(before, before)
    assert jumped(before, before + 2 * TOLERANCE)
