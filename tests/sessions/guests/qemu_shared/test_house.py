"""Who is seated where, and when machines come and go; the machines here run nothing."""

import json

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater

from sessions.guests.base import GuestError, Site
from sessions.guests.qemu_shared import house as module
from sessions.guests.qemu_shared.house import Machines
from sessions.guests.qemu_shared.machine import Machine
from sessions.guests.qemu_shared.spec import Spec

SPEC = Spec("desktop", sessions_per_guest=2, machines=2, empty_minutes=5)


class Idle(Machine):
    """A machine that is up at once, unless `broken` says why not, and notes how it ends."""

    made: list[Machine]
    broken = ""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.done = []
        Idle.made.append(self)

    async def start(self):
        failure = GuestError(Idle.broken) if Idle.broken else None
        self._settle(failure)
        if failure is not None:
            raise failure

    async def adopt(self):
        await self.start()

    async def shut_down(self, seconds):
        self.closing = True
        self.done.append("shut down")

    async def stop(self):
        self._let_go()
        self.done.append("stop")

    async def detach(self):
        self._let_go()
        self.done.append("detach")


class Person:
    def __init__(self, user):
        self.user = user
        self.session = f"session of {user}"
        self.signed_in = True
        self.reasons = []

    def ended(self, reason):
        self.reasons.append(reason)

    def hung_up(self):
        raise AssertionError("there is no stream")


class Timers(Clock):
    """A clock that the test advances; threads are the real reactor's."""

    def getThreadPool(self):
        return reactor.getThreadPool()

    def callFromThread(self, call, *arguments):
        reactor.callFromThread(call, *arguments)


@pytest.fixture
def clock():
    return Timers()


@pytest.fixture
def site(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(module, "Machine", Idle)
    monkeypatch.setattr(Idle, "broken", "")
    Idle.made = []
    (tmp_path / "house").mkdir()
    return Site(tmp_path / "house", tmp_path / "images", clock, {}, lambda: None)


@pytest.fixture
def house(site):
    return Machines(site)


def folders(site):
    return sorted(folder.name for folder in site.folder.iterdir())


async def gone(site, count=0):
    while len(folders(site)) > count:
        await deferLater(reactor, 0.01)


def test_one_machine_is_filled_before_another_is_started(house):
    seats = [house.take("d", SPEC, Person(user)) for user in "abc"]
    assert [(Idle.made.index(machine), seat) for machine, seat in seats] == [(0, 0), (0, 1), (1, 0)]
    assert house.seats() == {"d": 1}


def test_the_fullest_machine_comes_first_and_a_free_seat_is_used_again(house):
    people = [Person(user) for user in "abc"]
    taken = [house.take("d", SPEC, person) for person in people]
    house.give_back(*taken[0], people[0])
    house.give_back(*taken[2], people[2])
    assert house.take("d", SPEC, Person("e")) == taken[0]


def test_when_there_are_no_seats_people_are_told_how_many_there_are(house):
    for user in "abcd":
        house.take("d", SPEC, Person(user))
    with pytest.raises(GuestError, match="All 4 seats of this desktop are taken"):
        house.take("d", SPEC, Person("e"))
    assert len(Idle.made) == 2


def test_desktops_and_their_settings_do_not_share_machines(house):
    for desktop, spec in (("d", SPEC), ("e", SPEC), ("d", Spec("desktop"))):
        house.take(desktop, spec, Person("a"))
    assert len(Idle.made) == 3


def test_a_person_with_two_sessions_has_them_in_two_machines(house):
    """Two desktops of one account would get into each other's way."""
    machines = [house.take("d", SPEC, Person("a"))[0] for _ in range(2)]
    assert machines[0] is not machines[1]


def test_a_machine_of_an_older_template_takes_nobody_any_more(house):
    old, _ = house.take("d", SPEC, Person("a"))
    old.version = "before"
    new, _ = house.take("d", SPEC, Person("b"))
    assert new is not old


@pytest_twisted.ensureDeferred
async def test_a_machine_that_nobody_uses_is_shut_down_after_a_while(house, site, clock):
    person = Person("a")
    machine, seat = house.take("d", SPEC, person)
    house.give_back(machine, seat, person)
    clock.advance(5 * 60 - 1)
    assert machine.done == []
    house.take("d", SPEC, person)  # somebody comes in time
    clock.advance(10 * 60)
    assert machine.done == []
    house.give_back(machine, seat, person)
    clock.advance(5 * 60)
    await gone(site)
    assert machine.done == ["shut down", "stop"]
    assert house.seats() == {}


def test_a_machine_can_be_kept_for_ever(house, clock):
    spec, person = Spec("desktop", empty_minutes=0), Person("a")
    machine, seat = house.take("d", spec, person)
    house.give_back(machine, seat, person)
    assert clock.getDelayedCalls() == []
    assert machine.done == []


@pytest_twisted.ensureDeferred
async def test_who_waits_for_a_machine_that_does_not_start_is_told_and_nothing_is_left(house, site):
    Idle.broken = "It is out of order."
    machine, _ = house.take("d", SPEC, Person("a"))
    with pytest.raises(GuestError, match="out of order"):
        await machine.wait(lambda percent, text: None)
    await gone(site)
    assert machine.done == ["stop"]


@pytest_twisted.ensureDeferred
async def test_a_machine_that_dies_tells_all_its_people_and_no_others(house, site):
    people = [Person(user) for user in "abc"]
    first = house.take("d", SPEC, people[0])[0]
    house.take("d", SPEC, people[1])
    house.take("d", SPEC, people[2])
    first._lost("It has crashed.")
    assert [person.reasons for person in people] == [["It has crashed."], ["It has crashed."], []]
    await gone(site, 1)


@pytest_twisted.ensureDeferred
async def test_a_later_host_finds_machines_and_people_again(house, site):
    person = Person("a")
    machine, seat = house.take("d", SPEC, person)
    await house.leave()
    assert machine.done == ["detach"]
    later = Machines(site)
    later.adopt()
    again = later.claim(machine.folder.name, seat, person)
    assert (again.desktop, again.spec) == ("d", SPEC)
    assert later.seats() == {"d": 1}
    with pytest.raises(GuestError, match="is gone"):
        later.claim(machine.folder.name, seat, Person("b"))
    with pytest.raises(GuestError, match="is gone"):
        later.claim("0" * 32, 0, Person("b"))
    with pytest.raises(GuestError, match="is gone"):
        later.claim(machine.folder.name, 99, Person("b"))


@pytest_twisted.ensureDeferred
async def test_a_machine_found_again_that_nobody_uses_is_shut_down_too(house, site, clock):
    house.take("d", SPEC, Person("a"))
    await house.leave()
    later = Machines(site)
    later.adopt()
    clock.advance(5 * 60)
    await gone(site)
    assert Idle.made[-1].done == ["shut down", "stop"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"desktop": "d"}', '{"desktop": "d", "spec": {"template": 5}}']
)
@pytest_twisted.ensureDeferred
async def test_a_folder_that_is_no_machine_s_is_removed(site, text):
    (site.folder / "half").mkdir()
    (site.folder / "half" / "machine.json").write_text(text)
    Machines(site).adopt()
    await gone(site)
    assert Idle.made == []


