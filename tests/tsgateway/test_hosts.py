"""Several session hosts share one machine's sessions."""

import json
import os
import signal
import subprocess
import sys

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from sessions.wire.tsg import FROM_SERVER, Ack, CloseCode, Frame, SessionState, decode
from tests.sessions.host.process import SECONDS, Gateway, listens
from tests.tsgateway.support import World, hello, until
from tsgateway.config import Config
from tsgateway.hosts import supervisor
from tsgateway.hosts.ending import end_all
from tsgateway.hosts.link import HostError
from tsgateway.hosts.place import HOST_COMMAND, holds, host_place, occupied
from tsgateway.hosts.placement import HostState, Load
from tsgateway.layout import Layout

ASLEEP, UP = HostState.ASLEEP, HostState.UP
CARDS = {
    name: {"title": name, "kind": "testcard", "groups": ["users"], "fps": 30} for name in ("a", "b", "c")
}


def several(count: int = 2, **more) -> World:
    return World(hosts={"count": count}, **more)


def real(count: int = 2) -> World:
    return several(count, host_command=HOST_COMMAND, desktops=CARDS)


@pytest_twisted.async_yield_fixture
async def pair():
    world = several()
    try:
        yield await world.start()
    finally:
        await world.stop()


@pytest_twisted.async_yield_fixture
async def real_pair():
    world = real()
    try:
        yield await world.start()
    finally:
        for host in world.hosts:
            if host.up:
                for folder in (world.gateway.layout.host(host.number) / "guests").glob("*/session.json"):
                    await host.request("end", {"session": folder.parent.name})
        await world.stop()


def host_of(world: World, session: str) -> int:
    return world.gateway.sessions.get(session).host.number


# ---- placing


@pytest_twisted.ensureDeferred
async def test_a_further_host_is_started_for_the_second_session(pair: World):
    first, second = pair.hosts
    assert (first.state, second.state) == (UP, ASLEEP)
    assert not pair.gateway.layout.host(1).exists()
    ada, bob = await pair.sign_in(), await pair.sign_in("bob")
    hers, _ = await ada.ticket()
    assert second.state == ASLEEP
    his, _ = await bob.ticket()
    assert (host_of(pair, hers), host_of(pair, his)) == (0, 1)
    assert first.pid != second.pid
    third, _ = await ada.ticket("mine")
    assert host_of(pair, third) == 0
    await bob.post(f"/api/v1/sessions/{his}/reset")
    fourth, _ = await bob.ticket()
    assert host_of(pair, fourth) == 1


@pytest_twisted.ensureDeferred
async def test_messages_go_to_the_viewers_own_host(pair: World):
    people = [await pair.sign_in(), await pair.sign_in("bob")]
    viewers = []
    for person in people:
        session, ticket = await person.ticket()
        viewer = await pair.native()
        [greeting, *_] = await viewer.welcome(ticket)
        assert decode(greeting, FROM_SERVER).session == session
        viewers.append(viewer)
    for viewer in viewers:
        viewer.send(b"\x18")
    for viewer in viewers:
        assert await viewer.message() == b"\xf0\x18"
    assert [len(pair.host_requests("attach", number)) for number in (0, 1)] == [1, 1]


@pytest_twisted.ensureDeferred
async def test_what_a_host_says_of_anothers_sessions_and_viewers_is_not_believed(pair: World):
    ada, bob = await pair.sign_in(), await pair.sign_in("bob")
    session, ticket = await ada.ticket()
    await bob.ticket()
    viewer = await pair.native()
    await viewer.welcome(ticket)
    [attached] = pair.gateway._admittance.viewers.of(lambda grant: True)
    owner, other = pair.hosts
    sessions = pair.gateway.sessions
    ended = {**sessions.get(session).info, "state": SessionState.ENDED}
    sessions.host_event(other, "session", ended)
    sessions.host_event(other, "detached", {"viewer": attached.number, "code": 1, "reason": "x"})
    sessions.host_message(other, attached.number, b"\xf0rubbish")
    assert sessions.get(session).host is owner
    viewer.send(b"\x18")
    assert await viewer.message() == b"\xf0\x18"


