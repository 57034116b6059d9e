"""What a part of the screen shows: text and drawings, or natural pictures. Pure.

Text and drawings have few colours and many neighbours that are the same; the history stream sends them for
next to nothing. Photographs and video would flood the line there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sessions.pixels.framebuffer import Pixels
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid, Region

_Places = npt.NDArray[np.intp]

_SAMPLE = 4
"""Every fourth row is looked at; with every eighth, dense text is now and then taken for a photograph."""
_NATURAL_EDGES = 0.6
"""In photographs most neighbouring pixels differ a little; in text and drawings most are equal.
Measured: usual text 0.15-0.35 of the pairs differ, very small dense text up to 0.7, photographs 0.75-0.99."""
_NATURAL_COLOURS = 0.4
"""Distinct colours among a tile's sampled pixels: text has few, even smoothed, photographs hundreds."""
LEAST_NATURAL_TILES = 12
"""Smaller natural areas are cheap enough to send exactly."""


def natural_tiles(pixels: Pixels, damage: Region) -> Grid:
    """Return the damaged tiles that show natural content in areas large enough to matter."""
    natural = np.zeros_like(damage.tiles)
    if len(damage) < LEAST_NATURAL_TILES or pixels.shape[1] < TILE_COLUMNS:
        return natural
    places = np.nonzero(damage.tiles)
    natural[places] = busy = _busy(pixels, *places)
    if np.count_nonzero(busy) < LEAST_NATURAL_TILES // 2:
        natural[:] = False
        return natural
    natural = _smooth(natural, damage.tiles)
    if np.count_nonzero(natural) < LEAST_NATURAL_TILES:
        natural[:] = False
    return natural


def share_natural(pixels: Pixels, tiles: Grid, most: int = 64) -> float:
    """Return which share of `tiles` looks natural, judged by `most` of them; 0 where there are none."""
    rows, columns = np.nonzero(tiles)
    if not len(rows) or pixels.shape[1] < TILE_COLUMNS:
        return 0.0
    step = -(-len(rows) // most)
    return float(np.mean(_busy(pixels, rows[::step], columns[::step])))


def _busy(pixels: Pixels, rows: _Places, columns: _Places) -> npt.NDArray[np.bool_]:
    """Tell of each of these tiles whether it looks natural by itself."""
    samples = _samples(pixels, rows, columns)
    busy = np.asarray(_edge_density(samples) > _NATURAL_EDGES)
    if busy.any():
        busy[busy] = _colour_density(samples[busy]) > _NATURAL_COLOURS
    return busy


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
    """Let the known neighbourhood (3×3) of each tile decide by its majority, twice.

    First what stands alone goes: icons in a text. Then holes are filled: the sky in a photograph.
    """
    known_around = around(known)
    kept = busy & (2 * around(busy) > known_around)
    return np.asarray(kept | (known & (2 * around(kept) > known_around)))


def around(tiles: Grid) -> npt.NDArray[np.uint8]:
    """Return how many of each tile's neighbourhood (3×3, the edge repeated) are set."""
    padded = np.pad(tiles.astype(np.uint8), 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray(rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:])
