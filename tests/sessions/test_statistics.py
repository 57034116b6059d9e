"""What a session measures and tells of itself, with a display that answers when the test says."""

from __future__ import annotations

import pytest

from sessions.displays.base import DisplayError
from sessions.input.events import Key
from sessions.screen import REOPEN_SECONDS
from sessions.wire import tsg
from sessions.wire.tsg import Stage
from tests.sessions.test_session import Client, World


class Typist(Client):
    """A viewer that acknowledges at once, and a guest that takes keys when told to."""

    def __init__(self, world: World, number: int = 1) -> None:
        super().__init__(world.session, number)
        self.world = world

    def press(self) -> None:
        self.say(tsg.Key(1, 30, 0x61))

    def taken(self, waited: float = 0.0) -> None:
        """The guest is handed the last key."""
        self.world.screen.events.injected(Key(True, 30, 0x61), waited)

    def acknowledge(self, held: float) -> None:
        numbers, self.picture.unacknowledged = self.picture.unacknowledged, []
        if numbers:
            self.say(tsg.Ack(numbers[-1], 0, round(held * 1e6)))

    def statistics(self) -> list[tsg.Statistics]:
        found = [message for message in self.messages if isinstance(message, tsg.Statistics)]
        self.messages.clear()
        return found


@pytest.fixture
def world() -> World:
    made = World()
    made.machine.started.callback(None)
    return made


@pytest.fixture
def viewer(world: World) -> Typist:
    typist = Typist(world)
    world.clock.advance(0.1)
    typist.acknowledge(0.01)
    world.clock.advance(0.1)
    return typist


def type_a_key(world: World, viewer: Typist, colour: int = 0x445566) -> None:
    """Waits 20 ms for the guest, which takes 30; the line takes 40 and the viewer 10."""
    viewer.press()
    world.clock.advance(0.02)
    viewer.taken(waited=0.02)
    world.clock.advance(0.03)
    world.screen.paint(colour)
    world.clock.advance(0.05)
    viewer.acknowledge(0.01)


def test_a_typed_key_is_followed_through_all_stages(world: World, viewer: Typist) -> None:
    type_a_key(world, viewer)
    stages = world.session.statistics()["stages"]
    median = {name: 1000 * times["p50"] for name, times in stages.items()}
    assert median["input"] == pytest.approx(20, rel=0.05)
    assert median["guest"] == pytest.approx(30, rel=0.05)
    assert median["client"] == pytest.approx(10, rel=0.05)
    assert median["total"] == pytest.approx(100, rel=0.05)
    shares = {name: times["share"] for name, times in stages.items() if name != "total"}
    assert shares["guest"] == pytest.approx(0.3, abs=0.001)
    assert shares["line"] == pytest.approx(0.4, abs=0.001)
    assert sum(shares.values()) == pytest.approx(1, abs=0.001)


def test_without_typing_nothing_is_said_of_the_guest(world: World, viewer: Typist) -> None:
    world.screen.paint(0x123456)
    world.clock.advance(0.1)
    viewer.acknowledge(0.01)
    stages = world.session.statistics()["stages"]
    assert {"wait", "encode", "send", "line", "client"} == set(stages)


def test_a_repainted_screen_that_looks_the_same_answers_nothing(world: World, viewer: Typist) -> None:
    world.screen.paint(0x445566)
    world.clock.advance(0.1)
    viewer.acknowledge(0.01)
    viewer.press()
    viewer.taken()
    world.screen.paint(0x445566)
    world.clock.advance(0.3)
    world.screen.paint(0x665544)
    world.clock.advance(0.1)
    viewer.acknowledge(0.01)
    assert world.session.statistics()["stages"]["guest"]["p50"] == pytest.approx(0.3, rel=0.05)


def test_the_line_and_what_was_sent_are_told_by_viewer(world: World, viewer: Typist) -> None:
    world.screen.paint(0x123456)
    world.clock.advance(0.1)
    report = world.session.statistics()
    [only] = report["viewers"]
    assert only["viewer"] == 1
    assert only["line"]["frames_ahead"] == 1
    assert only["line"]["bytes_ahead"] > 10
    assert only["line"]["rate"] is None
    assert report["frames"] == only["frames"] == 2
    assert report["encodings"]["history"]["pixels"] == 2 * 320 * 200
    world.session.detach(1)
    after = world.session.statistics()
    assert after["viewers"] == []
    assert after["encodings"] == report["encodings"]  # the session's own remain


def test_a_viewer_that_watches_is_told_every_second_until_it_no_longer_does(
    world: World, viewer: Typist
) -> None:
    viewer.say(tsg.WatchStatistics(1))
    world.clock.advance(0)
    assert len(viewer.statistics()) == 1
    type_a_key(world, viewer)
    world.clock.pump([0.5] * 6)
    told = viewer.statistics()
    assert len(told) == 3
    times = {Stage(each.stage): each for each in told[-1].stages}
    assert times[Stage.GUEST].p50 == pytest.approx(30_000, rel=0.05)
    assert times[Stage.GUEST].share == 300
    assert times[Stage.TOTAL].share == 0
    assert told[-1].frames == 2
    viewer.say(tsg.WatchStatistics(0))
    world.clock.pump([1] * 3)
    assert viewer.statistics() == []


def test_who_asks_without_end_is_told_once_a_second_all_the_same(world: World, viewer: Typist) -> None:
    for _ in range(100):
        viewer.say(tsg.WatchStatistics(1))
        viewer.say(tsg.WatchStatistics(0))
        viewer.say(tsg.WatchStatistics(1))
        world.clock.advance(0.03125)
    assert len(viewer.statistics()) == 4


def test_watching_outlives_a_lost_display(world: World, viewer: Typist) -> None:
    viewer.say(tsg.WatchStatistics(1))
    world.screen.events.lost(DisplayError("Gone."))
    world.clock.advance(REOPEN_SECONDS[0])
    viewer.statistics()
    world.clock.pump([1] * 2)
    assert len(viewer.statistics()) == 2


def test_a_viewer_that_has_left_is_told_nothing_more(world: World, viewer: Typist) -> None:
    viewer.say(tsg.WatchStatistics(1))
    world.session.detach(1)
    viewer.statistics()
    world.clock.pump([1] * 6)  # the screen is let go of as well
    assert viewer.statistics() == []
    assert not world.clock.getDelayedCalls()


def test_a_viewer_that_claims_the_impossible_harms_only_the_split(world: World, viewer: Typist) -> None:
    type_a_key(world, viewer)
    viewer.say(tsg.Ack(2**32 - 1, 2**32 - 1, 2**32 - 1))
    world.screen.paint(0x010203)
    world.clock.advance(0.02)
    viewer.acknowledge(4000)
    stages = world.session.statistics()["stages"]
    assert stages["client"]["p99"] <= 0.03
    assert stages["total"]["p99"] == pytest.approx(0.1, rel=0.05)


def test_input_of_a_viewer_that_has_gone_is_nobodys(world: World, viewer: Typist) -> None:
    viewer.press()
    world.session.detach(1)
    viewer.taken()
    world.screen.paint(0x111111)
    assert "input" not in world.session.statistics()["stages"]
