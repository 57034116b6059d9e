"""Pools as the gateway sees them: what hosts are told, and how many sessions there may be."""

import datetime

import pytest
import pytest_twisted
from twisted.internet import defer, reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from sessions.wire.tsg import SessionState
from tests.tsgateway.support import World, until
from tsgateway.config import Config, ConfigError, load
from tsgateway.drain import ALL, DrainMode, HostSetting
from tsgateway.hosts.ending import end_all
from tsgateway.hosts.place import HOST_COMMAND
from tsgateway.hosts.placement import HostState
from tsgateway.hosts.pools import LOOK_EVERY, Pools
from tsgateway.hosts.sessions import Sessions

ASLEEP, UP = HostState.ASLEEP, HostState.UP


def desktops(**pools):
    return {
        name: {"title": name, "kind": "fake", "groups": ["users"], "pool": pool}
        for name, pool in pools.items()
    }


class Host:
    """A host that notes what it is told."""

    def __init__(self, number, state=UP):
        self.number, self.state = number, state
        self.told, self.woken = [], 0

    @property
    def up(self):
        return self.state is UP

    def request(self, method, params):
        if method == "number":
            return defer.succeed({})
        assert method == "pools"
        self.told.append({wish["desktop"]: wish["spares"] for wish in params["pools"]})
        return self

    def ready(self):
        self.woken += 1
        return self

    def addErrback(self, *_):
        return self


class Table:
    """Pools of three hosts, two of which are configured, at a time of the test's own."""

    def __init__(self, hosts=None, **pools):
        config = Config.model_validate({"desktops": desktops(**pools)})
        self.clock = Clock()
        self.time = datetime.datetime(2026, 3, 2, 12)
        self.hosts = hosts or [Host(0), Host(1), Host(2)]
        self.sessions = Sessions(config.desktops, config.sessions)
        self.sessions.use(self.hosts, 2)
        self.pools = Pools(config.desktops, self.sessions, self.hosts, 2, self.clock, now=lambda: self.time)
        self.pools.start()

    def session(self, name, desktop, state=SessionState.ACTIVE, host=0):
        info = {"session": name, "desktop": desktop, "user": "ada", "state": state}
        self.sessions.host_event(self.hosts[host], "session", info)

    def last(self):
        return [host.told[-1] if host.told else None for host in self.hosts]


def test_hosts_are_told_when_they_come_up():
    table = Table(office={"warm": 3}, lab={"warm": 1}, plain={})
    for host in table.hosts:
        table.sessions.host_up(host, [])
    assert table.last() == [{"office": 2, "lab": 0}, {"office": 1, "lab": 1}, {}]


def test_a_host_that_comes_up_again_is_told_again():
    table = Table(office={"warm": 2})
    for _ in range(2):
        table.sessions.host_up(table.hosts[0], [])
    assert table.hosts[0].told == [{"office": 1}, {"office": 1}]


def test_only_changes_are_told_and_they_are_within_half_a_minute():
    table = Table(office={"warm": 0, "schedule": [{"from": "13:00", "to": "14:00", "warm": 4}]})
    table.pools.look()
    table.clock.advance(LOOK_EVERY)
    assert [len(host.told) for host in table.hosts[:2]] == [1, 1]
    table.time += datetime.timedelta(hours=1)
    table.clock.advance(LOOK_EVERY)
    assert table.last()[:2] == [{"office": 2}, {"office": 2}]
    table.time += datetime.timedelta(hours=1)
    table.clock.advance(LOOK_EVERY)
    assert table.last()[:2] == [{"office": 0}, {"office": 0}]


def test_what_stands_ready_fits_into_the_maximum():
    table = Table(office={"warm": 3, "max": 4})
    for number in range(3):
        table.session(f"s{number}", "office")
    table.pools.look()
    assert table.last()[:2] == [{"office": 1}, {"office": 0}]
    table.session("s3", "office")
    table.clock.advance(LOOK_EVERY)
    assert table.last()[:2] == [{"office": 0}, {"office": 0}]
    table.session("s0", "office", SessionState.ENDED)
    table.clock.advance(LOOK_EVERY)
    assert table.last()[:2] == [{"office": 1}, {"office": 0}]


def test_a_host_that_sleeps_is_woken_for_its_part_and_does_not_sleep_with_one():
    hosts = [Host(0), Host(1, ASLEEP), Host(2, ASLEEP)]
    table = Table(hosts, office={"warm": 1})
    table.pools.look()
    assert [host.woken for host in hosts] == [0, 0, 0]
    assert [table.pools.wants(host) for host in hosts] == [True, False, False]
    table = Table(hosts, office={"warm": 2})
    table.pools.look()
    assert [host.woken for host in hosts] == [0, 1, 0]
    assert [table.pools.wants(host) for host in hosts] == [True, True, False]


def test_the_part_of_a_host_that_is_down_goes_to_others():
    table = Table([Host(0), Host(1, HostState.DOWN)], office={"warm": 2})
    table.pools.look()
    assert table.hosts[0].told == [{"office": 2}]


def test_nothing_stands_ready_on_a_host_that_is_drained():
    table = Table(office={"warm": 4})
    table.pools.look()
    table.sessions.placer.settings = {"0": HostSetting(mode=DrainMode.DRAIN)}
    table.clock.advance(LOOK_EVERY)
    assert table.last()[:2] == [{}, {"office": 4}]
    assert not table.pools.wants(table.hosts[0])
    table.sessions.placer.settings = {ALL: HostSetting(mode=DrainMode.DISABLE)}
    table.clock.advance(LOOK_EVERY)
    assert table.last()[:2] == [{}, {}]
    table.sessions.placer.settings = {}
    table.clock.advance(LOOK_EVERY)
    assert table.last()[:2] == [{"office": 2}, {"office": 2}]


