"""Opening desktops: whose turn it is, who may come back, and how many sessions one may have."""

import pytest
import pytest_twisted
from twisted.internet import reactor

from sessions.wire.tsg import SessionState
from tests.tsgateway.admin.shell import Shell
from tests.tsgateway.support import CHEAP, DESKTOPS, HOST, World, until
from tsgateway.drain import ALL, DrainMode
from tsgateway.hosts import opening
from tsgateway.service import Gateway

SLOW = {"title": "Slow", "kind": "fake", "groups": ["users"], "slow": True}
MANY = {"title": "Many", "kind": "fake", "groups": ["users"], "single": False}
KINDS = {**DESKTOPS, "slow": SLOW, "slower": {**SLOW, "title": "Slower"}, "many": MANY}


@pytest_twisted.async_yield_fixture
async def start(monkeypatch):
    """Starts worlds, which are stopped at the end."""
    monkeypatch.setattr(opening, "ANSWER_WITHIN", 0.05)
    worlds = []

    async def start(**hosts):
        sessions = hosts.pop("sessions", {})
        worlds.append(World(desktops=KINDS, hosts={"count": 1, **hosts}, sessions=sessions))
        return await worlds[-1].start()

    yield start
    for world in worlds:
        await world.stop()


async def connect(person, desktop, **more):
    return await person.post(f"/api/v1/desktops/{desktop}/connect", more)


def started(world, session):
    """The host tells that a session which was starting runs."""
    [host] = world.hosts
    info = world.gateway.sessions.get(session).info
    world.gateway.sessions.host_event(host, "session", {**info, "state": SessionState.DISCONNECTED})


# ---- turns


@pytest_twisted.ensureDeferred
async def test_who_comes_too_much_at_once_waits_and_hears_how_many_are_before(start):
    world = await start(logons_at_once=1)
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    first = (await connect(ada, "slow")).json["session"]
    waiting = await connect(bob, "slow")
    assert (waiting.status, waiting.headers["Retry-After"]) == (202, "1")
    assert waiting.json["waiting"]["before"] == 0
    hers = await connect(ada, "slower")
    assert hers.json["waiting"]["before"] == 1  # she has none that waits before his
    again = await connect(bob, "slow")
    assert again.json == waiting.json  # one turn a person and desktop, with or without saying which
    assert len(world.host_requests("start")) == 1
    started(world, first)
    his = await connect(bob, "slow", turn=waiting.json["waiting"]["turn"])
    assert his.status == 200
    assert (await connect(ada, "slower")).json["waiting"]["before"] == 0
    started(world, his.json["session"])
    assert (await connect(ada, "slower")).status == 200
    assert [each["desktop"] for each in world.host_requests("start")] == ["slow", "slow", "slower"]


@pytest_twisted.ensureDeferred
async def test_who_has_a_session_does_not_wait_for_it(start):
    world = await start(logons_at_once=1)
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    hers = (await connect(ada, "one")).json["session"]
    await connect(bob, "slow")
    assert (await connect(ada, "one")).json["session"] == hers
    assert (await connect(ada, "mine")).status == 202


@pytest_twisted.ensureDeferred
async def test_a_failed_start_is_told_to_who_waited(start):
    world = await start(logons_at_once=1)
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    first = (await connect(bob, "slow")).json["session"]
    assert (await connect(ada, "refused")).status == 202
    started(world, first)
    answer = await connect(ada, "refused")
    assert (answer.status, answer.code) == (503, "host_unavailable")
    assert (await connect(ada, "one")).status == 200


@pytest_twisted.ensureDeferred
async def test_the_line_is_so_long_and_who_is_gone_loses_the_turn(start, monkeypatch):
    world = await start(logons_at_once=1, max_waiting=1)
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    await connect(bob, "slow")
    assert (await connect(ada, "slow")).status == 202
    full = await connect(bob, "one")
    assert (full.status, full.code, full.headers["Retry-After"]) == (503, "too_many_waiting", "60")
    assert "Very many people" in full.json["error"]["message"]
    queue = world.gateway._opening._queue
    [turn] = queue.order()
    turn.asked -= opening.ABSENT
    await until(lambda: len(queue) == 0, "the turn to be lost")
    assert (await connect(bob, "one")).status == 202


