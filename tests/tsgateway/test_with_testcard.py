"""The gateway with the real session host and the test card: a picture from end to end."""

import sys

import pytest
import pytest_twisted

from sessions.wire.tsg import FROM_SERVER, Ack, Frame, FrameFlag, ScreenSize, ServerHello, decode
from tests.tsgateway.support import World, hello

DESKTOPS = {"card": {"title": "Test card", "kind": "testcard", "groups": ["users"]}}


@pytest_twisted.async_yield_fixture
async def world():
    made = World(host_command=(sys.executable, "-m", "sessions.host"), desktops=DESKTOPS)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


@pytest.mark.parametrize("door", ["websocket", "native"])
@pytest_twisted.ensureDeferred
async def test_frames_arrive_and_go_on_as_they_are_acknowledged(world: World, door: str):
    bob = await world.sign_in("bob")
    session, ticket = await bob.ticket("card")
    viewer = await getattr(world, door)()
    viewer.send(hello(ticket))
    seen: list = []
    frames: list[Frame] = []
    while len(frames) < 5:
        message = decode(await viewer.message(), FROM_SERVER)
        seen.append(message)
        if isinstance(message, Frame):
            frames.append(message)
            viewer.send(Ack(message.number, 100, 200).encode())
    greeting = next(message for message in seen if isinstance(message, ServerHello))
    assert greeting.session == session
    assert any(isinstance(message, ScreenSize) for message in seen)
    assert frames[0].flags & FrameFlag.NEW_STREAM
    assert not any(frame.flags & FrameFlag.NEW_STREAM for frame in frames[1:])
    await bob.post(f"/api/v1/sessions/{session}/end")
    assert (await viewer.closing()).reason
