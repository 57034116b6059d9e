"""Videos: a decoder for each stream of a viewer, by PyAV.

Importing this loads FFmpeg, 30 MB of it: that waits until there is a video.
"""

from __future__ import annotations

from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from sessions.wire.tsg import Codec, Operation, VideoFlag, VideoPicture
from tsgateway.client.viewer.decode.errors import DecodeError

_DECODERS = {Codec.H264: "h264", Codec.VP8: "vp8", Codec.VP9: "vp9", Codec.AV1: "libdav1d"}
_QUALITY = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_LARGEST_BLOCK = 128
"""Codecs code whole blocks; AV1's are the largest."""


class Videos:
    """The decoders of one viewer."""

    def __init__(self) -> None:
        self._decoders: dict[int, tuple[int, av.VideoCodecContext]] = {}

    def decode(self, operation: Operation) -> npt.NDArray[np.uint32]:
        """Return the pixels of a VIDEO operation: (height, width) BGRX, X being 0.

        Raises DecodeError unless there is exactly one picture of the right size; the stream is lost then.
        """
        stream, codec, flags, chunk = VideoPicture.unpack(operation.data)
        begun, decoder = self._decoders.pop(stream, (None, None))
        if flags & VideoFlag.KEY:
            begun, decoder = codec, _begin(Codec(codec), operation)
        if decoder is None:
            raise DecodeError(f"video {stream} has not begun")
        if begun != codec:
            raise DecodeError(f"video {stream} is of codec {begun}, not {codec}")
        try:
            frames = decoder.decode(av.Packet(chunk))
        except av.FFmpegError as error:
            raise DecodeError(f"video {stream}: {error.strerror}") from None
        if len(frames) != 1:
            raise DecodeError(f"video {stream}: {len(frames)} pictures of one chunk")
        pixels = _pixels(frames[0], operation.width, operation.height)
        self._decoders[stream] = (codec, decoder)
        return pixels


def _begin(codec: Codec, operation: Operation) -> av.VideoCodecContext:
    decoder = cast("av.VideoCodecContext", av.CodecContext.create(_DECODERS[codec], "r"))
    decoder.thread_count = 1  # threads hold pictures back
    decoder.flags |= Flags.low_delay
    most = (operation.width + _LARGEST_BLOCK) * (operation.height + _LARGEST_BLOCK)
    decoder.options = {"max_pixels": str(most)}  # whatever the stream says of its size
    if codec is Codec.AV1:
        decoder.options |= {"max_frame_delay": "1"}
    return decoder


def _pixels(frame: av.VideoFrame, width: int, height: int) -> npt.NDArray[np.uint32]:
    even = (width + width % 2, height + height % 2)
    if (frame.width, frame.height) not in {(width, height), even}:
        raise DecodeError(f"a video of {frame.width}×{frame.height} for {width}×{height}")
    # By the protocol's colours, not by the stream's word for them: VP8 has none.
    picture = frame.reformat(
        format="bgr0",
        interpolation=_QUALITY,
        src_colorspace=Colorspace.ITU601,
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    plane: Any = picture.planes[0]  # a buffer, which its type does not tell
    rows = np.frombuffer(plane, np.uint32).reshape(-1, plane.line_size // 4)
    pixels: npt.NDArray[np.uint32] = rows[:height, :width] & np.uint32(0xFFFFFF)
    return pixels
