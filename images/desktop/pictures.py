"""Draws the wallpaper and the menu's button: `pictures.py WALLPAPER.png MENU.png`."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float64]  # height x width x 3 or 4, 0..255

SIZE = (1920, 1200)
NIGHT, DAWN = (17, 34, 64), (58, 108, 158)
# Each ridge: where it stands (part of the height), how high it swings, its waves, its colour.
RIDGES = [
    (0.56, 0.060, ((1.1, 0.4), (2.3, 2.0)), (45, 91, 138)),
    (0.64, 0.070, ((0.9, 2.6), (2.9, 0.7)), (34, 74, 118)),
    (0.73, 0.065, ((1.3, 4.4), (2.1, 1.3)), (25, 58, 97)),
    (0.83, 0.060, ((0.8, 0.9), (3.1, 3.9)), (18, 44, 77)),
]


def wallpaper(width: int, height: int) -> Picture:
    """Layers of hills under a clear evening sky; large even areas cost little to send."""
    x = np.linspace(0, 1, width)[None, :]
    y = np.linspace(0, 1, height)[:, None]
    mix = np.clip(y / 0.75, 0, 1)[..., None] + np.zeros((height, width, 1))
    picture = np.array(NIGHT) * (1 - mix) + np.array(DAWN) * mix
    moon = np.hypot((x - 0.78) * width, (y - 0.24) * height) - height * 0.055
    picture = over(picture, (232, 238, 248), np.clip(0.5 - moon, 0, 1) * 0.92)
    for base, swing, waves, colour in RIDGES:
        line = base + swing * sum(np.sin(2 * np.pi * k * x + phase) / k for k, phase in waves)
        cover = np.clip((y - line) * height + 0.5, 0, 1)
        depth = np.clip((y - line) / 0.35, 0, 1)[..., None]
        shade = np.array(colour) * (1 - depth) + np.array(colour) * 0.72 * depth
        picture = over(picture, shade, cover)
    return picture


def menu_button(size: int) -> Picture:
    """Nine rounded dots in a square, as an icon with alpha."""
    y, x = np.mgrid[0:size, 0:size] + 0.5
    cell = size / 3
    radius = cell * 0.3
    distance = np.hypot((x % cell) - cell / 2, (y % cell) - cell / 2) - radius
    alpha = np.clip(0.5 - distance, 0, 1) * 255
    return np.dstack([np.full((size, size), value) for value in (223, 229, 239)] + [alpha])


def over(picture: Picture, colour: Picture | tuple[int, int, int], cover: Picture) -> Picture:
    """The colour laid over the picture where it covers (0..1)."""
    return picture * (1 - cover[..., None]) + np.asarray(colour) * cover[..., None]


def png(picture: Picture) -> bytes:
    """The picture as a PNG file (W3C PNG specification, 8 bits, filter "up")."""
    height, width, channels = picture.shape
    rows = np.rint(picture).astype(np.uint8).reshape(height, width * channels)
    filtered = np.diff(rows, axis=0, prepend=np.zeros((1, rows.shape[1]), np.uint8))
    scanlines = np.hstack([np.full((height, 1), 2, np.uint8), filtered])
    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(scanlines.tobytes(), 9)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(png(wallpaper(*SIZE)))
    Path(sys.argv[2]).write_bytes(png(menu_button(48)))
