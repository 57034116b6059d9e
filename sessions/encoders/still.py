"""Stills: natural pictures, sent small now and exactly later."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import simplejpeg

from sessions.encoders.base import Chunk, Encoded, Options, Traits
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.wire.tsg import Capability, Codec, Encoding, Operation

COARSE_QUALITY = 45
"""Of photographs on a slow line: half the bytes, and they are made exact as everywhere."""


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
        return Operation(Encoding.JPEG, *rect, jpeg(pixels[rect.part], self._quality))


class MotionJpeg:
    """A video as one JPEG file a picture, for viewers that decode no codec; see `VideoEncoder`."""

    traits = Traits(lossy=True, stateful=False, capability=Capability.JPEG)
    codec: Codec | None = None

    @classmethod
    def missing(cls) -> str:
        """Return nothing: JPEG is always there."""
        return ""

    def __init__(self, size: Size, coarse: bool) -> None:
        self._quality = COARSE_QUALITY if coarse else Options().jpeg_quality

    def encode(self, pixels: Pixels) -> Chunk:
        """Return the next picture."""
        return Chunk(jpeg(pixels, self._quality), key=True)

    def close(self) -> None:
        """Nothing is held."""


def jpeg(pixels: Pixels, quality: int) -> bytes:
    """Return (height, width) pixels as a JPEG file."""
    height, width = pixels.shape
    image = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, width, 4)
    data: bytes = simplejpeg.encode_jpeg(
        image, quality=quality, colorspace="BGRX", colorsubsampling="420", fastdct=True
    )
    return data
