"""The guest's pointer, kept in its folder.

QEMU before 8 tells how the pointer looks only when that changes. A session host that takes a guest up again
would show none until then, so the last picture lies in the file `pointer`: u16 width, height, hot spot x and
y, u8 whether it is shown, then the pixels as in `Cursor`; numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sessions.displays.qemu_dbus import PointerLook
from sessions.files import write_whole
from sessions.guests.qemu.state import POINTER
from sessions.pixels.cursor import Cursor
from sessions.pixels.geometry import Size
from sessions.wire.qemu_display import MAX_CURSOR_SIDE

log = Logger()

WRITE_SECONDS = 0.5
"""A pointer that changes all the time is written this often."""

_HEAD = struct.Struct(">4HB")


class KeptPointer:
    """How one guest's pointer looks, across session hosts.

    in_thread: calls a function where it may wait for the disk.
    """

    def __init__(
        self, folder: Path, reactor: Any, in_thread: Callable[..., Coroutine[Any, Any, Any]]
    ) -> None:
        self.look = PointerLook(changed=self._changed)
        self._path = folder / POINTER
        self._reactor = reactor
        self._in_thread = in_thread
        self._soon: Any = None

    def restore(self) -> None:
        """Take up what was kept; what is not there or broken is as if the guest had told nothing yet."""
        try:
            with self._path.open("rb") as file:
                data = file.read(_HEAD.size + 4 * MAX_CURSOR_SIDE**2 + 1)
        except OSError:
            return
        if len(data) < _HEAD.size:
            return
        width, height, hot_x, hot_y, shown = _HEAD.unpack_from(data)
        pixels = data[_HEAD.size :]
        if max(width, height) <= MAX_CURSOR_SIDE and len(pixels) == 4 * width * height:
            self.look.picture = Cursor(Size(width, height), hot_x, hot_y, pixels)
            self.look.shown = bool(shown)

    def forget(self) -> bool:
        """Write no more; tell whether there would have been something to write."""
        waiting, self._soon = self._soon, None
        if waiting is not None and waiting.active():
            waiting.cancel()
        return waiting is not None

    def leave(self) -> None:
        """Write now what is still to be written, and no more."""
        if self.forget():
            self._write()

    def _changed(self) -> None:
        if self._soon is None:
            self._soon = self._reactor.callLater(WRITE_SECONDS, self._write_aside)

    def _write_aside(self) -> None:
        self._soon = None
        Deferred.fromCoroutine(self._in_thread(self._write))

    def _write(self) -> None:
        picture = self.look.picture
        if picture is None:
            return
        head = _HEAD.pack(*picture.size, picture.hot_x, picture.hot_y, self.look.shown)
        try:
            write_whole(self._path, head + picture.pixels)
        except OSError as error:
            log.warn("{path} cannot be written: {why}", path=self._path, why=error.strerror)
