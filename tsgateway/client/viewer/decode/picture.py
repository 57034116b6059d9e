"""The guest's picture: frames in, whole pictures out.

Parts of a picture are painted on `_back` as they come; `pixels` is brought up to date with the part that says
LAST, and only where something has changed. So nobody ever sees half of a change, whatever the server does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from sessions.pixels.geometry import Rect, Size
from sessions.wire import tsg
from tsgateway.client.viewer.decode.errors import DecodeError
from tsgateway.client.viewer.decode.history import History
from tsgateway.client.viewer.decode.still import decode_still

if TYPE_CHECKING:
    from tsgateway.client.viewer.decode.video import Videos

Pixels = npt.NDArray[np.uint8]
"""(height, width, 4): blue, green, red, and a byte without a meaning."""

MAX_COVER = 8
"""Screens that the operations of one frame may cover in all: work is bounded, as memory is."""
MAX_CHANGES = 64
"""Rectangles that one picture's changes are told as; more are told as one around them all."""


_Bytes = npt.NDArray[np.uint8]
_Video = Callable[[tsg.Operation], npt.NDArray[np.uint32] | None]


class Added(NamedTuple):
    """What a frame did.

    whole: whether `Picture.pixels` shows it now. changes: where those differ from before; empty while not
    whole. failed: codecs that cannot be decoded here after all, each told once, and why.
    """

    whole: bool
    changes: tuple[Rect, ...]
    failed: tuple[tuple[int, str], ...]


class Picture:
    """What a viewer shows. pixels: the newest whole picture.

    guard: is held while `pixels` change; whoever reads them on another thread holds it, too.
    """

    def __init__(self, guard: AbstractContextManager[object] | None = None) -> None:
        self._guard = guard or nullcontext()
        self.pixels: Pixels = np.zeros((0, 0, 4), np.uint8)
        self._back = self.pixels
        self._changes: list[Rect] = []
        self.begin(0)

    def begin(self, window_log: int) -> None:
        """A connection begins; what is shown stays. window_log: log2 of the largest history window."""
        self._history = History(window_log)
        self._videos: Videos | None = None
        self._unable: set[int] = set()
        self._is_sized = False
        self._copies_over = False

    @property
    def size(self) -> Size:
        """The screen's size; `pixels` has it from the next whole picture on."""
        return Size(self._back.shape[1], self._back.shape[0])

    def resize(self, size: Size) -> None:
        """Give the screen a new size; what fits of the old picture is kept."""
        self._is_sized = True
        self._changes.clear()
        self._copies_over = False
        if size == self.size:
            return
        old, self._back = self._back, np.zeros((size.height, size.width, 4), np.uint8)
        rows, columns = min(size.height, old.shape[0]), min(size.width, old.shape[1])
        self._back[:rows, :columns] = old[:rows, :columns]

    def add(self, frame: tsg.Frame, *, shows: bool = True) -> Added:
        """Decode one frame. Raises DecodeError; `pixels` then stay as they were.

        shows: when the frame makes the picture whole; else that waits for `show`, and no change is told.
        """
        self._check(frame.operations)
        painting = _Painting(self._back, frame.operations, self._video)
        new_stream = bool(frame.flags & tsg.FrameFlag.NEW_STREAM)
        if new_stream or frame.history:
            for piece in self._history.decode(frame.history, new_stream=new_stream):
                painting.paint(piece)
        painting.finish()
        self._note(frame.operations)
        if not frame.flags & tsg.FrameFlag.LAST:
            return Added(False, (), tuple(painting.failed))
        self._copies_over = False
        return Added(True, self.show() if shows else (), tuple(painting.failed))

    def skip(self, frame: tsg.Frame) -> Added:
        """Leave out a frame that cannot be shown, but for its videos: their next pictures build on these.

        Raises DecodeError.
        """
        self._check(frame.operations)
        videos = [each for each in frame.operations if each.encoding == tsg.Encoding.VIDEO]
        painting = _Painting(self._back, videos, self._video)
        if frame.flags & tsg.FrameFlag.LAST:
            self._copies_over = False
        return Added(False, (), tuple(painting.failed))

    def _check(self, operations: Sequence[tsg.Operation]) -> None:
        if not self._is_sized:
            raise DecodeError("a frame before the screen's size")
        covered = 0
        for encoding, x, y, width, height, data in operations:
            covered += width * height
            self._check_place(x, y, width, height)
            if encoding != tsg.Encoding.COPY:
                self._copies_over = True
                continue
            self._check_place(*tsg.copied_from(data), width, height)
            if self._copies_over:
                raise DecodeError("a copy after other parts of its picture")
        if covered > MAX_COVER * self.size.width * self.size.height:
            raise DecodeError("a frame that covers the screen too many times")

    def _check_place(self, x: int, y: int, width: int, height: int) -> None:
        if not Rect(x, y, width, height).within(self.size):
            raise DecodeError(f"{width}×{height} pixels at {x},{y} are not on a screen of {self.size}")

    def _note(self, operations: Sequence[tsg.Operation]) -> None:
        self._changes += (Rect(each.x, each.y, each.width, each.height) for each in operations)
        if len(self._changes) > MAX_CHANGES:
            around = self._changes[0]
            for change in self._changes:
                around = around.union(change)
            self._changes = [around]

    def show(self) -> tuple[Rect, ...]:
        """Bring `pixels` up to date with a picture that is whole; return where they differ from before."""
        changes, self._changes = tuple(self._changes), []
        with self._guard:
            if self.pixels.shape != self._back.shape:
                self.pixels = self._back.copy()
                return (Rect(0, 0, *self.size),)
            for change in changes:
                self.pixels[change.part] = self._back[change.part]
        return changes

    def _video(self, operation: tsg.Operation) -> npt.NDArray[np.uint32] | None:
        """Return the pixels, None for a codec that is known not to work. Raises DecodeError."""
        codec = tsg.VideoPicture.unpack(operation.data).codec
        if codec in self._unable:
            return None  # the server has not heard of it yet
        try:
            if self._videos is None:
                from tsgateway.client.viewer.decode.video import Videos

                self._videos = Videos()
            return self._videos.decode(operation)
        except (DecodeError, ImportError):
            self._unable.add(codec)
            raise


