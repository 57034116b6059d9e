"""What both sides say, and what viewers say to the server."""

from __future__ import annotations

from dataclasses import dataclass

from sessions.wire.errors import ProtocolError
from sessions.wire.fields import Blob, Integer, NumberList, Text
from sessions.wire.tsg.message import Message, check_size

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
        check_size(self.width, self.height)


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


@dataclass(frozen=True, slots=True)
class Move(Message):
    """The pointer was moved by so many pixels, and which buttons are held, as in `Pointer`."""

    dx: int
    dy: int
    buttons: int
    TYPE = 0x1E
    FIELDS = (Integer("dx", "i16"), Integer("dy", "i16"), Integer("buttons", "u8"))


@dataclass(frozen=True, slots=True)
class Locks(Message):
    """The viewer has the keyboard now, and these locks are on: the guest's are brought in line."""

    on: int
    TYPE = 0x1F
    FIELDS = (Integer("on", "u8"),)


FROM_BOTH: tuple[type[Message], ...] = (Ping, Pong, Close)
FROM_VIEWER: tuple[type[Message], ...] = (
    ClientHello, Key, TypeText, Pointer, Wheel, ReleaseKeys, RequestSize, Ack, Refresh,
    VideoFailed, WatchStatistics, Stay, Answer, StopShadow, Move, Locks,
)  # fmt: skip
