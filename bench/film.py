"""Moving pictures that look natural to an encoder, made without files.

A scene is painted of leaves: opaque discs of every size, the small ones many and the large ones few, rough or
smooth, with amplitudes that fall as a power of the frequency. That gives the two things that photographs have
and noise has not: edges that hide what is behind them, and contrast at every scale. The camera pans and zooms
over it, by fractions of a pixel; other discs move before it. Grain is optional, since it costs bytes: films
that arrive in a guest have been encoded before and have next to none.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image

from sessions.pixels.framebuffer import Pixels

_Picture = npt.NDArray[np.float32]

_LENS = 0.3
"""Where a lens, and the codec that the film came by, have taken most away: periods a pixel."""
_EDGE = 2.0
"""Width of an edge, pixels."""
_MOST_SIDE = 2048
"""Of a scene, pixels; larger pictures magnify it."""


class Film:
    """Pictures of one scene, by number; the same numbers give the same pictures.

    grain: standard deviation of the camera's noise, levels, new in every picture.
    """

    def __init__(self, width: int, height: int, seed: int = 1, grain: float = 0.0) -> None:
        self._size = (width, height)
        self._seed = seed
        self._grain = grain
        side = 2 * max(width, height, 64)
        self._scene = _scene(seed, min(side, _MOST_SIDE))
        self._scale = self._scene.width / side
        self._actors = [_actor(seed + 100 + n, max(12, height // (3 + n))) for n in range(3)]

    def picture(self, number: int) -> Pixels:
        """Return picture `number` as (height, width) pixels."""
        width, height = self._size
        zoom = self._scale * (1 + 0.15 * np.sin(number / 50))
        x = self._scene.width / 4 * (1 + 0.5 * np.sin(number / 60))
        y = self._scene.height / 4 * (1 + 0.5 * np.sin(number / 85))
        view = self._scene.transform(
            self._size, Image.Transform.AFFINE, (zoom, 0, x, 0, zoom, y), Image.Resampling.BICUBIC
        )
        for n, actor in enumerate(self._actors):
            left = (width - actor.width) * (0.5 + 0.5 * np.sin(number / (25 + 9 * n) + 2 * n))
            top = (height - actor.height) * (0.5 + 0.5 * np.cos(number / (31 + 7 * n) + n))
            _place(view, actor, left, top)
        colours = np.asarray(view, np.float32)
        if self._grain:
            noise = np.random.default_rng((self._seed, number))
            colours = colours + noise.normal(0, self._grain, colours.shape)
        pixels = np.zeros((height, width, 4), np.uint8)
        pixels[..., 2::-1] = np.clip(np.rint(colours), 0, 255)
        return pixels.view("<u4")[..., 0]


def _place(view: Image.Image, actor: Image.Image, left: float, top: float) -> None:
    """Draw `actor` onto `view`, to a fraction of a pixel."""
    x, y = int(left), int(top)
    moved = actor.transform(
        actor.size, Image.Transform.AFFINE, (1, 0, x - left, 0, 1, y - top), Image.Resampling.BICUBIC
    )
    view.paste(moved.convert("RGB"), (x, y), moved.getchannel("A"))


@cache
def _scene(seed: int, side: int) -> Image.Image:
    """Return a painted scene, `side` pixels each way."""
    chance = np.random.default_rng(seed)
    textures = [_texture(chance, side) for _ in range(5)]
    scene = textures[0].copy()
    y, x = np.ogrid[:side, :side]
    # Radii spread as 1/r³: then the picture has as much contrast at every scale.
    radii = side / 5 / np.sqrt(1 + chance.random(600) * 599)
    for radius in radii:
        centre_x, centre_y = chance.random(2) * side
        left, top = (max(0, int(c - radius - 2)) for c in (centre_x, centre_y))
        right, bottom = (min(side, int(c + radius + 3)) for c in (centre_x, centre_y))
        part = np.s_[top:bottom, left:right]
        distance = np.hypot(x[:, left:right] - centre_x, y[top:bottom] - centre_y)
        cover = np.clip((radius - distance) / _EDGE + 0.5, 0, 1)[..., None].astype(np.float32)
        from_x, from_y = chance.integers(0, (side - (right - left) + 1, side - (bottom - top) + 1))
        texture = textures[chance.integers(5)]
        leaf = texture[from_y : from_y + bottom - top, from_x : from_x + right - left]
        leaf = leaf + np.float32(chance.normal(0, 30)) + chance.normal(0, 10, 3).astype(np.float32)
        scene[part] += cover * (leaf - scene[part])
    return Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))


def _texture(chance: np.random.Generator, side: int) -> _Picture:
    """Return (side, side, 3) levels of a surface: rough or smooth, its colour changing little and slowly."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    frequency[0, 0] = np.inf
    lens = np.exp(-((frequency / _LENS) ** 2))

    def layer(slope: float) -> _Picture:
        spectrum = np.fft.rfft2(chance.normal(size=(side, side))) * lens / frequency**slope
        levels = np.fft.irfft2(spectrum, (side, side))
        return np.asarray(levels / levels.std(), np.float32)

    light, first, second = layer(chance.uniform(1.1, 1.8)), layer(1.7), layer(1.7)
    tint = np.stack([first, -0.5 * (first + second), second], axis=-1)
    colour = chance.uniform(80, 170) + chance.normal(0, 15, 3)
    levels = colour + chance.uniform(8, 24) * light[..., None] + 5 * tint
    return np.asarray(levels, np.float32)


@cache
def _actor(seed: int, side: int) -> Image.Image:
    """Return a disc with a texture, with an alpha channel."""
    texture = np.clip(_texture(np.random.default_rng(seed), side), 0, 255)
    place = np.arange(side) - (side - 1) / 2
    alpha = np.clip((side / 2 - 2 - np.hypot(place, place[:, None])) / _EDGE + 0.5, 0, 1) * 255
    return Image.fromarray(np.dstack([texture, alpha]).astype(np.uint8), "RGBA")
