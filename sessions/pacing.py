"""Pacing: when a viewer is sent what it has not seen yet.

A viewer is sent a frame when it lacks something and not too much is on its way to it. While it
waits, damage merges into one region, so a slow viewer costs bounded memory, and what it gets next is
the newest picture. How much is too much, the line tells (sessions/line).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from sessions.clock import Clock, Timer
from sessions.composer import Composer, Part
from sessions.line import Line
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.region import Region
from sessions.wire import tsg

FRAME_INTERVAL = 1 / 60
POINTER_SHARE = 0.25
"""The pointer's pictures, which nobody acknowledges, take this part of the line at most."""
FAST = 20_000_000
"""Bytes a second that a line is taken for which has not been the limit yet."""


class Pacer:
    """Sends one viewer the frames it can take.

    send: takes one encoded tsg message. composer: makes this viewer's frames of `framebuffer`.
    """

    def __init__(
        self, framebuffer: Framebuffer, send: Callable[[bytes], None], clock: Clock, composer: Composer
    ) -> None:
        self._framebuffer = framebuffer
        self._send = send
        self._clock = clock
        self._composer = composer
        self._numbers = itertools.count(1)
        self._line = Line()
        self._timer: Timer | None = None
        self._pointer: bytes | None = None
        self._pointer_timer: Timer | None = None
        self._pointer_due = 0.0
        self._last_sent = -FRAME_INTERVAL
        self._closed = False

    def resized(self) -> None:
        """Begin again with a whole picture: the screen has a new size."""
        self._composer.resized()

    def restart(self) -> None:
        """Begin again with a whole picture and an empty history: the viewer lost its decoder."""
        self._composer.restart()
        self.pump()

    def add(self, damage: Region) -> None:
        """Note that the screen was written to in `damage`."""
        self._composer.add(damage)
        self.pump()

    def pointer(self, message: bytes) -> None:
        """Send the pointer's picture, an encoded message; when pictures come too fast, the newest in time."""
        self._pointer = message
        if self._pointer_timer is None:
            self._send_pointer()

    def acknowledged(self, number: int, held: float = 0.0) -> None:
        """The viewer has the frames up to `number`, the newest for `held` seconds when it said so."""
        self._line.acknowledged(number, self._clock.seconds(), held)
        self.pump()

    def close(self) -> None:
        """Send no more."""
        self._closed = True
        self._cancel_timer()
        if self._pointer_timer is not None:
            self._pointer_timer.cancel()
            self._pointer_timer = None

    def pump(self) -> None:
        """Send what may be sent now, and set the timer for what may be sent later."""
        composer, line = self._composer, self._line
        while not self._closed and self._may_send():
            newer = composer.has_news and line.part_bytes is not None  # on a slow line news goes first
            if composer.has_begun and not (newer and composer.interrupt()):
                self._emit(composer.part(line.part_bytes))
            elif composer.has_news:
                if not self._due(self._last_sent + FRAME_INTERVAL):
                    return
                composer.begin(self._clock.seconds())
            elif line.has_room_to_spare and (when := composer.refines_at()) is not None:
                if not self._due(when):
                    return
                self._emit(composer.refine(self._clock.seconds(), line.part_bytes))
            else:
                return

    def _may_send(self) -> bool:
        if not self._framebuffer.settled:
            return False  # half of the next picture is in already; `add` comes when it is whole
        return self._line.has_room

    def _due(self, when: float) -> bool:
        wait = when - self._clock.seconds()
        if wait <= 0:
            return True
        if self._timer is None or not self._timer.active() or self._timer.getTime() > when:
            self._cancel_timer()
            self._timer = self._clock.callLater(wait, self.pump)
        return False

    def _send_pointer(self) -> None:
        self._pointer_timer = None
        now = self._clock.seconds()
        if self._closed or self._pointer is None:
            return
        if now < self._pointer_due:
            self._pointer_timer = self._clock.callLater(self._pointer_due - now, self._send_pointer)
            return
        message, self._pointer = self._pointer, None
        takes = len(message) / (self._line.rate or FAST)
        self._pointer_due = now + max(takes / POINTER_SHARE, FRAME_INTERVAL)
        self._send(message)

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _emit(self, part: Part) -> None:
        number = next(self._numbers)
        message = tsg.Frame(number, part.flags, tuple(part.operations), part.history).encode()
        self._last_sent = self._clock.seconds()
        self._line.sent(number, len(message), self._last_sent)
        self._send(message)
