"""What the server says to viewers, but for pictures (frame.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from sessions.wire.errors import ProtocolError
from sessions.wire.fields import Blob, Integer, NumberList, Rows, Text
from sessions.wire.tsg.message import MAX_CURSOR, MAX_DIALOG, Message, check_size


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
        check_size(self.width, self.height)


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


@dataclass(frozen=True, slots=True)
class PointerMode(Message):
    """The guest asks how the pointer moves (relative: 1), or where it is (0), which is the rule."""

    relative: int
    TYPE = 0x2B
    FIELDS = (Integer("relative", "u8"),)


FROM_SERVER: tuple[type[Message], ...] = (
    ServerHello, ScreenSize, State, Cursor, Statistics, Notice, Dialog, DialogOver, Shadow, Switch,
    PointerMode,
)  # fmt: skip
