"""An X screen's pixels, through shared memory (MIT-SHM): painted by the peers' bench, read by the recorder.

with XScreen(":7") as screen:
    screen.paint(frame, [Rect(0, 0, 64, 16)])
    picture = screen.capture()
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from types import TracebackType
from typing import Self

import numpy as np
import xcffib
import xcffib.shm
import xcffib.xproto

from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size

_PRIVATE, _CREATE, _REMOVE = 0, 0o1600, 0
_Z_PIXMAP = 2


class XScreenError(Exception):
    """A display cannot be used; says which and why."""


class _Segment:
    """System V shared memory, which is what MIT-SHM speaks of. Gone when both sides have let go."""

    def __init__(self, size: int) -> None:
        self._libc = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
        self._libc.shmat.restype = ctypes.c_void_p
        self._libc.shmdt.argtypes = [ctypes.c_void_p]
        self.id: int = self._libc.shmget(_PRIVATE, ctypes.c_size_t(size), _CREATE)
        if self.id < 0:
            raise XScreenError(f"no shared memory of {size} bytes: {os.strerror(ctypes.get_errno())}")
        self._address = self._libc.shmat(self.id, None, 0)
        self.memory = (ctypes.c_uint8 * size).from_address(self._address)

    def forget(self) -> None:
        """Have it removed once nobody is attached."""
        self._libc.shmctl(self.id, _REMOVE, None)

    def close(self) -> None:
        """Let go; views of the memory must not be used any more."""
        self._libc.shmdt(self._address)


class XScreen:
    """The first screen of a display. size: in pixels. Raises XScreenError if it cannot be had.

    The pointer is not part of the picture: X draws it on top.
    """

    def __init__(self, display: str) -> None:
        try:
            self._x = xcffib.connect(display=display)
            self._shm = self._x(xcffib.shm.key)
            self._shm.QueryVersion().reply()
        except xcffib.XcffibException as error:
            raise XScreenError(f"no X screen at {display}: {type(error).__name__}") from error
        self._root = self._x.get_setup().roots[self._x.pref_screen]
        self.size = Size(self._root.width_in_pixels, self._root.height_in_pixels)
        self._depth: int = self._root.root_depth
        if self._depth != 24:
            raise XScreenError(f"{display} has {self._depth} bits a pixel; 24 are needed")
        segment = self._segment = _Segment(self.size.width * self.size.height * 4)
        self._id = self._x.generate_id()
        self._shm.Attach(self._id, segment.id, False, is_checked=True).check()
        segment.forget()
        flat = np.frombuffer(memoryview(segment.memory), np.uint32)
        self._pixels: Pixels = flat.reshape(self.size.height, self.size.width)
        self._window = self._context = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._x.disconnect()
        del self._pixels
        self._segment.close()

    def capture(self) -> Pixels:
        """Return what the screen shows, BGRX with the unused byte 0; the array is the caller's."""
        width, height = self.size
        self._shm.GetImage(self._root.root, 0, 0, width, height, 0xFFFFFFFF, _Z_PIXMAP, self._id, 0).reply()
        return self._pixels & np.uint32(0xFFFFFF)

    def cover(self) -> None:
        """Cover the screen, pointer and all, with a black window, which `paint` then paints on."""
        x, create = self._x.core, xcffib.xproto
        self._window, self._context = self._x.generate_id(), self._x.generate_id()
        blank, nothing = self._x.generate_id(), self._x.generate_id()
        x.CreatePixmap(1, nothing, self._root.root, 1, 1)
        x.CreateCursor(blank, nothing, nothing, 0, 0, 0, 0, 0, 0, 0, 0)
        x.CreateWindow(
            self._depth, self._window, self._root.root, 0, 0, *self.size, 0,
            create.WindowClass.InputOutput, self._root.root_visual,
            create.CW.BackPixel | create.CW.OverrideRedirect | create.CW.Cursor, [0, 1, blank],
        )  # fmt: skip
        x.CreateGC(self._context, self._window, create.GC.GraphicsExposures, [0])
        x.MapWindow(self._window)
        self._wait()

    def paint(self, frame: Pixels, rects: list[Rect]) -> None:
        """Paint these parts of a frame of the screen's size; returns when the X server has them."""
        for rect in rects:
            rows, columns = slice(rect.y, rect.bottom), slice(rect.x, rect.right)
            self._pixels[rows, columns] = frame[rows, columns]
        for rect in rects:
            self._shm.PutImage(
                self._window, self._context, *self.size, rect.x, rect.y, rect.width, rect.height,
                rect.x, rect.y, self._depth, _Z_PIXMAP, False, self._id, 0,
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        self._x.core.GetInputFocus().reply()
