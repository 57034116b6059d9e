"""Decisions with what the store has; the times of zones; people who are connected when their time ends."""

import datetime
from zoneinfo import ZoneInfo

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred
from twisted.internet.task import Clock

from sessions.wire.tsg import FROM_SERVER, CloseCode, NoticeLevel, decode
from tests.tsgateway.policy.support import DESKTOPS, EVERYBODY, context
from tsgateway.access import desk as desk_module
from tsgateway.access.desk import FRESH, SAME, PolicyDesk
from tsgateway.access.watch import PolicyWatch, Present
from tsgateway.access.zones import instant, is_zone, moments
from tsgateway.policy import Subject
from tsgateway.store import Store, StoreUnavailable

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime.datetime(2026, 8, 24, 17, 30, tzinfo=BERLIN).timestamp()
OFFICE = {**EVERYBODY, "when": {"zone": "Europe/Berlin", "times": ["mon-fri 08:00-18:00"]}}


class Bench:
    """A desk over a store, whose database can go away, and a clock."""

    def __init__(self, folder):
        self.store = Store(folder / "db")
        self.now = MONDAY
        self.away = False
        self.calls = []
        self.decided = []
        self.desk = PolicyDesk(self.store.policies, self.access, lambda: self.now, self)

    def note(self, event):
        """As a journal."""
        self.decided.append(event)

    def access(self, call, *arguments):
        def run():
            self.calls.append(call.__name__)
            if self.away:
                raise StoreUnavailable("the database is away")
            return call(*arguments)

        return maybeDeferred(run)

    def put(self, *tables):
        """Have these policies and no others."""
        for each in self.store.policies.all().policies:
            self.store.policies.remove(each.id, None)
        for table in tables:
            self.store.policies.add(table, "test", 0)
        self.desk.changed()


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path)
    yield made
    made.store.close()


@pytest_twisted.ensureDeferred
async def test_a_new_installation_lets_everybody_in(bench):
    decision = await bench.desk.decide(context(), "one")
    assert (decision.allowed, decision.reference) == (True, "")
    [event] = bench.decided
    assert (event.kind, event.who, event.target, event.outcome) == (
        "policy.decided", "ada", "desktop:one", "allowed",
    )  # fmt: skip
    assert (await bench.desk.decide(context(), "one", again=True)).allowed
    assert len(bench.decided) == 1


@pytest_twisted.ensureDeferred
async def test_a_refusal_is_noted_under_its_reference_number(bench):
    bench.put({**EVERYBODY, "networks": ["192.168.0.0/16"]}, DESKTOPS)
    decision = await bench.desk.decide(context(), "one")
    assert not decision.allowed
    assert (bench.decided[0].outcome, bench.decided[0].details["reference"]) == ("denied", decision.reference)
    await bench.desk.decide(context(), "one", again=True)
    assert len(bench.decided) == 2
    noted = await bench.desk.find(decision.reference)
    assert noted.at == MONDAY
    assert noted.body["user"] == "ada"
    assert noted.body["tried"][0]["why"] == "address 10.1.2.3 is not in 192.168.0.0/16"
    assert bench.store.policies.noted(decision.reference) == noted
    assert await bench.desk.find("AAAA-AAAA") is None


@pytest_twisted.ensureDeferred
async def test_the_same_refusal_is_noted_once_for_a_while(bench):
    bench.put(DESKTOPS)
    first = (await bench.desk.decide(context(), "one")).reference
    for _ in range(100):
        assert (await bench.desk.decide(context(), "one")).reference == first
    assert bench.calls.count("note") == 1
    assert (await bench.desk.decide(context(), "two")).reference != first
    assert (await bench.desk.decide(context("bob"), "one")).reference != first
    bench.now += SAME
    assert (await bench.desk.decide(context(), "one")).reference != first


@pytest_twisted.ensureDeferred
async def test_policies_are_read_again_when_they_were_changed(bench):
    assert (await bench.desk.decide(context(), "one")).allowed
    for _ in range(10):
        await bench.desk.decide(context(), "one")
    assert bench.calls.count("all") == 1
    bench.put(DESKTOPS)  # and the desk is told
    assert not (await bench.desk.decide(context(), "one")).allowed
    bench.store.policies.add(EVERYBODY, "another process", 0)
    assert not (await bench.desk.decide(context(), "one")).allowed
    bench.now += FRESH
    assert (await bench.desk.decide(context(), "one")).allowed


