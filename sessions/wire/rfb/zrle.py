"""ZRLE (RFC 6143 §7.7.6): one zlib stream for the connection, tiles of 64×64.

A pixel is three bytes, B G R, in the format this client sets.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.rfb.events import CHUNK, Event, Parser, Pixels

TILE = 64

_WORST_TILE = 1 + 127 * 3 + TILE * TILE * 4
"""Bytes of the dearest tile: run-length encoded with no run longer than one pixel."""

_INFLATE_STEP = 4 * _WORST_TILE

_Words = npt.NDArray[np.uint32]


class ZrleDecoder:
    """Decodes a connection's ZRLE rectangles."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj()
        self._plain = bytearray()
        self._at = 0  # of _plain, what is not decoded yet
        self._left = 0  # compressed bytes of this rectangle not received yet

    def decode(self, x: int, y: int, width: int, height: int) -> Parser:
        """Parse one rectangle; gives a row of tiles at a time. Raises ProtocolError, LimitExceeded."""
        (self._left,) = struct.unpack(">I", (yield 4))
        tiles = -(-width // TILE) * -(-height // TILE)
        most = tiles * _WORST_TILE + 1024
        if self._left > most + most // 64:  # what deflate adds at worst is far less
            raise LimitExceeded(f"The VNC server sent {self._left} bytes for {width}×{height} pixels.")
        band = np.empty((min(height, TILE), width), "<u4")
        for top in range(0, height, TILE):
            rows = min(TILE, height - top)
            for left in range(0, width, TILE):
                yield from self._fill()
                columns = min(TILE, width - left)
                band[:rows, left : left + columns] = self._tile(columns, rows)
            if width:
                yield Pixels(x, y + top, width, rows, band[:rows].data.cast("B"))
        if len(self._plain) > self._at or (yield from self._grow()):
            raise ProtocolError("The VNC server sent a ZRLE rectangle with too much in it.")

    def _fill(self) -> Parser:
        """Inflate until a whole tile is there for sure, or the rectangle's bytes are used up."""
        if self._at > _INFLATE_STEP:
            del self._plain[: self._at]
            self._at = 0
        while len(self._plain) - self._at < _WORST_TILE:
            if not (yield from self._grow()):
                return

    def _grow(self) -> Generator[int | Event, memoryview, bool]:
        """Inflate some more; False when the rectangle's bytes are used up and give nothing further."""
        while True:
            compressed = self._inflater.unconsumed_tail
            if not compressed and self._left:
                size = min(self._left, CHUNK // 4)
                self._left -= size
                compressed = bytes((yield size))
            more = self._inflate(compressed)
            self._plain += more
            if more or not compressed:
                return bool(more)

    def _inflate(self, data: bytes) -> bytes:
        try:
            return self._inflater.decompress(data, _INFLATE_STEP)
        except zlib.error as error:
            raise ProtocolError(f"The VNC server sent a broken ZRLE rectangle ({error}).") from None

    def _take(self, count: int) -> memoryview:
        end = self._at + count
        if end > len(self._plain):
            raise ProtocolError("The VNC server sent a ZRLE rectangle that ends early.")
        piece = memoryview(bytes(self._plain[self._at : end]))
        self._at = end
        return piece

    def _colours(self, count: int) -> _Words:
        words = np.zeros((count, 4), np.uint8)
        words[:, :3] = np.frombuffer(self._take(3 * count), np.uint8).reshape(count, 3)
        return words.reshape(-1).view("<u4")

    def _tile(self, width: int, height: int) -> _Words:
        kind = self._take(1)[0]
        if kind == 0:
            return self._colours(width * height).reshape(height, width)
        if kind <= 16:
            return self._packed(kind, width, height)
        if kind == 128:
            return self._plain_runs(width * height).reshape(height, width)
        if kind >= 130:
            return self._palette_runs(kind - 128, width * height).reshape(height, width)
        raise ProtocolError(f"The VNC server sent a ZRLE tile of the unknown kind {kind}.")

    def _packed(self, size: int, width: int, height: int) -> _Words:
        """Palette indices of 0, 1, 2 or 4 bits; each row starts with a new byte."""
        palette = self._colours(size)
        if size == 1:
            return np.broadcast_to(palette, (height, width))
        bits = 1 if size == 2 else 2 if size <= 4 else 4
        stride = -(-width * bits // 8)
        packed = np.frombuffer(self._take(stride * height), np.uint8).reshape(height, stride, 1)
        shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
        indices = (packed >> shifts & np.uint8((1 << bits) - 1)).reshape(height, -1)[:, :width]
        return _look_up(palette, indices)

    def _plain_runs(self, total: int) -> _Words:
        data, at, done = self._plain, self._at, 0
        starts, lengths = [], []
        try:
            while done < total:
                starts.append(at)
                at += 3
                length = 1
                while data[at] == 255:
                    length += 255
                    at += 1
                length += data[at]
                at += 1
                lengths.append(length)
                done += length
        except IndexError:
            raise ProtocolError("The VNC server sent a ZRLE rectangle that ends early.") from None
        where = np.array(starts)[:, None] + np.arange(3)
        words = np.zeros((len(starts), 4), np.uint8)
        words[:, :3] = np.frombuffer(bytes(data[:at]), np.uint8)[where]
        self._at = at
        return _repeat(words.reshape(-1).view("<u4"), lengths, total)

    def _palette_runs(self, size: int, total: int) -> _Words:
        palette = self._colours(size)
        data, at, done = self._plain, self._at, 0
        indices, lengths = bytearray(), []
        try:
            while done < total:
                index = data[at]
                at += 1
                length = 1
                if index & 128:
                    while data[at] == 255:
                        length += 255
                        at += 1
                    length += data[at]
                    at += 1
                indices.append(index & 127)
                lengths.append(length)
                done += length
        except IndexError:
            raise ProtocolError("The VNC server sent a ZRLE rectangle that ends early.") from None
        self._at = at
        return _repeat(_look_up(palette, np.frombuffer(indices, np.uint8)), lengths, total)


def _look_up(palette: _Words, indices: npt.NDArray[np.uint8]) -> _Words:
    try:
        return palette[indices]
    except IndexError:
        raise ProtocolError("The VNC server sent a ZRLE tile with a colour beyond its palette.") from None


def _repeat(colours: _Words, lengths: list[int], total: int) -> _Words:
    if sum(lengths) != total:
        raise ProtocolError("The VNC server sent a ZRLE run beyond the end of its tile.")
    return np.repeat(colours, lengths)
