"""A fault of the gateway that shows at one viewer is that viewer's alone."""

import pytest
import pytest_twisted

from tests.tsgateway.support import World, until


def fail(*_):
    raise ZeroDivisionError


@pytest_twisted.async_fixture
async def both(world: World):
    """Ada's viewer, what carries it, and bob's; they share the session link and the clock."""
    ada, bob = await world.sign_in(), await world.sign_in("bob")
    hers, his = await world.websocket(), await world.native()
    await hers.welcome((await ada.ticket())[1])
    await his.welcome((await bob.ticket())[1])
    [viewer] = world.gateway._admittance.viewers.of(lambda grant: grant.user == "ada")
    return hers, viewer._transport, his


async def goes_on(world: World, his) -> None:
    """Bob's viewer is served, and its time passes."""
    his.send(b"\x18")
    assert await his.message() == b"\xf0\x18"
    assert world.hosts[0].up
    assert world.gateway._admittance.viewers._ticking.running


async def is_gone(world: World, hers) -> None:
    while await hers.message() is not None:
        pass
    await until(
        lambda: not world.gateway._admittance.viewers.of(lambda grant: grant.user == "ada"), "ada's end"
    )
    await until(lambda: world.host_requests("detach"), "the host to be told")


@pytest_twisted.ensureDeferred
async def test_at_a_message_of_the_host(world: World, both, monkeypatch):
    hers, transport, his = both
    monkeypatch.setattr(transport, "send", fail)
    hers.send(b"\x18")  # the host's echo meets the fault
    await is_gone(world, hers)
    await goes_on(world, his)


@pytest.mark.parametrize("where", ["received", "tick", "close"])
@pytest_twisted.ensureDeferred
async def test_at_its_own_message_its_clock_or_its_end(world: World, both, monkeypatch, where):
    hers, _, his = both
    [viewer] = world.gateway._admittance.viewers.of(lambda grant: grant.user == "ada")
    monkeypatch.setattr(viewer._core, where, fail)
    if where == "received":
        hers.send(b"\x18")
    elif where == "close":
        world.gateway.sessions.host_event(
            world.hosts[0], "detached", {"viewer": viewer.number, "code": 1, "reason": ""}
        )
        await hers.line.to_end()
        return await goes_on(world, his)
    await is_gone(world, hers)
    await goes_on(world, his)
    return None


@pytest_twisted.ensureDeferred
async def test_a_host_that_cannot_be_taken_up_is_taken_up_later(world: World, monkeypatch):
    [host] = world.hosts
    taken = world.gateway.sessions.host_up
    told = []

    def fails_once(*arguments):
        told.append(arguments)
        (taken if len(told) > 1 else fail)(*arguments)

    monkeypatch.setattr(world.gateway.sessions, "host_up", fails_once)
    host._link.transport.loseConnection()
    await until(lambda: len(told) == 2, "the second attempt")
    assert host.up
    ada = await world.sign_in()
    await ada.ticket()
