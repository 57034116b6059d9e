"""H.264 by x264."""

from __future__ import annotations

from sessions.encoders.base import Traits
from sessions.encoders.video.libav import LibavEncoder
from sessions.wire.tsg import Capability, Codec

_PARAMETERS = ":".join(
    (
        "keyint=infinite",
        "scenecut=0",
        "threads=1",
        "sliced-threads=0",
        # With a constant quantiser (qp) and without weights, x264 needs no small copy of each picture to
        # search in first: a quarter of its time for the same quality.
        "weightp=0",
        # Many weak coefficients are left out otherwise; with them and a coarser quantiser, errors do not
        # pile up: 0.2 dB for the same bytes.
        "no-dct-decimate=1",
        # What is measured is all colours, not light alone.
        "chroma-qp-offset=-1",
    )
)


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
            "qp": "30" if coarse else "22",
            "x264-params": _PARAMETERS,
        }
