"""Sound cut into pieces of 10 ms, each with its time; silence is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sessions.wire.tsg import SOUND_RATE

FRAMES = SOUND_RATE // 100
"""Of one piece, 10 ms: as much as QEMU gives at once. Each waits until it is whole."""
FRAME_BYTES = 4
PIECE_BYTES = FRAMES * FRAME_BYTES
QUIET = 2
"""The loudest sample of silence: what rounding leaves of it."""
TRAIL = 20
"""Pieces of silence that still count as sound: it has pauses."""
MOST_AHEAD = SOUND_RATE // 2
"""Frames that sound may be ahead of the clock, or behind. A guest that plays faster loses what is beyond."""


class Piece(NamedTuple):
    """10 ms of sound. at, begins: see `tsg.Sound`; pcm: frames as `Listener.played` takes them."""

    at: int
    begins: bool
    pcm: bytes


class Cutter:
    """Cuts one guest's sound."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._last = 0.0  # when something came
        self._at = 0  # of what is held, in frames
        self._silent = TRAIL  # pieces of silence in a row, now
        self._begins = True

    def cut(self, samples: bytes, now: float) -> Iterator[Piece]:
        """Take what comes at the time `now`, in seconds; yield what is not silence."""
        clock = int(now * SOUND_RATE)
        if now - self._last > MOST_AHEAD / SOUND_RATE:
            self._held.clear()
        if not self._held and clock - self._at > MOST_AHEAD:
            self._at, self._begins = clock, True
        self._last = now
        self._held += samples
        while len(self._held) >= PIECE_BYTES:
            pcm = bytes(self._held[:PIECE_BYTES])
            del self._held[:PIECE_BYTES]
            at = self._at
            if at - clock > MOST_AHEAD:
                self._begins = True
                continue
            self._at += FRAMES
            self._silent = self._silent + 1 if is_silent(pcm) else 0
            if self._silent > TRAIL:
                self._begins = True
                continue
            yield Piece(at, self._begins, pcm)
            self._begins = False


def is_silent(pcm: bytes) -> bool:
    """Whether nothing can be heard."""
    samples = np.frombuffer(pcm, "<i2")
    return bool(samples.max() <= QUIET and samples.min() >= -QUIET)