@pytest_twisted.ensureDeferred
async def test_without_the_database_what_was_read_last_decides(bench, monkeypatch):
    bench.put(OFFICE, DESKTOPS)
    await bench.desk.decide(context(), "one")
    bench.away = True
    bench.now += 100 * FRESH
    assert (await bench.desk.decide(context(), "one")).allowed
    bench.now = MONDAY + 3600
    refused = await bench.desk.decide(context(), "one")
    assert not refused.allowed
    assert (await bench.desk.find(refused.reference)).body["user"] == "ada"  # not written yet
    monkeypatch.setattr(desk_module, "MAX_WAITING", 3)
    for number in range(10):
        await bench.desk.decide(context(f"user{number}"), "one")
    bench.away = False
    bench.desk.write()
    assert bench.store.policies.noted(refused.reference) is None  # too many waited
    last = (await bench.desk.decide(context("user9"), "one")).reference
    assert bench.store.policies.noted(last).body["user"] == "user9"


@pytest_twisted.ensureDeferred
async def test_before_policies_were_ever_read_nobody_is_let_in(bench):
    bench.away = True
    with pytest.raises(StoreUnavailable):
        await bench.desk.decide(context(), "one")
    bench.away = False
    assert (await bench.desk.decide(context(), "one")).allowed


@pytest_twisted.ensureDeferred
async def test_a_stored_policy_that_cannot_be_read_lets_nobody_in(bench):
    bench.put(EVERYBODY, DESKTOPS, {**EVERYBODY, "name": "Odd", "networks": ["rubbish"]})
    assert (await bench.desk.decide(context(), "one")).allowed  # the first that fits decides
    bench.put({**EVERYBODY, "name": "Odd", "networks": ["rubbish"]}, EVERYBODY, DESKTOPS)
    decision = await bench.desk.decide(context(), "one")
    assert decision.why == 'connection policy "Odd" denies'
    bench.put({**EVERYBODY, "name": "Odd", "colour": 1, "enabled": False}, EVERYBODY, DESKTOPS)
    assert (await bench.desk.decide(context(), "one")).allowed


@pytest_twisted.ensureDeferred
async def test_what_would_be_at_another_time_is_not_noted(bench):
    bench.put(OFFICE, DESKTOPS)
    assert (await bench.desk.consider(context(), "one", MONDAY)).allowed
    assert not (await bench.desk.consider(context(), "one", MONDAY + 3600)).allowed
    assert bench.decided == []
    assert "note" not in bench.calls


@pytest_twisted.ensureDeferred
async def test_a_zone_that_this_machine_has_not_lets_nobody_in(bench):
    bench.put({**OFFICE, "when": {**OFFICE["when"], "zone": "Europe/Atlantis"}}, DESKTOPS)
    decision = await bench.desk.decide(context(), "one")
    assert decision.tried[0].why == "the time in Europe/Atlantis is not known"
    assert not decision.allowed


# ---- times


def test_zones_and_their_times():
    assert is_zone("Europe/Berlin")
    assert not any(map(is_zone, ("Europe", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "", "\0")))
    shown = moments({"UTC", "Europe/Berlin", "America/New_York", "Mars/Olympus"}, MONDAY)
    assert {name: str(moment) for name, moment in shown.items()} == {
        "UTC": "Mon 15:30",
        "Europe/Berlin": "Mon 17:30",
        "America/New_York": "Mon 11:30",
    }


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("Mon 17:30", "2026-08-24T17:30"),
        ("Mon 17:29", "2026-08-31T17:29"),
        ("tuesday 08:00", "2026-08-25T08:00"),
        ("17:30", "2026-08-24T17:30"),
        ("08:00", "2026-08-25T08:00"),
        ("2026-10-25 08:00", "2026-10-25T08:00"),
        (" 2026-08-24T08:00+00:00 ", "2026-08-24T10:00"),
        ("Sun 02:30", "2026-08-30T02:30"),
    ],
)
def test_times_that_people_write(text, then):
    found = datetime.datetime.fromtimestamp(instant(text, BERLIN, MONDAY), BERLIN)
    assert found.isoformat()[:16] == then


def test_a_time_of_day_is_that_of_the_day_it_falls_on():
    """Clocks in Berlin are set back in the night to the 25th of October."""
    saturday = datetime.datetime(2026, 10, 24, 20, tzinfo=BERLIN).timestamp()
    assert instant("08:00", BERLIN, saturday) - saturday == 13 * 3600


@given(st.text(max_size=40))
def test_whatever_is_written_as_an_instant_is_one_or_refused(text):
    try:
        assert instant(text, BERLIN, MONDAY) > 0
    except ValueError as error:
        refused = str(error)
    else:
        return
    assert "Mon 08:00" in refused


@pytest.mark.parametrize(
    "text", ["Mon", "Mon 8:00", "Monkey 08:00", "0001-01-01", "9999-12-31", "24:00", "now"]
)
def test_times_that_nobody_understands(text):
    with pytest.raises(ValueError, match="Mon 08:00"):
        instant(text, None, MONDAY)


# ---- people who are connected


class Seat:
    def __init__(self):
        self.told = []
        self.closed = None

    def deliver(self, message):
        self.told.append(decode(message, FROM_SERVER))

    def close(self, code, reason):
        self.closed = (code, reason)


