"""The videos that one viewer is sent: which parts of the screen, and what is to be encoded next. Pure.

A video has its part of the screen for itself: tiles that lie wholly inside are sent no other way while it
plays, so its pictures may be encoded elsewhere, for as long as that takes, and sent whenever they are ready.
What it has sent is lossy until it has ended. It ends when it stands still, stops looking natural, is covered
by something that moved there, or has been outgrown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sessions.encoders.base import Chunk, VideoEncoder
from sessions.encoders.content import share_natural
from sessions.encoders.motion import Motion
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.moves import Move
from sessions.pixels.region import TILE_COLUMNS, TILE_ROWS, Grid, Region
from sessions.wire.tsg import MAX_VIDEO_STREAMS, Encoding, Operation, VideoFlag, VideoPicture

STILL_AFTER = 0.3
"""Seconds after which what has not changed is taken to stand still."""
MOST_VIDEOS = 4
_LEAST_SIDE = 32
_GROWS_AFTER = 1.0
"""Seconds until another place may be chosen for a video: each time it begins with a large picture."""
_LEAST_FILLED = 0.5
"""A video begins when at least this share of its place has just changed: then its edges can be told."""
_LEAST_EDGE = 0.25
"""An outermost row or column of it has changed in so many pixels, or something else has changed there."""
_LEAST_MOVING = 0.15
_LEAST_NATURAL = 0.1
_UNLIKE_PICTURES = 2
"""So many pictures that do not look natural end a video: text is not to be blurred."""


class Video:
    """One part of the screen that is sent as a video."""

    def __init__(self, stream: int, rect: Rect, size: Size, make: type[VideoEncoder], now: float) -> None:
        self.stream = stream
        self.make = make
        self.encoder: VideoEncoder | None = None
        self.coarse = False
        self.due = False
        """Whether it has changed since it was encoded last."""
        self.busy = False
        self.ended = False
        self.unlike = 0
        self.began = self.changed_at = self.coarse_since = now
        self._size = size
        self.place(rect)

    def place(self, rect: Rect) -> None:
        """Note where it is shown. tiles: those it touches; inner: those that it covers."""
        self.rect = rect
        touched, inner = Region(self._size), Region(self._size)
        touched.add(rect)
        left, top = -(-rect.x // TILE_COLUMNS), -(-rect.y // TILE_ROWS)
        right = rect.right // TILE_COLUMNS if rect.right < self._size.width else None
        bottom = rect.bottom // TILE_ROWS if rect.bottom < self._size.height else None
        inner.tiles[top:bottom, left:right] = True
        self.tiles, self.inner, self.box = touched.tiles, inner.tiles, touched.bounds()
        self._core = inner.bounds()

    def edges(self) -> list[Rect]:
        """Return what lies between its own edges and the tiles that it covers."""
        rect, core = self.rect, self._core
        if not core.width:
            return [rect]
        edges = (
            Rect(rect.x, rect.y, rect.width, core.y - rect.y),
            Rect(rect.x, core.bottom, rect.width, rect.bottom - core.bottom),
            Rect(rect.x, core.y, core.x - rect.x, core.height),
            Rect(core.right, core.y, rect.right - core.right, core.height),
        )
        return [edge for edge in edges if edge.width and edge.height]

    def end(self) -> None:
        """Play no more."""
        self.ended = True
        if self.encoder is not None and not self.busy:
            self.encoder.close()


@dataclass(frozen=True, slots=True)
class Job:
    """One picture of a video, to be encoded by `run` on any thread."""

    video: Video
    pixels: Pixels
    coarse: bool

    def run(self) -> Chunk:
        """Encode. Raises VideoError."""
        video = self.video
        if video.encoder is not None and video.coarse != self.coarse:
            video.encoder.close()
            video.encoder = None
        if video.encoder is None:
            height, width = self.pixels.shape
            video.encoder, video.coarse = video.make(Size(width, height), self.coarse), self.coarse
        return video.encoder.encode(self.pixels)


class Videos:
    """All videos of one viewer. codecs: what may be used, the best first; none for a viewer without."""

    def __init__(self, codecs: Sequence[type[VideoEncoder]], size: Size) -> None:
        self._codecs = list(codecs)
        self._playing: list[Video] = []
        self.resized(size)

    def __bool__(self) -> bool:
        """Whether any is playing."""
        return bool(self._playing)

    @property
    def are_due(self) -> bool:
        """Whether any has changed since its last picture was encoded."""
        return any(video.due for video in self._playing)

    def renew(self) -> None:
        """Begin the same videos anew: somebody joins who has not seen how they began."""
        old = list(self._playing)
        self._end(old)
        for video in old:
            again = self._video(video.rect, video.changed_at)
            again.due = True
            self._playing.append(again)

    def resized(self, size: Size) -> None:
        """End all: the screen has a new size."""
        self._size = size
        self._motion = Motion(size)
        self._end(self._playing)

    @property
    def tiles(self) -> Grid:
        """The tiles that are touched by a video."""
        return self._union([video.tiles for video in self._playing])

    @property
    def inner(self) -> Grid:
        """The tiles that nothing but a video may be sent for."""
        return self._union([video.inner for video in self._playing])

    def _union(self, grids: list[Grid]) -> Grid:
        tiles = Region(self._size).tiles
        for grid in grids:
            tiles |= grid
        return tiles

    def moved(self, move: Move) -> None:
        """Follow what was moved; end what was moved away in part or was covered."""
        rect, down, right = move
        covered = Region(self._size)
        covered.add(rect)
        self._motion.forget(covered.tiles)
        source = rect._replace(x=rect.x - right, y=rect.y - down)
        for video in list(self._playing):
            now = video.rect._replace(x=video.rect.x + right, y=video.rect.y + down)
            if rect.holds(now) and source.holds(video.rect):
                video.place(now)
            elif (video.tiles & covered.tiles).any():
                self._end([video])

    def open(self, shown: Pixels, screen: Pixels, now: float) -> Grid:
        """Begin videos where they seem to be. shown: what `screen` was before.

        Returns the tiles at their edges: what is beside a video is to be exact while it plays.
        """
        edges = Region(self._size).tiles
        if not self._codecs:
            return edges
        for place in self._motion.places(self.tiles):
            inside = [video for video in self._playing if video.box.overlaps(place)]
            if any(video.box.holds(place) or now < video.began + _GROWS_AFTER for video in inside):
                continue
            for video in inside:
                place = place.union(video.box)  # noqa: PLW2901 - one video for both
            others = [video.rect for video in self._playing if video not in inside]
            rect = _changed(shown, screen, place, others)
            if min(rect.width, rect.height) < _LEAST_SIDE or any(rect.overlaps(other) for other in others):
                continue
            if rect.width * rect.height < _LEAST_FILLED * place.width * place.height:
                continue
            video = self._video(rect, now)
            if not video.inner.any():
                continue  # nobody could tell what it shows
            self._end([video for video in self._playing if video.box.overlaps(place)])
            if len(self._playing) < MOST_VIDEOS:
                self._playing.append(video)
                edges |= video.tiles & ~video.inner
        return edges

    def _video(self, rect: Rect, now: float) -> Video:
        used = {video.stream for video in self._playing}
        stream = next(number for number in range(MAX_VIDEO_STREAMS) if number not in used)
        return Video(stream, rect, self._size, self._codecs[0], now)

    def take_edges(self, shown: Pixels, screen: Pixels, written: Grid, now: float) -> None:
        """Make `shown` the same as `screen` where videos show a part of a tile only.

        What then differs in those tiles is not of the video.
        """
        for video in self._playing:
            if not (video.tiles & ~video.inner & written).any():
                continue
            for edge in video.edges():
                if not np.array_equal(shown[edge.part], screen[edge.part]):
                    shown[edge.part] = screen[edge.part]
                    video.due = True
                    video.changed_at = now

    def saw(
        self, changed: Grid, natural: Grid, screen: Pixels, changed_at: npt.NDArray[np.float64], now: float
    ) -> Grid:
        """Take in what has changed: `changed`, and which of it looks `natural` outside of videos.

        changed_at: when each tile has changed last, as of now. Returns the tiles of videos that have been
        found to be none: they are to be sent again.
        """
        anew = np.zeros_like(changed)
        if not self._codecs:
            return anew
        inner = changed & self.inner
        self._motion.saw(changed, natural | inner, now)
        for video in list(self._playing):
            within = changed & video.inner
            if not within.any():
                continue
            video.due, video.changed_at = True, now
            alike = share_natural(screen, within) >= _LEAST_NATURAL
            video.unlike = 0 if alike else video.unlike + 1
            moving = np.mean(changed_at[video.inner] > now - STILL_AFTER) >= _LEAST_MOVING
            if video.unlike >= _UNLIKE_PICTURES:
                anew |= video.tiles
                self._end([video])
            elif not moving and now >= video.began + STILL_AFTER:
                self._end([video])
        return anew

    def ends_at(self) -> float | None:
        """Return when the next video stands still, if nothing happens; None while none plays."""
        return min((video.changed_at + STILL_AFTER for video in self._playing), default=None)

    def end_still(self, now: float) -> None:
        """End those that stand still."""
        self._end([video for video in self._playing if video.changed_at + STILL_AFTER <= now])

    def end_all(self) -> None:
        """End all: the viewer has lost its decoders, or leaves."""
        self._end(self._playing)

    def _end(self, videos: Sequence[Video]) -> None:
        for video in list(videos):
            self._playing.remove(video)
            video.end()

    def job(self, shown: Pixels, coarse: bool, now: float) -> Job | None:
        """Return the next picture to encode, if there is one; `finished` or `failed` is to be told.

        coarse: whether the line is slow; a video's quality changes once a second at most.
        """
        for video in self._playing:
            if video.due and not video.busy:
                video.due, video.busy = False, True
                if coarse != video.coarse and now < video.coarse_since + _GROWS_AFTER and video.encoder:
                    coarse = video.coarse
                elif coarse != video.coarse:
                    video.coarse_since = now
                return Job(video, shown[video.rect.part].copy(), coarse)
        return None

    def finished(self, job: Job, chunk: Chunk) -> Operation | None:
        """Return what to send; None when the video has ended meanwhile."""
        video = job.video
        video.busy = False
        if video.ended:
            video.end()
            return None
        if video.make.codec is None:
            return Operation(Encoding.JPEG, *video.rect, chunk.data)
        flags = VideoFlag.KEY if chunk.key else VideoFlag(0)
        picture = VideoPicture(video.stream, video.make.codec, flags, chunk.data)
        return Operation(Encoding.VIDEO, *video.rect, picture.pack())

    def failed(self, job: Job) -> None:
        """A picture could not be encoded: use its codec no more."""
        job.video.busy = False
        if job.video.ended:
            job.video.end()
        self.give_up(job.video.make.codec)

    def give_up(self, codec: int | None) -> None:
        """Use a codec no more, and end what it plays."""
        self._codecs = [make for make in self._codecs if make.codec != codec]
        self._end([video for video in self._playing if video.make.codec == codec])


def _changed(shown: Pixels, screen: Pixels, place: Rect, others: Sequence[Rect]) -> Rect:
    """Return the rectangle in which the film at `place` has just changed, to the pixel.

    Its edges may lie in tiles around the place, which hold so little of it that they do not look natural.
    others: where films play that are none of this one's.
    """
    x, y = max(place.x - TILE_COLUMNS, 0), max(place.y - TILE_ROWS, 0)
    right, bottom = place.right + TILE_COLUMNS, place.bottom + TILE_ROWS
    around = Rect(x, y, right - x, bottom - y).part
    differs = shown[around] != screen[around]
    for other in others:
        differs[
            max(other.y - y, 0) : max(other.bottom - y, 0), max(other.x - x, 0) : max(other.right - x, 0)
        ] = False
    columns = np.flatnonzero(np.count_nonzero(differs, axis=0) >= _LEAST_EDGE * place.height)
    rows = np.flatnonzero(np.count_nonzero(differs, axis=1) >= _LEAST_EDGE * place.width)
    if not len(rows) or not len(columns):
        return Rect(x, y, 0, 0)
    left, top = int(columns[0]), int(rows[0])
    return Rect(x + left, y + top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)
