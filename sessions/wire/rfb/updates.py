"""What a server sends once the handshake is through (RFC 6143 §7.6–7.8)."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.rfb.clipboard import cut_text
from sessions.wire.rfb.events import (
    CHUNK,
    Copied,
    CursorShape,
    Parser,
    Pixels,
    PointerMode,
    Resized,
    ResizeRefused,
    Updated,
)
from sessions.wire.rfb.handshake import check_size
from sessions.wire.rfb.hextile import hextile
from sessions.wire.rfb.messages import Encoding
from sessions.wire.rfb.zrle import ZrleDecoder

MAX_CURSOR_SIDE = 256
"""Largest width and height of a pointer's picture, pixels."""

MAX_CUT_TEXT = 16 * 1024 * 1024
"""Longest clipboard text that is read to its end, bytes."""

_RECTANGLE = struct.Struct(">4Hi")
_HIDDEN = CursorShape(0, 0, 0, 0, b"")
_UNTIL_LAST_RECT = 0xFFFF
_OUR_REQUEST = 1

_Box = tuple[int, int, int, int]
"""x, y, width, height as a rectangle's head gives them."""


class ServerMessages:
    """Parses a server's messages and keeps what they tell about the server.

    width, height: the screen, pixels. extended_keys, extended_buttons: these messages may be sent.
    screen: id and flags of the first screen, None while SetDesktopSize is not known to be understood.
    memory: where set, returns the memory that holds the pixels of x, y, width, height, which is on the screen
    and not empty, or None when they are not in one piece. Raw pixels are received straight into it, and no
    `Pixels` tell of them.
    clipboard_maximum: bytes of clipboard that are taken, of more is only told that there is more.
    """

    def __init__(self) -> None:
        self.width = self.height = 0
        self.extended_keys = False
        self.extended_buttons = False
        self.screen: tuple[int, int] | None = None
        self.clipboard_maximum = 0
        self.memory: Callable[[int, int, int, int], memoryview | None] | None = None
        self._zrle = ZrleDecoder()
        self._changed = False

    def parse(self) -> Parser:
        """Parse messages without end. Raises ProtocolError, LimitExceeded."""
        while True:
            (kind,) = yield 1
            if kind == 0:
                yield from self._update()
            elif kind == 1:  # colour map entries: of no meaning in true colour
                (count,) = struct.unpack(">3xH", (yield 5))
                yield from _skip(6 * count)
            elif kind == 2:  # bell
                pass
            elif kind == 3:
                (length,) = struct.unpack(">3xi", (yield 7))
                if length > MAX_CUT_TEXT:
                    raise LimitExceeded(f"The VNC server sent {length} bytes of clipboard text.")
                yield from cut_text(length, self.clipboard_maximum)
            else:
                raise ProtocolError(f"The VNC server sent a message of the unknown type {kind}.")

    def _update(self) -> Parser:
        (count,) = struct.unpack(">xH", (yield 3))
        self._changed = False
        done = 0
        while done < count or count == _UNTIL_LAST_RECT:
            *box, encoding = _RECTANGLE.unpack((yield 12))
            if encoding == Encoding.LAST_RECT:
                break
            yield from self._rectangle((box[0], box[1], box[2], box[3]), encoding)
            done += 1
        yield Updated(self._changed)

    def _rectangle(self, box: _Box, encoding: int) -> Parser:
        if encoding in (Encoding.RAW, Encoding.COPY_RECT, Encoding.HEXTILE, Encoding.ZRLE):
            yield from self._pixels(box, encoding)
        elif encoding == Encoding.CURSOR:
            yield from _cursor(box)
        elif encoding == Encoding.CURSOR_WITH_ALPHA:
            yield from _cursor_with_alpha(box)
        elif encoding == Encoding.DESKTOP_SIZE:
            yield from self._resize(box[2], box[3])
        elif encoding == Encoding.EXTENDED_DESKTOP_SIZE:
            yield from self._extended_desktop_size(box)
        elif encoding == Encoding.EXTENDED_KEY_EVENT:
            self.extended_keys = True
        elif encoding == Encoding.EXTENDED_MOUSE_BUTTONS:
            self.extended_buttons = True
        elif encoding == Encoding.POINTER_MOTION_CHANGE:
            yield PointerMode(box[0] != 0)
        elif encoding == Encoding.DESKTOP_NAME:
            (length,) = struct.unpack(">I", (yield 4))
            if length > CHUNK:
                raise LimitExceeded(f"The VNC server sent a desktop name of {length} bytes.")
            yield length
        else:
            raise ProtocolError(f"The VNC server sent an encoding nobody asked for ({encoding}).")

    def _pixels(self, box: _Box, encoding: int) -> Parser:
        x, y, width, height = box
        if x + width > self.width or y + height > self.height:
            raise ProtocolError(
                f"The VNC server sent {width}×{height} pixels at {x},{y}, "
                f"which is not on its screen of {self.width}×{self.height}."
            )
        empty = not (width and height)
        self._changed = self._changed or not empty
        if encoding == Encoding.COPY_RECT:
            yield from self._copy(box)
        elif encoding == Encoding.ZRLE:
            yield from self._zrle.decode(x, y, width, height)
        elif empty:
            pass
        elif encoding == Encoding.RAW:
            memory = self.memory and self.memory(*box)
            if memory is None:
                yield from _raw(box)
            else:
                yield memory
        else:
            yield from hextile(x, y, width, height)

    def _copy(self, box: _Box) -> Parser:
        from_x, from_y = struct.unpack(">HH", (yield 4))
        _, _, width, height = box
        if from_x + width > self.width or from_y + height > self.height:
            raise ProtocolError("The VNC server copies from beyond its screen.")
        if width and height:
            yield Copied(*box, from_x, from_y)

    def _resize(self, width: int, height: int) -> Parser:
        check_size(width, height)
        if (width, height) != (self.width, self.height):
            self.width, self.height = width, height
            yield Resized(width, height)

    def _extended_desktop_size(self, box: _Box) -> Parser:
        reason, status, width, height = box
        count = (yield 4)[0]
        screens = yield 16 * count
        if count:
            screen, flags = struct.unpack(">I8xI", screens[:16])
            self.screen = screen, flags
        elif self.screen is None:
            self.screen = 0, 0
        if reason == _OUR_REQUEST and status:  # the size given is not the screen's then
            yield ResizeRefused(status)
        else:
            yield from self._resize(width, height)


