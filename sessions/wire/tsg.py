"""The tsg protocol, version 1: every message between a viewer and the gateway.

Written here once; docs/protocol.md specifies the same for strangers, and tests/golden/tsg.json holds
vectors that the Python and the JavaScript side both pass.

A message is one type byte and a body. Over WebSocket each binary message carries one; over plain TLS
each is preceded by its length (see wire/lengths). All integers are big-endian.

The body is the type's fixed fields and then, except in `Frame` and `Cursor`, any number of extension
fields (u8 tag, u16 length, value). Types and tags from 0x80 upwards are optional: a receiver that does
not know them ignores them. Below 0x80 an unknown one ends the connection with `CloseCode.UNKNOWN`.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.fields import Blob, Field, Integer, NumberList, Reader, Rows, Text

VERSION = 1
SUBPROTOCOL = "tsg.v1"
"""WebSocket subprotocol and TLS ALPN name."""

MAX_CLIENT_MESSAGE = 64 * 1024
MAX_SERVER_MESSAGE = 16 * 1024 * 1024
MAX_SCREEN = 8192
"""Largest width and height of a screen, pixels."""
MAX_CURSOR = 256
MAX_OPERATIONS = 4096
MAX_DIALOG = 4096
"""Bytes of a dialog's text."""
MAX_VIDEO_STREAMS = 8
"""Videos that one viewer is sent at the same time at most."""

_POINT = struct.Struct(">HH")
_NUMBER = struct.Struct(">I")


class UnknownMessage(ProtocolError):
    """A message type or extension field that is not optional and not known here."""


class CloseCode(enum.IntEnum):
    """Why a connection ends. The WebSocket close code is 4000 plus this."""

    NORMAL = 0
    PROTOCOL = 1
    UNKNOWN = 2
    VERSION = 3
    TICKET = 4
    LIMIT = 5
    SESSION_ENDED = 6
    TAKEN_OVER = 7
    TIMEOUT = 8
    SERVER_ERROR = 9
    SHUTDOWN = 10
    SIGNED_OUT = 11
    IN_USE = 12
    DISCONNECTED = 13
    SHADOW_OVER = 14


class SessionState(enum.IntEnum):
    """A session's state as viewers are told it."""

    STARTING = 0
    ACTIVE = 1
    CONNECTED = 2
    IDLE = 3
    DISCONNECTED = 4
    ENDED = 5


class Capability(enum.IntEnum):
    """What a side can do; lists of these are exchanged in the hellos, unknown ones are ignored."""

    HISTORY = 1
    """Decodes the zstd history stream (every viewer must)."""
    JPEG = 2
    """Decodes JPEG operations."""
    TEXT = 3
    """(server) Takes `TypeText`."""
    RESIZE = 4
    """(server) The screen follows `RequestSize`."""
    COPY = 5
    """Carries out COPY operations."""
    H264 = 6
    """Decodes VIDEO operations of this codec; so do the next three."""
    VP8 = 7
    VP9 = 8
    AV1 = 9
    STATISTICS = 10
    """(server) Takes `WatchStatistics`."""
    NOTICES = 11
    """(viewer) Takes `Notice`; (server) takes `Stay`."""
    DIALOGS = 12
    """(viewer) Shows a `Dialog`."""
    SHADOWS = 13
    """(viewer) Marks on the screen who else sees it (`Shadow`)."""
    SWITCH = 14
    """(viewer) Goes to another session when it is told to (`Switch`)."""


class NoticeLevel(enum.IntEnum):
    """What a `Notice` is."""

    INFORMATION = 0
    WARNING = 1
    """Something is going to happen."""
    ABSENCE = 2
    """Something is going to happen unless the person does something: any input or `Stay` prevents it."""


class DialogKind(enum.IntEnum):
    """What a `Dialog` asks."""

    MESSAGE = 0
    """Nothing but that it has been read."""
    SHADOW_VIEW = 1
    """Whether `sender` may see the screen."""
    SHADOW_CONTROL = 2
    """Whether `sender` may see the screen and use keyboard and pointer."""


class ShadowState(enum.IntEnum):
    """What a `Shadow` says."""

    OVER = 0
    VIEW = 1
    CONTROL = 2


