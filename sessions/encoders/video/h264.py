"""H.264 by x264."""

from __future__ import annotations

from sessions.encoders.base import Traits
from sessions.encoders.video.libav import LibavEncoder
from sessions.wire.tsg import Capability, Codec


class H264(LibavEncoder):
    """A byte stream of Annex B whose key picture brings its parameter sets."""

    traits = Traits(lossy=True, stateful=True, capability=Capability.H264)
    codec = Codec.H264
    LIBRARY = "libx264"

    def settings(self, coarse: bool) -> dict[str, str]:
        """Return x264's options: no picture waits for another, and none but the first is a key picture."""
        return {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "high",
            "crf": "28" if coarse else "21",
            "x264-params": "keyint=infinite:scenecut=0:threads=1:sliced-threads=0",
        }
