"""Where the screen shows a video: parts that keep changing and look natural. Pure; times in seconds.

Each tile has a heat: one more at each change, half of it gone after HALF_LIFE. What is hot lies within a few
rectangles, and those that look natural in good part are videos: the sky in a film looks like a drawing.
A video's encoder pays from about the third picture on.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sessions.encoders.content import around
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import Grid, Region, tile_span

HALF_LIFE = 0.3
HOT = 2.5
"""Three changes within a fifth of a second; or a steady seven a second."""
_WARM = 0.4
"""Tiles of a video that stand still now and then, like the wall behind a speaker."""
LEAST_TILES = 24
"""Less is sent as cheaply by other means."""
_LEAST_FILLED = 0.7
"""At least this share of a place must be warm: what lies far apart has no rectangle in common."""
_LEAST_NATURAL = 0.2
"""At least this share of a place must have looked natural lately."""
_MOST_PLACES = 32


class Motion:
    """What has changed lately on one screen."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._heat: npt.NDArray[np.float32] = np.zeros(Region(size).tiles.shape, np.float32)
        self._natural = Region(size).tiles  # what looked so at its last change
        self._at = 0.0
        self._cold = True

    def saw(self, tiles: Grid, natural: Grid, now: float) -> None:
        """Note that these tiles have changed, and which of them look natural."""
        if not self._cold:
            self._heat *= 0.5 ** (max(now - self._at, 0.0) / HALF_LIFE)
        self._at = now
        if tiles.any():
            self._heat[tiles] += 1
            self._natural &= ~tiles
            self._natural |= natural
            self._cold = False
        elif not self._cold:
            self._cold = bool(self._heat.max() < _WARM)

    def forget(self, tiles: Grid) -> None:
        """Take it that nothing has changed here: it has only been moved."""
        self._heat[tiles] = 0

    def places(self, playing: Grid) -> list[Rect]:
        """Return the rectangles along tile borders, clipped to the screen, where videos seem to be.

        playing: the tiles of videos that are known. A place may hold such a video and more, or lie beside it.
        """
        if self._cold:
            return []
        hot = self._heat > HOT
        found = self._among(hot)
        return found + self._among(hot & ~playing) if playing.any() else found

    def _among(self, hot: Grid) -> list[Rect]:
        if np.count_nonzero(hot) < LEAST_TILES // 2:
            return []
        warm = self._heat > _WARM
        found = []
        for box in _boxes(Region(self._size, around(hot) > 0)):  # gaps of a tile or two do not matter
            inside = Region(self._size)
            inside.tiles[tile_span(box)] = hot[tile_span(box)]
            near = inside.bounds()
            parts = [near] if _filled(warm, near) else _boxes(inside)
            found += [place for place in parts if _filled(warm, place) and self._looks_natural(place)]
        return found

    def _looks_natural(self, place: Rect) -> bool:
        return bool(np.mean(self._natural[tile_span(place)]) >= _LEAST_NATURAL)


def _filled(warm: Grid, place: Rect) -> bool:
    """Tell whether a place is large enough, and warm in most of it."""
    share = warm[tile_span(place)]
    return bool(share.size >= LEAST_TILES and np.count_nonzero(share) >= _LEAST_FILLED * share.size)


def _boxes(region: Region) -> list[Rect]:
    """Return boxes that hold the region, none of which touch."""
    rects = region.rects()
    if len(rects) > _MOST_PLACES:
        return [region.bounds()]
    boxes: list[Rect] = []
    for rect in rects:
        while near := next((box for box in boxes if _touch(box, rect)), None):
            boxes.remove(near)
            rect = near.union(rect)  # noqa: PLW2901 - it grows until nothing touches it
        boxes.append(rect)
    return boxes


def _touch(a: Rect, b: Rect) -> bool:
    return a.x <= b.right and b.x <= a.right and a.y <= b.bottom and b.y <= a.bottom