def _raw(box: _Box) -> Parser:
    x, y, width, height = box
    step = CHUNK // (width * 4)
    for top in range(0, height, step):
        rows = min(step, height - top)
        yield Pixels(x, y + top, width, rows, (yield rows * width * 4))


def _cursor(box: _Box) -> Parser:
    """Cursor (RFC 6143 §7.8.1): pixels, then a bit mask of those that are seen."""
    hot_x, hot_y, width, height = _checked_cursor(box)
    if not width:
        yield _HIDDEN
        return
    pixels = np.frombuffer(bytes((yield width * height * 4)), np.uint8).reshape(height, width, 4).copy()
    mask = np.frombuffer((yield (width + 7) // 8 * height), np.uint8).reshape(height, (width + 7) // 8)
    pixels[:, :, 3] = np.unpackbits(mask, axis=1, count=width) * 255
    yield CursorShape(width, height, hot_x, hot_y, pixels.tobytes())


def _cursor_with_alpha(box: _Box) -> Parser:
    """Cursor with alpha: an encoding, then R, G, B, A with the colours multiplied by alpha."""
    hot_x, hot_y, width, height = _checked_cursor(box)
    (encoding,) = struct.unpack(">i", (yield 4))
    if encoding != Encoding.RAW:
        raise ProtocolError(f"The VNC server sent a pointer's picture in encoding {encoding}.")
    if not width:
        yield _HIDDEN
        return
    rgba = np.frombuffer((yield width * height * 4), np.uint8).reshape(-1, 4)
    alpha = rgba[:, 3:].astype(np.uint16)
    straight = np.minimum(rgba[:, 2::-1].astype(np.uint16) * 255 // np.maximum(alpha, 1), 255)
    bgra = np.where(alpha > 0, np.hstack((straight, alpha)), 0).astype(np.uint8)
    yield CursorShape(width, height, hot_x, hot_y, bgra.tobytes())


def _checked_cursor(box: _Box) -> _Box:
    hot_x, hot_y, width, height = box
    if width > MAX_CURSOR_SIDE or height > MAX_CURSOR_SIDE:
        raise LimitExceeded(f"The VNC server sent a pointer's picture of {width}×{height} pixels.")
    if not (width and height):
        return 0, 0, 0, 0
    return min(hot_x, width - 1), min(hot_y, height - 1), width, height


def _skip(count: int) -> Parser:
    while count:
        piece = min(count, CHUNK)
        yield piece
        count -= piece
