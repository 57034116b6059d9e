"""Composing: what one viewer shows, and the next part of a frame that brings it nearer to the screen.

The composer keeps a copy of the guest's pixels as the viewer was last sent them. What was written since is
compared with that copy, once, when a picture is begun: what has not changed is not sent, and what has
scrolled is moved where the viewer already has it.

A large picture goes as several parts; the last one says so. All parts of a picture are chosen when it is
begun, or fresh damage could put the last one off for ever. On a line that is slow nobody can wait for
a whole picture: parts are small, each is shown when it comes, and what has changed last goes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sessions.encoders.base import FRAME_BYTES, Encoder
from sessions.encoders.plan import TILE_BYTES, plan
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
_COARSE_BYTES = 24 * 1024
"""Parts are so small on a line of less than 4 Mbit/s: its stills are coarse, for they come much sooner."""
_TELLING_TILES = 8
"""Smaller parts of a picture say nothing of what a large one would cost."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one `Frame` message holds, but for its number."""

    flags: FrameFlag
    operations: list[Operation]
    history: bytes


class Composer:
    """One viewer's picture.

    exact: this viewer's own encoder. stills: encoders of natural pictures, for fast lines and for slow
    ones; without them everything is sent exactly. copies: whether the viewer takes COPY operations. Times
    are seconds of any monotonic clock.
    """

    def __init__(
        self,
        framebuffer: Framebuffer,
        exact: Encoder,
        stills: tuple[Encoder, Encoder] | None,
        copies: bool,
    ) -> None:
        self._framebuffer = framebuffer
        self._exact = exact
        self._stills = stills
        self._copies = copies
        self._new_stream = True
        self._ratios = {False: 0.05, True: 0.5}
        """Bytes sent for a byte of pixels, lately: in parts of pictures, and to make them exact."""
        self.resized()

    def resized(self) -> None:
        """Begin again with a whole picture: the screen has a new size. The history goes on."""
        size = self._framebuffer.size
        self._written = Region.whole(size)
        self._picture = Region(size)
        self._left = Region(size)
        """What earlier pictures were to send and newer ones came before."""
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
        return bool(self._picture) or bool(self._moved) or bool(self._left)

    def interrupt(self) -> bool:
        """Let the next picture go before what is left of this one; tell whether that can be."""
        if self._moved:
            return False  # a copy must come before anything that counts on it
        self._left.merge(self._picture)
        self._picture = Region(self._left.size)
        return True

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
        self._left.tiles &= ~self._picture.tiles
        self._changed_at[self._picture.tiles] = now

    def part(self, size: int | None = None) -> Part:
        """Return the next part of the picture that was begun.

        size: how many bytes it is to have about, on a line where that matters; it is shown by itself then.
        """
        pixels = self._framebuffer.pixels
        news = bool(self._picture) or bool(self._moved)
        rest = self._picture if news else self._left
        chosen = plan(pixels, rest, self._stills is not None, self._budget(size, False))
        exact = self._exact.encode(pixels, chosen.exact)
        operations, self._moved = self._moved + exact.operations, []
        if self._stills is not None and chosen.still:
            still = self._stills[size is not None and size < _COARSE_BYTES]
            operations = operations + still.encode(pixels, chosen.still).operations
        rest.tiles &= ~chosen.taken.tiles
        self._lossy.tiles &= ~chosen.taken.tiles
        self._lossy.merge(chosen.lossy)
        self._keep(chosen.exact + chosen.still)
        last = size is not None or not news or not rest
        self._learn(False, chosen.taken, operations, exact.history)
        return self._made(operations, exact.history, last)

    def refines_at(self) -> float | None:
        """Return when a part that was sent lossy may be sent exactly; None when there is none."""
        if not self._lossy:
            return None
        return float(self._changed_at[self._lossy.tiles].min()) + STILL_AFTER

    def refine(self, now: float, size: int | None = None) -> Part:
        """Return exactly a portion of what was sent lossy and has stood still by `now`; size: see `part`."""
        pixels = self._framebuffer.pixels
        still = Region(self._lossy.size, self._lossy.tiles & (self._changed_at + STILL_AFTER <= now))
        chosen = plan(pixels, still, stills=False, budget=self._budget(size, True))
        exact = self._exact.encode(pixels, chosen.exact)
        self._lossy.tiles &= ~chosen.taken.tiles
        self._keep(chosen.exact + chosen.still)
        self._learn(True, chosen.taken, exact.operations, exact.history)
        return self._made(exact.operations, exact.history, last=True)

    def _budget(self, size: int | None, refines: bool) -> int:
        """Return how many bytes of pixels to take for a part of `size` bytes."""
        most = REFINE_BYTES if refines else FRAME_BYTES
        return most if size is None else min(max(int(size / self._ratios[refines]), TILE_BYTES), most)

    def _learn(self, refines: bool, taken: Region, operations: list[Operation], history: bytes) -> None:
        """Note what pixels cost: more at once, less little by little, for a large part does harm."""
        tiles = len(taken)
        if tiles >= (1 if refines else _TELLING_TILES):
            size = len(history) + sum(len(operation.data) for operation in operations)
            share = size / (tiles * TILE_BYTES)
            self._ratios[refines] = min(max(share, 0.8 * self._ratios[refines], 0.002), 1.0)

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
        """Have the viewer scroll; what it has lossy, or not at all yet, moves along."""
        rect, down = scroll
        self._moved = [Operation(Encoding.COPY, *rect, copy_source(rect.x, rect.y - down))]
        rows = len(moved.tiles)
        came_from = (np.arange(rows) * TILE_ROWS - down) // TILE_ROWS
        above = np.clip(came_from, 0, rows - 1)
        below = np.clip(came_from + (down % TILE_ROWS != 0), 0, rows - 1)
        for region in (self._lossy, self._left):
            if region:
                came = region.tiles[above] | region.tiles[below]
                region.tiles = np.where(moved.tiles, came, region.tiles)
        self._changed_at[moved.tiles] = now
