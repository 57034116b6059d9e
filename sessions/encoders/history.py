"""The history stream: exact pixels through one zstd frame per viewer, flushed at every picture.

What the viewer has seen within the window need not be sent again: scrolled text, a moved window or a
menu that closes are matches of the history (RFC 8878 for the format). On recorded scrolling it sends a
twentieth of what separate pictures need.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import zstandard

from sessions.encoders.base import Encoded, Options, Traits
from sessions.pixels.framebuffer import COLOUR, Pixels
from sessions.pixels.geometry import Rect
from sessions.wire.tsg import Capability, Encoding, Operation

_PACKED_PIXELS = 64 * 1024
"""So many pixels are packed at once: they are still in the processor's cache when they are compressed."""
_LAZY_FROM = 3
"""The level from which on it is worth while to look for a longer match one byte further on."""
_LARGE_TABLE_FROM = 6


def _parameters(options: Options) -> zstandard.ZstdCompressionParameters:
    """Return what finds most for its time on screens; zstd's own levels are measured on other data.

    Matches may be as short as one pixel. Larger tables find little more in a 16 MiB window, and on noise
    every look into one misses the processor's cache.
    """
    level = options.level
    return zstandard.ZstdCompressionParameters.from_level(
        level,
        window_log=options.window_log,
        strategy=zstandard.STRATEGY_DFAST if level < _LAZY_FROM else zstandard.STRATEGY_LAZY,
        min_match=4,
        hash_log=17 if level < _LARGE_TABLE_FROM else 18,
        chain_log=16,
        search_log=min(level, 6),
        target_length=32,
        write_content_size=0,
        write_checksum=0,
    )


class HistoryStream:
    """A zstd compressor that remembers."""

    traits = Traits(lossy=False, stateful=True, capability=Capability.HISTORY)

    def __init__(self, options: Options) -> None:
        self._packed = np.empty(_PACKED_PIXELS, "<u4")
        self._compressor = zstandard.ZstdCompressor(compression_params=_parameters(options))
        self.restart()

    def restart(self) -> None:
        """Begin a new stream with an empty history."""
        self._stream = self._compressor.compressobj()

    def encode(self, pixels: Pixels, rects: Sequence[Rect]) -> Encoded:
        """Feed the rectangles' rows, one rectangle after the other, and flush."""
        if not rects:
            return Encoded()
        chunks = [*self._compress(pixels, rects)]
        chunks.append(self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        return Encoded([Operation(Encoding.HISTORY, *rect) for rect in rects], b"".join(chunks))

    def _compress(self, pixels: Pixels, rects: Sequence[Rect]) -> Iterator[bytes]:
        """Feed the rectangles in pieces that are packed one behind the other in a buffer that stays."""
        at = 0
        for rect in rects:
            part = pixels[rect.part]
            while len(part):
                rows = min((len(self._packed) - at) // rect.width, len(part))
                target = self._packed[at : at + rows * rect.width].reshape(rows, rect.width)
                np.bitwise_and(part[:rows], COLOUR, out=target)
                at += target.size
                part = part[rows:]
                if len(part):
                    yield self._stream.compress(self._packed[:at].data)
                    at = 0
        yield self._stream.compress(self._packed[:at].data)