@pytest_twisted.ensureDeferred
async def test_a_session_goes_elsewhere_when_the_host_for_it_cannot_be_started(pair: World):
    pair.gateway.layout.host(1).write_text("in the way of the folder")
    ada, bob = await pair.sign_in(), await pair.sign_in("bob")
    await ada.ticket()
    his, _ = await bob.ticket()
    assert host_of(pair, his) == 0
    assert len(pair.host_requests("start")) == 2
    third, _ = await ada.ticket("mine")  # the one that is down is not asked again
    assert host_of(pair, third) == 0


@pytest_twisted.ensureDeferred
async def test_a_session_that_waits_for_its_host_is_the_persons_only_one(pair: World, monkeypatch):
    ada, bob = await pair.sign_in(), await pair.sign_in("bob")
    await ada.ticket()
    sessions, second = pair.gateway.sessions, pair.hosts[1]
    begun = Deferred.fromCoroutine(sessions.open("bob", "one", 800, 600))
    assert second.state == HostState.STARTING
    again = await sessions.open("bob", "one", 800, 600)
    sessions.host_up(second, [])  # the host tells of what it has before it is asked to start anything
    assert sessions.find("bob", "one").info["session"] == again
    assert await begun == again
    assert (await bob.ticket())[0] == again
    assert len(pair.host_requests("start", 1)) == 1


@pytest_twisted.ensureDeferred
async def test_a_gateway_that_stops_starts_no_host(pair: World):
    ada = await pair.sign_in()
    await ada.ticket()
    second = pair.hosts[1]
    begun = Deferred.fromCoroutine(pair.gateway.sessions.open("bob", "one", 800, 600))
    begun.addErrback(lambda failure: failure.trap(HostError))
    await until(lambda: second._process is not None, "its process")
    process = second._process
    await pair.gateway.stop()
    await begun
    assert second.state == ASLEEP
    assert process.poll() is not None


# ---- sleep


@pytest_twisted.ensureDeferred
async def test_a_host_without_sessions_goes_to_sleep_and_comes_back(pair: World):
    ada, bob = await pair.sign_in(), await pair.sign_in("bob")
    await ada.ticket()
    his, _ = await bob.ticket()
    first, second = pair.hosts
    look = pair.gateway._hosts.look
    look()
    look()
    assert second.up
    await bob.post(f"/api/v1/sessions/{his}/reset")
    look()
    again, _ = await bob.ticket()  # between two looks
    look()
    await bob.post(f"/api/v1/sessions/{again}/reset")
    assert second.up
    look()
    pid = second.pid
    look()
    assert second.state == HostState.LEAVING
    await until(lambda: second.state == ASLEEP, "its sleep")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert first.up
    his, _ = await bob.ticket()
    assert host_of(pair, his) == 1
    assert second.pid != pid


@pytest_twisted.ensureDeferred
async def test_the_first_never_sleeps(pair: World):
    for _ in range(3):
        pair.gateway._hosts.look()
    assert pair.hosts[0].up


# ---- with real hosts


async def watch(world: World, person, desktop: str):
    """Open a desktop and wait for its first frame: the session and its viewer."""
    session, ticket = await person.ticket(desktop)
    viewer = await world.native()
    viewer.send(hello(ticket))
    await frames(viewer, 1)
    return session, viewer


async def frames(viewer, count: int) -> None:
    while count:
        message = decode(await viewer.message(), FROM_SERVER)
        if isinstance(message, Frame):
            viewer.send(Ack(message.number, 0, 0).encode())
            count -= 1


@pytest_twisted.ensureDeferred
async def test_the_death_of_one_host_is_not_seen_on_the_other(real_pair: World, monkeypatch):
    monkeypatch.setattr(supervisor, "BACK_OFF", (0.05,))
    world = real_pair
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    hers, her_viewer = await watch(world, ada, "a")
    his, his_viewer = await watch(world, bob, "b")
    assert (host_of(world, hers), host_of(world, his)) == (0, 1)
    pids = [host.pid for host in world.hosts]
    os.kill(pids[1], signal.SIGKILL)
    close = await his_viewer.closing()
    assert close.code == CloseCode.SERVER_ERROR
    assert world.gateway.sessions.get(his) is not None
    await frames(her_viewer, 3)
    while not world.hosts[1].up:  # on a busy machine that takes longer than a viewer may be silent
        await frames(her_viewer, 1)
    assert not her_viewer.line.lost
    assert world.hosts[0].pid == pids[0]
    assert world.hosts[1].pid != pids[1]
    again, viewer = await watch(world, bob, "b")
    assert (again, host_of(world, again)) == (his, 1)
    await frames(viewer, 3)


