"""The small numbers by which people call sessions, and who is attached to each."""

from itertools import pairwise

import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st

from tests.tsgateway.support import World, until
from tsgateway.hosts.numbers import free_number, number_for


@given(st.sets(st.integers(0, 40)))
def test_the_smallest_free_number_is_taken(taken):
    number = free_number(taken)
    assert number not in taken
    assert set(range(1, number)) <= taken


@given(st.none() | st.booleans() | st.integers() | st.text(max_size=3), st.sets(st.integers(1, 9)))
def test_what_a_host_tells_is_believed_when_it_is_a_number_that_is_free(told, taken):
    number = number_for(told, taken)
    is_good = type(told) is int and 0 < told < 1 << 31 and told not in taken
    assert number == (told if is_good else free_number(taken))


def numbers(world: World) -> dict[str, int]:
    return {each.info["session"]: each.info["number"] for each in world.gateway.sessions.all()}


@pytest_twisted.ensureDeferred
async def test_sessions_have_the_smallest_free_numbers(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    first, _ = await ada.ticket("one")
    second, _ = await bob.ticket("one")
    third, _ = await ada.ticket("mine")
    assert numbers(world) == {first: 1, second: 2, third: 3}
    await bob.post(f"/api/v1/sessions/{second}/reset")
    await until(lambda: second not in numbers(world), "the end of the second session")
    again, _ = await bob.ticket("one")
    assert numbers(world) == {first: 1, third: 3, again: 2}


@pytest_twisted.ensureDeferred
async def test_a_number_that_is_somebody_elses_or_none_is_given_anew_and_kept_by_the_host(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    ids = [(await who.ticket("one"))[0] for who in (ada, bob)]
    sessions, [host] = world.gateway.sessions, world.hosts
    told = [{**sessions.get(each).info, "number": number} for each, number in zip(ids, (7, 7), strict=True)]
    sessions.host_up(host, [*told, {**told[0], "session": "c" * 32, "number": 0}])
    assert numbers(world) == {ids[0]: 7, ids[1]: 1, "c" * 32: 2}
    sessions.host_event(host, "session", told[1])  # was on its way when the host was told
    assert numbers(world)[ids[1]] == 1
    await until(lambda: len(world.host_requests("number")) == 3, "the host to be told")
    asked = [(params["session"], params["number"]) for params in world.host_requests("number")]
    assert asked == [(ids[1], 1), ("c" * 32, 2), (ids[1], 1)]


@pytest_twisted.ensureDeferred
async def test_who_is_attached_is_known_with_a_name(world: World):
    bob = await world.sign_in("bob")
    session, ticket = await bob.ticket("one")
    web, native = await world.websocket(), await world.native()
    await web.welcome(ticket)
    _, ticket = await bob.ticket("one")
    await native.welcome(ticket)
    viewers = world.gateway.sessions.seats.of(session)
    assert [(each.name, each.who.user, each.who.client) for each in viewers] == [
        (f"{door}#{each.seat.number}", "bob", "test")
        for door, each in zip(("web", "tsg"), viewers, strict=True)
    ]
    assert all(each.who.address == "127.0.0.1" for each in viewers)
    assert all(before.since <= after.since for before, after in pairwise(viewers))
    assert world.gateway.sessions.seats.of("c" * 32) == []
    native.line.cut()
    await until(lambda: len(world.gateway.sessions.seats.of(session)) == 1, "one to leave")


@pytest_twisted.ensureDeferred
async def test_when_there_was_input_last_is_asked_of_all_hosts(world: World):
    bob = await world.sign_in("bob")
    session, _ = await bob.ticket("one")
    assert await world.gateway.sessions.activity() == {session: 1234.5}
