"""QEMU's D-Bus display: the messages of its listener, as values.

Source: "D-Bus display" of QEMU's manual, interfaces org.qemu.Display1.Listener and
org.qemu.Display1.Listener.Unix.Map. Pixels are lent from the message they came in.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sessions.wire.dbus import Message, Target
from sessions.wire.errors import LimitExceeded, ProtocolError

CONSOLE = Target("/org/qemu/Display1/Console_0", "org.qemu.Display1.Console")
LISTENER = "org.qemu.Display1.Listener"
LISTENER_MAP = "org.qemu.Display1.Listener.Unix.Map"
PROPERTIES = "org.freedesktop.DBus.Properties"
CONSOLE_PROPERTIES = Target(CONSOLE.path, PROPERTIES)

MAX_SIDE = 8192
MAX_CURSOR_SIDE = 512
MAX_STRIDE = 4 * 4 * MAX_SIDE

X8R8G8B8, A8R8G8B8 = 0x20020888, 0x20028888
"""Pixman's formats whose bytes are B, G, R and one more; others are refused."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of BGRX pixels for the rectangle at (x, y). Each row begins `stride` bytes after the last."""

    x: int
    y: int
    width: int
    height: int
    stride: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class Scanout:
    """The screen has the picture's size now, and shows it."""

    picture: Picture


@dataclass(frozen=True, slots=True)
class Update:
    """A part of the screen has changed to this."""

    picture: Picture


@dataclass(frozen=True, slots=True)
class ScanoutMap:
    """The screen has this size now; its rows are in the file `descriptor` (the receiver's), from `offset`."""

    descriptor: int
    offset: int
    width: int
    height: int
    stride: int


