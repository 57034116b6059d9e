"""What the desktop plays, on this machine's sound device."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from thinclient.sound.devices import Kind, Trouble, Watched
from thinclient.sound.jitter import JitterBuffer
from tsgateway.client.viewer import Played

REST_SECONDS = 10.0
"""Seconds of silence after which the device is let go of."""

ASLEEP_SECONDS = 0.1
"""After so long without a call the device was being opened, or was asleep: what came meanwhile is late."""


class Loudspeakers:
    """Plays what comes, after as short a wait as the line allows. No method waits.

    volume: from 0 to 1, as loud as it sounds. told: see `Watched`.
    """

    def __init__(self, told: Callable[[Trouble], None]) -> None:
        self.volume = 1.0
        self._buffer = JitterBuffer()
        self._guard = threading.Lock()
        self._came = self._pulled = 0.0
        self._device = Watched(Kind.PLAYBACK, self._next, told)
        self.choose = self._device.choose
        self.close = self._device.close

    def play(self, played: Played) -> None:
        """Play this when its turn comes."""
        with self._guard:
            self._buffer.push(played.samples)
            self._came = time.monotonic()
        self._device.want(True)

    def _next(self, frames: int) -> bytes:
        now = time.monotonic()
        with self._guard:
            if now - self._pulled > ASLEEP_SECONDS:
                self._buffer.catch_up()
            self._pulled = now
            samples = self._buffer.pull(frames)
            if not self._buffer.is_playing and now - self._came > REST_SECONDS:
                self._device.want(False)
        return (samples * np.float32(self.volume**2)).tobytes()  # the ear takes a square for what is even
