"""How a piece of sound becomes bytes.

Opus comes from FFmpeg's libraries. PyAV, which binds them, is optional, and not imported before somebody
listens.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sessions.sound.cutting import FRAMES
from sessions.wire.tsg import SOUND_RATE, SoundFormat

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

BITS_A_SECOND = 96_000
"""Of Opus: music is transparent at that for nearly everybody."""


class SoundEncoder(Protocol):
    """Turns pieces into bytes, one after the other."""

    format: SoundFormat

    def encode(self, pcm: bytes) -> bytes:
        """Return one piece's bytes."""


class Plain:
    """Half the samples, as they are: for browsers and servers that have no Opus."""

    format = SoundFormat.PCM

    def encode(self, pcm: bytes) -> bytes:
        """Return the mean of each two frames."""
        pairs = np.frombuffer(pcm, "<i2").reshape(-1, 2, 2)
        return bytes(pairs.mean(axis=1).astype("<i2").data)


class Opus:
    """libopus. Takes a fraction of a second to load; raises ImportError, OSError, ValueError without it."""

    format = SoundFormat.OPUS

    def __init__(self) -> None:
        import av

        context: AudioCodecContext = av.CodecContext.create("libopus", "w")
        context.sample_rate = SOUND_RATE
        context.layout = "stereo"
        context.format = "s16"
        context.bit_rate = BITS_A_SECOND
        # Complexity 5 of 10 halves what it costs, and is no worse at this rate.
        # "lowdelay" is 2.5 ms late rather than 6.5, and at this rate it codes in the same way.
        context.options = {"application": "lowdelay", "frame_duration": "10", "compression_level": "5"}
        context.open()
        self._frame = av.AudioFrame
        self._context = context

    def encode(self, pcm: bytes) -> bytes:
        """Return one packet. Raises OSError, ValueError."""
        frame = self._frame("s16", "stereo", FRAMES)
        frame.sample_rate = SOUND_RATE
        frame.planes[0].update(pcm)
        return b"".join(map(bytes, self._context.encode(frame)))

    @staticmethod
    def is_there() -> bool:
        """Whether PyAV is installed."""
        return find_spec("av") is not None
