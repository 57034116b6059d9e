"""Hextile (RFC 6143 §7.7.4): tiles of 16×16, each raw or a background with rectangles on it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sessions.wire.errors import ProtocolError
from sessions.wire.rfb.events import Parser, Pixels

TILE = 16

_RAW, _BACKGROUND, _FOREGROUND, _ANY, _COLOURED = 1, 2, 4, 8, 16

_Words = npt.NDArray[np.uint32]


class _Colours:
    """Background and foreground, which go from tile to tile."""

    back = fore = 0


def hextile(x: int, y: int, width: int, height: int) -> Parser:
    """Parse one rectangle; gives a row of tiles at a time. Raises ProtocolError."""
    colours = _Colours()
    band = np.empty((min(height, TILE), width), "<u4")
    for top in range(0, height, TILE):
        rows = min(TILE, height - top)
        for left in range(0, width, TILE):
            yield from _tile(band[:rows, left : left + TILE], colours)
        yield Pixels(x, y + top, width, rows, band[:rows].data.cast("B"))


def _tile(tile: _Words, colours: _Colours) -> Parser:
    (kind,) = yield 1
    if kind & _RAW:
        tile[:] = np.frombuffer((yield tile.size * 4), "<u4").reshape(tile.shape)
        return
    if kind & _BACKGROUND:
        colours.back = _pixel((yield 4))
    if kind & _FOREGROUND:
        colours.fore = _pixel((yield 4))
    tile[:] = colours.back
    if not kind & _ANY:
        return
    (count,) = yield 1
    size = 6 if kind & _COLOURED else 2
    data = bytes((yield count * size))
    for at in range(0, len(data), size):
        colour = _pixel(data[at : at + 4]) if size == 6 else colours.fore
        corner, extent = data[at + size - 2], data[at + size - 1]
        left, top = corner >> 4, corner & 15
        right, bottom = left + (extent >> 4) + 1, top + (extent & 15) + 1
        if bottom > tile.shape[0] or right > tile.shape[1]:
            raise ProtocolError("The VNC server sent a Hextile rectangle beyond its tile.")
        tile[top:bottom, left:right] = colour


def _pixel(data: memoryview | bytes) -> int:
    return int.from_bytes(data, "little")
