"""The test card keeps the display contract, and shows what its pure function foretells."""

import numpy as np
import pytest
from twisted.internet import reactor
from twisted.internet.task import Clock

from sessions.displays.testcard import TestcardDisplay
from sessions.input.events import Button, Key, Move, Pointer, Text, Wheel
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from sessions.pixels.region import Region
from sessions.pixels.testcard import Layout, frame
from tests.contracts.display_contract import DisplayContract, Recorder

SIZE = Size(640, 360)


@pytest.mark.parametrize("fps", [0, 30])
class TestTestcardKeepsTheContract(DisplayContract):
    @pytest.fixture
    def guest(self, fps):
        class Guest:
            cut = None

            async def open(self, framebuffer, events):
                return TestcardDisplay(reactor, framebuffer, events, SIZE, fps)

            async def change(self, display):
                display.send(Text("x"))

        return Guest()


@pytest.fixture
def card():
    clock, framebuffer = Clock(), Framebuffer()
    events = Recorder(framebuffer)
    display = TestcardDisplay(clock, framebuffer, events, SIZE, 8)
    return display, clock, framebuffer, events


def test_every_tick_is_foretold(card):
    display, clock, framebuffer, events = card
    assert (framebuffer.pixels == frame(0, SIZE)).all()
    for number in range(1, 150):
        clock.advance(0.125)
        assert display.number == number
        assert (framebuffer.pixels == frame(number, SIZE)).all()
    assert not (frame(1, SIZE) == frame(0, SIZE)).all()
    assert events.faults == []


def test_ticks_that_were_late_are_skipped(card):
    display, clock, framebuffer, _ = card
    clock.advance(1.3)
    assert display.number == 10
    assert (framebuffer.pixels == frame(10, SIZE)).all()


def test_a_tick_writes_to_what_moves_only(card):
    _, clock, _, events = card
    clock.advance(0.125)
    moving = Region(SIZE)
    moving.add(Layout(SIZE).counter)
    moving.add(Layout(SIZE).track)
    assert events.damage == moving


def test_typing_is_seen_in_the_text_alone_and_can_be_taken_back(card):
    display, _, framebuffer, _ = card
    before = framebuffer.pixels.copy()
    display.send(Key(True, 0x1E, 0x61))
    display.send(Key(False, 0x1E, 0x61))
    once = framebuffer.pixels.copy()
    rect = Layout(SIZE).text
    ys, xs = np.nonzero(once != before)
    assert len(ys) > 0
    assert rect.y <= ys.min() <= ys.max() < rect.bottom
    assert rect.x <= xs.min() <= xs.max() < rect.right
    display.send(Text("B\n漢"))
    assert (framebuffer.pixels != once).any()
    for _ in range(3):
        display.send(Key(True, 0x0E, 0xFF08))
    assert (framebuffer.pixels == once).all()
    display.send(Text("\b"))
    assert (framebuffer.pixels == before).all()


def test_the_pointer_has_a_cross_that_leaves_no_trace(card):
    display, clock, framebuffer, _ = card
    display.send(Pointer(320, 100, Button(0)))
    assert framebuffer.pixels[100, 320] == 0xFFFFFF
    display.send(Pointer(320, 100, Button.LEFT))
    assert framebuffer.pixels[100, 320] == 0xFFB000
    clock.advance(0.125)  # the moving parts go on below it
    display.send(Move(-7, 5, Button(0)))
    moved = framebuffer.pixels.copy()
    display.send(Pointer(313, 105, Button(0)))
    assert np.array_equal(framebuffer.pixels, moved)
    display.send(Pointer(-1000, -1000, Button(0)))
    assert (framebuffer.pixels == frame(1, SIZE)).all()


def test_a_wheel_changes_nothing(card):
    display, _, _, events = card
    before = events.updates
    display.send(Wheel(120, 120))
    assert events.updates == before


@pytest.mark.parametrize("size", [Size(1, 1), Size(16, 16), Size(57, 900), Size(8192, 20), Size(1921, 1081)])
def test_any_size_can_be_drawn(card, size):
    display, clock, framebuffer, events = card
    display.request_size(size)
    assert events.sizes[-1] == framebuffer.size == size
    display.send(Text("some text that wraps" * 9))
    clock.advance(0.125)
    assert frame(99, size).shape == (size.height, size.width)


def test_close_stops_the_clock(card):
    display, clock, _, _ = card
    display.close()
    assert clock.getDelayedCalls() == []
