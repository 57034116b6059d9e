"""The reference decoder: applies server messages to a picture, exactly as docs/protocol.md says."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg
import zstandard

from sessions.wire import tsg

if TYPE_CHECKING:
    from tests.reference.video import Videos


class Picture:
    """What a viewer shows.

    pixels: (height, width) uint32 BGRX, as it stands after the last LAST.
    stills, copies, videos: how many of these operations came. bytes: of all messages. still_bytes,
    still_pixels, video_bytes, video_pixels: of all stills, and of all pictures of videos.
    """

    def __init__(self, window_log: int = 24) -> None:
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=1 << window_log)
        self._stream = None
        self._back = np.zeros((0, 0), "<u4")
        self.pixels = self._back.copy()
        self.frames = 0
        self.stills = 0
        self.still_bytes = self.still_pixels = 0
        self.copies = 0
        self.videos = self.video_bytes = self.video_pixels = 0
        self._videos: Videos | None = None
        self.bytes = 0
        self.unacknowledged: list[int] = []
        self.cursor: tsg.Cursor | None = None
        self.states: list[tsg.State] = []

    def take(self, data: bytes) -> tsg.Message | None:
        """Apply one message and return it."""
        message = tsg.decode(data, tsg.FROM_SERVER)
        self.bytes += len(data)
        match message:
            case tsg.ScreenSize(width, height):
                old, self._back = self._back, np.zeros((height, width), "<u4")
                rows, columns = min(height, old.shape[0]), min(width, old.shape[1])
                self._back[:rows, :columns] = old[:rows, :columns]
                self.pixels = self._back.copy()
            case tsg.Frame():
                self._frame(message)
            case tsg.Cursor():
                self.cursor = message
            case tsg.State():
                self.states.append(message)
        return message

    def _frame(self, frame: tsg.Frame) -> None:
        if frame.flags & tsg.FrameFlag.NEW_STREAM:
            self._stream = self._decompressor.decompressobj()
        exact = [op for op in frame.operations if op.encoding == tsg.Encoding.HISTORY]
        expected = sum(op.width * op.height * 4 for op in exact)
        plain = self._stream.decompress(frame.history) if frame.history else b""
        if len(plain) != expected:
            raise AssertionError(f"{len(plain)} bytes of history for {expected}")
        at = 0
        for op in frame.operations:
            target = self._back[op.y : op.y + op.height, op.x : op.x + op.width]
            if op.encoding == tsg.Encoding.HISTORY:
                size = op.width * op.height * 4
                target[:] = np.frombuffer(plain[at : at + size], "<u4").reshape(op.height, op.width)
                at += size
            elif op.encoding == tsg.Encoding.COPY:
                x, y = struct.unpack(">HH", op.data)
                target[:] = self._back[y : y + op.height, x : x + op.width].copy()
                self.copies += 1
            elif op.encoding == tsg.Encoding.VIDEO:
                self._video(op, target)
            else:
                image = simplejpeg.decode_jpeg(op.data, colorspace="BGRA")
                target[:] = image.view("<u4")[:, :, 0] & 0xFFFFFF
                self.stills += 1
                self.still_bytes += len(op.data)
                self.still_pixels += op.width * op.height
        self.frames += 1
        self.unacknowledged.append(frame.number)
        if frame.flags & tsg.FrameFlag.LAST:
            self.pixels = self._back.copy()

    def _video(self, op: tsg.Operation, target: np.ndarray) -> None:
        if self._videos is None:
            # Loads FFmpeg, 30 MB of it, which the measurements of viewers without videos shall not show.
            from tests.reference.video import Videos

            self._videos = Videos()
        target[:] = self._videos.decode(op)
        self.videos += 1
        self.video_bytes += len(op.data)
        self.video_pixels += op.width * op.height