class Encoding(enum.IntEnum):
    """How the pixels of one operation travel."""

    HISTORY = 0
    JPEG = 1
    COPY = 2
    VIDEO = 3


class Codec(enum.IntEnum):
    """How the pictures of a video are encoded."""

    H264 = 0
    """ITU-T H.264, a byte stream as of its Annex B; each key picture brings its parameter sets."""
    VP8 = 1
    VP9 = 2
    """Profile 0."""
    AV1 = 3
    """Profile 0, a temporal unit as of its section 5 (low-overhead format)."""


class VideoFlag(enum.IntFlag):
    """Flags of a VIDEO operation."""

    KEY = 1
    """The stream begins anew: drop its old decoder, start a new one."""


class FrameFlag(enum.IntFlag):
    """Flags of a `Frame`."""

    NEW_STREAM = 1
    """The history chunk begins a new zstd frame: drop the old decoder, start a new one."""
    LAST = 2
    """The picture is whole after this message: present. Without it, more parts follow."""


class Stage(enum.IntEnum):
    """What time goes into, from an input's arrival to its picture on the viewer's screen."""

    INPUT = 0
    """Until the guest is handed the input."""
    GUEST = 1
    """Until the guest's picture changes."""
    WAIT = 2
    """Until that may be sent."""
    ENCODE = 3
    SEND = 4
    LINE = 5
    """The frame's way to the viewer, and the acknowledgement's way back."""
    CLIENT = 6
    """From the frame's arrival until its picture is on the screen."""
    TOTAL = 7


class Message:
    """One message of the protocol; subclasses are values that compare equal when their fields do."""

    TYPE: ClassVar[int]
    FIELDS: ClassVar[tuple[Field, ...]]
    EXTENSIBLE: ClassVar[bool] = True

    def encode(self) -> bytes:
        """Return the message, type byte included. Raises ValueError when a field does not fit."""
        out = bytearray((self.TYPE,))
        for field in self.FIELDS:
            field.write(getattr(self, field.name), out)
        return bytes(out)

    def check(self) -> None:
        """Raise ProtocolError when the fields are each valid but not together."""


# ---- both directions


@dataclass(frozen=True, slots=True)
class Ping(Message):
    """Asks for a `Pong` with the same number; each side sends one at least every 2 s of silence."""

    nonce: int
    TYPE = 0x01
    FIELDS = (Integer("nonce", "u32"),)


@dataclass(frozen=True, slots=True)
class Pong(Message):
    """The answer to a `Ping`."""

    nonce: int
    TYPE = 0x02
    FIELDS = (Integer("nonce", "u32"),)


@dataclass(frozen=True, slots=True)
class Close(Message):
    """The last message of a side: why it leaves, in a sentence for people."""

    code: int
    reason: str = ""
    TYPE = 0x03
    FIELDS = (Integer("code", "u16"), Text("reason"))


# ---- viewer to server


@dataclass(frozen=True, slots=True)
class ClientHello(Message):
    """The first message of a viewer: a one-use ticket, and what this viewer is and can."""

    version: int
    ticket: bytes
    client: str
    width: int
    height: int
    capabilities: tuple[int, ...]
    TYPE = 0x10
    FIELDS = (
        Integer("version", "u16"),
        Blob("ticket", 64),
        Text("client", 128),
        Integer("width", "u16"),
        Integer("height", "u16"),
        NumberList("capabilities"),
    )


@dataclass(frozen=True, slots=True)
class Key(Message):
    """A key went down or up.

    scancode: PC scan code set 1, 0x80 added for codes prefixed E0 (0 where unknown).
    keysym: X11 keysym of the key with the modifiers in force (0 where unknown).
    """

    down: int
    scancode: int
    keysym: int
    TYPE = 0x11
    FIELDS = (Integer("down", "u8"), Integer("scancode", "u16"), Integer("keysym", "u32"))

    def check(self) -> None:
        """Refuse a key without any name, and a press that is neither down nor up."""
        if self.down > 1 or self.scancode > 0xFF or not (self.scancode or self.keysym):
            raise ProtocolError("Key: down is 0 or 1, the scan code one byte, one of code and keysym set")


