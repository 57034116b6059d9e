"""What the encoders that FFmpeg's libraries bring have in common. PyAV, which binds them, is optional.

Nothing of it is imported before the first encoder is made: it takes memory, and the product does its work
without.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from sessions.encoders.base import Chunk, Traits, VideoError
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Size
from sessions.wire.tsg import Codec

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

FPS = 30
"""What rate control takes for granted; pictures may come more rarely, or irregularly."""
LEAST_SIDE = 16
"""The smallest width and height, pixels."""

# The numbers of ITU-T H.273, which FFmpeg uses as they are.
_BT709 = 1
_BT601 = 6
_SRGB = 13
_LIMITED, _FULL = 1, 2


class LibavEncoder(ABC):
    """A video encoder of FFmpeg's; a subclass says which and with what settings."""

    traits: Traits
    codec: Codec
    LIBRARY: ClassVar[str]
    """FFmpeg's name of the encoder."""

    @classmethod
    def missing(cls) -> str:
        """Return what this machine lacks."""
        return "" if find_spec("av") else "PyAV is not installed; the extra tsgateway[video] brings it"

    @abstractmethod
    def settings(self, coarse: bool) -> dict[str, str]:
        """Return the encoder's private options."""

    def __init__(self, size: Size, coarse: bool) -> None:
        if min(size) < LEAST_SIDE:
            raise VideoError(f"a video of {size} pixels; it needs at least {LEAST_SIDE} each way")
        self._size = size
        self._count = 0
        even = Size(size.width + size.width % 2, size.height + size.height % 2)
        try:
            import av
            from av.video.reformatter import VideoReformatter

            self._failure: type[Exception] = av.FFmpegError
            self._source: VideoFrame | None = av.VideoFrame(even.width, even.height, "bgr0")
            self._reformatter = VideoReformatter()
            self._context: VideoCodecContext | None = self._open(even, coarse)
        except Exception as error:  # a missing or broken library may raise anything
            raise VideoError(f"no {self.LIBRARY} on this machine: {error}") from error

    def _open(self, size: Size, coarse: bool) -> VideoCodecContext:
        from av import CodecContext
        from av.video.codeccontext import VideoCodecContext

        context = CodecContext.create(self.LIBRARY, "w")
        if not isinstance(context, VideoCodecContext):
            raise TypeError(f"{self.LIBRARY} encodes no videos")
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        context.time_base = Fraction(1, FPS)
        context.framerate = Fraction(FPS)
        context.thread_count = 1
        context.color_primaries = _BT709
        context.colorspace = _BT601
        context.color_trc = _SRGB
        context.color_range = _LIMITED
        context.options = self.settings(coarse)
        context.open()
        return context

    def encode(self, pixels: Pixels) -> Chunk:
        """Return the next picture. Raises VideoError."""
        frame = self.convert(pixels)
        if self._context is None:
            raise VideoError("this video is closed")
        frame.pts = self._count
        try:
            packets = self._context.encode(frame)
        except self._failure as error:
            raise VideoError(f"{self.LIBRARY} failed at picture {self._count}: {error}") from error
        if len(packets) != 1:
            raise VideoError(f"{self.LIBRARY} made {len(packets)} chunks of picture {self._count}")
        self._count += 1
        return Chunk(bytes(packets[0]), packets[0].is_keyframe)

    def convert(self, pixels: Pixels) -> VideoFrame:
        """Return (height, width) pixels as Y, Cb, Cr, 4:2:0, of even size: the first half of `encode`.

        AREA takes the mean of four colours. Measured at 960 x 540: POINT, which takes one row of two, saves
        0.25 of 0.8 ms and costs 1.4 to 2.4 dB; ACCURATE_RND costs 0.4 ms for a tenth of a level; NV12, which
        x264 works in, is no quicker, and B, G, R without X is slower.
        """
        width, height = self._size
        if self._source is None:
            raise VideoError("this video is closed")
        if pixels.shape != (height, width):
            raise VideoError(f"{pixels.shape} pixels for a video of {self._size}")
        source = self._source
        plane = source.planes[0]  # its rows are padded, as what converts them may read beyond their end
        rows = np.frombuffer(cast("memoryview", plane), "<u4").reshape(source.height, plane.line_size // 4)
        rows[:height, :width] = pixels
        rows[:height, width : source.width] = pixels[:, -1:]
        rows[height:] = rows[height - 1]
        return self._reformatter.reformat(
            source,
            format="yuv420p",
            src_colorspace=_BT601,
            dst_colorspace=_BT601,
            src_color_range=_FULL,
            dst_color_range=_LIMITED,
            dst_color_trc=_SRGB,
            dst_color_primaries=_BT709,
            interpolation="AREA",
            threads=1,
        )

    def close(self) -> None:
        """Give back what is held."""
        self._context = self._source = None
