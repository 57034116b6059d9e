"""Pictures: the message `Frame` and what is in it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.fields import Reader
from sessions.wire.tsg.message import MAX_OPERATIONS, MAX_SCREEN, MAX_VIDEO_STREAMS, Message, UnknownMessage
from sessions.wire.tsg.numbers import Codec, Encoding

_POINT = struct.Struct(">HH")
_NUMBER = struct.Struct(">I")


class Operation(NamedTuple):
    """One rectangle of a frame.

    data: empty for `Encoding.HISTORY`, whose pixels are in the frame's history chunk; a JPEG file
    of exactly this size for `Encoding.JPEG`; for `Encoding.COPY` where the pixels stand now, as
    `copy_source` packs it; for `Encoding.VIDEO` a `VideoPicture`, packed.
    """

    encoding: int
    x: int
    y: int
    width: int
    height: int
    data: bytes = b""


class VideoPicture(NamedTuple):
    """The data of a VIDEO operation: the next picture of one of the viewer's videos.

    stream: which one, below MAX_VIDEO_STREAMS. codec: `Codec`. flags: `VideoFlag`. chunk: exactly one
    encoded picture. It is as large as the operation's rectangle, or one row or column larger where that
    is odd: what is beyond is not shown.
    """

    stream: int
    codec: int
    flags: int
    chunk: bytes

    def pack(self) -> bytes:
        """Return the bytes."""
        return bytes((self.stream, self.codec, self.flags)) + self.chunk

    @classmethod
    def unpack(cls, data: bytes) -> VideoPicture:
        """Read the bytes. Raises ProtocolError."""
        if len(data) < 4:
            raise ProtocolError(f"Frame: {len(data)} bytes of data for a video")
        stream, codec, flags = data[:3]
        if stream >= MAX_VIDEO_STREAMS:
            raise LimitExceeded(f"Frame: video {stream}, they are numbered below {MAX_VIDEO_STREAMS}")
        if codec > Codec.AV1:
            raise UnknownMessage(f"Frame: unknown codec {codec}")
        return cls(stream, codec, flags, data[3:])


@dataclass(frozen=True, slots=True)
class Frame(Message):
    """New pixels.

    history: what the viewer's zstd decoder is fed next. It yields, for every HISTORY operation in
    order, its rows from top to bottom, 4 bytes a pixel: B, G, R, 0.
    Body: u32 number, u8 flags, u16 count, u32 history length; count × (u8 encoding, u16 x, y, width,
    height, u32 data length); history; the data of each operation.
    """

    number: int
    flags: int
    operations: tuple[Operation, ...]
    history: bytes
    TYPE = 0x24
    FIELDS = ()
    EXTENSIBLE = False

    _HEAD: ClassVar = struct.Struct(">BIBHI")
    _OPERATION: ClassVar = struct.Struct(">BHHHHI")

    def encode(self) -> bytes:
        """Return the message. Raises ValueError when a field does not fit."""
        try:
            head = self._HEAD.pack(
                self.TYPE, self.number, self.flags, len(self.operations), len(self.history)
            )
            rows = [
                self._OPERATION.pack(op.encoding, op.x, op.y, op.width, op.height, len(op.data))
                for op in self.operations
            ]
        except struct.error as error:
            raise ValueError(f"Frame: {error}") from None
        return b"".join([head, *rows, self.history, *(op.data for op in self.operations)])

    @classmethod
    def parse(cls, reader: Reader) -> Frame:
        """Read the body. Raises ProtocolError."""
        number, flags, count, length = struct.unpack(">IBHI", reader.take(11))
        if count > MAX_OPERATIONS:
            raise LimitExceeded(f"Frame: {count} operations, at most {MAX_OPERATIONS}")
        heads = [cls._OPERATION.unpack(reader.take(cls._OPERATION.size)) for _ in range(count)]
        history = bytes(reader.take(length))
        operations = []
        for encoding, x, y, width, height, size in heads:
            if encoding > Encoding.VIDEO:
                raise UnknownMessage(f"Frame: unknown encoding {encoding}")
            _check_rectangle(x, y, width, height)
            if encoding == Encoding.COPY and size != _POINT.size:
                raise ProtocolError(f"Frame: {size} bytes of data for a copy")
            data = bytes(reader.take(size))
            if encoding == Encoding.COPY:
                from_x, from_y = copied_from(data)
                _check_rectangle(from_x, from_y, width, height)
            elif encoding == Encoding.VIDEO:
                VideoPicture.unpack(data)
            operations.append(Operation(encoding, x, y, width, height, data))
        if reader.left:
            raise ProtocolError(f"Frame: {reader.left} bytes too many")
        return cls(number, flags, tuple(operations), history)


def numbered(frame: bytes, number: int) -> bytes:
    """Return an encoded `Frame` with another number: each viewer counts its own."""
    return b"".join((frame[:1], _NUMBER.pack(number & 0xFFFFFFFF), memoryview(frame)[5:]))


def copy_source(x: int, y: int) -> bytes:
    """Return the data of a COPY operation: the top left corner of the pixels as they stand now."""
    return _POINT.pack(x, y)


def copied_from(data: bytes) -> tuple[int, int]:
    """Return the place that `copy_source` has packed."""
    x, y = _POINT.unpack(data)
    return x, y


def _check_rectangle(x: int, y: int, width: int, height: int) -> None:
    if not (width and height and x + width <= MAX_SCREEN and y + height <= MAX_SCREEN):
        raise ProtocolError(f"Frame: no such rectangle: {width}×{height} at {x},{y}")


FROM_SERVER: tuple[type[Message], ...] = (Frame,)
