"""A viewer's way from the ticket to the session host and back."""

import pytest
import pytest_twisted

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
from tests.tsgateway.support import World

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
async def test_input_reaches_the_host_untouched(world: World, door: str):
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await getattr(world, door)()
    await viewer.welcome(ticket)
    for message in INPUT:
        with_extension = message.encode() + b"\x81\x00\x02hi"
        viewer.send(with_extension)
        assert await viewer.message() == bytes((ECHO,)) + with_extension
