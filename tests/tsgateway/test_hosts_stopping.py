"""A session host that is stopped, or asked for, while it is on its way up or out."""

from __future__ import annotations

import os
import signal
import sys

import pytest_twisted
from twisted.internet.defer import Deferred

from sessions.wire.tsg import ServerHello
from tests.fakes import host as fake_host
from tests.tsgateway.support import World, hello, until
from tsgateway.hosts.placement import HostState

SLOW = (
    sys.executable,
    "-c",
    f"import runpy, time, sys; sys.argv[0] = {fake_host.__file__!r};"
    "fake = runpy.run_path(sys.argv[0]); FakeHost = fake['FakeHost']; told = FakeHost.do_hello;"
    "FakeHost.do_hello = lambda self, writer, version: (time.sleep(1.5), told(self, writer, version))[1];"
    "import asyncio, json, pathlib;"
    "settings = json.loads(pathlib.Path(sys.argv[2]).read_text());"
    "guests = pathlib.Path(settings['state']); guests.mkdir(parents=True, exist_ok=True);"
    "asyncio.run(fake['main'](settings['socket'], guests))",
)
"""A fake session host that thinks before it says hello."""


@pytest_twisted.ensureDeferred
async def test_one_that_is_stopped_before_it_has_said_hello_does_not_come_up():
    world = World(host_command=SLOW)
    starting = Deferred.fromCoroutine(world.start())
    starting.addErrback(lambda _: None)  # it waits in vain for the host
    await until(lambda: world.gateway._hosts is not None and world.hosts[0]._link is not None, "its link")
    [host] = world.hosts
    states = []
    host._events = type("Told", (), {"host_up": lambda *_: states.append(host.state)})()
    await host.stop()
    assert host.state is HostState.ASLEEP
    assert not states
    await until(lambda: host._process.poll() is not None, "its end")
    starting.cancel()
    await world.stop()


@pytest_twisted.ensureDeferred
async def test_who_comes_while_the_host_starts_is_let_in():
    """The second call finds the session at once, and its viewer waits for the host."""
    world = World(hosts={"count": 2})
    await world.start()
    try:
        ada, bob = await world.sign_in(), await world.sign_in("bob")
        await ada.ticket()
        begun = Deferred.fromCoroutine(bob.ticket())
        second = world.hosts[1]
        await until(lambda: second.state is HostState.STARTING, "the second host")
        session, ticket = await bob.ticket()
        viewer = await world.native()
        viewer.send(hello(ticket))
        assert (await viewer.expect(ServerHello)).session == session
        assert (await begun)[0] == session
        assert len(world.host_requests("start", 1)) == 1
    finally:
        await world.stop()


@pytest_twisted.ensureDeferred
async def test_a_viewer_waits_for_a_host_that_has_died(world: World):
    ada = await world.sign_in()
    session, ticket = await ada.ticket("mine")
    [host] = world.hosts
    os.kill(host.pid, signal.SIGSTOP)  # a real one would take its sessions up again; this one forgets them
    stopped = host.pid
    host._link.transport.abortConnection()
    await until(lambda: not host.up, "the lost link")
    viewer = await world.native()
    viewer.send(hello(ticket))
    await until(lambda: world.gateway._admittance.viewers.of(lambda grant: True), "the viewer")
    assert not viewer.line.buffer
    os.kill(stopped, signal.SIGCONT)
    assert (await viewer.expect(ServerHello)).session == session


@pytest_twisted.ensureDeferred
async def test_a_viewer_that_leaves_while_it_waits_is_let_go(world: World):
    ada = await world.sign_in()
    _, ticket = await ada.ticket("mine")
    [host] = world.hosts
    os.kill(host.pid, signal.SIGSTOP)
    stopped = host.pid
    host._link.transport.abortConnection()
    await until(lambda: not host.up, "the lost link")
    viewer = await world.native()
    viewer.send(hello(ticket))
    await until(lambda: world.gateway._admittance.viewers.of(lambda grant: True), "the viewer")
    viewer.line.cut()
    await until(lambda: not len(world.gateway._admittance.viewers), "its end")
    os.kill(stopped, signal.SIGCONT)
    await until(lambda: host.up, "the host")
    await until(lambda: len(world.host_requests("detach")) == len(world.host_requests("attach")), "no viewer")
