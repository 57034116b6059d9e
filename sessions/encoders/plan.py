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

_TILE_BYTES = TILE_ROWS * TILE_COLUMNS * 4
_NATURAL_TILE_BYTES = _TILE_BYTES // 4
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
    if int(damage.tiles.sum()) * _TILE_BYTES <= budget:
        return damage.copy()  # the caller takes it out of `damage`, and needs it afterwards
    cost = np.where(natural, _NATURAL_TILE_BYTES, _TILE_BYTES) * damage.tiles
    return Region(damage.size, damage.tiles & (np.cumsum(cost).reshape(cost.shape) <= budget))


def natural_tiles(pixels: Pixels, damage: Region) -> Grid:
    """Return the damaged tiles that show natural content in areas large enough to matter."""
    if int(damage.tiles.sum()) < _LEAST_NATURAL_TILES:
        return np.zeros_like(damage.tiles)
    rows, columns = (np.flatnonzero(damage.tiles.any(axis=axis)) for axis in (1, 0))
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    natural = np.zeros_like(damage.tiles)
    sampled = pixels[
        part[0].start * TILE_ROWS : part[0].stop * TILE_ROWS : _SAMPLE,
        part[1].start * TILE_COLUMNS : part[1].stop * TILE_COLUMNS,
    ]
    busy = _edge_density(sampled) > _NATURAL_EDGES
    if int(busy.sum()) >= _LEAST_NATURAL_TILES // 2:
        busy[busy] = _colour_density(sampled, busy) > _NATURAL_COLOURS
        natural[part] = _smooth(busy)
    natural &= damage.tiles
    if int(natural.sum()) < _LEAST_NATURAL_TILES:
        natural[:] = False
    return natural


def _edge_density(sampled: Pixels) -> npt.NDArray[np.float64]:
    """Return, per tile, the share of horizontal neighbours that differ."""
    height, width = sampled.shape
    columns = -(-width // TILE_COLUMNS)
    edges = np.zeros((height, columns * TILE_COLUMNS), np.bool_)
    np.not_equal(sampled[:, 1:], sampled[:, :-1], out=edges[:, 1:width])
    words = np.packbits(edges, axis=1).view(np.uint64)  # a tile's row is exactly one word
    starts = np.arange(0, height, TILE_ROWS // _SAMPLE)
    counts = np.add.reduceat(np.bitwise_count(words), starts, axis=0, dtype=np.uint16)
    lines = np.diff(np.append(starts, height))
    return np.asarray(counts / (lines[:, None] * TILE_COLUMNS))


def _colour_density(sampled: Pixels, tiles: Grid) -> npt.NDArray[np.float64]:
    """Return, for each of `tiles`, its distinct colours as a share of the pixels looked at."""
    per_tile = TILE_ROWS // _SAMPLE
    padded = np.zeros((tiles.shape[0] * per_tile, tiles.shape[1] * TILE_COLUMNS), "<u4")
    padded[: sampled.shape[0], : sampled.shape[1]] = sampled
    blocks = padded.reshape(tiles.shape[0], per_tile, tiles.shape[1], TILE_COLUMNS).swapaxes(1, 2)
    colours = np.sort(blocks[tiles].reshape(-1, per_tile * TILE_COLUMNS), axis=1)
    distinct = 1 + np.count_nonzero(colours[:, 1:] != colours[:, :-1], axis=1)
    return np.asarray(distinct / colours.shape[1])


def _smooth(busy: Grid) -> Grid:
    """Keep only the tiles of whose neighbourhood (3×3) at least half is busy, too."""
    padded = np.pad(busy.astype(np.uint8), 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(busy & (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] >= 5))
