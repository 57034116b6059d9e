"""Stills: natural pictures, sent small now and exactly later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import simplejpeg

from sessions.encoders.base import Encoded, Options, Traits
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect
from sessions.wire.tsg import Capability, Encoding, Operation


class Jpeg:
    """One JPEG file a rectangle (4:2:0); libjpeg-turbo reads B, G, R, X without a conversion."""

    traits = Traits(lossy=True, stateful=False, capability=Capability.JPEG)

    def __init__(self, options: Options) -> None:
        self._quality = options.jpeg_quality

    def restart(self) -> None:
        """Nothing to forget."""

    def encode(self, pixels: Pixels, rects: Sequence[Rect]) -> Encoded:
        """Encode each rectangle on its own."""
        return Encoded([self._operation(pixels, rect) for rect in rects])

    def _operation(self, pixels: Pixels, rect: Rect) -> Operation:
        block = np.ascontiguousarray(pixels[rect.y : rect.bottom, rect.x : rect.right])
        image = block.view(np.uint8).reshape(rect.height, rect.width, 4)
        data = simplejpeg.encode_jpeg(
            image, quality=self._quality, colorspace="BGRX", colorsubsampling="420", fastdct=True
        )
        return Operation(Encoding.JPEG, *rect, data)
