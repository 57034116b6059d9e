"""The planner: which part of the damage is sent how, in this frame. Pure.

Text and drawings go through the history stream. Natural pictures (photographs, video) would flood the
line there, so large areas of them go as stills first, and exactly once they have stood still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sessions.encoders.base import FRAME_BYTES
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid, Region

_Places = npt.NDArray[np.intp]

TILE_BYTES = TILE_ROWS * TILE_COLUMNS * 4
_NATURAL_TILE_BYTES = TILE_BYTES // 4
_SAMPLE = 4
"""Every fourth row is looked at; with every eighth, dense text is now and then taken for a photograph."""
_NATURAL_EDGES = 0.6
"""In photographs most neighbouring pixels differ a little; in text and drawings most are equal.
Measured: usual text 0.15-0.35 of the pairs differ, very small dense text up to 0.7, photographs 0.75-0.99."""
_NATURAL_COLOURS = 0.4
"""Distinct colours among a tile's sampled pixels: text has few, even smoothed, photographs hundreds."""
_LEAST_NATURAL_TILES = 12
"""Smaller natural areas are cheap enough to send exactly."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one frame sends.

    exact: rectangles for the lossless encoder. still: rectangles for the lossy one, and lossy: their
    tiles. taken: every tile that the frame covers.
    """

    exact: list[Rect]
    still: list[Rect]
    lossy: Region
    taken: Region


def plan(pixels: Pixels, damage: Region, stills: bool, budget: int = FRAME_BYTES) -> Plan:
    """Choose what to send of `damage`, from the top, within `budget` bytes before encoding.

    stills: whether the viewer takes lossy stills.
    """
    natural = natural_tiles(pixels, damage) if stills else np.zeros_like(damage.tiles)
    taken = _within(damage, natural, budget)
    lossy = Region(damage.size, taken.tiles & natural)
    exact = Region(damage.size, taken.tiles & ~natural)
    return Plan(exact.rects(), lossy.rects(), lossy, taken)


def _within(damage: Region, natural: Grid, budget: int) -> Region:
    if len(damage) * TILE_BYTES <= budget:
        return damage.copy()  # the caller takes it out of `damage`, and needs it afterwards
    cost = np.where(natural, _NATURAL_TILE_BYTES, TILE_BYTES) * damage.tiles
    return Region(damage.size, damage.tiles & (np.cumsum(cost).reshape(cost.shape) <= budget))


def natural_tiles(pixels: Pixels, damage: Region) -> Grid:
    """Return the damaged tiles that show natural content in areas large enough to matter."""
    natural = np.zeros_like(damage.tiles)
    if len(damage) < _LEAST_NATURAL_TILES or pixels.shape[1] < TILE_COLUMNS:
        return natural
    places = np.nonzero(damage.tiles)
    samples = _samples(pixels, *places)
    busy = _edge_density(samples) > _NATURAL_EDGES
    if np.count_nonzero(busy) < _LEAST_NATURAL_TILES // 2:
        return natural
    busy[busy] = _colour_density(samples[busy]) > _NATURAL_COLOURS
    natural[places] = busy
    natural = _smooth(natural, damage.tiles)
    if np.count_nonzero(natural) < _LEAST_NATURAL_TILES:
        natural[:] = False
    return natural


def _samples(pixels: Pixels, rows: _Places, columns: _Places) -> Pixels:
    """Return every fourth row of these tiles: (tiles, 4, 64) pixels.

    What lies beyond the screen repeats its last row; of a last column that is not whole, the tile before
    it stands in. A tile's row moves as one item, which is many times faster than its pixels one by one.
    """
    height, width = pixels.shape
    items = pixels[:, : width // TILE_COLUMNS * TILE_COLUMNS].view(f"V{TILE_COLUMNS * 4}")
    y = np.minimum(rows[:, None] * TILE_ROWS + np.arange(0, TILE_ROWS, _SAMPLE), height - 1)
    x = np.minimum(columns[:, None], items.shape[1] - 1)
    samples: Pixels = items[y, x].view("<u4").reshape(len(rows), -1, TILE_COLUMNS)
    return samples


def _edge_density(samples: Pixels) -> npt.NDArray[np.float64]:
    """Return, per tile, the share of horizontal neighbours that differ."""
    edges = np.zeros(samples.shape, np.bool_)
    np.not_equal(samples[:, :, 1:], samples[:, :, :-1], out=edges[:, :, 1:])
    words = edges.reshape(len(samples), -1).view(np.uint64)
    counts = np.bitwise_count(words).sum(axis=1, dtype=np.uint16)
    return np.asarray(counts / edges[0].size)


def _colour_density(samples: Pixels) -> npt.NDArray[np.float64]:
    """Return, per tile, its distinct colours as a share of the pixels looked at."""
    colours = np.sort(samples.reshape(len(samples), -1), axis=1)
    distinct = 1 + np.count_nonzero(colours[:, 1:] != colours[:, :-1], axis=1)
    return np.asarray(distinct / colours.shape[1])


def _smooth(busy: Grid, known: Grid) -> Grid:
    """Keep only the tiles of whose known neighbourhood (3×3) more than half is busy, too."""
    return np.asarray(busy & (2 * _around(busy) > _around(known)))


def _around(tiles: Grid) -> npt.NDArray[np.uint8]:
    padded = np.pad(tiles.astype(np.uint8), 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:])
