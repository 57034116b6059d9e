"""The history stream: exact pixels through one zstd frame per viewer, flushed at every picture.

What the viewer has seen within the window need not be sent again: scrolled text, a moved window or a
menu that closes are matches of the history (RFC 8878 for the format). On recorded scrolling it sends a
twentieth of what separate pictures need.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import zstandard

from sessions.encoders.base import Encoded, Options, Traits
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect
from sessions.wire.tsg import Capability, Encoding, Operation


class HistoryStream:
    """A zstd compressor that remembers."""

    traits = Traits(lossy=False, stateful=True, capability=Capability.HISTORY)

    def __init__(self, options: Options) -> None:
        parameters = zstandard.ZstdCompressionParameters.from_level(
            options.level, window_log=options.window_log, write_content_size=0, write_checksum=0
        )
        self._compressor = zstandard.ZstdCompressor(compression_params=parameters)
        self.restart()

    def restart(self) -> None:
        """Begin a new stream with an empty history."""
        self._stream = self._compressor.compressobj()

    def encode(self, pixels: Pixels, rects: Sequence[Rect]) -> Encoded:
        """Feed the rectangles' rows, one rectangle after the other, and flush."""
        if not rects:
            return Encoded()
        rows = [pixels[r.y : r.bottom, r.x : r.right].ravel() for r in rects]
        packed = rows[0] if len(rows) == 1 else np.concatenate(rows)
        chunk = self._stream.compress(packed.data) + self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return Encoded([Operation(Encoding.HISTORY, *rect) for rect in rects], chunk)
