"""Pacing: when viewers are sent what they have not seen yet.

Viewers that are in step share a pacer, and so every frame is made once for all of them (sessions/sharing says
who shares). They are sent a frame when they lack something and not too much is on its way to any of
them. While they wait, damage merges into one region, so a slow viewer costs bounded memory, and what
it gets next is the newest picture. How much is too much, each line tells (sessions/line).

One part is encoded at a time, and everybody else has a turn before the next: a large picture of one viewer
does not hold up another's typing for longer than that. Pictures of videos are encoded on other threads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessions.clock import Clock, Timer
from sessions.composer import Composer, Part
from sessions.encoders.base import Chunk, VideoError
from sessions.latency import Figures, Latency, Making
from sessions.line import Line
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.region import Region
from sessions.videos import Job
from sessions.wire import tsg

log = Logger()

FRAME_INTERVAL = 1 / 60
LAGS_AFTER = 0.2
"""Seconds that one viewer may keep others waiting."""

_Result = TypeVar("_Result")


class InThread(Protocol):
    """Runs a function on another thread."""

    def __call__(self, call: Callable[[], _Result], /) -> Deferred[_Result]:
        """Return what gives the result."""


class Recipient:
    """One viewer, as those see it who send it frames.

    send: takes one encoded tsg message. capabilities: what it can do (`tsg.Capability`). figures: what is
    measured goes there.
    """

    def __init__(self, send: Callable[[bytes], None], capabilities: Iterable[int], figures: Figures) -> None:
        self.send = send
        self.capabilities = frozenset(capabilities)
        self.figures = figures
        self.latency = Latency(figures)
        self.line = Line()
        self.numbers = itertools.count(1)
        self.waits_since: float | None = None
        """Since when it could not be sent what there was."""
        self.restarted_at = -math.inf
        """When it asked to begin anew last."""
        self.alone_until = 0.0
        """Before then it does not share: it was too slow for others lately."""


class Pacer:
    """Sends those who share it the frames that they can take.

    composer: makes their frames of `framebuffer`. due: called when it is time to `pump`. fault: called when
    those who share it cannot be served any more.
    """

    def __init__(
        self,
        framebuffer: Framebuffer,
        clock: Clock,
        composer: Composer,
        in_thread: InThread,
        *,
        due: Callable[[Pacer], None],
        fault: Callable[[Pacer], None],
    ) -> None:
        self.composer = composer
        self.recipients: list[Recipient] = []
        self._framebuffer = framebuffer
        self._clock = clock
        self._in_thread = in_thread
        self._is_due = due
        self._fault = fault
        self._making = Making()
        self._timer: Timer | None = None
        self._next_picture = 0.0
        self._watches_laggards = False
        self._closed = False

    def resized(self) -> None:
        """Begin again with a whole picture: the screen has a new size."""
        self.composer.resized()
        self.pump()

    def restart(self) -> None:
        """Begin again with a whole picture and an empty history: the viewer lost its decoder."""
        self.composer.restart()
        self.pump()

    def add(self, damage: Region) -> None:
        """Note that the screen was written to in `damage`."""
        now = self._clock.seconds()
        self._making.damaged(now)
        for recipient in self.recipients:
            recipient.latency.damaged(now)
        self.composer.add(damage)
        self.pump()

    def acknowledged(self, recipient: Recipient, number: int, held: float = 0.0) -> None:
        """A viewer has its frames up to `number`, the newest for `held` seconds when it said so."""
        now = self._clock.seconds()
        recipient.latency.acknowledged(number, now, held)
        recipient.line.acknowledged(number, now, held)
        self.pump()

    def close(self) -> None:
        """Send no more."""
        self._closed = True
        self._cancel_timer()
        self.composer.close()

    def laggards(self) -> list[Recipient]:
        """Return those who are too slow to share with the others."""
        if len(self.recipients) < 2:
            return []
        late = self._clock.seconds() - LAGS_AFTER if self.composer.is_behind else -math.inf
        return [
            recipient
            for recipient in self.recipients
            if recipient.line.rate is not None
            or (recipient.waits_since is not None and recipient.waits_since <= late)
        ]

    def pump(self) -> None:
        """Send one part, if one may be sent now, and set the timer for what may be sent later."""
        composer = self.composer
        sent = False
        while not self._closed and self._may_send():
            size = self._part_bytes
            newer = composer.has_news and size is not None  # on a slow line news goes first
            if composer.has_begun and not (newer and composer.interrupt()):
                if not self._due(self._clock.seconds(), sent):
                    break
                self._making.encoding(self._clock.seconds())
                self._emit(composer.part(size), self._making)
                sent = True
            elif composer.has_news:
                if not self._due(self._next_picture, sent):
                    break
                self._begin()
            elif self._has_room_to_spare and (when := composer.refines_at()) is not None:
                if not self._due(when, sent):
                    break
                part = composer.refine(self._clock.seconds(), size)
                if part is not None:
                    self._emit(part, self._making, refines=True)
                    sent = True
            else:
                break
        self._play()

    @property
    def _part_bytes(self) -> int | None:
        sizes = [recipient.line.part_bytes for recipient in self.recipients]
        return min((size for size in sizes if size is not None), default=None)

    @property
    def _has_room_to_spare(self) -> bool:
        return all(recipient.line.has_room_to_spare for recipient in self.recipients)

    def _may_send(self) -> bool:
        """Tell whether a frame may be sent now; neither nothing nor half of the next picture is one."""
        screen = self._framebuffer
        return screen.settled and screen.pixels.size > 0 and self._have_room()

    def _have_room(self) -> bool:
        full = [recipient for recipient in self.recipients if not recipient.line.has_room]
        for recipient in self.recipients:
            if recipient not in full or not self.composer.is_behind:
                recipient.waits_since = None
            elif recipient.waits_since is None:
                recipient.waits_since = self._clock.seconds()
        if full and len(full) < len(self.recipients) and not self._watches_laggards:
            self._watches_laggards = True
            self._clock.callLater(LAGS_AFTER, self._look_for_laggards)
        return not full and bool(self.recipients)

    def _look_for_laggards(self) -> None:
        self._watches_laggards = False
        if not self._closed:
            self._is_due(self)

    def _due(self, when: float, sent: bool) -> bool:
        """Tell whether it is time; else have `pump` called then. sent: let others have a turn before."""
        wait = max(when - self._clock.seconds(), 0.0)
        if not wait and not sent:
            return True
        if self._timer is None or not self._timer.active() or self._timer.getTime() > when:
            self._cancel_timer()
            self._timer = self._clock.callLater(wait, self._is_due, self)
        return False

    def _cancel_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _begin(self) -> None:
        """Begin a picture. What there is of videos in it is followed on its own."""
        now = self._clock.seconds()
        self._making.begun(now)
        self.composer.begin(now)
        if not self.composer.has_begun:
            self._making.unchanged()
            if not self.composer.has_videos_due:
                for recipient in self.recipients:
                    recipient.latency.unchanged()
                return
        # From beginning to beginning: neither what making a picture takes is added to the interval nor what a
        # timer was late, or sixty pictures a second would never be reached.
        in_step = now - self._next_picture < FRAME_INTERVAL / 2
        self._next_picture = (self._next_picture if in_step else now) + FRAME_INTERVAL

    def _emit(self, part: Part, making: Making, refines: bool = False) -> None:
        frame = tsg.Frame(0, part.flags, tuple(part.operations), part.history).encode()
        now = self._clock.seconds()
        made = making.encoded(now, tsg.FrameFlag.LAST in part.flags)
        for recipient in list(self.recipients):  # who cannot be sent to may leave here
            number = next(recipient.numbers)
            recipient.figures.frame(part.operations, len(part.history), refines)
            recipient.line.sent(number, len(frame), now)
            recipient.send(tsg.numbered(frame, number))
            recipient.latency.sent(number, self._clock.seconds(), made)

    # ---- videos

    def _play(self) -> None:
        """Have the next pictures of videos encoded, if there is room for them."""
        if self._closed or not self.composer.has_videos or not self._have_room():
            return
        while (job := self.composer.video(self._clock.seconds(), self._part_bytes)) is not None:
            making = Making()
            making.damaged(job.video.changed_at)
            making.begun(self._clock.seconds())
            made = self._in_thread(job.run)
            made.addCallbacks(
                self._made, self._failed, callbackArgs=(job, making), errbackArgs=(job,)
            ).addErrback(self._lost)

    def _made(self, chunk: Chunk, job: Job, making: Making) -> None:
        part = self.composer.video_made(job, chunk)
        if part is not None and not self._closed:
            self._emit(part, making)
            self._play()

    def _failed(self, failure: Failure, job: Job) -> None:
        codec = job.video.make.__name__
        if isinstance(failure.value, VideoError):
            log.error("videos go without {codec} here: {why}", codec=codec, why=str(failure.value))
        else:
            log.failure("a video cannot be sent", failure)
        self.composer.video_failed(job)
        self.pump()

    def _lost(self, failure: Failure) -> None:
        log.failure("a video's picture cannot be sent", failure)
        self._fault(self)
