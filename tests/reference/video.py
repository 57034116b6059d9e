"""Videos, the plain way: a decoder for each stream of a viewer, and an encoder for tests that need streams.

Both go by docs/protocol.md, VIDEO, alone. The encoder converts colours by the formulas of BT.601 themselves,
so that it tells on whoever gets them wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import av
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation

from sessions.encoders.video.av1 import take_back_priority
from sessions.wire import tsg

DECODERS = {
    tsg.Codec.H264: "h264",
    tsg.Codec.VP8: "vp8",
    tsg.Codec.VP9: "vp9",
    tsg.Codec.AV1: "libdav1d",
}
ENCODERS = {
    tsg.Codec.H264: ("libx264", {"preset": "superfast", "tune": "zerolatency", "crf": "16"}),
    tsg.Codec.VP8: ("libvpx", {"deadline": "realtime", "cpu-used": "4", "lag-in-frames": "0", "crf": "4"}),
    tsg.Codec.VP9: (
        "libvpx-vp9",
        {"deadline": "realtime", "cpu-used": "4", "lag-in-frames": "0", "crf": "4"},
    ),
    tsg.Codec.AV1: (
        "libsvtav1",
        {"preset": "12", "crf": "16", "svtav1-params": "pred-struct=1:lookahead=0:keyint=-1:lp=1"},
    ),
}
BT601 = 6
"""Of ITU-T H.273. The 5 of `Colorspace` is the same matrix under the name of another television system."""
QUALITY = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


class Videos:
    """The decoders of one viewer."""

    def __init__(self) -> None:
        self._decoders: dict[int, tuple[int, av.VideoCodecContext]] = {}

    def decode(self, operation: tsg.Operation) -> np.ndarray:
        """Return the pixels of a VIDEO operation: (height, width) uint32 BGRX.

        Raises AssertionError when it is not exactly one picture of the right size, and what PyAV raises.
        """
        stream, codec, flags, chunk = tsg.VideoPicture.unpack(operation.data)
        if flags & tsg.VideoFlag.KEY:
            self._decoders[stream] = (codec, self._begin(tsg.Codec(codec)))
        assert stream in self._decoders, f"video {stream} has not begun"
        begun, decoder = self._decoders[stream]
        assert begun == codec, f"video {stream} is of codec {begun}, not {codec}"
        frames = decoder.decode(av.Packet(chunk))
        assert len(frames) == 1, f"{len(frames)} pictures of one chunk"
        return self._pixels(frames[0], operation.width, operation.height)

    @staticmethod
    def _begin(codec: tsg.Codec) -> av.VideoCodecContext:
        decoder = av.CodecContext.create(DECODERS[codec], "r")
        decoder.thread_count = 1  # threads hold pictures back
        decoder.flags |= Flags.low_delay
        if codec is tsg.Codec.AV1:
            decoder.options = {"max_frame_delay": "1"}
        return decoder

    @staticmethod
    def _pixels(frame: av.VideoFrame, width: int, height: int) -> np.ndarray:
        even = (width + width % 2, height + height % 2)
        assert (frame.width, frame.height) in {(width, height), even}, f"{frame.width}x{frame.height}"
        # By the protocol's colours, not by the stream's word for them: VP8 has none.
        picture = frame.reformat(
            format="bgr0",
            interpolation=QUALITY,
            src_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        plane = picture.planes[0]
        rows = np.frombuffer(plane, "<u4").reshape(-1, plane.line_size // 4)
        return rows[:height, :width] & 0xFFFFFF


def ycbcr(pixels: np.ndarray) -> np.ndarray:
    """BT.601, limited range, 4:2:0: (height, width, 3 or 4) B, G, R bytes of even size to I420 planes."""
    blue, green, red = (pixels[:, :, at].astype(np.float64) / 255 for at in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    cb, cr = (blue - luma) / 1.772, (red - luma) / 1.402
    height, width = luma.shape
    small = [c.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)) for c in (cb, cr)]
    planes = [np.round(16 + 219 * luma), *(np.round(128 + 224 * c) for c in small)]
    return np.concatenate([plane.astype(np.uint8).reshape(-1) for plane in planes]).reshape(-1, width)


@dataclass
class VideoSource:
    """One video, encoded for a test."""

    stream: int
    codec: tsg.Codec
    _encoder: av.VideoCodecContext | None = field(default=None, init=False)
    _size: tuple[int, int] = field(default=(0, 0), init=False)
    _at: int = field(default=0, init=False)

    def operation(self, x: int, y: int, pixels: np.ndarray, *, key: bool = False) -> tsg.Operation:
        """The next picture, (height, width, 3 or 4) B, G, R bytes, shown at x, y.

        It begins anew with `key`, at the first picture, and when the size is another.
        """
        height, width = pixels.shape[:2]
        even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        begins = key or self._encoder is None or self._size != (width, height)
        if begins:
            self._size = (width, height)
            self._at = 0
            self._encoder = self._begin(even.shape[1], even.shape[0])
        flags = tsg.VideoFlag.KEY if begins else 0
        data = tsg.VideoPicture(self.stream, self.codec, flags, self._encode(even)).pack()
        return tsg.Operation(tsg.Encoding.VIDEO, x, y, width, height, data)

    def _begin(self, width: int, height: int) -> av.VideoCodecContext:
        name, options = ENCODERS[self.codec]
        encoder = av.CodecContext.create(name, "w")
        encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
        encoder.framerate = 30
        encoder.options = options
        if name.startswith("libvpx"):
            encoder.bit_rate = 20_000_000  # an upper limit, since there is a crf
        encoder.thread_count = 1
        encoder.gop_size = 10_000
        encoder.colorspace = BT601
        encoder.color_range = ColorRange.MPEG
        encoder.color_primaries = ColorPrimaries.BT709
        encoder.color_trc = ColorTrc.IEC61966_2_1
        return encoder

    def _encode(self, pixels: np.ndarray) -> bytes:
        frame = av.VideoFrame.from_ndarray(ycbcr(pixels), "yuv420p")
        frame.pts = self._at
        self._at += 1
        assert self._encoder is not None
        packets = self._encoder.encode(frame)
        if self.codec is tsg.Codec.AV1:
            take_back_priority()  # what the tests start would inherit it
        assert len(packets) == 1, f"{self.codec.name}: {len(packets)} chunks of one picture"
        return bytes(packets[0])
