"""ZRLE (RFC 6143 §7.7.6): one zlib stream for the connection, tiles of 64×64.

A pixel is three bytes, B G R, in the format this client sets.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Generator

import numpy as np
import numpy.typing as npt

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.rfb.events import CHUNK, Event, Parser, Pixels

TILE = 64

_WORST_TILE = 1 + 127 * 3 + TILE * TILE * 4
"""Bytes of the dearest tile: run-length encoded with no run longer than one pixel."""

_INFLATE_STEP = 4 * _WORST_TILE

_FEW = 128
"""Runs of a tile that are quicker taken one by one."""

_Words = npt.NDArray[np.uint32]
_Bytes = npt.NDArray[np.uint8]
_Numbers = npt.NDArray[np.int64]
_Cut = Callable[[_Bytes], tuple[_Numbers, _Numbers]]


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
        """Runs of a colour of three bytes and a length each."""
        starts, lengths = self._runs(total, 3, _cut_plain)
        used = bytes(self._plain[: self._at])
        everywhere = np.ndarray((len(used) - 3,), "<u4", used, strides=(1,))
        return _repeat(everywhere[starts] & np.uint32(0xFFFFFF), lengths, total)

    def _palette_runs(self, size: int, total: int) -> _Words:
        """Runs of an index of one byte each, and a length where its high bit is set."""
        palette = self._colours(size)
        starts, lengths = self._runs(total, 1, _cut_palette)
        used = np.frombuffer(bytes(self._plain[: self._at]), np.uint8)
        return _repeat(_look_up(palette, used[starts] & np.uint8(127)), lengths, total)

    def _runs(self, total: int, size: int, cut: _Cut) -> tuple[_Numbers, _Numbers]:
        """Take a tile's runs: where each begins in `_plain`, and how long they are.

        size: bytes of what comes before the length. Most tiles have few runs, which are taken one by
        one. A hostile server makes each one pixel; those are taken at once.
        """
        few, few_lengths = self._few_runs(total, size, _FEW)
        starts, lengths = [np.array(few)], [np.array(few_lengths)]
        left = total - sum(few_lengths)
        while left > 0:
            end = self._at + (size + 1) * left + left // 255  # what is left takes no more
            found, found_lengths = cut(np.frombuffer(self._plain[self._at : end], np.uint8))
            sums = np.cumsum(found_lengths)
            count = min(len(sums), int(np.searchsorted(sums, left)) + 1)
            if count:
                starts.append(found[:count] + self._at)
                lengths.append(found_lengths[:count])
                left -= int(sums[count - 1])
                self._at += int(found[count])
            if left > 0:
                few, few_lengths = self._few_runs(left, size, 1)
                starts.append(np.array(few))
                lengths.append(np.array(few_lengths))
                left -= few_lengths[0]
        return np.concatenate(starts), np.concatenate(lengths)

    def _few_runs(self, left: int, size: int, most: int) -> tuple[list[int], list[int]]:
        data, at = self._plain, self._at
        starts: list[int] = []
        lengths: list[int] = []
        try:
            while left > 0 and len(starts) < most:
                starts.append(at)
                has_length = size > 1 or data[at] & 128
                at += size
                length = 1
                if has_length:
                    while data[at] == 255:
                        length += 255
                        at += 1
                    length += data[at]
                    at += 1
                lengths.append(length)
                left -= length
        except IndexError:
            raise ProtocolError("The VNC server sent a ZRLE rectangle that ends early.") from None
        self._at = at
        return starts, lengths


def _cut_plain(data: _Bytes) -> tuple[_Numbers, _Numbers]:
    """Return where each run begins, and where the one after the last would, and their lengths.

    Only runs up to 255 pixels, four bytes each, as far as they go: a tile has room for few longer ones.
    """
    length_bytes = data[3::4].tobytes()
    longer = length_bytes.find(255)
    short = length_bytes if longer < 0 else length_bytes[:longer]
    lengths = np.frombuffer(short, np.uint8).astype(np.int64) + 1
    return np.arange(0, 4 * len(lengths) + 1, 4), lengths


def _cut_palette(data: _Bytes) -> tuple[_Numbers, _Numbers]:
    """The same for palette runs, of any length.

    Whether a length byte follows a byte depends on it and on whether it is one itself: none behind one
    below 128, one behind 255, and behind others when they are none. So it depends on how many of these
    others there are since the last byte of the first two kinds.
    """
    certain = (data < 128) | (data == 255)
    at = np.arange(len(data), dtype=np.int16)
    last = np.maximum.accumulate(np.where(certain, at, np.int16(-1)))
    goes_on = ((at - last) & 1 == 1) ^ ((data[last] == 255) & (last >= 0))
    starts = np.concatenate(([0], np.flatnonzero(~goes_on) + 1))
    sums = np.concatenate(([0], np.cumsum(data, dtype=np.int64)))
    return starts, sums[starts[1:]] - sums[starts[:-1] + 1] + 1


def _look_up(palette: _Words, indices: _Bytes) -> _Words:
    try:
        return palette[indices]
    except IndexError:
        raise ProtocolError("The VNC server sent a ZRLE tile with a colour beyond its palette.") from None


def _repeat(colours: _Words, lengths: _Numbers, total: int) -> _Words:
    if lengths.sum() != total:
        raise ProtocolError("The VNC server sent a ZRLE run beyond the end of its tile.")
    return np.repeat(colours, lengths)
