"""Pacing: what a viewer has not seen yet, and when it is sent that.

A viewer is sent a frame when it lacks something and not too much is on its way to it. While it
waits, damage merges into one region, so a slow viewer costs bounded memory, and what it gets next is
the newest picture.

A large picture goes as several messages ("parts"); the last one carries LAST. All parts of a picture
are chosen when its first part is made, or fresh damage could put LAST off for ever.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from sessions.clock import Clock, Timer
from sessions.encoders.base import Encoder
from sessions.encoders.plan import plan
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.region import Region
from sessions.wire import tsg

FRAMES_AHEAD = 4
BYTES_AHEAD = 1024 * 1024
"""No new frame is begun with this many frames or bytes unacknowledged. With the planner's largest frame
this keeps what a viewer can have on its way below 4 MiB."""
FRAME_INTERVAL = 1 / 60
STILL_AFTER = 0.4
"""Seconds a lossy part must have stood still before it is sent exactly."""
REFINE_BYTES = 512 * 1024
"""Refinement goes in smaller portions than news, so that news never waits long behind it."""


class Pacer:
    """Sends one viewer the frames it can take.

    send: takes one encoded tsg message. exact, still: this viewer's own encoders; without `still`
    everything is sent exactly.
    """

    def __init__(
        self,
        framebuffer: Framebuffer,
        send: Callable[[bytes], None],
        clock: Clock,
        exact: Encoder,
        still: Encoder | None,
    ) -> None:
        self._framebuffer = framebuffer
        self._send = send
        self._clock = clock
        self._exact = exact
        self._still = still
        self._numbers = itertools.count(1)
        self._ahead: dict[int, int] = {}
        self._timer: Timer | None = None
        self._last_sent = -FRAME_INTERVAL
        self._closed = False
        self._new_stream = True
        self.resized()

    def resized(self) -> None:
        """Begin again with a whole picture: the screen has a new size. The history goes on."""
        size = self._framebuffer.size
        self._pending = Region.whole(size)
        self._picture = Region(size)
        self._lossy = Region(size)
        self._changed_at: npt.NDArray[np.float64] = np.zeros(self._pending.tiles.shape)

    def restart(self) -> None:
        """Begin again with a whole picture and an empty history: the viewer lost its decoder."""
        self.resized()
        self._exact.restart()
        self._new_stream = True
        self.pump()

    def add(self, damage: Region) -> None:
        """Note that the screen has changed in `damage`."""
        self._pending.merge(damage)
        if self._lossy:
            self._changed_at[damage.tiles] = self._clock.seconds()
        self.pump()

    def acknowledged(self, number: int) -> None:
        """The viewer has the frames up to `number`. Numbers never sent are ignored."""
        for sent in [sent for sent in self._ahead if sent <= number]:
            del self._ahead[sent]
        self.pump()

    def close(self) -> None:
        """Send no more."""
        self._closed = True
        self._cancel_timer()

    def pump(self) -> None:
        """Send what may be sent now, and set the timer for what may be sent later."""
        while not self._closed and self._may_send():
            if self._picture:
                self._send_part(self._picture)
            elif self._pending:
                if not self._due(self._last_sent + FRAME_INTERVAL):
                    return
                self._picture, self._pending = self._pending, Region(self._framebuffer.size)
                self._send_part(self._picture)
            elif self._lossy and not self._ahead:
                if not self._refine():
                    return
            else:
                return

    def _may_send(self) -> bool:
        if not self._framebuffer.settled:
            return False  # half of the next picture is in already; `add` comes when it is whole
        return len(self._ahead) < FRAMES_AHEAD and sum(self._ahead.values()) < BYTES_AHEAD

    def _due(self, when: float) -> bool:
        wait = when - self._clock.seconds()
        if wait <= 0:
            return True
        if self._timer is None or not self._timer.active() or self._timer.getTime() > when:
            self._cancel_timer()
            self._timer = self._clock.callLater(wait, self.pump)
        return False

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    # ---- frames

    def _send_part(self, damage: Region) -> None:
        chosen = plan(self._framebuffer.pixels, damage, stills=self._still is not None)
        exact = self._exact.encode(self._framebuffer.pixels, chosen.exact)
        operations = exact.operations
        if self._still is not None and chosen.still:
            operations = operations + self._still.encode(self._framebuffer.pixels, chosen.still).operations
        damage.tiles &= ~chosen.taken.tiles
        self._lossy.tiles &= ~chosen.taken.tiles
        self._lossy.merge(chosen.lossy)
        self._changed_at[chosen.lossy.tiles] = self._clock.seconds()
        self._emit(operations, exact.history, last=not damage)

    def _refine(self) -> bool:
        """Send exactly a portion of what was sent lossy and has stood still; False when none has yet."""
        exact_at = self._changed_at + STILL_AFTER
        if not self._due(float(exact_at[self._lossy.tiles].min())):
            return False
        still = self._lossy.tiles & (exact_at <= self._clock.seconds())
        chosen = plan(self._framebuffer.pixels, Region(self._lossy.size, still), False, REFINE_BYTES)
        exact = self._exact.encode(self._framebuffer.pixels, chosen.exact)
        self._lossy.tiles &= ~chosen.taken.tiles
        self._emit(exact.operations, exact.history, last=True)
        return True

    def _emit(self, operations: list[tsg.Operation], history: bytes, last: bool) -> None:
        flags = tsg.FrameFlag.LAST if last else tsg.FrameFlag(0)
        if self._new_stream and history:
            flags |= tsg.FrameFlag.NEW_STREAM
            self._new_stream = False
        number = next(self._numbers)
        message = tsg.Frame(number, flags, tuple(operations), history).encode()
        self._ahead[number] = len(message)
        self._last_sent = self._clock.seconds()
        self._send(message)
