"""Pieces of sound to samples: Opus by PyAV, or plain samples at half the rate.

Importing PyAV loads FFmpeg, 20 MB of it, and takes a tenth of a second: `load` is for another thread.
"""

from __future__ import annotations

import contextlib
import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sessions.wire.tsg import SOUND_RATE, Sound, SoundFlag, SoundFormat
from tsgateway.client.viewer.decode.errors import DecodeError

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext

Samples = npt.NDArray[np.int16]
"""(frames, 2): left and right, `SOUND_RATE` frames a second."""
OPUS_FRAMES = SOUND_RATE // 100
"""Of one packet."""
OPUS_DELAY = 120
"""Frames that what comes out of a packet is before the packet's time: the codec looks ahead."""


def has_opus() -> bool:
    """Whether PyAV is installed."""
    return find_spec("av") is not None


def load() -> None:
    """Import what decodes Opus, where it is installed; else whoever decodes first waits for that."""
    with contextlib.suppress(ImportError):
        importlib.import_module("av")


class Sounds:
    """The decoder of one connection's sound."""

    def __init__(self) -> None:
        self._opus: AudioCodecContext | None = None

    def decode(self, sound: Sound) -> tuple[int, Samples]:
        """Return when a piece begins, in frames modulo 2³², and its samples.

        Raises DecodeError, and ImportError where PyAV cannot be loaded after all.
        """
        if sound.format == SoundFormat.PCM:
            return sound.at, _doubled(np.frombuffer(sound.data, "<i2").reshape(-1, 2))
        if sound.format != SoundFormat.OPUS:
            raise DecodeError("sound of no format")
        if sound.flags & SoundFlag.BEGINS or self._opus is None:
            self._opus = _begin()
        return (sound.at - OPUS_DELAY) & 0xFFFFFFFF, _packet(self._opus, sound.data)


def _begin() -> AudioCodecContext:
    import av

    made: AudioCodecContext = av.CodecContext.create("libopus", "r")
    made.sample_rate = SOUND_RATE
    made.layout = "stereo"
    made.open()
    return made


def _packet(decoder: AudioCodecContext, data: bytes) -> Samples:
    import av

    try:
        frames = decoder.decode(av.Packet(data)) if data else []
    except av.FFmpegError as error:
        raise DecodeError(f"sound: {error.strerror}") from None
    if [each.samples for each in frames] != [OPUS_FRAMES]:
        raise DecodeError("sound that is not one packet of 10 ms")
    return frames[0].to_ndarray().astype(np.int16, copy=False).reshape(-1, 2)


def _doubled(half: npt.NDArray[np.int16]) -> Samples:
    """Twice as many frames, each second one the mean of its neighbours."""
    made = np.repeat(half, 2, axis=0)
    made[1:-1:2] += ((half[1:].astype(np.int32) - half[:-1]) // 2).astype(np.int16)
    return made
