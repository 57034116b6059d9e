"""A viewer's way from the ticket to the session host and back."""

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred

from sessions.wire.tsg import (
    FROM_SERVER,
    Ack,
    Key,
    Pointer,
    Refresh,
    ReleaseKeys,
    RequestSize,
    ServerHello,
    TypeText,
    Wheel,
    decode,
)
from tests.fakes.host import ECHO, FRAME
from tests.tsgateway.support import World, hello, until
from tsgateway.api.api import _decode_token
from tsgateway.auth.tokens import hash_token

INPUT = [
    Key(1, 0x1E, 0x61),
    TypeText("é 日本"),
    Pointer(3, 4, 1),
    Wheel(0, -120),
    ReleaseKeys(),
    RequestSize(800, 600),
    Ack(1, 2, 3),
    Refresh(),
]


@pytest.fixture(params=["websocket", "native"])
def door(request):
    return request.param


@pytest_twisted.ensureDeferred
async def test_the_hosts_bytes_reach_the_viewer_untouched(world: World, door: str):
    ada = await world.sign_in()
    session, ticket = await ada.ticket()
    viewer = await getattr(world, door)()
    messages = await viewer.welcome(ticket)
    assert isinstance(decode(messages[0], FROM_SERVER), ServerHello)
    assert messages[3] == FRAME.encode()
    [attached] = world.host_requests("attach")
    assert attached["session"] == session


@pytest_twisted.ensureDeferred
async def test_what_is_sent_with_the_ticket_arrives_in_its_order(world: World, door: str):
    """The gateway asks its database about the sign-in; a client need not wait for that."""
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await getattr(world, door)()
    viewer.send(hello(ticket))
    for message in INPUT:
        viewer.send(message.encode())
    said = [await viewer.message() for _ in range(4 + len(INPUT))]
    assert said[4:] == [bytes((ECHO,)) + message.encode() for message in INPUT]


@pytest_twisted.ensureDeferred
async def test_who_leaves_while_the_ticket_is_looked_at_is_never_attached(world: World, door: str):
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await getattr(world, door)()
    answer: Deferred = Deferred()
    known, world.gateway._sign_in.known = world.gateway._sign_in.known, lambda _: answer
    viewer.send(hello(ticket))
    await until(lambda: not world.gateway._admittance.tickets._grants, "the ticket to be taken in")
    viewer.line.cut()
    await until(lambda: len(world.gateway._admittance.viewers) == 0, "the viewer to be gone")
    answer.callback(await known(hash_token(_decode_token(ada.cookie))))
    assert not world.gateway.sessions.seats._attached
    assert not world.gateway._admittance.viewers.of(lambda _: True)


@pytest_twisted.ensureDeferred
async def test_input_reaches_the_host_untouched(world: World, door: str):
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await getattr(world, door)()
    await viewer.welcome(ticket)
    for message in INPUT:
        with_extension = message.encode() + b"\x81\x00\x02hi"
        viewer.send(with_extension)
        assert await viewer.message() == bytes((ECHO,)) + with_extension
