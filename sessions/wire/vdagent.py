"""The clipboard part of the agent protocol of SPICE ("vdagent"), the host's side, without I/O.

Little-endian. What goes over the virtio port is cut into chunks: u32 port (1: for the client, which here is
us), u32 size, and that many bytes of messages. A message: u32 protocol (1), u32 kind, u64 opaque, u32 size,
body. Both sides say first what they can. Then whoever has something in its clipboard *grabs*, naming the
types that it could give; the other side *requests* one of them when somebody pastes, and is sent the data.

    reader = VdagentReader(maximum=32 << 20)
    reader.receive(bytes_from_the_port)       # → [Capabilities(request=True, known=frozenset({3, 5, 6}))]
    chunks(grab([Content.TEXT]))              # → what to send

Our own agent (images/desktop, /usr/lib/tsgateway/share-clipboard) speaks this with three additions, which it
announces by `Capability.TSGATEWAY` and uses with those only who announce it, too: the type `Content.HTML`; a
`Reply` to a grab as soon as the guest's programs see it; the size of what was too large.

The agent runs in the guest: whatever comes is hostile.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sessions.wire.errors import LimitExceeded, ProtocolError

PORT_NAME = "com.redhat.spice.0"
MAX_CHUNK = 2048
"""Bytes of a chunk that agents take. What they send themselves may be longer."""
MAX_BODY = 4096
"""Bytes of a message that is neither data nor skipped."""
MAX_TYPES = 64
"""Types a grab may name; further ones are passed over."""

_CHUNK = struct.Struct("<II")
_HEAD = struct.Struct("<IIQI")
_CLIENT_PORT, _SERVER_PORT = 1, 2
_PROTOCOL = 1
_CLIPBOARD = 0
"""The selection that Ctrl+C fills; X11 has others."""


class Kind(enum.IntEnum):
    """Messages that are understood here; others are skipped."""

    REPLY = 3
    DATA = 4
    CAPABILITIES = 6
    GRAB = 7
    REQUEST = 8
    RELEASE = 9
    MAXIMUM = 14


class Capability(enum.IntEnum):
    """What a side can do, as the number of a bit."""

    REPLY = 2
    CLIPBOARD_BY_DEMAND = 5
    CLIPBOARD_SELECTION = 6
    LINE_END_LF = 8
    LINE_END_CRLF = 9
    MAX_CLIPBOARD = 10
    TSGATEWAY = 64


OURS = frozenset(set(Capability) - {Capability.LINE_END_LF, Capability.LINE_END_CRLF})
_WORDS = max(OURS) // 32 + 1


class Content(enum.IntEnum):
    """Types of data. NONE: there is none to be had."""

    NONE = 0
    TEXT = 1
    PNG = 2
    HTML = 0x01677374


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the agent can; request: it asks for ours."""

    request: bool
    known: frozenset[int]


