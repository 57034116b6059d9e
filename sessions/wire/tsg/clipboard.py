"""The clipboard: what the guest holds for the viewer, and the viewer for the guest.

Whoever holds something offers it, numbered by itself. The other side asks for a content of the offer, and is
sent it in pieces, of which CLIPBOARD_WINDOW bytes at most may be on their way: each piece is acknowledged by
how much has arrived. `ClipboardEnd` in place of a piece, or of an acknowledgement, ends a transfer.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

from sessions.wire.errors import ProtocolError
from sessions.wire.fields import Blob, Integer, Rows, Text
from sessions.wire.tsg.message import Message

CLIPBOARD_PIECE = 48 * 1024
"""Most bytes of a content in one message."""
CLIPBOARD_WINDOW = 256 * 1024
"""Bytes of a content that may be sent and not acknowledged."""
UNKNOWN_SIZE = 0xFFFFFFFF


class ClipboardFormat(enum.IntEnum):
    """What a content is. Others that are offered are passed over."""

    TEXT = 1
    """UTF-8."""
    HTML = 2
    """HTML in UTF-8, as its program gave it. It is hostile: nobody may show it other than as text."""
    PNG = 3
    """A picture."""


class ClipboardReason(enum.IntEnum):
    """Why a transfer ends before its content is whole."""

    GONE = 0
    """The offer does not stand any more, or what it is of cannot be had."""
    LARGER = 1
    """It is larger than was asked for; `size` says how large."""
    TOO_LARGE = 2
    """It is larger than may pass."""
    FAILED = 3
    """Something else, which `text` says."""


class ClipboardPart(NamedTuple):
    """One format of an offer. size: bytes, UNKNOWN_SIZE where it is not known yet."""

    format: int
    size: int


_PART = (("format", "u8"), ("size", "u32"))


@dataclass(frozen=True, slots=True)
class ClipboardOffer(Message):
    """This side holds something, in these formats; none: it holds nothing any more.

    id: the sender's own number for it, another one each time; earlier offers of both sides are over.
    """

    id: int
    parts: tuple[ClipboardPart, ...]
    TYPE = 0x30
    FIELDS = (Integer("id", "u32"), Rows("parts", ClipboardPart, _PART))


@dataclass(frozen=True, slots=True)
class ClipboardRequest(Message):
    """Send a content of an offer. limit: not if it has more bytes; tell its size then."""

    id: int
    format: int
    limit: int
    TYPE = 0x31
    FIELDS = (Integer("id", "u32"), Integer("format", "u8"), Integer("limit", "u32"))


@dataclass(frozen=True, slots=True)
class ClipboardData(Message):
    """The next piece of a content that was asked for, which has `size` bytes in all."""

    id: int
    format: int
    size: int
    data: bytes
    TYPE = 0x32
    FIELDS = (
        Integer("id", "u32"),
        Integer("format", "u8"),
        Integer("size", "u32"),
        Blob("data", CLIPBOARD_PIECE),
    )


@dataclass(frozen=True, slots=True)
class ClipboardAck(Message):
    """So many bytes of a content have arrived in all."""

    id: int
    format: int
    received: int
    TYPE = 0x33
    FIELDS = (Integer("id", "u32"), Integer("format", "u8"), Integer("received", "u32"))


@dataclass(frozen=True, slots=True)
class ClipboardEnd(Message):
    """A transfer is over before its content is whole, or does not begin.

    reason: `ClipboardReason`. size: of the content, where that is known. text: a sentence for people, or "".
    """

    id: int
    format: int
    reason: int
    size: int
    text: str
    TYPE = 0x34
    FIELDS = (
        Integer("id", "u32"),
        Integer("format", "u8"),
        Integer("reason", "u8"),
        Integer("size", "u32"),
        Text("text"),
    )


@dataclass(frozen=True, slots=True)
class ClipboardTaken(Message):
    """What the viewer has offered by this number is what programs in the guest get from now on."""

    id: int
    TYPE = 0x35
    FIELDS = (Integer("id", "u32"),)


@dataclass(frozen=True, slots=True)
class ClipboardState(Message):
    """What the guest's clipboard can do, now.

    formats: those it takes, as bits (1 for format 1, 2 for format 2, 4 for format 3, …); 0: nothing answers
    in the guest. maximum: bytes of the largest content that passes.
    """

    formats: int
    maximum: int
    TYPE = 0x36
    FIELDS = (Integer("formats", "u8"), Integer("maximum", "u32"))

    def check(self) -> None:
        """Refuse a maximum that lets nothing pass."""
        if not self.maximum:
            raise ProtocolError("ClipboardState: a maximum of 0 bytes")


FROM_BOTH: tuple[type[Message], ...] = (
    ClipboardOffer, ClipboardRequest, ClipboardData, ClipboardAck, ClipboardEnd,
)  # fmt: skip
FROM_SERVER: tuple[type[Message], ...] = (ClipboardTaken, ClipboardState)