@dataclass(frozen=True, slots=True)
class TypeText(Message):
    """Text to type that key codes cannot say: input methods, emoji, text mode."""

    text: str
    TYPE = 0x12
    FIELDS = (Text("text", 4096),)


@dataclass(frozen=True, slots=True)
class Pointer(Message):
    """Where the pointer is, in screen pixels, and which buttons are held.

    buttons: 1 left, 2 middle, 4 right, 8 back, 16 forward.
    """

    x: int
    y: int
    buttons: int
    TYPE = 0x13
    FIELDS = (Integer("x", "u16"), Integer("y", "u16"), Integer("buttons", "u8"))


@dataclass(frozen=True, slots=True)
class Wheel(Message):
    """The wheel turned at the pointer's place, in 1/120 notches; positive is down and right."""

    dx: int
    dy: int
    TYPE = 0x14
    FIELDS = (Integer("dx", "i16"), Integer("dy", "i16"))


@dataclass(frozen=True, slots=True)
class ReleaseKeys(Message):
    """The viewer lost the keyboard: let go of every key and button it holds."""

    TYPE = 0x15
    FIELDS = ()


@dataclass(frozen=True, slots=True)
class RequestSize(Message):
    """The viewer would like the guest's screen to have this size, pixels."""

    width: int
    height: int
    TYPE = 0x16
    FIELDS = (Integer("width", "u16"), Integer("height", "u16"))

    def check(self) -> None:
        """Refuse sizes no screen can have."""
        _check_size(self.width, self.height)


@dataclass(frozen=True, slots=True)
class Ack(Message):
    """A frame has arrived: a LAST one is on the viewer's screen, another is decoded.

    Every `Frame` is acknowledged, those without LAST at once; the server sends only so much ahead.

    number: the newest frame meant; older ones count as acknowledged too.
    decode_us: time from the message's arrival to decoded pixels.
    present_us: time from its arrival to their presentation; 0 for a frame without LAST.
    """

    number: int
    decode_us: int
    present_us: int
    TYPE = 0x17
    FIELDS = (Integer("number", "u32"), Integer("decode_us", "u32"), Integer("present_us", "u32"))


@dataclass(frozen=True, slots=True)
class Refresh(Message):
    """The viewer lost its picture or its decoder: begin a new stream with a whole frame."""

    TYPE = 0x18
    FIELDS = ()


@dataclass(frozen=True, slots=True)
class VideoFailed(Message):
    """The viewer cannot decode this codec after all: it is sent none of it from now on.

    The regions in question come again by other means. reason: for the server's log.
    """

    codec: int
    reason: str
    TYPE = 0x19
    FIELDS = (Integer("codec", "u8"), Text("reason", 256))


@dataclass(frozen=True, slots=True)
class WatchStatistics(Message):
    """From now on send `Statistics` every second (on: 1), or no more (0)."""

    on: int
    TYPE = 0x1A
    FIELDS = (Integer("on", "u8"),)


@dataclass(frozen=True, slots=True)
class Stay(Message):
    """The person is there: this counts as input, and the guest is told nothing."""

    TYPE = 0x1B
    FIELDS = ()


@dataclass(frozen=True, slots=True)
class Answer(Message):
    """The person has answered a `Dialog`.

    yes: 1 when a message was read, or what was asked for is allowed; 0 when it is refused.
    """

    id: int
    yes: int
    TYPE = 0x1C
    FIELDS = (Integer("id", "u32"), Integer("yes", "u8"))


@dataclass(frozen=True, slots=True)
class StopShadow(Message):
    """The person does not want to be seen any more by whom a `Shadow` has told of."""

    id: int
    TYPE = 0x1D
    FIELDS = (Integer("id", "u32"),)


# ---- server to viewer


@dataclass(frozen=True, slots=True)
class ServerHello(Message):
    """The answer to a `ClientHello`.

    control: 1 when this viewer's input is taken, 0 when it only watches.
    window_log: log2 of the history window the viewer's zstd decoder needs, bytes.
    """

    version: int
    session: str
    desktop: str
    control: int
    window_log: int
    capabilities: tuple[int, ...]
    TYPE = 0x20
    FIELDS = (
        Integer("version", "u16"),
        Text("session", 64),
        Text("desktop", 256),
        Integer("control", "u8"),
        Integer("window_log", "u8"),
        NumberList("capabilities"),
    )


