"""Stills: one JPEG file a rectangle."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import simplejpeg

from sessions.wire.tsg import Operation
from tsgateway.client.viewer.decode.errors import DecodeError


def decode_still(operation: Operation) -> npt.NDArray[np.uint32]:
    """Return the pixels of a JPEG operation: (height, width) BGRX, X being 0. Raises DecodeError."""
    wanted = (operation.height, operation.width)
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(operation.data)
        if (height, width) != wanted:  # before there is memory for it
            raise DecodeError(f"a JPEG of {width}×{height} for {operation.width}×{operation.height}")
        image = simplejpeg.decode_jpeg(operation.data, colorspace="BGRX")
    except ValueError as error:
        raise DecodeError(f"a JPEG that is none: {error}") from None
    pixels: npt.NDArray[np.uint32] = image.view("<u4")[:, :, 0] & 0xFFFFFF
    return pixels
