"""A viewer: one attached client of a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from twisted.logger import Logger

from sessions import plugins
from sessions.channels import NOTHING, Allowed
from sessions.clock import Clock
from sessions.composer import Composer
from sessions.encoders.base import Encoder, Options, VideoEncoder
from sessions.encoders.still import COARSE_QUALITY, MotionJpeg
from sessions.encoders.video import PREFERENCE
from sessions.input.events import Button, InputEvent, Key, Locks, Move, Pointer, Text, Wheel
from sessions.input.ledger import Ledger
from sessions.latency import Figures
from sessions.pacing import Recipient
from sessions.pixels.cursor import Cursor
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from sessions.pointing import PointerPacer
from sessions.statistics import Statistics
from sessions.wire import tsg
from sessions.wire.tsg import Capability, ShadowState

log = Logger()

Send = Callable[[bytes], None]

KNOWN = frozenset(map(int, Capability))
"""Capabilities; others that a viewer names say nothing to this version."""


class Viewer:
    """One client's side of a session: who is sent frames, and what it holds down.

    send: takes one encoded tsg message. gone: called once, with the reason, when the session has let
    the viewer go. figures: the session's. shadow: how it looks on, if it is not of the session's person.
    allowed: what may go between the guest and its person's machine. name: who looks on; invited: whether by
    the session's person.

    controls: whether its input is taken; may_control: whether it came to control; inputs: how many were.
    points: told of where its pointer is, whether it controls or not.
    """

    def __init__(
        self,
        hello: tsg.ClientHello,
        send: Send,
        gone: Callable[[tsg.CloseCode, str], None],
        clock: Clock,
        figures: Figures,
        *,
        shadow: ShadowState | None = None,
        allowed: Allowed = NOTHING,
        name: str = "",
        invited: bool = False,
    ) -> None:
        self.shadow = shadow
        self.name = name
        self.invited = invited
        self.may_control = self.controls = shadow is not ShadowState.VIEW
        self.inputs = 0
        self.points: Callable[[int, int], None] = lambda x, y: None
        self.allowed = allowed
        self.wish: Size | None = None
        if hello.width and hello.height:
            self.wish = Size(min(hello.width, tsg.MAX_SCREEN), min(hello.height, tsg.MAX_SCREEN))
        self.client = hello.client
        self.since = clock.seconds()
        self.capabilities = KNOWN.intersection(hello.capabilities)
        self.ledger = Ledger()
        own = Figures(figures)
        self.recipient = Recipient(send, self.capabilities, own)
        self._statistics = Statistics(own, self.recipient.line, send, clock)
        self._pointer = PointerPacer(send, self.recipient.line, clock)
        self._send = send
        self._gone = gone

    def tell(self, message: tsg.Message) -> None:
        """Send one message."""
        self._send(message.encode())

    def notice(self, notice: tsg.Notice) -> None:
        """Announce something to its person, if it can."""
        if Capability.NOTICES in self.capabilities and self.shadow is None:
            self.tell(notice)

    def cursor(self, cursor: Cursor) -> None:
        """The pointer looks different."""
        message = tsg.Cursor(*cursor.size, cursor.hot_x, cursor.hot_y, cursor.pixels)
        self._pointer.show(message.encode())

    def pointing(self, relative: bool) -> None:
        """The guest asks how the pointer moves (True), or where it is."""
        if Capability.RELATIVE in self.capabilities:
            self.tell(tsg.PointerMode(int(relative)))

    def watch_statistics(self, on: bool) -> None:
        """Send statistics every second from now on, or no more."""
        self._statistics.watch(on)

    def statistics(self) -> dict[str, Any]:
        """Return what is known of its pictures and its line (`Statistics.report`)."""
        return self._statistics.report()

    def close(self, code: tsg.CloseCode, reason: str) -> None:
        """Let the viewer go."""
        self._pointer.close()
        self._statistics.watch(False)
        self._gone(code, reason)


def make_composer(framebuffer: Framebuffer, capabilities: frozenset[int], options: Options) -> Composer:
    """Make the composer for viewers with these capabilities (`tsg.Capability`)."""
    exact: Encoder = plugins.load("encoder", "history")(options)
    jpeg = plugins.load("encoder", "jpeg")
    if jpeg.traits.capability not in capabilities:
        return Composer(framebuffer, exact, None, Capability.COPY in capabilities)
    coarse = replace(options, jpeg_quality=min(options.jpeg_quality, COARSE_QUALITY))
    stills = jpeg(options), jpeg(coarse)
    videos: list[type[VideoEncoder]] = [make for make in _videos() if make.traits.capability in capabilities]
    return Composer(framebuffer, exact, stills, Capability.COPY in capabilities, [*videos, MotionJpeg])


@cache
def _videos() -> tuple[type[VideoEncoder], ...]:
    """Return the kinds of video that this machine can encode, the best first."""
    found: list[type[VideoEncoder]] = []
    for name in PREFERENCE:
        try:
            make: type[VideoEncoder] = plugins.load("video", name)
            lacks = make.missing()
        except plugins.PluginError as error:
            lacks = str(error)
        if lacks:
            log.warn("no videos by {name}: {lacks}", name=name, lacks=lacks)
        else:
            found.append(make)
    return tuple(found)


_INPUT: dict[type[tsg.Message], Callable[[Any], InputEvent]] = {
    tsg.Key: lambda told: Key(bool(told.down), told.scancode, told.keysym),
    tsg.TypeText: lambda told: Text(told.text),
    tsg.Pointer: lambda told: Pointer(told.x, told.y, Button(told.buttons & 0x1F)),
    tsg.Move: lambda told: Move(told.dx, told.dy, Button(told.buttons & 0x1F)),
    tsg.Locks: lambda told: Locks(bool(told.on & tsg.Lock.CAPS), bool(told.on & tsg.Lock.NUM)),
    tsg.Wheel: lambda told: Wheel(told.dx, told.dy),
}


def input_event(message: tsg.Message) -> InputEvent | None:
    """Return what a person did, or None for a message that is not input."""
    make = _INPUT.get(type(message))
    return None if make is None else make(message)