@pytest_twisted.ensureDeferred
async def test_who_has_waited_too_long_is_told_so(start):
    world = await start(logons_at_once=1, wait_seconds=0.2)
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    await connect(bob, "slow")
    answer = await connect(ada, "slow")
    while answer.status == 202:
        answer = await connect(ada, "slow")
    assert (answer.status, answer.code) == (503, "too_many_waiting")
    assert "took too long" in answer.json["error"]["message"]


# ---- drained


@pytest.mark.parametrize(
    ("mode", "back", "new"),
    [("enable", 200, 200), ("drain", 200, 503), ("drain-until-restart", 200, 503), ("disable", 503, 503)],
)
@pytest_twisted.ensureDeferred
async def test_whom_a_drained_gateway_takes_on(start, mode, back, new):
    world = await start()
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    session, ticket = await ada.ticket()
    viewer = await world.native()
    await viewer.welcome(ticket)
    await set_mode(world, mode)
    assert (await connect(ada, "one")).status == back
    assert (await ada.post(f"/api/v1/sessions/{session}/ticket")).status == back
    refused = await connect(bob, "one")
    assert refused.status == new
    if new == 503:
        assert (refused.code, refused.headers["Retry-After"]) == ("draining", "60")
        assert "administrator" in refused.json["error"]["message"]
    viewer.send(b"\x18")
    assert await viewer.message() == b"\xf0\x18"  # who is connected stays so
    await set_mode(world, "enable")
    assert (await connect(bob, "one")).status == 200


async def set_mode(world, mode, name=ALL):
    """As an operator does."""
    await Shell(world).run("logon", f"--{mode}", "--host", name)


@pytest_twisted.ensureDeferred
async def test_sessions_go_past_a_drained_host_and_to_the_weightier_one(start):
    world = await start(count=3)
    await set_mode(world, "drain", "0")
    await Shell(world).run("host", "weight", "2", "1000")
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    for person, desktop in ((ada, "one"), (bob, "one"), (ada, "mine")):
        session = (await connect(person, desktop)).json["session"]
        assert world.gateway.sessions.get(session).host.number == 2
    listed = (await Shell(world).json("host", "list"))["hosts"]
    assert [(row["host"], row["mode"], row["weight"]) for row in listed] == [
        (2, "enable", 1000),
        (1, "enable", 100),
        (0, "drain", 100),
    ]
    refused = await Shell(world).run("host", "weight", "all", "5", status=2)
    assert "name one" in refused.err


@pytest_twisted.ensureDeferred
async def test_until_restart_is_until_the_host_or_the_gateway_is_started_anew(start):
    world = await start()
    hosts = world.gateway._store.hosts
    hosts.set_mode("0", DrainMode.DRAIN_UNTIL_RESTART, 0)
    ada = await world.sign_in()
    assert (await connect(ada, "one")).code == "draining"
    [host] = world.hosts
    for watcher in world.gateway.sessions.watchers:
        watcher.host_told(host)  # the same process: only the link was lost
    assert hosts.all()["0"].mode is DrainMode.DRAIN_UNTIL_RESTART
    host.pid += 1
    for watcher in world.gateway.sessions.watchers:
        watcher.host_told(host)
    await until(lambda: hosts.all()["0"].mode is DrainMode.ENABLE, "the host to be enabled")
    hosts.set_mode(ALL, DrainMode.DRAIN_UNTIL_RESTART, 0)
    hosts.set_mode("0", DrainMode.DRAIN, 0)
    await world.gateway.stop()
    world.gateway = Gateway(world.config, reactor, host_command=HOST, passwords=CHEAP)
    await world.gateway.start()
    assert {name: setting.mode for name, setting in world.gateway._store.hosts.all().items()} == {
        ALL: DrainMode.ENABLE, "0": DrainMode.DRAIN,
    }  # fmt: skip


