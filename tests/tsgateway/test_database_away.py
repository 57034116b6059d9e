"""The database is away for a while: a real gateway, a viewer that is attached, a real server that stops."""

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.logger import globalLogPublisher

from tests.postgresql import Server
from tests.tsgateway.support import World, until
from tsgateway import admittance
from tsgateway.auth import sign_in
from tsgateway.errors import StartError
from tsgateway.store import DiskFull, Store, StoreBusy, StoreUnavailable, access
from tsgateway.store.access import Access


class ServerAway:
    """PostgreSQL, which stops and starts again."""

    def __init__(self):
        self.server = Server().start()
        self.data = {"database": self.server.database()}

    def leave(self, world):
        self.server.stop()

    def come_back(self, world):
        self.server.start()

    def close(self):
        self.server.remove()


class FileAway:
    """SQLite, whose file is moved away and put back."""

    def __init__(self):
        self.data = {}

    def leave(self, world):
        file = world.gateway.layout.database
        file.rename(file.with_name("away"))

    def come_back(self, world):
        file = world.gateway.layout.database
        file.with_name("away").rename(file)

    def close(self):
        pass


@pytest.fixture(params=[ServerAway, FileAway])
def database(request):
    made = request.param()
    yield made
    made.close()


@pytest_twisted.async_yield_fixture
async def world(database, tmp_path, monkeypatch):
    monkeypatch.setattr(admittance, "CHECK_SIGN_INS_EVERY", 0.2)
    made = World(data={"directory": str(tmp_path / "data"), **database.data})
    try:
        yield await made.start()
    finally:
        await made.stop()


@pytest.fixture
def log():
    events = []
    globalLogPublisher.addObserver(events.append)
    yield lambda word: [e for e in events if word in (e.get("log_format") or "") + str(e.get("error", ""))]
    globalLogPublisher.removeObserver(events.append)


@pytest_twisted.ensureDeferred
async def test_sessions_go_on_and_everything_is_there_when_it_is_back(world, database, log):
    ada = await world.sign_in()
    hers, ticket = await ada.ticket()
    viewer = await world.native()
    await viewer.welcome(ticket)
    recorder, gateway = world.gateway._recorder, world.gateway
    await until(lambda: recorder.unwritten == 0, "the session to be written down")
    await deferToThread(database.leave, world)
    await until(lambda: gateway.database_away, "somebody to notice")

    # Who signs in is told; no attempt counts as a wrong one.
    for _ in range(8):
        body = {"name": "bob", "password": "bob's password"}
        refused = await world.request("POST", "/api/v1/login", body)
        assert (refused.status, refused.code) == (503, "store_unavailable")
        assert refused.headers["Retry-After"] == "10"
        assert "database is away" in refused.json["error"]["message"]
    # Who was known is still: pages, tickets, new sessions, their end.
    assert (await ada.get("/api/v1/me")).json["user"]["name"] == "ada"
    listed = (await ada.get("/api/v1/desktops")).json["desktops"]
    assert next(each for each in listed if each["id"] == "one")["session"]["id"] == hers
    second, second_ticket = await ada.ticket("mine")
    other = await world.native()
    await other.welcome(second_ticket)
    assert (await ada.post(f"/api/v1/sessions/{second}/log-off")).status == 204
    assert (await ada.get("/api/v1/history")).code == "store_unavailable"
    # Nobody else is.
    stranger = await world.request("GET", "/api/v1/desktops", cookie="A" * 43)
    assert (stranger.status, stranger.code) == (503, "store_unavailable")
    # The viewer has noticed nothing, though its sign-in was looked at several times.
    viewer.send(b"\x18")
    assert await viewer.message() == b"\xf0\x18"
    assert recorder.unwritten == 1
    assert len(log("nobody can sign in until it is back")) == 1

    await deferToThread(database.come_back, world)
    await until(lambda: not gateway.database_away, "it to be back")
    await until(lambda: recorder.unwritten == 0, "what has happened to be written down")
    rows = {row["id"]: row["state"] for row in (await ada.get("/api/v1/history")).json["sessions"]}
    assert rows == {hers: "active", second: "ended"}
    await world.sign_in("bob")
    viewer.send(b"\x18")
    assert await viewer.message() == b"\xf0\x18"
    assert len(log("nobody can sign in until it is back")) == 1
    assert len(log("is back after")) == 1


