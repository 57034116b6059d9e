"""9P2000.L, the protocol by which Linux mounts a folder of somebody else: requests and answers. Pure.

A guest's kernel asks, and we answer (sessions/transfer/served.py). Every message is size[4] type[1] tag[2]
and its fields, in little-endian; texts and names have their length before them.
https://github.com/chaos/diod/blob/master/protocol.md has the fields.

Before, a program in the guest and we greet each other, so that both know that a mount begins anew, whatever
the other one was in the middle of. Each greeting comes behind `MSIZE` zero bytes, which end any message:

    guest:  WANTED                          whenever the program has begun
    host:   OFFERED nonce[16]               when it has connected, and for every WANTED
    guest:  MOUNTING nonce[16] uid[4]       then 9P; uid: the desktop user's there

ProtocolError   what came is no message: nothing after it can be told apart any more
"""

from __future__ import annotations

import enum
import struct
from typing import Any, NamedTuple

from sessions.wire.errors import ProtocolError

VERSION = b"9P2000.L"
MSIZE = 128 * 1024
"""Bytes of the longest message, either way."""
WANTED, OFFERED, MOUNTING = (
    b"tsgateway share wanted\n",
    b"tsgateway share here\n",
    b"tsgateway share mounts\n",
)
NONCE = 16
HEAD = struct.Struct("<IBH")
QID = struct.Struct("<BIQ")
IO_HEAD = HEAD.size + 4
"""Bytes of a message with data that are not its data, rounded up as the kernel does it."""
READ_ROOM = 24


class Kind(enum.IntEnum):
    """Requests that we answer; an answer's number is one more."""

    LERROR = 6  # only ever an answer: 7
    STATFS = 8
    LOPEN = 12
    LCREATE = 14
    SYMLINK = 16
    MKNOD = 18
    RENAME = 20
    READLINK = 22
    GETATTR = 24
    SETATTR = 26
    XATTRWALK = 30
    XATTRCREATE = 32
    READDIR = 40
    FSYNC = 50
    LOCK = 52
    GETLOCK = 54
    LINK = 70
    MKDIR = 72
    RENAMEAT = 74
    UNLINKAT = 76
    VERSION = 100
    AUTH = 102
    ATTACH = 104
    FLUSH = 108
    WALK = 110
    READ = 116
    WRITE = 118
    CLUNK = 120
    REMOVE = 122


_FIELDS = {
    Kind.STATFS: "i",
    Kind.LOPEN: "ii",
    Kind.LCREATE: "isiii",
    Kind.SYMLINK: "issi",
    Kind.MKNOD: "isiiii",
    Kind.RENAME: "iis",
    Kind.READLINK: "i",
    Kind.GETATTR: "iq",
    Kind.SETATTR: "iiiiiqqqqq",
    Kind.XATTRWALK: "iis",
    Kind.XATTRCREATE: "isqi",
    Kind.READDIR: "iqi",
    Kind.FSYNC: "i",
    Kind.LOCK: "ibiqqis",
    Kind.GETLOCK: "ibqqis",
    Kind.LINK: "iis",
    Kind.MKDIR: "isii",
    Kind.RENAMEAT: "isis",
    Kind.UNLINKAT: "isi",
    Kind.VERSION: "is",
    Kind.AUTH: "issi",
    Kind.ATTACH: "iissi",
    Kind.FLUSH: "h",
    Kind.WALK: "iin",
    Kind.READ: "iqi",
    Kind.WRITE: "iqd",
    Kind.CLUNK: "i",
    Kind.REMOVE: "i",
}
"""The fields of each request. b, h, i, q: numbers of 1, 2, 4, 8 bytes; s: a text; n: names; d: data.

What stands behind the last field, as in FSYNC of newer kernels, is of no matter.
"""
_NUMBERS = {
    "b": struct.Struct("<B"),
    "h": struct.Struct("<H"),
    "i": struct.Struct("<I"),
    "q": struct.Struct("<Q"),
}
MAX_NAMES = 16
"""Of one walk."""


class Request(NamedTuple):
    """One request. kind: as a number, for one may be unknown; fields: as `_FIELDS` says, none then."""

    kind: int
    tag: int
    fields: tuple[Any, ...]


