"""What a viewer shows, and how it came there: the client's own decoder, with counts for tests."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from sessions.pixels.geometry import Size
from sessions.wire import tsg
from tsgateway.client.viewer import decode


class Picture:
    """The picture of one viewer, message by message.

    pixels: (height, width) uint32 BGRX, as it stands after the last LAST.
    stills, copies, videos: how many of these operations came. bytes: of all messages. still_bytes,
    still_pixels, video_bytes, video_pixels: of all stills, and of all pictures of videos.
    """

    def __init__(self, window_log: int = 24) -> None:
        self._picture = decode.Picture()
        self._picture.begin(window_log)
        self._came: Counter[int] = Counter()
        self._bytes: Counter[int] = Counter()
        self._pixels: Counter[int] = Counter()
        self.frames = 0
        self.bytes = 0
        self.unacknowledged: list[int] = []
        self.cursor: tsg.Cursor | None = None
        self.states: list[tsg.State] = []

    @property
    def pixels(self) -> npt.NDArray[np.uint32]:
        return self._picture.pixels.view("<u4")[:, :, 0]

    stills = property(lambda self: self._came[tsg.Encoding.JPEG])
    still_bytes = property(lambda self: self._bytes[tsg.Encoding.JPEG])
    still_pixels = property(lambda self: self._pixels[tsg.Encoding.JPEG])
    copies = property(lambda self: self._came[tsg.Encoding.COPY])
    videos = property(lambda self: self._came[tsg.Encoding.VIDEO])
    video_bytes = property(lambda self: self._bytes[tsg.Encoding.VIDEO])
    video_pixels = property(lambda self: self._pixels[tsg.Encoding.VIDEO])

    def take(self, data: bytes) -> tsg.Message | None:
        """Apply one message and return it."""
        message = tsg.decode(data, tsg.FROM_SERVER)
        self.bytes += len(data)
        match message:
            case tsg.ScreenSize(width, height):
                self._picture.resize(Size(width, height))
            case tsg.Frame():
                self._frame(message)
            case tsg.Cursor():
                self.cursor = message
            case tsg.State():
                self.states.append(message)
        return message

    def _frame(self, frame: tsg.Frame) -> None:
        added = self._picture.add(frame)
        assert not added.failed, added.failed
        for operation in frame.operations:
            self._came[operation.encoding] += 1
            self._bytes[operation.encoding] += len(operation.data)
            self._pixels[operation.encoding] += operation.width * operation.height
        self.frames += 1
        self.unacknowledged.append(frame.number)
