"""The clipboard in RFB: ClientCutText and ServerCutText, plain (Latin-1) and extended.

The extension (pseudo-encoding EXTENDED_CLIPBOARD of the community's "RFB protocol"): a length below zero, u32
flags (formats in the low half, what is done in the highest byte), and what belongs to that. Contents are one
zlib stream of u32 length and bytes for each format; text is UTF-8 with CRLF and ends with a zero byte.
"""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Generator, Mapping
from typing import NamedTuple

from sessions.wire.errors import LimitExceeded, ProtocolError

_CHUNK = 64 * 1024

MAX_EXTENDED = 64 * 1024 * 1024
"""Longest extended message that is read to its end, bytes."""


class Formats(enum.IntFlag):
    """What a content is; others are passed over."""

    TEXT = 1
    HTML = 1 << 2


class Action(enum.IntFlag):
    """What is done."""

    CAPS = 1 << 24
    REQUEST = 1 << 25
    PEEK = 1 << 26
    NOTIFY = 1 << 27
    PROVIDE = 1 << 28


_ACTIONS = Action.REQUEST | Action.PEEK | Action.NOTIFY | Action.PROVIDE
_FORMATS = 0xFFFF


class CutText(NamedTuple):
    """The server's clipboard, whole: Latin-1 with LF. None: it is larger than is taken; size: bytes."""

    text: bytes | None
    size: int


class ClipboardCaps(NamedTuple):
    """The server speaks the extension."""

    actions: Action
    formats: Formats


class ClipboardNotify(NamedTuple):
    """The server's clipboard can be had in these formats now; none: it is empty."""

    formats: Formats


class ClipboardRequest(NamedTuple):
    """Somebody there pastes: provide these."""

    formats: Formats


class ClipboardPeek(NamedTuple):
    """The server wants to be notified of what we hold."""


class ClipboardProvide(NamedTuple):
    """The server's clipboard, in these formats. None: it is larger than is taken."""

    contents: Mapping[Formats, bytes] | None


ClipboardEvent = (
    CutText | ClipboardCaps | ClipboardNotify | ClipboardRequest | ClipboardPeek | ClipboardProvide
)

Steps = Generator["int | memoryview | ClipboardEvent", memoryview, None]


def cut_text(length: int, maximum: int) -> Steps:
    """Parse a ServerCutText after its length, which is signed. Raises ProtocolError, LimitExceeded.

    maximum: bytes of clipboard that are taken.
    """
    if length < 0:
        yield from _extended(-length, maximum)
        return
    kept = bytearray()
    for size in _pieces(length):
        piece = yield size
        if length <= maximum:
            kept += piece
    yield CutText(bytes(kept) if length <= maximum else None, length)


def _extended(length: int, maximum: int) -> Steps:
    if length > MAX_EXTENDED:
        raise LimitExceeded(f"The VNC server sent {length} bytes of clipboard.")
    if length < 4:
        raise ProtocolError("The VNC server sent a message about its clipboard that is too short.")
    (flags,) = struct.unpack(">I", (yield 4))
    formats = Formats(flags & (Formats.TEXT | Formats.HTML))
    if flags & Action.PROVIDE and not flags & Action.CAPS:
        yield from _provide(length - 4, flags & _FORMATS, maximum)
        return
    yield from _pieces(length - 4)  # sizes that the server would take unasked: nothing is sent it so
    if flags & Action.CAPS:
        yield ClipboardCaps(Action(flags & _ACTIONS), formats)
    elif flags & Action.REQUEST:
        yield ClipboardRequest(formats)
    elif flags & Action.PEEK:
        yield ClipboardPeek()
    elif flags & Action.NOTIFY:
        yield ClipboardNotify(formats)


def _provide(length: int, formats: int, maximum: int) -> Steps:
    """Unpack as it comes, never more than may be."""
    unpacker = zlib.decompressobj()
    limit = 2 * (maximum + 8)
    kept = bytearray()
    for size in _pieces(length):
        piece = yield size
        if len(kept) <= limit:
            try:
                kept += unpacker.decompress(piece, limit + 1 - len(kept))
            except zlib.error as error:
                raise ProtocolError("The VNC server sent a clipboard that cannot be unpacked.") from error
    yield ClipboardProvide(None if len(kept) > limit else _contents(bytes(kept), formats, maximum))


def _contents(data: bytes, formats: int, maximum: int) -> Mapping[Formats, bytes] | None:
    contents, at = {}, 0
    for bit in range(16):
        if not formats >> bit & 1:
            continue
        if len(data) - at < 4:
            raise ProtocolError("The VNC server sent less of its clipboard than it said.")
        (size,) = struct.unpack_from(">I", data, at)
        at += 4
        if size > maximum:
            return None
        if len(data) - at < size:
            raise ProtocolError("The VNC server sent less of its clipboard than it said.")
        if 1 << bit in tuple(Formats):
            contents[Formats(1 << bit)] = data[at : at + size]
        at += size
    return contents


def _pieces(length: int) -> Generator[int, memoryview, None]:
    while length:
        size = min(length, _CHUNK)
        yield size
        length -= size


# ---- what a client says


def client_cut_text(text: bytes) -> bytes:
    """Put text (Latin-1, LF) into the server's clipboard."""
    return struct.pack(">BxxxI", 6, len(text)) + text


def caps() -> bytes:
    """Say what we can: contents are sent us when we ask for them, and not else."""
    flags = Action.CAPS | _ACTIONS | Formats.TEXT | Formats.HTML
    return _message(struct.pack(">I2I", flags, 0, 0))


def notify(formats: Formats) -> bytes:
    """Say what we hold."""
    return _message(struct.pack(">I", Action.NOTIFY | formats))


def request(formats: Formats) -> bytes:
    """Ask for what the server holds."""
    return _message(struct.pack(">I", Action.REQUEST | formats))


def provide(contents: Mapping[Formats, bytes]) -> bytes:
    """Send what we hold."""
    formats = sorted(contents)
    packed = b"".join(struct.pack(">I", len(contents[each])) + contents[each] for each in formats)
    return _message(struct.pack(">I", Action.PROVIDE | sum(formats)) + zlib.compress(packed, 1))


def _message(body: bytes) -> bytes:
    return struct.pack(">Bxxxi", 6, -len(body)) + body