@dataclass(frozen=True, slots=True)
class UpdateMap:
    """A part of the mapped screen has changed."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PointerPicture:
    """The pointer looks like this: width × height × 4 bytes B, G, R, A. The guest chose what alpha means."""

    width: int
    height: int
    hot_x: int
    hot_y: int
    data: bytes


@dataclass(frozen=True, slots=True)
class PointerPlace:
    """The guest has put its pointer there, or hides it."""

    x: int
    y: int
    shown: bool


@dataclass(frozen=True, slots=True)
class Blank:
    """The screen is off."""


ListenerEvent = Scanout | Update | ScanoutMap | UpdateMap | PointerPicture | PointerPlace | Blank


def parse(message: Message) -> ListenerEvent | None:
    """Return what a call to the listener says; None where it is not one of these.

    Raises ProtocolError, LimitExceeded.
    """
    known = _PARSERS.get((message.interface, message.member))
    if known is None:
        return None
    signature, layout, make = known
    if message.signature != signature:
        raise ProtocolError(f"D-Bus: {message.member}({message.signature}), not ({signature})")
    if len(message.body) < layout.size:
        raise ProtocolError(f"D-Bus: {message.member} is too short")
    return make(message, layout.unpack_from(message.body))


def _scanout(message: Message, values: tuple[Any, ...]) -> Scanout:
    width, height, stride, format, _ = values
    return Scanout(_picture(message, (0, 0, width, height), stride, format, 20))


def _update(message: Message, values: tuple[Any, ...]) -> Update:
    *rectangle, stride, format, _ = values
    return Update(_picture(message, tuple(rectangle), stride, format, 28))


def _picture(message: Message, rectangle: tuple[int, ...], stride: int, format: int, start: int) -> Picture:
    x, y, width, height = rectangle
    _check_screen(width, height, stride, format)
    if min(x, y, width, height) < 0 or max(x + width, y + height) > MAX_SIDE:
        raise ProtocolError(f"QEMU's display: an update of {width}×{height} at ({x}, {y})")
    data = _bytes(message, start)
    if len(data) < stride * (height - 1) + 4 * width:
        raise ProtocolError(f"QEMU's display: {len(data)} bytes for {width}×{height} pixels")
    return Picture(x, y, width, height, stride, data)


def _bytes(message: Message, start: int) -> memoryview:
    """Return the array of bytes that ends the message; its length is the u32 before `start`."""
    (length,) = struct.unpack_from("<I", message.body, start - 4)
    data = message.body[start:]
    if length != len(data):
        raise ProtocolError(f"D-Bus: the body of {message.member} has another length than it says")
    return data


def _scanout_map(message: Message, values: tuple[Any, ...]) -> ScanoutMap:
    index, offset, width, height, stride, format = values
    _check_screen(width, height, stride, format)
    if index >= len(message.descriptors):
        raise ProtocolError("D-Bus: ScanoutMap without its descriptor")
    return ScanoutMap(message.descriptors[index], offset, width, height, stride)


def _update_map(_: Message, values: tuple[Any, ...]) -> UpdateMap:
    x, y, width, height = values
    if x < 0 or y < 0 or width < 0 or height < 0:
        raise ProtocolError(f"QEMU's display: an update of {width}×{height} at ({x}, {y})")
    return UpdateMap(x, y, width, height)


def _cursor(message: Message, values: tuple[Any, ...]) -> PointerPicture:
    width, height, hot_x, hot_y, _ = values
    if not (0 <= width <= MAX_CURSOR_SIDE and 0 <= height <= MAX_CURSOR_SIDE):
        raise LimitExceeded(f"QEMU's display: a pointer of {width}×{height} pixels")
    data = _bytes(message, 20)
    if len(data) != width * height * 4:
        raise ProtocolError(f"QEMU's display: {len(data)} bytes for a pointer of {width}×{height}")
    return PointerPicture(width, height, hot_x, hot_y, bytes(data))


def _place(_: Message, values: tuple[Any, ...]) -> PointerPlace:
    x, y, shown = values
    return PointerPlace(x, y, bool(shown))


def _blank(_message: Message, _values: tuple[Any, ...]) -> Blank:
    return Blank()


def _check_screen(width: int, height: int, stride: int, format: int) -> None:
    if width > MAX_SIDE or height > MAX_SIDE:
        raise LimitExceeded(f"QEMU's display: a screen of {width}×{height}, at most {MAX_SIDE} each way")
    if format not in (X8R8G8B8, A8R8G8B8):
        raise ProtocolError(f"QEMU's display: pixels of the format {format:#x}")
    if not 4 * width <= stride <= MAX_STRIDE or stride % 4:
        raise ProtocolError(f"QEMU's display: rows of {stride} bytes for {width} pixels")


_Make = Callable[[Message, tuple[Any, ...]], ListenerEvent]
_PARSERS: dict[tuple[str, str], tuple[str, struct.Struct, _Make]] = {
    (LISTENER, "Scanout"): ("uuuuay", struct.Struct("<5I"), _scanout),
    (LISTENER, "Update"): ("iiiiuuay", struct.Struct("<4i3I"), _update),
    (LISTENER, "CursorDefine"): ("iiiiay", struct.Struct("<4iI"), _cursor),
    (LISTENER, "MouseSet"): ("iii", struct.Struct("<3i"), _place),
    (LISTENER, "Disable"): ("", struct.Struct(""), _blank),
    (LISTENER_MAP, "ScanoutMap"): ("huuuuu", struct.Struct("<6I"), _scanout_map),
    (LISTENER_MAP, "UpdateMap"): ("iiii", struct.Struct("<4i"), _update_map),
}


_VARIANTS = (b"\x01u\0\0", b"\x01b\0\0")  # a u32 or a boolean: its signature, and room until a multiple of 4


def property_value(message: Message) -> int:
    """Read the answer to `Get` for a property that is a number or a boolean. Raises ProtocolError."""
    body = bytes(message.body)
    if message.signature != "v" or len(body) != 8 or body[:4] not in _VARIANTS:
        raise ProtocolError("QEMU's display: a property is neither a number nor a boolean")
    return int(struct.unpack("<I", body[4:])[0])
