"""Sharing: viewers of one session that are in step are sent the same frames, made once.

Who comes gets a pacer of its own and a whole picture, which disturbs nobody. As soon as it has all, it joins
those who can do the same: the stream they share begins anew, which costs them its history. Who is too
slow for the others leaves them, and goes on from what it was sent.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from sessions.clock import Clock
from sessions.composer import Composer
from sessions.pacing import InThread, Pacer, Recipient
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.region import Region

log = Logger()

ALONE_SECONDS = 10.0
"""Who was too slow for others does not join them again before."""


class Sharing:
    """The viewers of one session's screen.

    make_composer: makes the composer for those with some capabilities (`tsg.Capability`). fault: called
    with those who cannot be served any more, after an error that has been logged.
    """

    def __init__(
        self,
        framebuffer: Framebuffer,
        clock: Clock,
        in_thread: InThread,
        make_composer: Callable[[frozenset[int]], Composer],
        fault: Callable[[Recipient], None],
    ) -> None:
        self._framebuffer = framebuffer
        self._clock = clock
        self._in_thread = in_thread
        self._make_composer = make_composer
        self._fault = fault
        self._pacers: list[Pacer] = []

    @property
    def encodings(self) -> int:
        """How many times each frame is encoded: for that many groups of viewers."""
        return len(self._pacers)

    def join(self, recipient: Recipient) -> None:
        """Begin to send the screen to a viewer: as soon as it has a size."""
        self._start(recipient, self._make_composer(recipient.capabilities))

    def leave(self, recipient: Recipient) -> None:
        """Send no more to a viewer; unknown ones are ignored."""
        pacer = self._pacer_of(recipient)
        if pacer is None:
            return
        pacer.recipients.remove(recipient)
        if not pacer.recipients:
            self._close(pacer)
        else:
            self._guarded(pacer, Pacer.pump)  # it may be the one for whom the others were waiting

    def resized(self) -> None:
        """The screen has a new size."""
        self._each(Pacer.resized)

    def add(self, damage: Region) -> None:
        """The screen was written to in `damage`, and the picture is whole."""
        self._each(lambda pacer: pacer.add(damage))
        self._join_level()

    def acknowledged(self, recipient: Recipient, number: int, held: float) -> None:
        """A viewer has its frames up to `number` (`Line.acknowledged`)."""
        pacer = self._pacer_of(recipient)
        if pacer is not None:
            self._guarded(pacer, lambda pacer: pacer.acknowledged(recipient, number, held))
            self._arrange(pacer)

    def restart(self, recipient: Recipient) -> None:
        """A viewer has lost its picture or its decoders."""
        pacer = self._pacer_of(recipient)
        now = self._clock.seconds()
        if now < recipient.restarted_at + ALONE_SECONDS:
            recipient.alone_until = now + ALONE_SECONDS  # each time it came back, all would begin anew
        recipient.restarted_at = now
        if pacer is not None and len(pacer.recipients) == 1:
            self._guarded(pacer, Pacer.restart)
        elif pacer is not None:
            self.leave(recipient)
            self.join(recipient)

    def give_up(self, recipient: Recipient, capability: int, codec: int) -> bool:
        """A viewer cannot decode a codec after all; tell whether that is news."""
        pacer = self._pacer_of(recipient)
        if pacer is None or capability not in recipient.capabilities:
            return False
        recipient.capabilities -= {capability}
        if len(pacer.recipients) == 1:
            pacer.composer.give_up(codec)
            self._guarded(pacer, Pacer.pump)
        else:
            self._fork(pacer, recipient)
        return True

    def _pacer_of(self, recipient: Recipient) -> Pacer | None:
        return next((pacer for pacer in self._pacers if recipient in pacer.recipients), None)

    def _start(self, recipient: Recipient, composer: Composer) -> None:
        pacer = Pacer(
            self._framebuffer, self._clock, composer, self._in_thread, due=self._turn, fault=self._let_go
        )
        pacer.recipients.append(recipient)
        self._pacers.append(pacer)
        self._guarded(pacer, Pacer.pump)

    def _close(self, pacer: Pacer) -> None:
        self._pacers.remove(pacer)
        pacer.close()

    def _each(self, act: Callable[[Pacer], None]) -> None:
        """Do something for each pacer; one that fails costs its viewers, not the others."""
        for pacer in list(self._pacers):
            self._guarded(pacer, act)

    def _guarded(self, pacer: Pacer, act: Callable[[Pacer], None]) -> None:
        try:
            act(pacer)
        except Exception:
            log.failure("viewers are let go")
            self._let_go(pacer)

    def _let_go(self, pacer: Pacer) -> None:
        for recipient in list(pacer.recipients):
            self._fault(recipient)

    def _turn(self, pacer: Pacer) -> None:
        """It is time for a pacer to look what may be sent."""
        self._part(pacer)
        self._guarded(pacer, Pacer.pump)
        self._arrange(pacer)

    def _arrange(self, pacer: Pacer) -> None:
        self._part(pacer)
        self._join_level()

    def _part(self, pacer: Pacer) -> None:
        """Let those go their own way who are too slow for the others."""
        for recipient in pacer.laggards():
            if len(pacer.recipients) > 1:
                recipient.alone_until = self._clock.seconds() + ALONE_SECONDS
                self._fork(pacer, recipient)

    def _fork(self, pacer: Pacer, recipient: Recipient) -> None:
        composer = self._make_composer(recipient.capabilities)
        composer.fork(pacer.composer)
        self.leave(recipient)
        self._start(recipient, composer)

    def _join_level(self) -> None:
        """Bring those together who can do the same and have all been sent everything."""
        if len(self._pacers) < 2:
            return
        now = self._clock.seconds()
        fit: dict[frozenset[int], Pacer] = {}
        for pacer in list(self._pacers):
            if pacer not in self._pacers:
                continue  # it has failed meanwhile
            if not pacer.composer.is_level or not all(_is_fit(each, now) for each in pacer.recipients):
                continue
            capabilities = pacer.recipients[0].capabilities
            first = fit.setdefault(capabilities, pacer)
            if first not in self._pacers:
                fit[capabilities] = pacer
            elif first is not pacer:
                first.composer.join(pacer.composer)
                first.recipients += pacer.recipients
                pacer.recipients = []
                self._close(pacer)
                self._guarded(first, Pacer.pump)


def _is_fit(recipient: Recipient, now: float) -> bool:
    line = recipient.line
    return line.rate is None and line.knows_base and line.has_room_to_spare and now >= recipient.alone_until
