"""What acknowledgements tell of a viewer's line, and how much may be on its way. Pure; times in seconds.

A line is judged by how long what was sent took beyond the shortest time ever seen: that is the time the
bytes stood in queues, which is what makes typing feel slow. So much is kept on its way that the line is
never idle and its queue holds no more than QUEUE_SECONDS.

Nothing a viewer says can do more than slow down or speed up its own pictures: times it claims are cut to
what can be, and the window to MAX_WINDOW.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_WINDOW = 1024 * 1024
MIN_WINDOW = 4 * 1024
"""Bytes that may be on their way when another part is begun. With the largest part this keeps what a viewer
can have on its way below 4 MiB."""
FIRST_WINDOW = 128 * 1024
"""What may be on its way before anything was acknowledged: most first screens, and one second of a line of
1 Mbit/s."""
QUEUE_SECONDS = 0.05
PART_SECONDS = 0.05
"""A part is to take so long on the line, so that what is more urgent need not wait longer behind it."""
MIN_FRAMES, MAX_FRAMES = 4, 16
"""Frames that may be on their way: as many as a far viewer needs for a picture every sixtieth second."""

_TELLING_BYTES = 16 * 1024
_TELLING_SECONDS = 0.02
"""Less than this says nothing of the line: it is what programs take."""
_SHORTEST = 0.001
_FULL_LASTS = 1.0
"""Seconds within which the best rate counts at which the line was full."""
_SURE_SECONDS, _SURE_ANSWERS = 0.2, 4
"""A line is taken for the limit when one answer is so late, or so many are late within _FULL_LASTS."""
_BASE_LASTS = 30.0
"""The shortest time seen counts so long; then a longer one may be the line's own."""


@dataclass(frozen=True, slots=True)
class _Sent:
    size: int
    at: float
    ahead: int  # bytes on their way with it


class Line:
    """The line to one viewer."""

    def __init__(self) -> None:
        self._ahead: dict[int, _Sent] = {}
        self._bytes_ahead = 0
        self._base: float | None = None
        self._base_since = 0.0
        self._full: list[tuple[float, float]] = []  # when, and the rate at which the line was full then
        self.rate: float | None = None
        """Bytes a second, as far as is known; None while it has not been the limit."""

    @property
    def base(self) -> float:
        """The round trip of an idle line; 0 while unknown."""
        return self._base or 0.0

    @property
    def knows_base(self) -> bool:
        """Whether anything was acknowledged yet."""
        return self._base is not None

    @property
    def frames_ahead(self) -> int:
        """Frames that were sent and not acknowledged."""
        return len(self._ahead)

    @property
    def bytes_ahead(self) -> int:
        """Their bytes."""
        return self._bytes_ahead

    @property
    def has_room_to_spare(self) -> bool:
        """Whether something may be sent that nobody waits for."""
        return self._bytes_ahead <= self.window // 2

    @property
    def has_room(self) -> bool:
        """Whether another part may be sent."""
        frames = min(max(MIN_FRAMES, int(self.base * 60) + 2), MAX_FRAMES)
        return len(self._ahead) < frames and self._bytes_ahead < self.window

    @property
    def window(self) -> int:
        """Bytes on their way with which another part may still be begun."""
        if self.rate is None:
            return MAX_WINDOW if self.knows_base else FIRST_WINDOW
        return int(min(max(self.rate * (self.base + QUEUE_SECONDS), MIN_WINDOW), MAX_WINDOW))

    @property
    def part_bytes(self) -> int | None:
        """How large the next part is best; None when that does not matter."""
        if self.rate is None:
            return None if self.knows_base else FIRST_WINDOW
        return max(int(self.rate * PART_SECONDS), MIN_WINDOW // 2)

    def sent(self, number: int, size: int, now: float) -> None:
        """Note that frame `number` went off."""
        self._bytes_ahead += size
        self._ahead[number] = _Sent(size, now, self._bytes_ahead)

    def acknowledged(self, number: int, now: float, held: float) -> None:
        """Note that the viewer has the frames up to `number`; those never sent are ignored.

        held: how long the viewer says that it had the frame before it answered.
        """
        arrived = [sent for sent in self._ahead if sent <= number]
        if not arrived:
            return
        newest = self._ahead[arrived[-1]]
        took = max(now - newest.at, 0.0)
        self._learn(newest, took - min(max(held, 0.0), took), now)
        for sent in arrived:
            self._bytes_ahead -= self._ahead.pop(sent).size

    def _learn(self, sent: _Sent, took: float, now: float) -> None:
        if self._base is None or took <= self._base or now - self._base_since > _BASE_LASTS:
            first, self._base, self._base_since = self._base is None, took, now
            waited = took if first else 0.0  # of the first nobody knows how much was the line's own
        else:
            waited = took - self._base
        if sent.ahead < min(_TELLING_BYTES, self.window):
            return
        seen = sent.ahead / max(took, _SHORTEST)
        if waited <= _TELLING_SECONDS:
            self._may_be_faster(seen)
        else:  # the line was full all the time, or nothing would have waited
            self._is_the_limit(seen, waited, now)

    def _is_the_limit(self, seen: float, waited: float, now: float) -> None:
        """Take in a rate at which the line was full. Of those lately the best counts.

        Programs are late as well, on a busy machine: one answer that is a little late says nothing yet.
        """
        self._full = [(at, rate) for at, rate in self._full if now - at <= _FULL_LASTS]
        self._full.append((now, seen))
        best = max(rate for _, rate in self._full)
        if self.rate is not None:
            self.rate = best if best > self.rate else max(self.rate * 0.5, 0.7 * self.rate + 0.3 * best)
        elif waited < _SURE_SECONDS and len(self._full) < _SURE_ANSWERS:
            return
        elif best * (self.base + QUEUE_SECONDS) < MAX_WINDOW:
            self.rate = best

    def _may_be_faster(self, seen: float) -> None:
        """Try more: what the window allows was on its way, and nothing of it waited.

        seen: a rate that the line has reached at least.
        """
        if self.rate is not None:
            self.rate = max(self.rate * 1.25, seen)
            if self.rate * (self.base + QUEUE_SECONDS) > MAX_WINDOW:
                self.rate = None
                self._full.clear()
