"""VP8 and VP9 by libvpx."""

from __future__ import annotations

from sessions.encoders.base import Traits
from sessions.encoders.video.libav import LibavEncoder
from sessions.wire.tsg import Capability, Codec

_AT_ONCE = {
    "deadline": "realtime",
    "lag-in-frames": "0",
    "auto-alt-ref": "0",
    "g": "1000000",
    "keyint_min": "1000000",  # equal to g: no key pictures but the first
}
"""No picture waits for another."""


class Vp8(LibavEncoder):
    """VP8: its format cannot tell of colours."""

    traits = Traits(lossy=True, stateful=True, capability=Capability.VP8)
    codec = Codec.VP8
    LIBRARY = "libvpx"

    def settings(self, coarse: bool) -> dict[str, str]:
        """Return libvpx's options; for VP8 it knows no constant quality, so the quantiser is held.

        A positive cpu-used would be a limit for speed that follows the clock.
        """
        quantiser = "28" if coarse else "12"
        return _AT_ONCE | {"cpu-used": "-6", "qmin": quantiser, "qmax": quantiser, "b": "20M"}


class Vp9(LibavEncoder):
    """VP9, profile 0."""

    traits = Traits(lossy=True, stateful=True, capability=Capability.VP9)
    codec = Codec.VP9
    LIBRARY = "libvpx-vp9"

    def settings(self, coarse: bool) -> dict[str, str]:
        """Return libvpx's options."""
        return _AT_ONCE | {"cpu-used": "7", "crf": "38" if coarse else "25", "b": "0", "aq-mode": "0"}
