"""Videos, the plain way: an encoder for tests that need streams.

It goes by docs/protocol.md, VIDEO, alone, and converts colours by the formulas of BT.601 themselves, so that
it tells on whoever gets them wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from sessions.encoders.video.av1 import take_back_priority
from sessions.wire import tsg

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
