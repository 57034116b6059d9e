"""Draws the application's icons as PNG files: `python scripts/icons.py`, after a change of logo.svg.

The same picture as webclient/images/logo.svg, by its numbers, for what takes no SVG.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

FOLDER = Path(__file__).resolve().parents[1] / "webclient/images"
SIDE = 64
"""Of the drawing, in its own units."""
FROM, TO = (0x5B, 0x7C, 0xFF), (0x6A, 0x3D, 0xF0)
"""The ground's colours, from the upper left to the lower right."""
FINER = 4
"""Drawn so many times larger, then made small: smooth edges."""


def ground(pixels: int) -> Image.Image:
    """Return the gradient, pixels × pixels."""
    line = np.linspace(0, 1, pixels)
    share = (line[:, None] + line[None, :])[:, :, None] / 2
    colours = np.array(FROM) * (1 - share) + np.array(TO) * share
    return Image.fromarray(colours.round().astype(np.uint8), "RGB").convert("RGBA")


def draw(pixels: int, *, maskable: bool) -> Image.Image:
    """Return the icon. maskable: fills its square; what matters is in the circle that systems leave of it."""
    large = pixels * FINER
    unit = large / SIDE * (0.78 if maskable else 1)
    shift = (large - SIDE * unit) / 2
    picture = ground(large)
    pen = ImageDraw.Draw(picture)

    def at(*places: float) -> tuple[float, ...]:
        return tuple(shift + place * unit for place in places)

    def line(width: float, *places: float) -> None:
        pen.line(at(*places), "white", round(width * unit))
        for x, y in zip(places[::2], places[1::2], strict=True):
            pen.ellipse(at(x - width / 2, y - width / 2, x + width / 2, y + width / 2), "white")

    pen.arc(at(14 - 2.5, 12 - 2.5, 50 + 2.5, 48 + 2.5), 180, 360, "white", round(5 * unit))
    line(5, 14, 30, 14, 48)
    line(5, 50, 30, 50, 48)
    pen.rounded_rectangle(at(23, 29, 41, 42), 3 * unit, "white")
    line(3.5, 32, 42, 32, 48)
    line(3.5, 26, 48.5, 38, 48.5)
    if not maskable:
        mask = Image.new("L", (large, large))
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, large - 1, large - 1), 15 * unit, 255)
        picture.putalpha(mask)
    return picture.resize((pixels, pixels), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    for name, pixels, maskable in (
        ("icon-192", 192, False),
        ("icon-512", 512, False),
        ("icon-maskable-512", 512, True),
    ):
        draw(pixels, maskable=maskable).save(FOLDER / f"{name}.png", optimize=True)