# ---- several sessions


@pytest_twisted.ensureDeferred
async def test_a_desktop_that_is_not_single_is_started_again_each_time(start):
    world = await start()
    ada = await world.sign_in()
    ids = [(await connect(ada, "many")).json["session"] for _ in range(2)]
    assert len(set(ids)) == 2
    single = [(await connect(ada, "one")).json["session"] for _ in range(2)]
    assert len(set(single)) == 1
    listed = {each["id"]: each for each in (await ada.get("/api/v1/desktops")).json["desktops"]}
    assert sorted(each["id"] for each in listed["many"]["sessions"]) == sorted(ids)
    assert listed["many"]["session"] == listed["many"]["sessions"][0]
    assert (listed["many"]["single"], listed["one"]["single"]) == (False, True)
    assert [each["id"] for each in listed["one"]["sessions"]] == single[:1]
    assert listed["mine"]["sessions"] == []
    assert listed["mine"]["session"] is None


@pytest_twisted.ensureDeferred
async def test_one_person_has_so_many_and_hears_which(start):
    world = await start(sessions={"max_per_user": 2})
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    for desktop in ("many", "one"):
        assert (await connect(ada, desktop)).status == 200
    for desktop in ("many", "mine"):
        refused = await connect(ada, desktop)
        assert (refused.status, refused.code) == (409, "too_many_sessions")
        assert refused.json["error"]["message"] == (
            "You have 2 sessions, and may not have more. End one of them first: Many, One."
        )
    assert (await connect(ada, "one")).status == 200  # she comes back to hers
    assert (await connect(bob, "one")).status == 200


# ---- what is written down


@pytest_twisted.ensureDeferred
async def test_sessions_are_written_down_and_can_be_read(start):
    world = await start()
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    hers, _ = await ada.ticket()
    his = (await connect(bob, "one")).json["session"]
    await ada.post(f"/api/v1/sessions/{hers}/log-off")
    recorder = world.gateway._recorder
    await until(lambda: recorder.unwritten == 0, "all to be written")
    everybodys = (await ada.get("/api/v1/history")).json
    assert everybodys["after"] is None
    by_id = {row["id"]: row for row in everybodys["sessions"]}
    assert set(by_id) == {hers, his}
    row = by_id[hers]
    assert (row["user"], row["desktop"], row["host"], row["address"]) == ("ada", "one", "0", "127.0.0.1")
    assert row["state"] == "ended"
    assert row["began"] <= row["ended"]
    assert by_id[his]["ended"] is None
    page = (await ada.get("/api/v1/history?limit=1")).json
    rest = (await ada.get(f"/api/v1/history?limit=1&after={page['after']}")).json
    assert {page["sessions"][0]["id"], rest["sessions"][0]["id"]} == {hers, his}
    assert rest["after"] is None
    assert [row["id"] for row in (await bob.get("/api/v1/history")).json["sessions"]] == [his]
    assert (await bob.get("/api/v1/history?user=ada")).code == "not_yours"
    assert [row["id"] for row in (await ada.get("/api/v1/history?user=bob")).json["sessions"]] == [his]
    assert (await ada.get("/api/v1/history?since=99999999999")).json["sessions"] == []
    for query in ("limit=0", "limit=x", "after=x", "since=", "colour=red"):
        assert (await ada.get(f"/api/v1/history?{query}")).code == "bad_request", query


@pytest_twisted.ensureDeferred
async def test_what_a_host_has_lost_is_over_in_the_table(start):
    world = await start()
    ada = await world.sign_in()
    session, _ = await ada.ticket()
    recorder = world.gateway._recorder
    await until(lambda: recorder.unwritten == 0, "it to be written")
    [host] = world.hosts
    world.gateway.sessions.host_up(host, [])
    history = world.gateway._store.history
    await until(lambda: history.page().sessions[0].ended is not None, "its end to be written")
    [row] = history.page().sessions
    assert (row.id, row.state, row.reason) == (
        session,
        "ended",
        "It was over when its session host was back.",
    )
