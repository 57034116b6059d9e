"""A screen whose pixels QEMU shares: org.qemu.Display1.Listener.Unix.Map, from QEMU 9.2 on.

It is read with `preadv` and not mapped here: a QEMU that a guest has taken over could cut the file short, and
a mapping would then kill this process with SIGBUS.
"""

from __future__ import annotations

import os

from sessions.pixels.geometry import Rect
from sessions.wire import qemu_display as wire
from sessions.wire.errors import ProtocolError


class MappedScreen:
    """A screen's pixels in a file that QEMU shares."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._offset = self._stride = 0
        self._rows = memoryview(bytearray(0))

    def open(self, scanout: wire.ScanoutMap) -> None:
        """Take the pixels from here from now on."""
        self.close()
        self._descriptor = os.dup(scanout.descriptor)
        self._offset, self._stride = scanout.offset, scanout.stride
        if len(self._rows) < scanout.stride * scanout.height:
            self._rows = memoryview(bytearray(scanout.stride * scanout.height))

    def read(self, rect: Rect) -> wire.Picture:
        """Read whole rows, and return the rectangle. Raises ProtocolError when they are not there."""
        if self._descriptor < 0:
            raise ProtocolError("QEMU's display: an update of a screen that is not shared")
        room = self._rows[: self._stride * rect.height]
        start = self._offset + self._stride * rect.y
        try:
            count = os.preadv(self._descriptor, [room], start)
        except OSError as error:
            raise ProtocolError(f"QEMU's display: the shared screen cannot be read: {error}") from error
        if rect.height and count < len(room) - self._stride + 4 * rect.right:
            raise ProtocolError("QEMU's display: the shared screen is smaller than it should be")
        return wire.Picture(*rect, self._stride, room[4 * rect.x :])

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
