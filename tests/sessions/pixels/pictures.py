"""Pictures for tests: what desktops show."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Size
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid

SENTENCE = "The quick brown fox jumps over the lazy dog; 0123456789 (){}[] "


def bgrx(image: Image.Image) -> Pixels:
    rgb = np.asarray(image.convert("RGB"), np.uint32)
    return (rgb[:, :, 2] | rgb[:, :, 1] << 8 | rgb[:, :, 0] << 16).astype("<u4")


def text(size: Size, points: int, colour: str = "black", paper: str = "white", seed: int = 0) -> Pixels:
    """Lines of text, each different from the others when `seed` is given."""
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    rng = np.random.default_rng(seed)
    for y in range(0, size.height, points + 3):
        line = "".join(rng.permutation(list(SENTENCE))) if seed else SENTENCE
        draw.text((4, y), line * 4, colour, ImageFont.load_default(points))
    return bgrx(image)


def photograph(size: Size, seed: int = 5) -> Pixels:
    """A picture with the statistics of one: smooth shapes and sensor noise."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (size.height // 32 + 1, size.width // 32 + 1, 3), np.uint8))
    smooth = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), np.float64)
    return bgrx(Image.fromarray(np.clip(smooth + rng.normal(0, 3, smooth.shape), 0, 255).astype(np.uint8)))


def different_tiles(before: Pixels, after: Pixels) -> Grid:
    """Tell, the slow way, in which tiles two pictures differ."""
    height, width = before.shape
    tiles = np.zeros((-(-height // TILE_ROWS), -(-width // TILE_COLUMNS)), bool)
    for y, x in np.argwhere(before != after):
        tiles[y // TILE_ROWS, x // TILE_COLUMNS] = True
    return tiles