@dataclass(frozen=True, slots=True)
class ScreenSize(Message):
    """The screen has this size from the next frame on. The viewer keeps what it can of the picture."""

    width: int
    height: int
    TYPE = 0x21
    FIELDS = (Integer("width", "u16"), Integer("height", "u16"))

    def check(self) -> None:
        """Refuse sizes no screen can have."""
        _check_size(self.width, self.height)


@dataclass(frozen=True, slots=True)
class State(Message):
    """The session's state, for people.

    progress: per cent while starting, 255 where unknown.
    """

    state: int
    progress: int
    text: str
    TYPE = 0x22
    FIELDS = (Integer("state", "u8"), Integer("progress", "u8"), Text("text"))


@dataclass(frozen=True, slots=True)
class Cursor(Message):
    """The pointer's picture: `width` × `height` pixels of B, G, R, A (straight alpha); 0×0 hides it."""

    width: int
    height: int
    hot_x: int
    hot_y: int
    pixels: bytes
    TYPE = 0x23
    FIELDS = (
        Integer("width", "u16"),
        Integer("height", "u16"),
        Integer("hot_x", "u16"),
        Integer("hot_y", "u16"),
        Blob("pixels", 4 * MAX_CURSOR * MAX_CURSOR),
    )
    EXTENSIBLE = False

    def check(self) -> None:
        """Refuse a picture whose bytes are not its size."""
        if len(self.pixels) != 4 * self.width * self.height:
            raise ProtocolError(f"Cursor: {len(self.pixels)} bytes for {self.width}×{self.height}")


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
                from_x, from_y = _POINT.unpack(data)
                _check_rectangle(from_x, from_y, width, height)
            elif encoding == Encoding.VIDEO:
                VideoPicture.unpack(data)
            operations.append(Operation(encoding, x, y, width, height, data))
        if reader.left:
            raise ProtocolError(f"Frame: {reader.left} bytes too many")
        return cls(number, flags, tuple(operations), history)


class StageTime(NamedTuple):
    """What one stage took lately: medians and percentiles in microseconds.

    stage: `Stage`. share: its part of the time from an input to its picture, in thousandths; 0 where
    that is not known.
    """

    stage: int
    share: int
    p50: int
    p95: int
    p99: int


_STAGE_TIME = (("stage", "u8"), ("share", "u16"), ("p50", "u32"), ("p95", "u32"), ("p99", "u32"))


@dataclass(frozen=True, slots=True)
class Statistics(Message):
    """Where time goes for this viewer: what the server measured over the last half to whole minute.

    stages: those that were seen. rate: bytes a second that the line carries, 0 while it is not the limit.
    round_trip_us: of the idle line, 0 while unknown. frames_ahead, bytes_ahead: sent and not acknowledged.
    frames, refinements: sent to this viewer in all, and those among them that only made exact what was there.
    """

    stages: tuple[StageTime, ...]
    rate: int
    round_trip_us: int
    frames_ahead: int
    bytes_ahead: int
    frames: int
    refinements: int
    TYPE = 0x25
    FIELDS = (
        Rows("stages", StageTime, _STAGE_TIME),
        Integer("rate", "u32"),
        Integer("round_trip_us", "u32"),
        Integer("frames_ahead", "u16"),
        Integer("bytes_ahead", "u32"),
        Integer("frames", "u32"),
        Integer("refinements", "u32"),
    )


@dataclass(frozen=True, slots=True)
class Notice(Message):
    """Something that the person has to know, for viewers that take it; it replaces the last one.

    level: `NoticeLevel`. seconds: until what it announces happens; 0 where that is not known or nothing does.
    text: a sentence for people; empty: the last notice is of no concern any more.
    """

    level: int
    seconds: int
    text: str
    TYPE = 0x26
    FIELDS = (Integer("level", "u8"), Integer("seconds", "u32"), Text("text"))


@dataclass(frozen=True, slots=True)
class Dialog(Message):
    """Something that the person is to read or to decide, in a window of its own; answered by `Answer`.

    Several may be open. kind: `DialogKind`. seconds: for so long it is open, 0: until it is answered.
    sender: who asks. title, text: plain text for people; text may have several lines.
    """

    id: int
    kind: int
    seconds: int
    sender: str
    title: str
    text: str
    TYPE = 0x27
    FIELDS = (
        Integer("id", "u32"),
        Integer("kind", "u8"),
        Integer("seconds", "u32"),
        Text("sender", 128),
        Text("title", 256),
        Text("text", MAX_DIALOG),
    )


