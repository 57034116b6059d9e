"""Composing: what one viewer shows, and the next part of a frame that brings it nearer to the screen.

The composer keeps a copy of the guest's pixels as the viewer was last sent them. What was written since is
compared with that copy, once, when a picture is begun: what has not changed is not sent, and what has
scrolled is moved where the viewer already has it.

A large picture goes as several parts; the last one says so. All parts of a picture are chosen when it is
begun, or fresh damage could put the last one off for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sessions.encoders.base import Encoder
from sessions.encoders.plan import plan
from sessions.pixels.compare import update
from sessions.pixels.framebuffer import Framebuffer, Pixels
from sessions.pixels.geometry import Rect
from sessions.pixels.region import TILE_ROWS, Region
from sessions.pixels.scroll import Scroll, find_scroll
from sessions.wire.tsg import Encoding, FrameFlag, Operation, copy_source

STILL_AFTER = 0.4
"""Seconds a lossy part must have stood still before it is sent exactly."""
REFINE_BYTES = 512 * 1024
"""Refinement goes in smaller portions than news, so that news never waits long behind it."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one `Frame` message holds, but for its number."""

    flags: FrameFlag
    operations: list[Operation]
    history: bytes


class Composer:
    """One viewer's picture.

    exact, still: this viewer's own encoders; without `still` everything is sent exactly. copies: whether
    the viewer takes COPY operations. Times are seconds of any monotonic clock.
    """

    def __init__(self, framebuffer: Framebuffer, exact: Encoder, still: Encoder | None, copies: bool) -> None:
        self._framebuffer = framebuffer
        self._exact = exact
        self._still = still
        self._copies = copies
        self._new_stream = True
        self.resized()

    def resized(self) -> None:
        """Begin again with a whole picture: the screen has a new size. The history goes on."""
        size = self._framebuffer.size
        self._written = Region.whole(size)
        self._picture = Region(size)
        self._moved: list[Operation] = []
        self._lossy = Region(size)
        self._changed_at: npt.NDArray[np.float64] = np.zeros(self._written.tiles.shape)
        self._shown: Pixels | None = None

    def restart(self) -> None:
        """Begin again with a whole picture and an empty history: the viewer lost its decoder."""
        self.resized()
        self._exact.restart()
        self._new_stream = True

    def add(self, damage: Region) -> None:
        """Note that the screen was written to in `damage`."""
        self._written.merge(damage)

    @property
    def has_news(self) -> bool:
        """Whether the screen was written to since the last picture was begun."""
        return bool(self._written)

    @property
    def has_begun(self) -> bool:
        """Whether parts of the picture are still to be sent."""
        return bool(self._picture) or bool(self._moved)

    def begin(self, now: float) -> None:
        """Choose what the next picture sends: nothing, when nothing has changed after all."""
        written, self._written = self._written, Region(self._framebuffer.size)
        screen = self._framebuffer.pixels
        if self._shown is None:
            self._shown = screen.copy()
            self._picture = written
            return
        scroll = find_scroll(screen, self._shown, written) if self._copies else None
        if scroll is not None:
            moved = Region(written.size)
            moved.add(scroll.rect)
            written.tiles &= ~moved.tiles
            self._picture = update(self._shown, screen, moved, scroll.down)
            self._move(scroll, moved, now)
        self._picture.merge(update(self._shown, screen, written))
        self._changed_at[self._picture.tiles] = now

    def part(self) -> Part:
        """Return the next part of the picture that was begun."""
        pixels = self._framebuffer.pixels
        chosen = plan(pixels, self._picture, stills=self._still is not None)
        exact = self._exact.encode(pixels, chosen.exact)
        operations, self._moved = self._moved + exact.operations, []
        if self._still is not None and chosen.still:
            operations = operations + self._still.encode(pixels, chosen.still).operations
        self._picture.tiles &= ~chosen.taken.tiles
        self._lossy.tiles &= ~chosen.taken.tiles
        self._lossy.merge(chosen.lossy)
        self._keep(chosen.exact + chosen.still)
        return self._made(operations, exact.history, last=not self._picture)

    def refines_at(self) -> float | None:
        """Return when a part that was sent lossy may be sent exactly; None when there is none."""
        if not self._lossy:
            return None
        return float(self._changed_at[self._lossy.tiles].min()) + STILL_AFTER

    def refine(self, now: float) -> Part:
        """Return exactly a portion of what was sent lossy and has stood still by `now`."""
        pixels = self._framebuffer.pixels
        still = Region(self._lossy.size, self._lossy.tiles & (self._changed_at + STILL_AFTER <= now))
        chosen = plan(pixels, still, stills=False, budget=REFINE_BYTES)
        exact = self._exact.encode(pixels, chosen.exact)
        self._lossy.tiles &= ~chosen.taken.tiles
        self._keep(chosen.exact + chosen.still)
        return self._made(exact.operations, exact.history, last=True)

    def _made(self, operations: list[Operation], history: bytes, last: bool) -> Part:
        flags = FrameFlag.LAST if last else FrameFlag(0)
        if self._new_stream and history:
            flags |= FrameFlag.NEW_STREAM
            self._new_stream = False
        return Part(flags, operations, history)

    def _keep(self, sent: Sequence[Rect]) -> None:
        """Remember what the viewer is sent: what has been written to since the picture was begun is newer."""
        if self._shown is not None and self._written:
            for rect in sent:
                part = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
                self._shown[part] = self._framebuffer.pixels[part]

    def _move(self, scroll: Scroll, moved: Region, now: float) -> None:
        """Have the viewer scroll; what it has lossy moves along."""
        rect, down = scroll
        self._moved = [Operation(Encoding.COPY, *rect, copy_source(rect.x, rect.y - down))]
        if self._lossy:
            rows = len(self._lossy.tiles)
            first = (np.arange(rows) * TILE_ROWS - down) // TILE_ROWS
            above = self._lossy.tiles[np.clip(first, 0, rows - 1)]
            below = self._lossy.tiles[np.clip(first + (down % TILE_ROWS != 0), 0, rows - 1)]
            self._lossy.tiles = np.where(moved.tiles, above | below, self._lossy.tiles)
            self._changed_at[moved.tiles] = now
