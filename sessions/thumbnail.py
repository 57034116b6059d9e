"""Small pictures of a session's screen: as it is now, or as it was when somebody looked last.

Nothing is opened for them. What a screen showed is kept as a file of at most `MAX_KEPT` bytes when the screen
comes to rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sessions.clock import Clock
from sessions.encoders.still import jpeg
from sessions.pacing import InThread
from sessions.pixels.framebuffer import Pixels

log = Logger()

MIN_WIDTH, MAX_WIDTH = 64, 640
KEPT_WIDTH = 320
MAX_KEPT = 32 * 1024
QUALITIES = (70, 45, 20)
"""Of JPEG files; the first, unless that gives a file that is too large to be kept."""
_OUTER, _ONE, _HALF, _BYTE, _WORD = map(np.uint32, (0xFF00FF, 0xFF, 0xFFFF, 8, 16))
FRESH_SECONDS = 1.0
"""A picture is not made anew within this time, however often it is asked for."""


class Thumbnail(NamedTuple):
    """A small picture: a JPEG file, empty when there is none, and when the screen looked so (Unix time)."""

    file: bytes
    at: float


NOTHING = Thumbnail(b"", 0.0)


class Album(Protocol):
    """Where a session's last picture is kept. Never raises."""

    def read(self) -> Thumbnail:
        """Return the last one."""

    def write(self, file: bytes) -> None:
        """Keep a file in place of the last one."""


class NoAlbum:
    """Keeps nothing beyond the process."""

    def read(self) -> Thumbnail:
        """Return nothing."""
        return NOTHING

    def write(self, file: bytes) -> None:
        """Do nothing."""


NO_ALBUM = NoAlbum()


class Thumbnails:
    """The small pictures of one session. kept: called when another one is kept."""

    def __init__(self, album: Album, clock: Clock, in_thread: InThread, kept: Callable[[], None]) -> None:
        self._album = album
        self._clock = clock
        self._in_thread = in_thread
        self._told = kept
        self._last: Thumbnail | None = None  # None: not read from the album yet
        self._fresh: dict[int, tuple[float, Deferred[Thumbnail]]] = {}
        self.count = 0
        """How many have been kept by this process."""

    async def now(self, pixels: Pixels | None, width: int) -> Thumbnail:
        """Return a picture of a screen (None: it rests). width: pixels; narrower screens stay so."""
        if pixels is None or not pixels.size:
            return self._kept()
        width = min(max(width, MIN_WIDTH), MAX_WIDTH)
        now = self._clock.seconds()
        self._fresh = {key: each for key, each in self._fresh.items() if now - each[0] < FRESH_SECONDS}
        if width not in self._fresh:
            self._fresh[width] = (now, self._make(pixels.copy(), width))
        shared: Deferred[Thumbnail] = Deferred()
        self._fresh[width][1].addBoth(_passed_on, shared)
        return await shared

    def _make(self, pixels: Pixels, width: int) -> Deferred[Thumbnail]:
        at = time.time()
        return self._in_thread(lambda: Thumbnail(jpeg(shrunk(pixels, width), QUALITIES[0]), at))

    def _kept(self) -> Thumbnail:
        if self._last is None:
            self._last = self._album.read()
        return self._last

    def keep(self, pixels: Pixels) -> None:
        """Keep a picture of a screen that comes to rest; the caller does not write to `pixels` any more."""
        self._fresh.clear()
        if pixels.size:
            at = time.time()

            def make() -> Thumbnail:
                file = small_file(pixels)
                self._album.write(file)
                return Thumbnail(file, at)

            self._in_thread(make).addCallbacks(self._keep, _not_kept)

    def _keep(self, thumbnail: Thumbnail) -> None:
        self._last = thumbnail
        self.count += 1
        self._told()


def _passed_on(result: Thumbnail, to: Deferred[Thumbnail]) -> Thumbnail:
    to.callback(result)
    return result


def _not_kept(failure: object) -> None:
    log.error("a small picture of a screen cannot be made: {failure}", failure=failure)


def small_file(pixels: Pixels) -> bytes:
    """Return a picture as a JPEG file of at most `MAX_KEPT` bytes; empty if that cannot be."""
    for width in (KEPT_WIDTH, KEPT_WIDTH // 2, MIN_WIDTH):
        small = shrunk(pixels, width)
        for quality in QUALITIES:
            if len(file := jpeg(small, quality)) <= MAX_KEPT:
                return file
    return b""


def shrunk(pixels: Pixels, width: int) -> Pixels:
    """Return a picture that is `width` pixels wide at most, each the mean of those it stands for.

    pixels: (height, width) B, G, R and one that means nothing.
    """
    rows, columns = pixels.shape
    if columns <= width:
        return pixels
    height = max(round(rows * width / columns), 1)
    small = _means(pixels, max(rows // height, 1), columns // width)
    if small.shape[0] != height:
        small = np.tensordot(_shares(height, small.shape[0]), small, 1)
    if small.shape[1] != width:
        small = np.tensordot(_shares(width, small.shape[1]), small, (1, 1)).transpose(1, 0, 2)
    blue, green, red = np.moveaxis((small + 0.5).astype("<u4"), 2, 0)
    packed: Pixels = blue | green << 8 | red << 16
    return packed


def _means(pixels: Pixels, down: int, across: int) -> npt.NDArray[np.float32]:
    """Return the means of blocks, as (height, width, 3); what is left at the right and below is left out.

    Two channels are added at a time, in the halves of one number: down is at most 257.
    """
    rows, columns = pixels.shape[0] // down, pixels.shape[1] // across
    blocks = pixels[: rows * down].reshape(rows, down, -1)
    outer, green = blocks[:, 0] & _OUTER, (blocks[:, 0] >> _BYTE) & _ONE
    for row in range(1, down):  # a plain addition of rows is several times as fast as sum()
        outer += blocks[:, row] & _OUTER
        green += (blocks[:, row] >> _BYTE) & _ONE
    sums = np.zeros((rows, columns, 3), "<u4")
    for channel, values in enumerate((outer & _HALF, green, outer >> _WORD)):
        for column in range(across):
            sums[:, :, channel] += values[:, column : columns * across : across]
    return sums.astype(np.float32) / np.float32(down * across)


def _shares(new: int, old: int) -> npt.NDArray[np.float32]:
    """Return (new, old) which part of each of `new` equal pieces each of `old` equal pieces is."""
    edges = np.arange(new + 1) * (old / new)
    starts = np.arange(old)
    overlaps = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    shares: npt.NDArray[np.float32] = (np.clip(overlaps, 0, None) * (new / old)).astype(np.float32)
    return shares