@pytest_twisted.ensureDeferred
async def test_who_was_known_long_ago_is_not_any_more(world, database, monkeypatch):
    ada = await world.sign_in()
    await ada.get("/api/v1/me")
    await deferToThread(database.leave, world)
    assert (await ada.get("/api/v1/me")).status == 200
    monkeypatch.setattr(sign_in, "REMEMBER", 0.0)
    assert (await ada.get("/api/v1/me")).code == "store_unavailable"
    await deferToThread(database.come_back, world)
    await until(lambda: not world.gateway.database_away, "it to be back")
    assert (await ada.get("/api/v1/me")).status == 200
    assert (await ada.post("/api/v1/logout")).status == 204
    assert (await ada.get("/api/v1/me")).json["user"] is None


@pytest_twisted.ensureDeferred
async def test_a_second_gateway_with_the_same_server_is_refused(tmp_path):
    database = ServerAway()
    worlds = [World(data={"directory": str(tmp_path / name), **database.data}) for name in ("a", "b")]
    try:
        await worlds[0].start()
        with pytest.raises(StartError, match="another gateway is using the database postgresql://"):
            await worlds[1].gateway.start()
        await worlds[0].stop()
        await worlds[1].gateway.stop()
        worlds = [World(data={"directory": str(tmp_path / "b"), **database.data})]
        await worlds[0].gateway.start()
    finally:
        for each in worlds:
            await each.gateway.stop()
        database.close()


# ---- access


class Threads:
    """Calls are made when the test says so."""

    def __init__(self):
        self.waiting = []

    def __call__(self, call, *arguments):
        result = Deferred()
        self.waiting.append((result, call, arguments))
        return result

    def run(self):
        result, call, arguments = self.waiting.pop(0)
        maybeDeferred(call, *arguments).addBoth(result.callback)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def threads():
    return Threads()


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "db")
    yield made
    made.close()


@pytest.fixture
def calls(store, threads, clock):
    return Access(store, threads, clock)


def outcome(answer):
    got = []
    answer.addBoth(got.append)
    assert got, "no answer yet"
    return getattr(got[0], "value", got[0])


def fail(error):
    raise error


def test_a_call_that_takes_too_long_is_ended_and_no_other_begun(calls, threads, clock, store, monkeypatch):
    interrupted = []
    monkeypatch.setattr(store, "interrupt", lambda: interrupted.append(True))
    slow, behind = calls(int), calls(fail, ZeroDivisionError())
    clock.advance(access.PATIENCE)
    assert isinstance(outcome(slow), StoreUnavailable)
    assert isinstance(outcome(behind), StoreUnavailable)
    assert interrupted
    threads.run()
    threads.run()  # not begun: it would have failed otherwise, with nobody to hear of it
    assert calls.away
    assert isinstance(outcome(calls(int)), StoreUnavailable)
    assert threads.waiting == []
    clock.advance(access.PAUSE)
    again = calls(int, "7")
    threads.run()
    assert outcome(again) == 7
    assert not calls.away


def test_those_behind_one_that_finds_the_database_away_do_not_each_try(calls, threads, clock):
    answers = [calls(fail, StoreUnavailable("away")), calls(int), calls(int)]
    for _ in answers:
        threads.run()
    assert [str(outcome(answer)) for answer in answers] == ["away"] * 3


@pytest.mark.parametrize("error", [StoreBusy("busy"), DiskFull("full"), ValueError("mine")])
def test_what_fails_for_one_reason_of_its_own_is_no_absence(calls, threads, error):
    answer = calls(fail, error)
    threads.run()
    assert outcome(answer) is error
    assert not calls.away


def test_so_many_calls_wait_and_no_more(calls, threads, monkeypatch):
    monkeypatch.setattr(access, "MAX_CALLS", 2)
    first, second = calls(int), calls(int)
    assert "more than it can do" in str(outcome(calls(int)))
    threads.run()
    threads.run()
    assert (outcome(first), outcome(second)) == (0, 0)
