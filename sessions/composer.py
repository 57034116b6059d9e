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

from sessions.encoders.base import FRAME_BYTES, Chunk, Encoder, VideoEncoder
from sessions.encoders.content import natural_tiles
from sessions.encoders.plan import TILE_BYTES, plan
from sessions.pixels.compare import update
from sessions.pixels.framebuffer import Framebuffer, Pixels
from sessions.pixels.geometry import Rect
from sessions.pixels.moves import LEAST_TILES, Move, find_move
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid, Region
from sessions.videos import STILL_AFTER, Job, Videos
from sessions.wire.tsg import Encoding, FrameFlag, Operation, copy_source

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
    ones; without them everything is sent exactly. copies: whether the viewer takes COPY operations. videos:
    the kinds of video that it takes, the best first. Times are seconds of any monotonic clock.
    """

    def __init__(
        self,
        framebuffer: Framebuffer,
        exact: Encoder,
        stills: tuple[Encoder, Encoder] | None,
        copies: bool,
        videos: Sequence[type[VideoEncoder]] = (),
    ) -> None:
        self._framebuffer = framebuffer
        self._exact = exact
        self._stills = stills
        self._copies = copies
        self._videos = Videos(videos, framebuffer.size)
        self._new_stream = True
        self._whole = True
        """Whether the last part completed a picture."""
        self._ratios = {False: 0.05, True: 0.5}
        """Bytes sent for a byte of pixels, lately: in parts of pictures, and to make them exact."""
        self.resized()

    def resized(self) -> None:
        """Begin again with a whole picture: the screen has a new size. The history goes on."""
        size = self._framebuffer.size
        self._written = Region.whole(size)
        self._videos.resized(size)
        self._picture = Region(size)
        self._natural = Region(size)
        """What looked like a natural picture when it changed last, and may be sent as a still."""
        self._left = Region(size)
        """What earlier pictures were to send and newer ones came before."""
        self._moved: list[Operation] = []
        self._lossy = Region(size)
        self._changed_at: npt.NDArray[np.float64] = np.zeros(self._written.tiles.shape)
        self._shown: Pixels | None = None

    def restart(self) -> None:
        """Begin again with a whole picture and an empty history: the viewer lost its decoder."""
        self.resized()
        self._forget()

    def fork(self, other: Composer) -> None:
        """Go on for a viewer to whom `other` has sent what it has sent; with a history of its own."""
        size = self._framebuffer.size
        self._videos.resized(size)
        self._written = other._written.copy()
        self._natural = other._natural.copy()
        self._lossy = other._lossy.copy()
        self._changed_at = other._changed_at.copy()
        self._shown = None if other._shown is None else other._shown.copy()
        self._picture = Region(size)
        self._moved = []
        self._left = Region(size, other._left.tiles | other._picture.tiles)
        for operation in other._moved:
            self._left.add(Rect(operation.x, operation.y, operation.width, operation.height))
        self._whole = other._whole
        self._forget()

    def join(self, other: Composer) -> None:
        """Go on for the viewers of `other`, too; both are level. All get a new history."""
        self._lossy.merge(other._lossy)
        self._changed_at = np.maximum(self._changed_at, other._changed_at)
        self._videos.renew()
        self._forget()

    def _forget(self) -> None:
        """Begin a new stream: what comes next counts on no history."""
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

    @property
    def has_videos(self) -> bool:
        """Whether videos play."""
        return bool(self._videos)

    @property
    def has_videos_due(self) -> bool:
        """Whether any of them has changed since its last picture was encoded."""
        return self._videos.are_due

    @property
    def is_behind(self) -> bool:
        """Whether there is something that was not sent yet, refinement aside."""
        return self.has_news or self.has_begun or self._videos.are_due

    @property
    def is_level(self) -> bool:
        """Whether everything was sent, if not exactly; videos aside, which go their own way."""
        return self._shown is not None and self._whole and not (self.has_news or self.has_begun)

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
            changed = written
        else:
            changed = self._changed(self._shown, screen, written, now)
        self._changed_at[changed.tiles] = now
        if self._stills is not None:
            self._natural.tiles &= ~changed.tiles
            self._natural.tiles |= self._looks_natural(screen, changed, now)
        self._picture.merge(changed)
        self._left.tiles &= ~self._picture.tiles
        self._leave_to_videos()

    def _looks_natural(self, screen: Pixels, changed: Region, now: float) -> Grid:
        """Return which of `changed` may be lossy, and add what has to be exact now that a video has ended."""
        natural = natural_tiles(screen, Region(changed.size, changed.tiles & ~self._videos.inner))
        natural &= ~self._videos.tiles  # what is beside a video is sharp
        ended = self._videos.saw(changed.tiles, natural, screen, self._changed_at, now)
        changed.tiles |= ended
        return natural

    def _changed(self, shown: Pixels, screen: Pixels, written: Region, now: float) -> Region:
        """Make `shown` the same as the screen; return where it was not, but for what has only scrolled."""
        changed = Region(written.size)
        move = self._find_move(shown, screen, written)
        if move is not None:
            moved = Region(written.size)
            moved.add(move.rect)
            written.tiles &= ~moved.tiles
            changed = update(shown, screen, moved, move.down, move.right)
            self._move(move, moved, now)
        changed.tiles |= self._videos.open(shown, screen, now)
        self._videos.take_edges(shown, screen, written.tiles, now)
        changed.merge(update(shown, screen, written))
        return changed

    def _find_move(self, shown: Pixels, screen: Pixels, written: Region) -> Move | None:
        """Look for what has moved, unless little but videos was written to."""
        if not self._copies or not self._whole:  # copies come first in a picture: docs/protocol.md, COPY
            return None
        if self._videos and np.count_nonzero(written.tiles & ~self._videos.tiles) < LEAST_TILES:
            return None
        return find_move(screen, shown, written)

    def _leave_to_videos(self) -> None:
        """What a video covers is not sent otherwise, and is not exact until it has ended."""
        if self._videos:
            inner = self._videos.inner
            self._left.tiles &= ~inner
            self._picture.tiles &= ~inner
            self._lossy.tiles |= self._videos.tiles

    def part(self, size: int | None = None) -> Part:
        """Return the next part of the picture that was begun.

        size: how many bytes it is to have about, on a line where that matters; it is shown by itself then.
        """
        pixels = self._framebuffer.pixels
        news = bool(self._picture) or bool(self._moved)
        rest = self._picture if news else self._left
        chosen = plan(rest, self._may_be_lossy(rest), self._budget(size, False))
        exact = self._exact.encode(pixels, chosen.exact)
        operations, self._moved = self._moved + exact.operations, []
        if self._stills is not None and chosen.still:
            still = self._stills[_is_coarse(size)]
            operations = operations + still.encode(pixels, chosen.still).operations
        rest.tiles &= ~chosen.taken.tiles
        self._lossy.tiles &= ~chosen.taken.tiles
        self._lossy.merge(chosen.lossy)
        self._leave_to_videos()
        self._keep(chosen.exact + chosen.still)
        last = size is not None or not news or not rest
        self._learn(False, chosen.taken, operations, exact.history)
        return self._made(operations, exact.history, last)

    def _may_be_lossy(self, rest: Region) -> Grid:
        """Return the tiles that may go as stills: all natural ones, but for one when a new stream begins.

        Its flag comes with history only, and who has lost its picture shows nothing before.
        """
        natural = self._natural.tiles
        if self._new_stream and natural.any():
            natural = natural.copy()
            natural.flat[np.flatnonzero(rest.tiles)[:1]] = False
        return natural

    def refines_at(self) -> float | None:
        """Return when a part that was sent lossy may be sent exactly; None when there is none."""
        ends = self._videos.ends_at()
        still = self._lossy.tiles & ~self._videos.tiles
        if not still.any():
            return ends
        refines = float(self._changed_at[still].min()) + STILL_AFTER
        return refines if ends is None else min(refines, ends)

    def refine(self, now: float, size: int | None = None) -> Part | None:
        """Return exactly a portion of what was sent lossy and has stood still by `now`; size: see `part`.

        None when nothing has, after all.
        """
        self._videos.end_still(now)
        pixels = self._framebuffer.pixels
        still = self._lossy.tiles & ~self._videos.tiles & (self._changed_at + STILL_AFTER <= now)
        if not still.any():
            return None
        chosen = plan(Region(self._lossy.size, still), np.zeros_like(still), self._budget(size, True))
        exact = self._exact.encode(pixels, chosen.exact)
        self._lossy.tiles &= ~chosen.taken.tiles
        self._keep(chosen.exact)
        self._learn(True, chosen.taken, exact.operations, exact.history)
        return self._made(exact.operations, exact.history, last=True)

    def video(self, now: float, size: int | None = None) -> Job | None:
        """Return the next picture of a video to encode, if there is one; size: see `part`.

        `video_made` or `video_failed` is to be told how it went.
        """
        if self._shown is None:
            return None
        return self._videos.job(self._shown, _is_coarse(size), now)

    def video_made(self, job: Job, chunk: Chunk) -> Part | None:
        """Return what to send of a video's picture; None when it has become useless meanwhile."""
        operation = self._videos.finished(job, chunk)
        return None if operation is None else self._made([operation], b"", self._whole)

    def video_failed(self, job: Job) -> None:
        """A video's picture could not be encoded: that codec is used no more."""
        self._videos.failed(job)

    def give_up(self, codec: int) -> None:
        """The viewer cannot decode a codec."""
        self._videos.give_up(codec)

    def close(self) -> None:
        """Give back what encoders hold."""
        self._videos.end_all()

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
        self._whole = last
        return Part(flags, operations, history)

    def _keep(self, sent: Sequence[Rect]) -> None:
        """Remember what the viewer is sent: what has been written to since the picture was begun is newer."""
        if self._shown is not None and self._written:
            for rect in sent:
                self._shown[rect.part] = self._framebuffer.pixels[rect.part]

    def _move(self, move: Move, moved: Region, now: float) -> None:
        """Have the viewer move a part; what it has lossy, or not at all yet, moves along."""
        rect, down, right = move
        source = copy_source(rect.x - right, rect.y - down)
        self._moved = [Operation(Encoding.COPY, *rect, source)]
        for region in (self._lossy, self._left):
            if region:
                came = _shifted(_shifted(region.tiles, down, TILE_ROWS, 0), right, TILE_COLUMNS, 1)
                region.tiles = np.where(moved.tiles, came, region.tiles)
        self._changed_at[moved.tiles] = now
        self._videos.moved(move)


def _shifted(tiles: Grid, come: int, size: int, axis: int) -> Grid:
    """Return the tiles that hold something of `tiles` after it has come so many pixels along `axis`."""
    first = (np.arange(tiles.shape[axis]) * size - come) // size
    last = first + (come % size != 0)
    most = tiles.shape[axis] - 1
    return np.asarray(
        tiles.take(np.clip(first, 0, most), axis) | tiles.take(np.clip(last, 0, most), axis), np.bool_
    )


def _is_coarse(size: int | None) -> bool:
    return size is not None and size < _COARSE_BYTES
