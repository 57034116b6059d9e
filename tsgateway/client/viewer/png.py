"""PNG files (ISO/IEC 15948) of pictures: all that is needed is zlib, and a checksum a chunk."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR, _UP = 2, 2


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return a picture as a file. pixels: (height, width, 4) B, G, R, X; at least one."""
    height, width = pixels.shape[:2]
    colours = pixels[:, :, 2::-1].reshape(height, 3 * width)
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = _UP  # each row as its difference to the one above: most of a screen becomes zeros
    rows[0, 1:] = colours[0]
    np.subtract(colours[1:], colours[:-1], out=rows[1:, 1:])
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOUR, 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 6)
    return b"".join((_SIGNATURE, _chunk(b"IHDR", head), _chunk(b"IDAT", data), _chunk(b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
