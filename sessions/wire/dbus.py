"""D-Bus between two peers, without I/O: the client's side of the sign-on, and message framing.

Messages are built with jeepney. They are read here, because what comes in may be hostile and large:
nothing but a message's header and a body of a signature known beforehand is ever interpreted, and a
message beyond SMALL is received straight into one buffer that is used again for the next. Source:
"D-Bus Specification" 0.43, sections Message Protocol and Authentication Protocol.

    reader = MessageReader()
    room = reader.buffer()                    # receive into this
    for message in reader.received(count):    # message.body is only valid until the next `buffer()`
        ...
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jeepney.low_level import (  # type: ignore[import-untyped]
    Endianness,
    Header,
    HeaderFields,
    MessageFlag,
    MessageType,
    parse_signature,
)

from sessions.wire.errors import LimitExceeded, ProtocolError

MAX_MESSAGE = 64 * 1024 * 1024 + 64 * 1024
"""Longest message taken: D-Bus allows an array 64 MiB, and the rest here is small."""

SMALL = 64 * 1024
"""Messages up to this length are read many at a time; longer ones go into a buffer of their own."""

KEEP_BULK = 64
"""After so many messages without a longer one among them, the buffer of those is let go of."""

MAX_HEADER = 4096
MAX_PENDING_DESCRIPTORS = 16
_MAX_LINE = 512  # of the sign-on; real ones have 40 bytes
_FIXED = struct.Struct("<4sIII")
_NO_REPLY_EXPECTED = 1
_CALL, _RETURN, _ERROR, _SIGNAL = 1, 2, 3, 4
_FIELD_SIGNATURES = {1: b"o", 2: b"s", 3: b"s", 4: b"s", 5: b"u", 6: b"s", 7: b"s", 8: b"g", 9: b"u"}
_FIELD_NAMES = {1: "path", 2: "interface", 3: "member", 4: "error", 5: "reply_to", 8: "signature"}


@dataclass(frozen=True, slots=True)
class Message:
    """A message that came in. `body` is lent: it is overwritten after the next `buffer()`."""

    kind: int
    serial: int
    flags: int
    body: memoryview
    path: str = ""
    interface: str = ""
    member: str = ""
    error: str = ""
    reply_to: int = 0
    signature: str = ""
    descriptors: Sequence[int] = field(default=())

    @property
    def is_call(self) -> bool:
        """Whether this calls a method."""
        return self.kind == _CALL

    @property
    def is_signal(self) -> bool:
        """Whether this tells of something that has happened."""
        return self.kind == _SIGNAL

    @property
    def is_error(self) -> bool:
        """Whether this says that a call failed."""
        return self.kind == _ERROR

    @property
    def wants_reply(self) -> bool:
        """Whether the caller waits for a reply."""
        return self.kind == _CALL and not self.flags & _NO_REPLY_EXPECTED

    def values(self, signature: str) -> tuple[Any, ...]:
        """Return the body's values, read as `signature` (fixed by the caller, never the peer's).

        An `h` is the descriptor's index. Raises ProtocolError when the body is of another signature,
        or larger than SMALL.
        """
        if self.signature != signature:
            raise ProtocolError(f"D-Bus: {self.member or 'a reply'}({self.signature}), not ({signature})")
        if len(self.body) > SMALL:
            raise LimitExceeded(f"D-Bus: {self.member or 'a reply'} has {len(self.body)} bytes")
        data = bytes(self.body)
        try:
            kind = parse_signature(list(f"({signature.replace('h', 'u')})"))
            values, end = kind.parse_data(data, 0, Endianness.little)
        except (ValueError, LookupError, struct.error, AssertionError) as error:
            raise ProtocolError(f"D-Bus: the body of {self.member} is not valid") from error
        if end != len(data):
            raise ProtocolError(f"D-Bus: the body of {self.member} has another length than it says")
        return tuple(values)


class MessageReader:
    """Cuts the peer's bytes into messages; the same for any division of the bytes."""

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._limit = limit
        self._intake = memoryview(bytearray(2 * SMALL))
        self._filled = 0
        self._bulk = memoryview(bytearray(0))  # grows to the largest message seen lately
        self._small_ones_in_a_row = 0
        self._bulk_length = 0  # of the message being received into it; 0: none is
        self._bulk_filled = 0
        self._descriptors: deque[int] = deque()

    def buffer(self) -> memoryview:
        """Return where to receive the next bytes; never empty."""
        if self._bulk_length:
            return self._bulk[self._bulk_filled : self._bulk_length]
        return self._intake[self._filled :]

    def add_descriptors(self, descriptors: Sequence[int]) -> None:
        """Take descriptors that came with the bytes of the next `received`. Raises LimitExceeded."""
        self._descriptors.extend(descriptors)
        if len(self._descriptors) > MAX_PENDING_DESCRIPTORS:
            raise LimitExceeded("D-Bus: descriptors that no message speaks of")

    def take_descriptors(self) -> list[int]:
        """Hand out the descriptors no message has taken, to be closed."""
        left = list(self._descriptors)
        self._descriptors.clear()
        return left

    def received(self, count: int) -> Iterator[Message]:
        """Take the `count` bytes received into `buffer()`; yield the messages now whole.

        To be run to its end before `buffer` is called again. Raises ProtocolError, LimitExceeded.
        """
        if self._bulk_length:
            self._bulk_filled += count
            yield from self._finished_bulk()
        else:
            self._filled += count
            yield from self._small_ones()

    def _finished_bulk(self) -> Iterator[Message]:
        if self._bulk_filled == self._bulk_length:
            message = self._message(self._bulk[: self._bulk_length])
            self._bulk_length = 0
            yield message

    def _small_ones(self) -> Iterator[Message]:
        start = 0
        while self._filled - start >= _FIXED.size:
            length = self._length(self._intake[start : start + _FIXED.size])
            if length > SMALL:
                self._begin_bulk(length, self._intake[start : self._filled])
                start += self._bulk_filled
                if self._bulk_filled < self._bulk_length:
                    break
                yield from self._finished_bulk()
                continue
            if self._filled - start < length:
                break
            yield self._message(self._intake[start : start + length])
            start += length
            self._small_ones_in_a_row += 1
            if self._small_ones_in_a_row == KEEP_BULK:
                self._bulk = memoryview(bytearray(0))
        if start:
            left = bytes(self._intake[start : self._filled])
            self._intake[: len(left)] = left
            self._filled = len(left)

    def _begin_bulk(self, length: int, head: memoryview) -> None:
        self._small_ones_in_a_row = 0
        if length > len(self._bulk):
            self._bulk = memoryview(bytearray(length))
        head = head[:length]
        self._bulk[: len(head)] = head
        self._bulk_length, self._bulk_filled = length, len(head)

    def _length(self, fixed: memoryview) -> int:
        start, body, _, fields = _FIXED.unpack(fixed)
        if start[0] != ord("l") or start[3] != 1 or not _CALL <= start[1] <= _SIGNAL:
            raise ProtocolError("D-Bus: not a little-endian message of version 1")
        if fields > MAX_HEADER:
            raise LimitExceeded(f"D-Bus: a header of {fields} bytes, at most {MAX_HEADER}")
        length: int = _FIXED.size + -(-fields // 8) * 8 + body
        if length > self._limit:
            raise LimitExceeded(f"D-Bus: a message of {length} bytes, at most {self._limit}")
        return length

    def _message(self, data: memoryview) -> Message:
        start, body, serial, length = _FIXED.unpack(data[: _FIXED.size])
        try:
            fields = _header_fields(bytes(data[_FIXED.size : _FIXED.size + length]))
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise ProtocolError("D-Bus: the header is not valid") from error
        wanted = fields.pop(9, 0)
        if wanted > len(self._descriptors):
            raise ProtocolError(f"D-Bus: {wanted} descriptors announced, {len(self._descriptors)} came")
        descriptors = [self._descriptors.popleft() for _ in range(wanted)]
        named = {name: fields[code] for code, name in _FIELD_NAMES.items() if code in fields}
        view = data[len(data) - body :].toreadonly()
        return Message(start[1], serial, start[2], view, descriptors=descriptors, **named)


def _header_fields(data: bytes) -> dict[int, Any]:
    """Read the header's array of (code, variant); each field is of one type, so a variant hides nothing."""
    fields: dict[int, Any] = {}
    at = 0
    while at < len(data):
        at = -(-at // 8) * 8
        code, size, signature, zero = struct.unpack_from("<BB1sB", data, at)
        if size != 1 or zero or _FIELD_SIGNATURES.get(code) != signature or code in fields:
            raise ProtocolError(f"D-Bus: header field {code} is not valid")
        at += 4
        if signature == b"u":
            (fields[code],) = struct.unpack_from("<I", data, at)
            at += 4
            continue
        if signature == b"g":
            length, at = data[at], at + 1
        else:
            (length,), at = struct.unpack_from("<I", data, at), at + 4
        if at + length >= len(data) or data[at + length]:
            raise ProtocolError(f"D-Bus: header field {code} does not end where it says")
        fields[code] = data[at : at + length].decode()
        at += length + 1
    return fields


class SignOn:
    """The client's half of the sign-on: EXTERNAL, then descriptors (NEGOTIATE_UNIX_FD).

    >>> sign_on = SignOn(uid=0)
    >>> sign_on.first
    b'\\x00AUTH EXTERNAL 30\\r\\n'
    >>> sign_on.receive(b"OK 0123456789abcdef\\r\\n")
    b'NEGOTIATE_UNIX_FD\\r\\n'
    >>> sign_on.receive(b"AGREE_UNIX_FD\\r\\n")
    b'BEGIN\\r\\n'
    >>> sign_on.done
    True
    """

    def __init__(self, uid: int) -> None:
        self.first = b"\0AUTH EXTERNAL %s\r\n" % str(uid).encode().hex().encode()
        self.done = False
        self._expected = deque([(b"OK ", b"NEGOTIATE_UNIX_FD\r\n"), (b"AGREE_UNIX_FD", b"BEGIN\r\n")])
        self._line = bytearray()

    def receive(self, data: bytes | memoryview) -> bytes:
        """Take what the server sent; return what to send. Raises ProtocolError when it refuses."""
        self._line += data
        if len(self._line) > _MAX_LINE:
            raise LimitExceeded("D-Bus: the sign-on's answer is too long")
        end = self._line.find(b"\r\n")
        if end < 0:
            return b""
        if end + 2 < len(self._line) or self.done:
            # The server may not speak again before it has our answer.
            raise ProtocolError("D-Bus: the server speaks out of turn")
        line = bytes(self._line[:end])
        self._line.clear()
        beginning, answer = self._expected.popleft()
        if not line.startswith(beginning):
            raise ProtocolError(f"D-Bus: the sign-on was refused: {line[:80]!r}")
        self.done = not self._expected
        return answer


class Target(NamedTuple):
    """An object's interface, whose methods can be called."""

    path: str
    interface: str


def call(
    serial: int, target: Target, member: str, signature: str = "", values: tuple[Any, ...] = ()
) -> bytes:
    """Build a method call; a reply to `serial` will come. A descriptor (`h`) is given as its index (u)."""
    fields = {
        HeaderFields.path: target.path,
        HeaderFields.interface: target.interface,
        HeaderFields.member: member,
    }
    return _serialised(MessageType.method_call, serial, fields, signature, values)


def answer(serial: int, message: Message, signature: str = "", values: tuple[Any, ...] = ()) -> bytes:
    """Build the reply to a call."""
    fields = {HeaderFields.reply_serial: message.serial}
    return _serialised(MessageType.method_return, serial, fields, signature, values)


def _serialised(
    kind: MessageType, serial: int, fields: dict[HeaderFields, Any], signature: str, values: tuple[Any, ...]
) -> bytes:
    body = b""
    if signature:
        fields[HeaderFields.signature] = signature
        # jeepney wants the descriptors themselves; the wire has their indices, which are plain u32.
        packer = parse_signature(list(f"({signature.replace('h', 'u')})"))
        body = packer.serialise(values, 0, Endianness.little)
        if count := signature.count("h"):
            fields[HeaderFields.unix_fds] = count
    header = Header(Endianness.little, kind, MessageFlag(0), 1, len(body), serial, fields).serialise()
    return bytes(header + b"\0" * (-len(header) % 8) + body)
