"""The planner: which part of the damage is sent how, in this frame. Pure.

Text and drawings go through the history stream. Natural pictures would flood the line there, so large areas
of them go as stills first, and exactly once they have stood still; where they keep changing, they go as
videos (encoders/motion) and are not planned here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sessions.encoders.base import FRAME_BYTES
from sessions.pixels.geometry import Rect
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid, Region

TILE_BYTES = TILE_ROWS * TILE_COLUMNS * 4
_NATURAL_TILE_BYTES = TILE_BYTES // 4


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


def plan(damage: Region, natural: Grid, budget: int = FRAME_BYTES) -> Plan:
    """Choose what to send of `damage`, from the top, within `budget` bytes before encoding.

    natural: the tiles that may go as stills, as far as they are damaged; none for a viewer without stills.
    """
    taken = _within(damage, natural, budget)
    lossy = Region(damage.size, taken.tiles & natural)
    exact = Region(damage.size, taken.tiles & ~natural)
    return Plan(exact.rects(), lossy.rects(), lossy, taken)


def _within(damage: Region, natural: Grid, budget: int) -> Region:
    if len(damage) * TILE_BYTES <= budget:
        return damage.copy()  # the caller takes it out of `damage`, and needs it afterwards
    cost = np.where(natural, _NATURAL_TILE_BYTES, TILE_BYTES) * damage.tiles
    return Region(damage.size, damage.tiles & (np.cumsum(cost).reshape(cost.shape) <= budget))
