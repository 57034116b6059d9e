"""The gateway with the real session host and the test card: a picture from end to end."""

import base64

import pytest
import pytest_twisted

from sessions.wire.tsg import (
    FROM_SERVER,
    Ack,
    CloseCode,
    Frame,
    FrameFlag,
    Key,
    ScreenSize,
    ServerHello,
    Stage,
    decode,
)
from tests.tsgateway.support import World, hello, running, sleep

DESKTOPS = {
    "card": {"title": "Test card", "kind": "testcard", "groups": ["users"]},
    "shared": {
        "title": "Shared card",
        "kind": "testcard",
        "groups": ["users"],
        "fps": 0,
        "rules": {"second": "join"},
    },
    "alone": {
        "title": "Card for one",
        "kind": "testcard",
        "groups": ["users"],
        "fps": 0,
        "rules": {"second": "refuse"},
    },
    "still": {"title": "Still card", "kind": "testcard", "groups": ["users"], "fps": 0},
}


@pytest_twisted.async_yield_fixture
async def world():
    async for made in running(desktops=DESKTOPS):
        yield made


class Typist:
    """A viewer of the test card that acknowledges what it sees."""

    def __init__(self, viewer) -> None:
        self.viewer = viewer

    @classmethod
    async def attach(cls, world: World, ticket: bytes) -> "Typist":
        self = cls(await world.native())
        self.viewer.send(hello(ticket))
        await self.frame()
        return self

    async def frame(self) -> None:
        """Wait for the next whole picture, and acknowledge it."""
        while True:
            message = decode(await self.viewer.message(), FROM_SERVER)
            if isinstance(message, Frame):
                self.viewer.send(Ack(message.number, 100, 200).encode())
                if message.flags & FrameFlag.LAST:
                    return

    async def type(self, count: int) -> None:
        for number in range(count):
            self.viewer.send(Key(1, 30, 0x61 + number).encode())
            await self.frame()


@pytest_twisted.ensureDeferred
async def test_where_time_goes_is_told_to_owners_and_administrators(world: World):
    ada, bob = await world.sign_in("ada"), await world.sign_in("bob")
    session, ticket = await bob.ticket("still")
    await (await Typist.attach(world, ticket)).type(5)
    for person in (ada, bob):
        answer = await person.get(f"/api/v1/sessions/{session}/stats")
        assert answer.status == 200
        assert (answer.json["user"], answer.json["title"]) == ("bob", "Still card")
        stages = answer.json["stages"]
        assert set(stages) == {stage.name.lower() for stage in Stage}
        assert 0 < stages["encode"]["p50"] <= stages["total"]["p50"] < 5
        assert sum(times["share"] for name, times in stages.items() if name != "total") == pytest.approx(
            1, abs=0.01
        )
        [viewer] = answer.json["viewers"]
        assert viewer["line"]["rate"] is None  # it has not been the limit
        assert answer.json["encodings"]["history"]["bytes"] > 0
    hers, _ = await ada.ticket("still")
    for nothing in (hers, "0" * 32):
        answer = await bob.get(f"/api/v1/sessions/{nothing}/stats")
        assert (answer.status, answer.code) == (404, "no_such_session")
    assert (await world.request("GET", f"/api/v1/sessions/{session}/stats")).status == 401


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
    await bob.post(f"/api/v1/sessions/{session}/reset")
    assert (await viewer.closing()).reason


@pytest_twisted.ensureDeferred
async def test_two_windows_show_a_shared_desktop_and_both_type(world: World):
    bob = await world.sign_in("bob")
    session, ticket = await bob.ticket("shared")
    first = await Typist.attach(world, ticket)
    answer = await bob.post(f"/api/v1/sessions/{session}/ticket")
    second = await Typist.attach(world, base64.urlsafe_b64decode(answer.json["ticket"] + "=="))
    for typist, other in ((first, second), (second, first), (first, second)):
        await typist.type(1)
        await other.frame()
    answer = await bob.get(f"/api/v1/sessions/{session}/stats")
    assert len(answer.json["viewers"]) == 2


@pytest_twisted.ensureDeferred
async def test_a_viewer_that_has_died_does_not_lock_its_person_out(world: World):
    """Where a second one is refused, a silent one is in the way until it is noticed, and no longer."""
    bob = await world.sign_in("bob")
    _, ticket = await bob.ticket("alone")
    dead = await world.websocket()
    dead.send(hello(ticket))
    await dead.expect(ServerHello)
    while True:
        _, ticket = await bob.ticket("alone")
        viewer = await world.native()
        viewer.send(hello(ticket))
        found = decode(await viewer.message(), FROM_SERVER)
        if isinstance(found, ServerHello):
            break
        assert (found.code, "by bob" in found.reason) == (CloseCode.IN_USE, True)
        await sleep(0.5)
    dead.pongs = False
    assert (await dead.closing()).code == CloseCode.TIMEOUT