class Cutter:
    """Cuts what a guest sends into requests."""

    def __init__(self) -> None:
        self._data = bytearray()

    def receive(self, data: bytes) -> list[Request]:
        """Take bytes, return the requests now whole. Raises ProtocolError."""
        self._data += data
        found = []
        while len(self._data) >= 4:
            size = int.from_bytes(self._data[:4], "little")
            if not HEAD.size <= size <= MSIZE:
                raise ProtocolError(f"a 9P message of {size} bytes")
            if len(self._data) < size:
                break
            _, kind, tag = HEAD.unpack_from(self._data)
            found.append(_request(kind, tag, bytes(self._data[HEAD.size : size])))
            del self._data[:size]
        return found


def _request(kind: int, tag: int, body: bytes) -> Request:
    form = _FIELDS.get(kind)  # type: ignore[call-overload]
    if form is None:
        return Request(kind, tag, ())
    fields: list[Any] = []
    at = 0
    try:
        for each in form:
            field, at = _field(each, body, at)
            fields.append(field)
    except struct.error:
        raise ProtocolError(f"a 9P message of the kind {kind} is too short") from None
    return Request(kind, tag, tuple(fields))


def _field(form: str, body: bytes, at: int) -> tuple[Any, int]:
    if form in _NUMBERS:
        number = _NUMBERS[form]
        return number.unpack_from(body, at)[0], at + number.size
    if form == "n":
        count, at = _field("h", body, at)
        if count > MAX_NAMES:
            raise ProtocolError(f"a walk of {count} names")
        names = []
        for _ in range(count):
            name, at = _field("s", body, at)
            names.append(name)
        return tuple(names), at
    size, at = _field("h" if form == "s" else "i", body, at)
    if at + size > len(body):
        raise ProtocolError("a 9P field is longer than its message")
    return body[at : at + size], at + size


def answer(kind: int, tag: int, *parts: bytes) -> bytes:
    """Return the answer to a request of this kind."""
    body = b"".join(parts)
    return HEAD.pack(HEAD.size + len(body), kind + 1, tag) + body


def failed(tag: int, number: int) -> bytes:
    """Return an answer that says what is wrong, by an error's number (errno)."""
    return answer(Kind.LERROR, tag, number32(number))


def text(data: bytes) -> bytes:
    """Return a text as a field."""
    return len(data).to_bytes(2, "little") + data


def number32(value: int) -> bytes:
    """Return a number as a field of 4 bytes."""
    return value.to_bytes(4, "little")


def data(content: bytes) -> bytes:
    """Return data as a field."""
    return number32(len(content)) + content


def qid(is_folder: bool, version: int, path: int) -> bytes:
    """Return what names a file: path is unlike any other's, version changes with it."""
    return QID.pack(0x80 if is_folder else 0, version & 0xFFFFFFFF, path & 0xFFFFFFFFFFFFFFFF)


class Status(NamedTuple):
    """What GETATTR answers. mode: with the bits of its kind; times: ns since 1970."""

    qid: bytes
    mode: int
    uid: int
    gid: int
    links: int
    size: int
    read: int
    changed: int
    moved: int


_STATUS = struct.Struct("<IIIQQQQQQQQQQQQQQQ")
BASIC = 0x7FF
BLOCK = 4096


def status(of: Status) -> bytes:
    """Return it as fields."""
    times = [part for time in (of.read, of.changed, of.moved, 0) for part in divmod(max(time, 0), 10**9)]
    blocks = -(-of.size // 512)
    head = BASIC.to_bytes(8, "little") + of.qid
    return head + _STATUS.pack(of.mode, of.uid, of.gid, of.links, 0, of.size, BLOCK, blocks, *times, 0, 0)


def entry(of: bytes, offset: int, is_folder: bool, name: bytes) -> bytes:
    """Return one entry of a folder; a READDIR from `offset` goes on behind it."""
    return of + offset.to_bytes(8, "little") + bytes((4 if is_folder else 8,)) + text(name)


def room(total: int, free: int) -> bytes:
    """Return what STATFS answers: bytes in all, and bytes that are free."""
    blocks, left = total // BLOCK, free // BLOCK
    return struct.pack("<IIQQQQQQI", 0x01021997, BLOCK, blocks, left, left, 1 << 20, 1 << 19, 0, 255)