@pytest_twisted.ensureDeferred
async def test_when_all_is_ended_machines_go_with_their_last_person(house, site):
    people = [Person(user) for user in "abc"]
    taken = [house.take("d", SPEC, person) for person in people]
    house.give_back(*taken[2], people[2])
    house.end_unused()
    await gone(site, 1)
    house.give_back(*taken[0], people[0])
    assert Idle.made[0].done == []
    house.give_back(*taken[1], people[1])
    await gone(site)
    assert [machine.done for machine in Idle.made] == [["stop"], ["stop"]]


@pytest_twisted.ensureDeferred
async def test_a_host_that_leaves_does_not_shut_down_what_becomes_empty(house, clock):
    person = Person("a")
    taken = house.take("d", SPEC, person)
    await house.leave()
    house.give_back(*taken, person)
    clock.advance(60 * 60)
    assert taken[0].done == ["detach"]


def test_what_a_machine_was_made_for_is_kept_and_read_again(house, site):
    machine, _ = house.take("d", SPEC, Person("a"))
    assert Machine.described(machine.folder) == ("d", SPEC)
    assert machine.folder.stat().st_mode & 0o077 == 0
    assert json.loads((machine.folder / "machine.json").read_text())["desktop"] == "d"


def test_waiting_can_be_given_up(house, monkeypatch):
    async def never(self):
        await Deferred()

    monkeypatch.setattr(Idle, "start", never)
    machine, _ = house.take("d", SPEC, Person("a"))
    waiting = Deferred.fromCoroutine(machine.wait(lambda percent, text: None))
    waiting.addErrback(lambda failure: None)
    waiting.cancel()
    assert (machine._waiting, machine._watchers) == ([], [])
    machine._settle(None)