@dataclass(frozen=True, slots=True)
class Grab:
    """Something was copied in the guest that can be had as these types."""

    types: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody in the guest wants what we hold."""

    type: int


@dataclass(frozen=True, slots=True)
class Release:
    """The guest holds nothing any more."""


@dataclass(frozen=True, slots=True)
class Data:
    """The answer to our request. type NONE: there is nothing to be had."""

    type: int
    data: bytes


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The answer to our request is larger than is taken; size: in bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Reply:
    """The agent has done what a message of this kind asked for; error: 0 if it worked."""

    kind: int
    error: int


Message = Capabilities | Grab | Request | Release | Data | TooLarge | Reply


class VdagentReader:
    """Cuts what an agent sends into messages.

    maximum: bytes of clipboard that are taken; larger ones are skipped as they come and told as `TooLarge`.
    selections: whether messages say which selection they are about; begins when the agent announces it.
    """

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.selections = False
        self._data = bytearray()
        self._chunk = 0  # bytes left of the present chunk …
        self._is_ours = True  # … and whether it is for us
        self._body = bytearray()
        self._kind: int | None = None  # of the message whose body comes, None between messages
        self._size = self._skip = 0

    def receive(self, data: bytes | memoryview) -> list[Message]:
        """Take what arrived, return the messages now whole. Raises ProtocolError, LimitExceeded."""
        self._data += data
        messages: list[Message] = []
        at = 0
        while True:
            if not self._chunk:
                if len(self._data) - at < _CHUNK.size:
                    break
                port, self._chunk = _CHUNK.unpack_from(self._data, at)
                at += _CHUNK.size
                if port not in (_CLIENT_PORT, _SERVER_PORT):
                    raise ProtocolError(f"vdagent: a chunk for port {port}")
                self._is_ours = port == _CLIENT_PORT
                continue
            end = min(at + self._chunk, len(self._data))
            if at == end:
                break
            self._chunk -= end - at
            if self._is_ours:
                self._take(memoryview(self._data)[at:end], messages)
            at = end
        del self._data[:at]
        return messages

    def _take(self, piece: memoryview, messages: list[Message]) -> None:
        """Take bytes of messages."""
        with piece:
            at = 0
            while at < len(piece):
                wanted = _HEAD.size if self._kind is None else self._size
                if self._skip:
                    count = min(self._skip, len(piece) - at)
                    self._skip -= count
                else:
                    count = min(wanted - len(self._body), len(piece) - at)
                    self._body += piece[at : at + count]
                at += count
                self._step(messages)

    def _step(self, messages: list[Message]) -> None:
        """Act on a head or a body that is whole; a body may be empty."""
        if self._kind is None and len(self._body) == _HEAD.size:
            self._begin(*_HEAD.unpack(self._body))
            self._body.clear()
        if self._kind is not None and not self._skip and len(self._body) == self._size:
            kind, body = self._kind, bytes(self._body)
            self._kind = None
            self._body.clear()
            message = self._message(kind, body)
            if message is not None:
                messages.append(message)

    def _begin(self, protocol: int, kind: int, opaque: int, size: int) -> None:
        if protocol != _PROTOCOL:
            raise ProtocolError(f"vdagent: protocol {protocol}")
        self._kind, self._size = kind, size
        prefix = 4 * self.selections + 4
        is_known = kind in _READERS or kind in (Kind.CAPABILITIES, Kind.DATA)
        if kind == Kind.DATA and size > self.maximum + prefix:
            self._size, self._skip, self._kind = 0, size, -size
        elif not is_known:
            self._size, self._skip, self._kind = 0, size, 0
        elif kind != Kind.DATA and size > MAX_BODY:
            raise LimitExceeded(f"vdagent: {size} bytes for a message of kind {kind}, at most {MAX_BODY}")

    def _message(self, kind: int, body: bytes) -> Message | None:
        """Read a message. kind: 0 for one that was skipped, negative for data of so many bytes."""
        if kind <= 0:
            return TooLarge(-kind - 4 * self.selections - 4) if kind else None
        try:
            if kind == Kind.CAPABILITIES:
                return self._capabilities(body)
            if self.selections and kind != Kind.REPLY:
                if body[0] != _CLIPBOARD:
                    return None
                body = body[4:]
            return _data(body) if kind == Kind.DATA else _READERS[kind](body)
        except (struct.error, IndexError):
            raise ProtocolError(f"vdagent: a message of kind {kind} is too short") from None

    def _capabilities(self, body: bytes) -> Capabilities:
        (request,) = struct.unpack_from("<I", body)
        words = body[4 : len(body) - len(body) % 4]
        bits = int.from_bytes(words, "little")
        known = frozenset(number for number in range(8 * len(words)) if bits >> number & 1)
        self.selections = Capability.CLIPBOARD_SELECTION in known
        return Capabilities(bool(request), known)


def _grab(body: bytes) -> Grab:
    count = min(len(body) // 4, MAX_TYPES)
    return Grab(struct.unpack_from(f"<{count}I", body))


def _request(body: bytes) -> Request:
    return Request(*struct.unpack_from("<I", body))


def _release(body: bytes) -> Release:
    return Release()


def _reply(body: bytes) -> Reply:
    return Reply(*struct.unpack_from("<II", body))


def _data(body: bytes) -> Data | TooLarge:
    (type,) = struct.unpack_from("<I", body)
    if type == Content.NONE and len(body) == 12:
        return TooLarge(*struct.unpack_from("<Q", body, 4))
    return Data(type, body[4:])


_READERS: dict[int, Callable[[bytes], Message]] = {
    Kind.GRAB: _grab,
    Kind.REQUEST: _request,
    Kind.RELEASE: _release,
    Kind.REPLY: _reply,
}


# ---- what we say: each returns one message, for `chunks`


def announce(request: bool) -> bytes:
    """Say what we can; request: and ask for what the agent can."""
    words = [sum(1 << bit % 32 for bit in OURS if bit // 32 == word) for word in range(_WORDS)]
    return _framed(Kind.CAPABILITIES, struct.pack(f"<I{_WORDS}I", request, *words))


def maximum(size: int) -> bytes:
    """Say how many bytes of clipboard we take."""
    return _framed(Kind.MAXIMUM, struct.pack("<I", size))


def grab(types: Iterable[int], selections: bool = True) -> bytes:
    """Say that we hold something, to be had as these types."""
    wanted = tuple(types)
    return _framed(Kind.GRAB, _prefix(selections) + struct.pack(f"<{len(wanted)}I", *wanted))


def release(selections: bool = True) -> bytes:
    """Say that we hold nothing any more."""
    return _framed(Kind.RELEASE, _prefix(selections))


def request(type: int, selections: bool = True) -> bytes:
    """Ask for what the guest holds."""
    return _framed(Kind.REQUEST, _prefix(selections) + struct.pack("<I", type))


def data(type: int, content: bytes, selections: bool = True) -> bytes:
    """Answer a request; with `Content.NONE` and nothing where there is nothing to be had."""
    return _framed(Kind.DATA, _prefix(selections) + struct.pack("<I", type) + content)


def chunks(message: bytes) -> Iterator[bytes]:
    """Return a message as the port takes it."""
    for start in range(0, len(message), MAX_CHUNK):
        piece = message[start : start + MAX_CHUNK]
        yield _CHUNK.pack(_CLIENT_PORT, len(piece)) + piece


def _framed(kind: Kind, body: bytes) -> bytes:
    return _HEAD.pack(_PROTOCOL, kind, 0, len(body)) + body


def _prefix(selections: bool) -> bytes:
    return bytes(4) if selections else b""