class Office:
    """A desk, a watch, and ada who works."""

    def __init__(self, bench, **more):
        self.bench = bench
        self.subjects = {b"hers": Subject("ada", frozenset({"users", "staff"}))}
        self.watch = PolicyWatch(bench.desk, reactor, lambda: bench.now, self.known, lambda: self.there)
        self.there = {1}
        self.seat = Seat()
        ada = context(groups=("users", "staff"))
        self.watch.came(1, Present(self.seat, ada, "one", b"hers", more.get("takes_notices", True)))

    async def known(self, sign_in):
        return self.subjects.get(sign_in)

    async def at(self, clock):
        hour, minute = map(int, clock.split(":"))
        self.bench.now = datetime.datetime(2026, 8, 24, hour, minute, tzinfo=BERLIN).timestamp() + 0.05
        await self.watch.look()


@pytest_twisted.ensureDeferred
async def test_whose_time_ends_is_warned_and_then_disconnected(bench):
    bench.put(OFFICE, DESKTOPS)
    office = Office(bench)
    for clock in ("17:30", "17:54"):
        await office.at(clock)
    assert office.seat.told == []
    await office.at("17:55")
    [notice] = office.seat.told
    assert (notice.level, notice.seconds) == (NoticeLevel.WARNING, 300)
    assert "will be disconnected" in notice.text
    for clock in ("17:56", "17:59"):
        await office.at(clock)
    assert (len(office.seat.told), office.seat.closed) == (1, None)  # told once
    await office.at("18:00")
    code, reason = office.seat.closed
    assert code is CloseCode.DISCONNECTED
    reference = reason.rpartition(" ")[2].rstrip(".")
    noted = await bench.desk.find(reference)
    assert "Mon 18:00 (Europe/Berlin) is not within" in noted.body["why"] + str(noted.body["tried"])


@pytest_twisted.ensureDeferred
async def test_a_warning_is_taken_back_when_policies_let_them_stay(bench):
    bench.put(OFFICE, DESKTOPS)
    office = Office(bench)
    await office.at("17:56")
    bench.put({**OFFICE, "when": {"zone": "Europe/Berlin", "times": ["mon-fri 08:00-20:00"]}}, DESKTOPS)
    await office.at("17:57")
    assert [(notice.seconds, bool(notice.text)) for notice in office.seat.told] == [(240, True), (0, False)]
    await office.at("18:00")
    assert office.seat.closed is None


@pytest_twisted.ensureDeferred
async def test_a_policy_that_is_changed_reaches_who_is_there(bench):
    office = Office(bench)
    await office.at("12:00")
    bench.put({**EVERYBODY, "networks": ["192.168.0.0/16"]}, DESKTOPS)
    await office.at("12:01")
    assert office.seat.closed[0] is CloseCode.DISCONNECTED


@pytest_twisted.ensureDeferred
async def test_who_is_no_longer_in_a_group_is_disconnected(bench):
    bench.put({**EVERYBODY, "users": [], "groups": ["staff"]}, DESKTOPS)
    office = Office(bench)
    await office.at("12:00")
    assert office.seat.closed is None
    office.subjects[b"hers"] = Subject("ada", frozenset({"users"}))
    await office.at("12:01")
    assert office.seat.closed is not None


@pytest_twisted.ensureDeferred
async def test_who_has_left_is_not_looked_at_and_old_viewers_are_not_warned(bench):
    bench.put(OFFICE, DESKTOPS)
    office = Office(bench, takes_notices=False)
    await office.at("17:57")
    assert office.seat.told == []
    office.there = set()
    await office.at("18:00")
    assert office.seat.closed is None
    assert len(office.watch) == 0
    office.there = {1}
    del office.subjects[b"hers"]
    office.watch.came(1, Present(office.seat, context(), "one", b"hers", True))
    await office.at("18:01")  # signed out: somebody else closes it
    assert office.seat.closed is None


@pytest_twisted.ensureDeferred
async def test_without_the_database_people_stay_as_long_as_policies_say(bench):
    bench.put(OFFICE, DESKTOPS)
    office = Office(bench)
    await office.at("12:00")
    bench.away = True
    await office.at("17:59")
    assert office.seat.closed is None
    assert len(office.seat.told) == 1
    await office.at("18:00")
    assert office.seat.closed is not None


def test_it_looks_a_moment_after_each_minute_has_begun(bench):
    clock = Clock()
    office = Office(bench)
    looked = []

    async def look():
        looked.append(bench.now)

    start = MONDAY + 17
    watch = PolicyWatch(bench.desk, clock, lambda: start + clock.seconds(), office.known, set)
    watch.look = look
    bench.now = start
    watch.start()
    for seconds, count in ((42, 0), (2, 1), (58, 1), (3, 2)):
        clock.advance(seconds)
        assert len(looked) == count
    watch.stop()
    clock.advance(600)
    assert len(looked) == 2