@dataclass(frozen=True, slots=True)
class DialogOver(Message):
    """A `Dialog` is not open any more: it was answered elsewhere, or nobody waits for it."""

    id: int
    TYPE = 0x28
    FIELDS = (Integer("id", "u32"),)


@dataclass(frozen=True, slots=True)
class Shadow(Message):
    """Somebody looks on from now on, or no more: the viewer marks it on the screen while it lasts.

    A viewer that looks on itself is told so by the same message. id: of the one who looks on. state:
    `ShadowState`. who: who looks on; to the one who does: whose session it is.
    """

    id: int
    state: int
    who: str
    TYPE = 0x29
    FIELDS = (Integer("id", "u32"), Integer("state", "u8"), Text("who", 128))


@dataclass(frozen=True, slots=True)
class Switch(Message):
    """Go to another session, with this ticket; the connection ends after this message."""

    ticket: bytes
    session: str
    title: str
    TYPE = 0x2A
    FIELDS = (Blob("ticket", 64), Text("session", 64), Text("title", 256))


def numbered(frame: bytes, number: int) -> bytes:
    """Return an encoded `Frame` with another number: each viewer counts its own."""
    return b"".join((frame[:1], _NUMBER.pack(number & 0xFFFFFFFF), memoryview(frame)[5:]))


def copy_source(x: int, y: int) -> bytes:
    """Return the data of a COPY operation: the top left corner of the pixels as they stand now."""
    return _POINT.pack(x, y)


def _check_rectangle(x: int, y: int, width: int, height: int) -> None:
    if not (width and height and x + width <= MAX_SCREEN and y + height <= MAX_SCREEN):
        raise ProtocolError(f"Frame: no such rectangle: {width}×{height} at {x},{y}")


def _check_size(width: int, height: int) -> None:
    if not (0 < width <= MAX_SCREEN and 0 < height <= MAX_SCREEN):
        raise LimitExceeded(f"no screen has {width}×{height} pixels here (1 to {MAX_SCREEN} each)")


FROM_VIEWER: dict[int, type[Message]] = {
    m.TYPE: m
    for m in (
        Ping, Pong, Close, ClientHello, Key, TypeText, Pointer, Wheel, ReleaseKeys, RequestSize, Ack, Refresh,
        VideoFailed, WatchStatistics, Stay, Answer, StopShadow,
    )
}  # fmt: skip
FROM_SERVER: dict[int, type[Message]] = {
    m.TYPE: m
    for m in (
        Ping, Pong, Close, ServerHello, ScreenSize, State, Cursor, Frame, Statistics, Notice,
        Dialog, DialogOver, Shadow, Switch,
    )
}  # fmt: skip


def decode(data: bytes | memoryview, known: dict[int, type[Message]]) -> Message | None:
    """Read one message of the types in `known` (`FROM_VIEWER` or `FROM_SERVER`).

    Returns None for an unknown type that is optional. Raises UnknownMessage, LimitExceeded or
    ProtocolError; the text is fit for a close reason.
    """
    reader = Reader(data)
    kind = reader.take(1)[0]
    message_type = known.get(kind)
    if message_type is None:
        if kind >= 0x80:
            return None
        raise UnknownMessage(f"unknown message type 0x{kind:02x}")
    if message_type is Frame:
        return Frame.parse(reader)
    values = {field.name: field.read(reader) for field in message_type.FIELDS}
    message = message_type(**values)
    if message_type.EXTENSIBLE:
        _skip_extensions(reader, message_type.__name__)
    elif reader.left:
        raise ProtocolError(f"{message_type.__name__}: {reader.left} bytes too many")
    message.check()
    return message


def _skip_extensions(reader: Reader, where: str) -> None:
    while reader.left:
        tag, length = struct.unpack(">BH", reader.take(3))
        if tag < 0x80:
            raise UnknownMessage(f"{where}: unknown field 0x{tag:02x}")
        reader.take(length)
