"""The testcard guest."""

from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.task import Clock

from sessions.guests.base import GuestError, Place
from sessions.guests.testcard import TestcardGuest, frame
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from tests.contracts.display_contract import Recorder


def guest(clock=None, **spec):
    place = Place(Path("/nowhere"), Path("/nowhere"), lambda why: None, clock or Clock(), {})
    return TestcardGuest({"kind": "testcard", **spec}, place)


@pytest.mark.parametrize(
    "spec",
    [{"width": 15}, {"height": 8193}, {"width": "640"}, {"fps": -1}, {"fps": True}, {"fps": float("nan")}],
)
def test_wrong_specs_are_told(spec):
    with pytest.raises(GuestError, match="not a number from"):
        guest(**spec)


@pytest_twisted.ensureDeferred
async def test_it_moves_until_it_is_stopped():
    clock, framebuffer = Clock(), Framebuffer()
    events = Recorder(framebuffer)
    it = guest(clock, width=320, height=200, fps=4)
    await it.start(lambda done, text: None)
    await it.open_display(framebuffer, events)
    clock.pump([0.25] * 7)
    assert (framebuffer.pixels == frame(7, Size(320, 200))).all()
    await it.stop()
    await it.stop()
    assert clock.getDelayedCalls() == []
    assert events.faults == []


@pytest_twisted.ensureDeferred
async def test_a_still_card_has_no_clock():
    clock, framebuffer = Clock(), Framebuffer()
    await guest(clock, fps=0).open_display(framebuffer, Recorder(framebuffer))
    assert framebuffer.size == Size(1280, 720)
    assert clock.getDelayedCalls() == []


@pytest_twisted.ensureDeferred
async def test_nothing_runs_in_it_that_could_be_asked_or_shut_down():
    clock = Clock()
    it = guest(clock, fps=0)
    assert it.services is None
    await it.shut_down(30)
    assert clock.getDelayedCalls() == []
