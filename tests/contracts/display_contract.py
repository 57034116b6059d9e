"""What every display must do, whatever is behind it (sessions/displays/base.py).

A variant's test module makes a class of it:

    class TestMine(DisplayContract):
        @pytest.fixture
        def guest(self): ...            # yields something with the three coroutines below

    async open(framebuffer, events)     # → an open Display
    async change(display)               # make the guest's picture change
    async cut()                         # break the display from behind; or cut = None where nothing can
"""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sessions.displays.base import DisplayError
from sessions.input.events import Button, Key, Pointer, Text, Wheel
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size

SECONDS = 120
"""How long to wait for what must come."""


class Recorder:
    """DisplayEvents that keep what they are told and check its order."""

    def __init__(self, framebuffer):
        self.framebuffer = framebuffer
        self.sizes = []
        self.updates = 0
        self.cursors = []
        self.inputs = []
        self.modes = []
        self.losses = []
        self.damaged = False  # since it was last set to False
        self.damage = None  # of the last update
        self.faults = []
        self._waiting = []

    def resized(self):
        self.sizes.append(self.framebuffer.size)
        self._told("resized")

    def updated(self):
        if not self.sizes or self.sizes[-1] != self.framebuffer.size:
            self.faults.append("updated before resized")
        self.damage = self.framebuffer.take_damage()
        self.damaged = bool(self.damage.tiles.any()) or self.damaged
        self.updates += 1
        self._told("updated")

    def cursor(self, cursor):
        if len(cursor.pixels) != cursor.size.width * cursor.size.height * 4:
            self.faults.append("a cursor with the wrong number of bytes")
        self.cursors.append(cursor)
        self._told("cursor")

    def pointing(self, relative):
        self.modes.append(relative)
        self._told("pointing")

    def injected(self, event, waited):
        if not waited >= 0:
            self.faults.append(f"an input that waited {waited} s")
        self.inputs.append(event)
        self._told("injected")

    def lost(self, reason):
        if not isinstance(reason, DisplayError) or not str(reason).endswith("."):
            self.faults.append(f"lost without a sentence: {reason!r}")
        self.losses.append(reason)
        self._told("lost")

    @property
    def told(self):
        """How much has been told so far."""
        return (
            len(self.sizes)
            + self.updates
            + len(self.cursors)
            + len(self.inputs)
            + len(self.modes)
            + len(self.losses)
        )

    async def until(self, test, seconds=SECONDS):
        """Wait until `test()` is true, looked at whenever something is told."""
        while not test():
            told = Deferred()
            self._waiting.append(told)
            await told.addTimeout(seconds, reactor)

    def _told(self, what):
        if self.losses and what != "lost":
            self.faults.append(f"{what} after lost")
        if len(self.losses) > 1:
            self.faults.append("lost twice")
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            if not told.called:
                told.callback(None)


EVENTS = [
    Key(True, 0x1E, 0x61), Key(False, 0x1E, 0x61), Key(True, 0, 0), Key(False, 0xFF, 0xFFFFFFFF),
    Text(""), Text("aé€漢\U0001f600\n\x00"), Text("x" * 1000),
    Pointer(0, 0, Button(0)), Pointer(-5, 1 << 20, Button.LEFT | Button.BACK), Pointer(3, 3, Button(0)),
    Wheel(0, 120), Wheel(-40, 0), Wheel(1 << 30, -(1 << 30)),
]  # fmt: skip


class DisplayContract:
    """The tests; a subclass gives the fixture `guest`."""

    async def opened(self, guest):
        framebuffer = Framebuffer()
        events = Recorder(framebuffer)
        display = await guest.open(framebuffer, events)
        await events.until(lambda: events.updates)
        return display, framebuffer, events

    @pytest_twisted.ensureDeferred
    async def test_a_whole_picture_comes_first(self, guest):
        display, framebuffer, events = await self.opened(guest)
        assert events.sizes[0].width > 0
        assert events.sizes[-1] == framebuffer.size
        await events.until(lambda: framebuffer.pixels.any())  # noqa: PLW0108  (the array changes)
        assert not (framebuffer.pixels >> 24).any()
        display.close()
        assert events.faults == []

    @pytest_twisted.ensureDeferred
    async def test_changes_are_told_and_are_damage(self, guest):
        display, _framebuffer, events = await self.opened(guest)
        await events.until(lambda: events.damaged)
        events.damaged = False
        before = events.updates
        await guest.change(display)
        await events.until(lambda: events.updates > before and events.damaged)
        display.close()
        assert events.faults == []

    @pytest_twisted.ensureDeferred
    async def test_any_input_is_borne(self, guest):
        display, _framebuffer, events = await self.opened(guest)
        for event in EVENTS:
            display.send(event)
        await events.until(lambda: EVENTS[0] in events.inputs)
        await deferLater(reactor, 0.3)
        assert events.losses == []
        display.close()
        assert events.faults == []

    @pytest_twisted.ensureDeferred
    async def test_the_size_follows_a_request(self, guest):
        display, framebuffer, events = await self.opened(guest)
        for size in (Size(800, 608), Size(640, 480)):
            display.request_size(size)
            if display.resizable:
                await events.until(lambda size=size: framebuffer.size == size)
                assert events.sizes[-1] == size
        display.request_size(Size(-1, 1 << 20))  # out of reason, but no reason to fail
        await deferLater(reactor, 0.3)
        assert events.losses == []
        display.close()
        assert events.faults == []

    @pytest_twisted.ensureDeferred
    async def test_nothing_is_told_after_close(self, guest):
        display, _framebuffer, events = await self.opened(guest)
        display.close()
        told = events.told
        display.close()
        display.request_size(Size(300, 200))
        for event in EVENTS:
            display.send(event)
        await deferLater(reactor, 0.3)
        assert events.told == told
        assert events.faults == []

    @pytest_twisted.ensureDeferred
    async def test_a_second_display_can_be_opened_after_the_first(self, guest):
        for _ in range(2):
            display, _framebuffer, events = await self.opened(guest)
            display.close()
            assert events.faults == []

    @pytest_twisted.ensureDeferred
    async def test_a_broken_display_says_so_once(self, guest):
        if guest.cut is None:
            pytest.skip("this display cannot break")
        display, _framebuffer, events = await self.opened(guest)
        await guest.cut()
        await events.until(lambda: events.losses)
        told = events.told
        for event in EVENTS:
            display.send(event)
        display.request_size(Size(300, 200))
        await deferLater(reactor, 0.3)
        display.close()
        assert events.told == told
        assert events.faults == []