# ---- the real gateway


@pytest.fixture
def world_with():
    worlds = []

    async def make(host_command=None, count=1, **pools):
        options = {} if host_command is None else {"host_command": host_command}
        made = World(hosts={"count": count}, desktops=desktops(**pools), **options)
        worlds.append(made)
        return await made.start()

    yield make
    for world in worlds:
        pytest_twisted.blockon(Deferred.fromCoroutine(world.stop()))


@pytest_twisted.ensureDeferred
async def test_a_full_pool_says_so_and_has_room_again_later(world_with):
    world = await world_with(office={"max": 1}, lab={"max": 2})
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    session, _ = await ada.ticket("office")
    again, _ = await ada.ticket("office")
    assert again == session
    refused = await bob.post("/api/v1/desktops/office/connect")
    assert (refused.status, refused.code) == (503, "pool_full")
    assert refused.json["error"]["message"] == "This desktop is in use. Try again later."
    await bob.ticket("lab")
    await ada.post(f"/api/v1/sessions/{session}/log-off")
    await bob.ticket("office")


@pytest_twisted.ensureDeferred
async def test_the_session_host_is_told_at_once_and_by_the_spec_that_sessions_have(world_with):
    world = await world_with(office={"warm": 2, "max": 20})
    await until(lambda: world.host_requests("pools"), "the wish")
    [told] = world.host_requests("pools")
    assert told == {"pools": [{"desktop": "office", "spec": {"kind": "fake"}, "spares": 2}]}
    ada = await world.sign_in()
    await ada.ticket("office")
    assert world.host_requests("start")[0]["spec"] == told["pools"][0]["spec"]


@pytest_twisted.ensureDeferred
async def test_hosts_start_for_what_is_to_stand_ready_and_end_it_with_everything_else():
    """With real session hosts: test cards stand ready on both, and `end-sessions` leaves none."""
    cards = desktops(card={"warm": 2})
    cards["card"]["kind"] = "testcard"
    world = World(host_command=HOST_COMMAND, hosts={"count": 2}, desktops=cards)
    try:
        await world.start()
        await until(
            lambda: all(host.up and world.gateway.sessions.load(host).spares for host in world.hosts),
            "spares",
        )
        layout = world.gateway.layout
        await world.gateway.stop()
        folders = [path for number in (0, 1) for path in layout.host(number).glob("guests/*/spare.json")]
        assert len(folders) == 2
        assert await end_all(world.config, reactor) == 0
        assert [path for number in (0, 1) for path in layout.host(number).glob("guests/*/*.json")] == []
    finally:
        await world.stop()


# ---- the configuration


@pytest.mark.parametrize(("pool", "says"), [
    ("warm = 3\nmax = 2", "3 guests cannot stand ready (warm) where there may be 2 (max)"),
    ('schedule = [{from = "08:00", to = "08:00", warm = 1}]', "from and to should be different"),
    ('schedule = [{from = "24:00", to = "08:00", warm = 1}]', "from and to should be different"),
    ('schedule = [{from = "8", to = "18:00", warm = 1}]', 'should be a time of day like "08:30"'),
    ('schedule = [{from = "08:60", to = "18:00", warm = 1}]', 'should be a time of day like "08:30"'),
    ('schedule = [{from = "08:00", to = "24:01", warm = 1}]', 'should be a time of day like "08:30"'),
    ('schedule = [{days = ["monday"], from = "08:00", to = "18:00", warm = 1}]', "should be 'mon', 'tue'"),
    ('schedule = [{days = [], from = "08:00", to = "18:00", warm = 1}]', "days"),
    ('schedule = [{to = "18:00", warm = 1}]', '"desktops.d.pool.schedule.0.from" is missing'),
    ("warm = -1", "pool.warm = -1"),
    ("wram = 1", 'did you mean "warm"?'),
])  # fmt: skip
def test_a_pool_that_cannot_be(tmp_path, pool, says):
    path = tmp_path / "c.toml"
    path.write_text(f'[desktops.d]\ntitle = "D"\nkind = "x"\n[desktops.d.pool]\n{pool}\n')
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert says in str(caught.value)
    assert f"{path}, line" in str(caught.value)


def test_a_personal_desktop_cannot_stand_ready(tmp_path):
    path = tmp_path / "c.toml"
    desktop = '[desktops.d]\ntitle = "D"\nkind = "qemu"\nassignment = "personal"\n'
    path.write_text(f"{desktop}pool = {{warm = 1}}\n")
    with pytest.raises(ConfigError, match="its user's own disk"):
        load(path)
    path.write_text(f"{desktop}pool = {{max = 5}}\n")
    assert load(path).desktops["d"].spec == {"kind": "qemu", "assignment": "personal"}


def test_seats_in_machines_that_people_share_are_no_guests_that_stand_ready(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text('[desktops.d]\ntitle = "D"\nkind = "qemu-shared"\npool = {warm = 1}\n')
    with pytest.raises(ConfigError, match="empty_minutes = 0"):
        load(path)


def test_times_of_day_may_be_toml_s_own(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        '[desktops.d]\ntitle = "D"\nkind = "x"\npool.schedule = [{from = 08:00:00, to = "9:30", warm = 1}]\n'
    )
    [period] = load(path).desktops["d"].pool.schedule
    assert (period.begin, period.end, len(period.days)) == (480, 570, 7)
