"""What lies between the line and the loudspeakers: sound waits here as long as the line is uneven.

It goes by the rules of the browser's (webclient/sound/jitter.js), for many samples at a time: it begins when
`target` frames are there; its speed follows how much is there, by so little that nobody hears it; far too
much is left out; where too little has come it fades out and waits anew, longer than before. What was never
needed of the wait in a long time is taken off again, after an ever longer time where that has gone wrong.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sessions.wire.tsg import SOUND_RATE
from tsgateway.client.viewer.decode.sound import Samples

Loudness = npt.NDArray[np.float32]
"""(frames, 2): left and right, from -1 to 1."""

MS = SOUND_RATE // 1000
LEAST_TARGET = 40 * MS
MOST_TARGET = 240 * MS
_LONGER = 30 * MS  # after the line has kept it waiting
_SHORTER = 5 * MS  # at least, after a while without
_CALM = 10 * SOUND_RATE  # frames of such a while, at first
_MOST_CALM = 80 * SOUND_RATE
_SPARE = (
    30 * MS
)  # has to be left when least is there: devices take 10 ms at once, and a large picture keeps the line
_NEAR = 10 * MS  # as near to the target as it has to be
_FASTER, _SLOWER = 1.01, 0.99
_TOO_MUCH = 150 * MS  # beyond the target: left out
_FADE = 3 * MS
_QUIET = 3  # of 32768: what is left of silence by encoding it
_SETTLING = 12800  # frames over which the level is averaged
_LEAST_LEFT = 2  # frames, to find what is between them


class JitterBuffer:
    """Sound that waits. target: frames that are to wait; underruns: how often it had to wait for the line;
    left_out: frames that were not played because too many waited."""

    def __init__(self) -> None:
        self.target = float(LEAST_TARGET)
        self.underruns = 0
        self.left_out = 0
        self.is_playing = False
        self._held: Loudness = np.zeros((0, 2), np.float32)
        self._offset = 0.0  # of what is played next, in what is held
        self._level = 0.0
        self._pace = 1.0
        self._calm = 0
        self._least = math.inf
        self._patience = _CALM
        self._is_shortened = False
        self._is_silent = True  # what came last
        self._ramp = 1.0  # how much of what is played is not `_from` any more
        self._from = self._last = np.zeros(2, np.float32)

    @property
    def waiting(self) -> float:
        """Frames that wait."""
        return max(0.0, len(self._held) - self._offset)

    def push(self, samples: Samples) -> None:
        """Take what comes next."""
        if not len(samples):
            return
        self._held = np.concatenate([self._held, samples.astype(np.float32) / 32768])
        self._is_silent = bool(np.abs(samples).max() <= _QUIET)
        self._leave_out()

    def pull(self, frames: int) -> Loudness:
        """Return what is played next."""
        out = np.zeros((frames, 2), np.float32)
        if not self.is_playing and self.waiting >= self.target:
            self.is_playing = True
            self._level = self.waiting
            self._join()
        made = 0
        if self.is_playing:
            made = self._play(out, self._speed(frames))
            self._fade(out[:made])
            if made < frames:
                self._run_out()
        self._fade(out[made:])
        return out

    def _speed(self, frames: int) -> float:
        self._level += (self.waiting - self._level) * min(1, frames / _SETTLING)
        self._calm += frames
        if not self._is_silent:  # at the end of a sound nothing waits
            self._least = min(self._least, self.waiting)
        if self._calm > self._patience:
            self._shorten()
        above = self._level - self.target
        if above > _NEAR:
            self._pace = _FASTER
        elif above < -_NEAR:
            self._pace = _SLOWER
        elif above * (self._pace - 1) <= 0 and abs(self._offset - round(self._offset)) < _FASTER - 1:
            # With a fraction left over every sample would be a mean of two, and the treble gone.
            self._offset = float(round(self._offset))
            self._pace = 1.0
        return self._pace

    def _shorten(self) -> None:
        """Take off half of what was not needed; what is above the target goes anyway."""
        spare = self._least - _SPARE - max(0.0, self._level - self.target)
        if spare >= _SHORTER and self.target > LEAST_TARGET:
            self.target = max(LEAST_TARGET, self.target - max(_SHORTER, spare / 2))
            self._is_shortened = True
        self._calm = 0
        self._least = math.inf

    def _play(self, out: Loudness, speed: float) -> int:
        """Fill as much as there is; return how many frames that are."""
        there = len(self._held) - _LEAST_LEFT - self._offset
        made = min(len(out), math.floor(there / speed) + 1) if there >= 0 else 0
        if made and speed == 1 and self._offset.is_integer():
            begin = int(self._offset)
            out[:made] = self._held[begin : begin + made]
        elif made:
            places = self._offset + speed * np.arange(made)
            before = places.astype(np.intp)
            part = (places - before).astype(np.float32)[:, None]
            out[:made] = self._held[before] * (1 - part) + self._held[before + 1] * part
        self._offset += made * speed
        gone = min(int(self._offset), len(self._held))
        self._held = self._held[gone:]
        self._offset -= gone
        return made

    def _fade(self, out: Loudness) -> None:
        """A click is what a jump is heard as: where something else begins, it comes out of what was there."""
        if not len(out):
            return
        if self._ramp < 1:
            ramp = np.minimum(1, self._ramp + np.arange(1, len(out) + 1, dtype=np.float32) / _FADE)
            out[:] = self._from + (out - self._from) * ramp[:, None]
            self._ramp = float(ramp[-1])
        self._last = out[-1].copy()

    def _join(self) -> None:
        self._from = self._last
        self._ramp = 0.0

    def _run_out(self) -> None:
        self.is_playing = False
        self._join()
        self._held = self._held[:0]
        self._offset = 0.0
        if self._is_silent:
            return  # the guest has ended, not the line
        self.underruns += 1
        self._calm = 0
        self._least = math.inf
        if self._is_shortened:
            self._patience = min(_MOST_CALM, 2 * self._patience)
        self._is_shortened = False
        self.target = min(MOST_TARGET, self.target + _LONGER)

    def _leave_out(self) -> None:
        if self.waiting > self.target + _TOO_MUCH:
            self.catch_up()

    def catch_up(self) -> None:
        """Leave out what is more than has to wait."""
        gone = math.ceil(self.waiting - self.target)
        if gone <= 0:
            return
        self._held = self._held[int(self._offset) + gone :].copy()
        self._offset = 0.0
        self._join()
        self._level = self.waiting
        self.left_out += gone