class _Painting:
    """Carries out a frame's operations in order, as far as there are pixels for them."""

    def __init__(self, back: Pixels, operations: Sequence[tsg.Operation], video: _Video) -> None:
        self.failed: list[tuple[int, str]] = []
        self._back = back
        self._rows = back.reshape(back.shape[0], 4 * back.shape[1])
        self._video = video
        self._left = list(reversed(operations))
        self._target: _Bytes | None = None  # rows of the HISTORY operation that is being painted
        self._at = 0
        self._next()

    def paint(self, plain: bytes) -> None:
        """Take the next bytes of the history. Raises DecodeError."""
        data = np.frombuffer(plain, np.uint8)
        while len(data):
            if self._target is None:
                raise DecodeError("more history than a frame has pixels")
            data = data[self._fill(self._target, data) :]
            if self._at == self._target.size:
                self._next()

    def finish(self) -> None:
        """Raise DecodeError unless everything is done."""
        if self._target is not None:
            raise DecodeError("less history than a frame has pixels")

    def _fill(self, target: _Bytes, data: _Bytes) -> int:
        """Write what fits in one go: whole rows, or one that began before or ends later."""
        height, width = target.shape
        count: int
        row, column = divmod(self._at, width)
        rows = 0 if column else min(len(data) // width, height - row)
        if rows:
            count = rows * width
            target[row : row + rows] = data[:count].reshape(rows, -1)
        else:
            count = min(len(data), width - column)
            target[row, column : column + count] = data[:count]
        self._at += count
        return count

    def _next(self) -> None:
        """Go on to the next operation that needs history."""
        self._target, self._at = None, 0
        while self._left:
            operation = self._left.pop()
            if operation.encoding == tsg.Encoding.HISTORY:
                rows, columns = slice(operation.y, operation.y + operation.height), operation.width
                self._target = self._rows[rows, 4 * operation.x : 4 * (operation.x + columns)]
                return
            self._carry_out(operation)

    def _carry_out(self, operation: tsg.Operation) -> None:
        part = self._part(operation)
        if operation.encoding == tsg.Encoding.COPY:
            x, y = tsg.copied_from(operation.data)
            part[:] = self._back[Rect(x, y, operation.width, operation.height).part].copy()
        elif operation.encoding == tsg.Encoding.JPEG:
            part.view("<u4")[:, :, 0] = decode_still(operation)
        else:
            try:
                pixels = self._video(operation)
            except (DecodeError, ImportError) as error:
                self.failed.append((tsg.VideoPicture.unpack(operation.data).codec, str(error)))
            else:
                if pixels is not None:
                    part.view("<u4")[:, :, 0] = pixels

    def _part(self, operation: tsg.Operation) -> Pixels:
        return self._back[Rect(operation.x, operation.y, operation.width, operation.height).part]