@pytest_twisted.ensureDeferred
async def test_while_one_is_down_new_sessions_go_to_the_other(real_pair: World, monkeypatch):
    monkeypatch.setattr(supervisor, "BACK_OFF", (SECONDS,))
    world = real_pair
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    await ada.ticket("a")
    his, _ = await bob.ticket("a")
    await bob.post(f"/api/v1/sessions/{his}/reset")
    os.kill(world.hosts[1].pid, signal.SIGKILL)
    await until(lambda: world.hosts[1].state == HostState.DOWN, "its death to be seen")
    again, _ = await bob.ticket("a")
    assert host_of(world, again) == 0


class Left:
    """A session host that an earlier gateway with more hosts has left running, with a session of ada's."""

    def __init__(self, config: Config, number: int) -> None:
        layout = Layout.of(config)
        layout.prepare()
        self.place = host_place(config, layout, number, HOST_COMMAND)
        self.place.folder.mkdir()
        settings = self.place.folder / "settings.json"
        settings.write_text(json.dumps({"socket": str(self.place.socket), **self.place.settings}))
        self.process = subprocess.Popen([sys.executable, "-m", "sessions.host", "--settings", settings])

    async def begin(self) -> None:
        await until(lambda: listens(self.place.socket), "the host")
        gateway = Gateway(self.place.socket)
        assert "error" not in gateway.start(desktop="a")
        gateway.socket.close()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest_twisted.ensureDeferred
async def test_a_host_that_is_no_longer_configured_runs_until_its_sessions_end():
    world = real(1)
    left = Left(world.config, 5)
    try:
        await left.begin()
        await world.start()
        [_, fifth] = world.hosts
        assert fifth.number == 5
        assert fifth.pid == left.process.pid
        sessions = world.gateway.sessions
        assert sessions.find("ada", "a").host is fifth
        ada, bob = await world.sign_in(), await world.sign_in("bob")
        for person, desktop in ((ada, "b"), (ada, "c"), (bob, "a")):  # none of these goes there
            assert host_of(world, (await person.ticket(desktop))[0]) == 0
        session, viewer = await watch(world, ada, "a")
        look = world.gateway._hosts.look
        look()
        look()
        assert fifth.up
        await ada.post(f"/api/v1/sessions/{session}/reset")
        await viewer.closing()
        await until(lambda: not holds(left.place.folder), "its burial")
        look()
        look()
        await until(lambda: fifth.state == ASLEEP, "its end")
        assert left.process.wait(SECONDS) == 0
        assert not occupied(left.place.folder)
    finally:
        left.end()
        for host in world.hosts:
            for info in [s.info for s in world.gateway.sessions.all() if s.host is host]:
                await host.request("end", {"session": info["session"]})
        await world.stop()


@pytest_twisted.ensureDeferred
async def test_end_sessions_reaches_every_host_that_has_any(tmp_path):
    from twisted.internet import reactor

    table = {"data": {"directory": str(tmp_path)}, "hosts": {"count": 1}, "desktops": CARDS}
    config = Config.model_validate(table)
    running, dead = Left(config, 0), Left(config, 3)
    try:
        for each in (running, dead):
            await each.begin()
        dead.end()
        assert await end_all(config, reactor) == 2
        assert running.process.wait(SECONDS) == 0
        assert not any(occupied(each.place.folder) for each in (running, dead))
    finally:
        running.end()


# ---- load


@pytest_twisted.ensureDeferred
async def test_what_a_host_tells_of_its_load_is_kept_until_it_is_gone(pair: World):
    first, second = pair.hosts
    sessions = pair.gateway.sessions
    assert sessions.load(first).memory_free == 8 << 30  # told before its hello was answered
    assert sessions.load(second) == Load()
    told = {"cpu": 1.7, "memory_free": -1, "spares": {"one": 2}, "seats": {"two": 1}}
    sessions.host_event(first, "load", told)
    assert sessions.load(first) == Load(1.0, 0, {"one": 2}, {"two": 1})
    sessions.host_down(first)
    assert sessions.load(first) == Load()
