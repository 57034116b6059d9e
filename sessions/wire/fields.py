"""Field kinds of the tsg protocol: how one value becomes bytes and comes back.

Integers are big-endian. A reader never looks past the end of its buffer and never allocates
more than a field's stated limit.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from sessions.wire.errors import LimitExceeded, ProtocolError


class Reader:
    """A cursor over one message.

    Raises ProtocolError when fewer bytes are left than a field needs.
    """

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = memoryview(data)
        self.position = 0

    def take(self, count: int) -> memoryview:
        """Return the next `count` bytes without copying them."""
        end = self.position + count
        if end > len(self.data):
            raise ProtocolError(f"message ends early: {count} bytes wanted at {self.position}")
        piece = self.data[self.position : end]
        self.position = end
        return piece

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self.data) - self.position


class Field(Protocol):
    """One field's encoding."""

    @property
    def name(self) -> str:
        """The attribute of the message that the field fills."""

    @property
    def spec(self) -> str:
        """The field's type as docs/protocol.md writes it."""

    def write(self, value: Any, out: bytearray) -> None:
        """Append `value`; raises ValueError when it does not fit."""

    def read(self, reader: Reader) -> Any:
        """Read one value; raises ProtocolError."""


@dataclass(frozen=True, slots=True)
class Integer:
    """A fixed-size integer; `kind` is one of u8 u16 u32 u64 i16."""

    name: str
    kind: str

    _FORMATS: ClassVar = {"u8": ">B", "u16": ">H", "u32": ">I", "u64": ">Q", "i16": ">h"}

    @property
    def spec(self) -> str:
        """The field's type as docs/protocol.md writes it."""
        return self.kind

    def write(self, value: int, out: bytearray) -> None:
        """Append `value`; raises ValueError when it does not fit."""
        try:
            out += struct.pack(self._FORMATS[self.kind], value)
        except struct.error as error:
            raise ValueError(f"{self.name}: {error}") from None

    def read(self, reader: Reader) -> int:
        """Read one integer."""
        layout = self._FORMATS[self.kind]
        value: int = struct.unpack(layout, reader.take(struct.calcsize(layout)))[0]
        return value


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes behind a u32 length of at most `limit`."""

    name: str
    limit: int

    @property
    def spec(self) -> str:
        """The field's type as docs/protocol.md writes it."""
        return f"bytes ≤ {self.limit}"

    def write(self, value: bytes, out: bytearray) -> None:
        """Append `value`; raises ValueError when it is too long."""
        if len(value) > self.limit:
            raise ValueError(f"{self.name}: {len(value)} bytes, at most {self.limit}")
        out += struct.pack(">I", len(value))
        out += value

    def read(self, reader: Reader) -> bytes:
        """Read one byte string."""
        (length,) = struct.unpack(">I", reader.take(4))
        if length > self.limit:
            raise LimitExceeded(f"{self.name}: {length} bytes, at most {self.limit}")
        return bytes(reader.take(length))


MAX_TEXT = 1024
"""Bytes of a text whose field says nothing else."""


def clip(text: str, limit: int = MAX_TEXT) -> str:
    """Return as much of `text` as a field of `limit` bytes can carry, cut between characters.

    For sentences with a stranger's words in them: those may be long, and hold what UTF-8 cannot say.
    """
    return text.encode(errors="replace")[:limit].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Text:
    """UTF-8 behind a u16 length (in bytes) of at most `limit`."""

    name: str
    limit: int = MAX_TEXT

    @property
    def spec(self) -> str:
        """The field's type as docs/protocol.md writes it."""
        return f"text ≤ {self.limit}"

    def write(self, value: str, out: bytearray) -> None:
        """Append `value`; raises ValueError when it is too long."""
        data = value.encode()
        if len(data) > self.limit:
            raise ValueError(f"{self.name}: {len(data)} bytes, at most {self.limit}")
        out += struct.pack(">H", len(data))
        out += data

    def read(self, reader: Reader) -> str:
        """Read one text."""
        (length,) = struct.unpack(">H", reader.take(2))
        if length > self.limit:
            raise LimitExceeded(f"{self.name}: {length} bytes of text, at most {self.limit}")
        try:
            return str(reader.take(length), "utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolError(f"{self.name}: not UTF-8 ({error.reason})") from None


@dataclass(frozen=True, slots=True)
class NumberList:
    """A u8 count and that many u16 values."""

    name: str

    @property
    def spec(self) -> str:
        """The field's type as docs/protocol.md writes it."""
        return "u8 count, u16 each"

    def write(self, value: Sequence[int], out: bytearray) -> None:
        """Append `value`; raises ValueError when it does not fit."""
        try:
            out += struct.pack(f">B{len(value)}H", len(value), *value)
        except struct.error as error:
            raise ValueError(f"{self.name}: {error}") from None

    def read(self, reader: Reader) -> tuple[int, ...]:
        """Read the list."""
        count = reader.take(1)[0]
        return struct.unpack(f">{count}H", reader.take(2 * count))


@dataclass(frozen=True, slots=True)
class Rows:
    """A u8 count and that many rows of integers.

    row: makes a row of its values. columns: name and kind (see `Integer`) of each.
    """

    name: str
    row: Callable[..., tuple[int, ...]]
    columns: tuple[tuple[str, str], ...]

    _FORMATS: ClassVar = {"u8": "B", "u16": "H", "u32": "I"}

    @property
    def spec(self) -> str:
        """The field's type as docs/protocol.md writes it."""
        return "u8 count, each " + ", ".join(f"{kind} `{name}`" for name, kind in self.columns)

    def write(self, value: Sequence[tuple[int, ...]], out: bytearray) -> None:
        """Append `value`; raises ValueError when it does not fit."""
        try:
            out += struct.pack(">B", len(value))
            for row in value:
                out += struct.pack(self._layout, *row)
        except struct.error as error:
            raise ValueError(f"{self.name}: {error}") from None

    def read(self, reader: Reader) -> tuple[tuple[int, ...], ...]:
        """Read the rows."""
        (count,) = reader.take(1)
        size = struct.calcsize(self._layout)
        return tuple(self.row(*row) for row in struct.iter_unpack(self._layout, reader.take(count * size)))

    @property
    def _layout(self) -> str:
        return ">" + "".join(self._FORMATS[kind] for _, kind in self.columns)
