"""Tight, the encoding of TigerVNC and its relatives (RFB community specification): reading and decoding.

rect = read(exactly, width, height)       as it comes, nothing inflated
Decoder().decode(rect)                    (height, width) BGRX
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import simplejpeg

from bench.peers.base import UndecodableError
from sessions.pixels.framebuffer import Pixels

Exactly = Callable[[int], bytes]
_Bytes = npt.NDArray[np.uint8]

_FILL, _JPEG = 8, 9
_EXPLICIT_FILTER = 4
_STORED_BELOW = 12  # bytes: not worth compressing


class Filter(IntEnum):
    COPY = 0
    PALETTE = 1
    GRADIENT = 2


@dataclass(frozen=True)
class TightRect:
    """A rectangle as it came. palette: 3 bytes (R, G, B) a colour; of a fill the one colour."""

    width: int
    height: int
    control: int
    filter: Filter
    palette: bytes
    data: bytes

    @property
    def kind(self) -> int:
        """The upper half of the control byte."""
        return self.control >> 4


def read(exactly: Exactly, width: int, height: int) -> TightRect:
    """Read one rectangle's body. exactly(n): the next n bytes. Raises UndecodableError."""
    control = exactly(1)[0]
    kind, chosen, palette = control >> 4, Filter.COPY, b""
    if kind == _FILL:
        return TightRect(width, height, control, chosen, exactly(3), b"")
    if kind == _JPEG:
        return TightRect(width, height, control, chosen, b"", exactly(_compact(exactly)))
    if kind > _JPEG:
        raise UndecodableError(f"Tight compression of kind {kind}")
    if kind & _EXPLICIT_FILTER:
        chosen = _filter(exactly(1)[0])
    if chosen == Filter.PALETTE:
        palette = exactly(3 * (exactly(1)[0] + 1))
    size = _plain_size(width, height, chosen, len(palette) // 3)
    data = exactly(size if size < _STORED_BELOW else _compact(exactly))
    return TightRect(width, height, control, chosen, palette, data)


def _filter(number: int) -> Filter:
    try:
        return Filter(number)
    except ValueError as error:
        raise UndecodableError(f"Tight filter {number}") from error


def _compact(exactly: Exactly) -> int:
    """Read a length of one to three bytes, the low seven bits first."""
    length = 0
    for shift in (0, 7, 14):
        byte = exactly(1)[0]
        length |= (byte if shift == 14 else byte & 127) << shift
        if byte < 128:
            break
    return length


def _plain_size(width: int, height: int, chosen: Filter, colours: int) -> int:
    if chosen == Filter.PALETTE:
        return (width + 7) // 8 * height if colours == 2 else width * height
    return width * height * 3


class Decoder:
    """Decodes rectangles in the order they came: four zlib streams go on from one to the next."""

    def __init__(self) -> None:
        self._streams = [zlib.decompressobj() for _ in range(4)]

    def decode(self, rect: TightRect) -> Pixels:
        """Return the rectangle's pixels, BGRX. Raises UndecodableError for what is not Tight."""
        for number in range(4):
            if rect.control >> number & 1:
                self._streams[number] = zlib.decompressobj()
        if rect.kind == _FILL:
            return np.broadcast_to(_packed(np.frombuffer(rect.palette, np.uint8)), (rect.height, rect.width))
        if rect.kind == _JPEG:
            image = simplejpeg.decode_jpeg(rect.data, colorspace="BGRA")
            pixels: Pixels = image.view("<u4")[:, :, 0] & np.uint32(0xFFFFFF)
            return pixels
        return self._basic(rect)

    def _basic(self, rect: TightRect) -> Pixels:
        size = _plain_size(rect.width, rect.height, rect.filter, len(rect.palette) // 3)
        data = rect.data
        if size >= _STORED_BELOW:
            data = self._streams[rect.kind & 3].decompress(rect.data, size)
        if len(data) != size:
            raise UndecodableError(f"Tight: {len(data)} bytes for {size}")
        plain = np.frombuffer(data, np.uint8)
        if rect.filter == Filter.PALETTE:
            return _coloured(plain, rect)
        triples = plain.reshape(rect.height, rect.width, 3)
        return _packed(_gradient(triples) if rect.filter == Filter.GRADIENT else triples)


def _coloured(plain: _Bytes, rect: TightRect) -> Pixels:
    colours = _packed(np.frombuffer(rect.palette, np.uint8).reshape(-1, 3))
    if len(colours) == 2:
        plain = np.unpackbits(plain.reshape(rect.height, -1), axis=1, count=rect.width)
    indices = plain.reshape(rect.height, rect.width)
    if indices.max(initial=0) >= len(colours):
        raise UndecodableError("Tight: an index beyond the palette")
    return colours[indices]


def _gradient(errors: _Bytes) -> _Bytes:
    """Undo the prediction `left + above - above left`, clipped: all of a diagonal at once."""
    height, width, _ = errors.shape
    out = np.zeros((height + 1, width + 1, 3), np.int16)
    for diagonal in range(height + width - 1):
        rows = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        columns = diagonal - rows
        guess = out[rows + 1, columns] + out[rows, columns + 1] - out[rows, columns]
        out[rows + 1, columns + 1] = (guess.clip(0, 255) + errors[rows, columns]) & 255
    return out[1:, 1:].astype(np.uint8)


def _packed(triples: _Bytes) -> Pixels:
    """Return R, G, B in the last axis as BGRX."""
    wide: Pixels = triples.astype("<u4")
    return wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2]
