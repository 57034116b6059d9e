"""Who else is there, where they point, and who controls."""

from __future__ import annotations

import enum
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sessions.wire.errors import ProtocolError
from sessions.wire.fields import Integer, Reader, Text
from sessions.wire.tsg.message import Message

MAX_NAME = 128
"""Bytes of a name."""
NOWHERE = 0xFFFF
"""Both coordinates of a pointer that is not over the screen."""
_ROW = struct.Struct(">IBBI")


class PersonKind(enum.IntEnum):
    """Why somebody is there."""

    OWNER = 0
    """The session's own person."""
    HELPER = 1
    """Somebody who has a right to look on."""
    GUEST = 2
    """Somebody whom the person has invited."""


class Control(enum.IntEnum):
    """How somebody stands to keyboard and pointer."""

    NONE = 0
    """They see the screen."""
    ASKS = 1
    """They see it, and wait for an answer to `AskControl`."""
    HAS = 2
    """What they do, the guest is handed."""


class SharingRight(enum.IntFlag):
    """What a viewer may do about who controls."""

    ASK = 1
    """Send `AskControl`."""
    DECIDE = 2
    """Answer those who ask, and hand control over: `SetControl` with 1."""
    TAKE = 4
    """Take control from anybody, and send them away: `SetControl` with 0, `StopShadow`."""


class PersonHere(NamedTuple):
    """One who is there. seconds: for how long."""

    id: int
    kind: int
    control: int
    seconds: int
    name: str


@dataclass(frozen=True, slots=True)
class Persons:
    """A u8 count and that many rows of `PersonHere`."""

    name: str

    @property
    def spec(self) -> str:
        """The field's type as docs/protocol.md writes it."""
        return f"u8 count, each u32 `id`, u8 `kind`, u8 `control`, u32 `seconds`, text ≤ {MAX_NAME} `name`"

    def write(self, value: Sequence[PersonHere], out: bytearray) -> None:
        """Append `value`; raises ValueError when it does not fit."""
        try:
            out += struct.pack(">B", len(value))
            for each in value:
                out += _ROW.pack(*each[:4])
                Text("name", MAX_NAME).write(each.name, out)
        except struct.error as error:
            raise ValueError(f"{self.name}: {error}") from None

    def read(self, reader: Reader) -> tuple[PersonHere, ...]:
        """Read the rows."""
        (count,) = reader.take(1)
        return tuple(self._read_row(reader) for _ in range(count))

    def _read_row(self, reader: Reader) -> PersonHere:
        id, kind, control, seconds = _ROW.unpack(reader.take(_ROW.size))
        return PersonHere(id, kind, control, seconds, Text("name", MAX_NAME).read(reader))


# ---- server to viewer


@dataclass(frozen=True, slots=True)
class People(Message):
    """Everybody who is there, in the order they came, sent again at each change; empty when nobody else is.

    you: the viewer's own id. rights: what it may do now, `SharingRight`s added up.
    """

    you: int
    rights: int
    people: tuple[PersonHere, ...]
    TYPE = 0x50
    FIELDS = (Integer("you", "u32"), Integer("rights", "u8"), Persons("people"))


@dataclass(frozen=True, slots=True)
class PointerOf(Message):
    """Where somebody else's pointer is now, in screen pixels; 65535, 65535: nowhere on it."""

    id: int
    x: int
    y: int
    TYPE = 0x51
    FIELDS = (Integer("id", "u32"), Integer("x", "u16"), Integer("y", "u16"))


# ---- viewer to server


@dataclass(frozen=True, slots=True)
class AskControl(Message):
    """I would like to use keyboard and pointer (on: 1), or do not want to any more (0)."""

    on: int
    TYPE = 0x52
    FIELDS = (Integer("on", "u8"),)

    def check(self) -> None:
        """Refuse what is neither yes nor no."""
        if self.on > 1:
            raise ProtocolError("AskControl: on is 0 or 1")


@dataclass(frozen=True, slots=True)
class SetControl(Message):
    """Let somebody control (on: 1), or refuse them or take it away (0). id: whom, as `People` has them."""

    id: int
    on: int
    TYPE = 0x53
    FIELDS = (Integer("id", "u32"), Integer("on", "u8"))

    def check(self) -> None:
        """Refuse what is neither yes nor no."""
        if self.on > 1:
            raise ProtocolError("SetControl: on is 0 or 1")


@dataclass(frozen=True, slots=True)
class PointAway(Message):
    """My pointer is over the screen no more."""

    TYPE = 0x54
    FIELDS = ()


FROM_SERVER: tuple[type[Message], ...] = (People, PointerOf)
FROM_VIEWER: tuple[type[Message], ...] = (AskControl, SetControl, PointAway)
