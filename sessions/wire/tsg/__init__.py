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

import struct

from sessions.wire.errors import ProtocolError
from sessions.wire.fields import Reader
from sessions.wire.tsg import clipboard, frame, server, sharing, sound, viewer
from sessions.wire.tsg.clipboard import (
    CLIPBOARD_PIECE,
    CLIPBOARD_WINDOW,
    UNKNOWN_SIZE,
    ClipboardAck,
    ClipboardData,
    ClipboardEnd,
    ClipboardFormat,
    ClipboardOffer,
    ClipboardPart,
    ClipboardReason,
    ClipboardRequest,
    ClipboardState,
    ClipboardTaken,
)
from sessions.wire.tsg.frame import (
    Frame,
    Operation,
    VideoPicture,
    copied_from,
    copy_source,
    numbered,
)
from sessions.wire.tsg.message import (
    MAX_CLIENT_MESSAGE,
    MAX_CURSOR,
    MAX_DIALOG,
    MAX_OPERATIONS,
    MAX_SCREEN,
    MAX_SERVER_MESSAGE,
    MAX_VIDEO_STREAMS,
    SUBPROTOCOL,
    VERSION,
    Message,
    UnknownMessage,
)
from sessions.wire.tsg.numbers import (
    Capability,
    CloseCode,
    Codec,
    DialogKind,
    Encoding,
    FrameFlag,
    Lock,
    NoticeLevel,
    SessionState,
    ShadowState,
    Stage,
    VideoFlag,
)
from sessions.wire.tsg.server import (
    Cursor,
    Dialog,
    DialogOver,
    Notice,
    PointerMode,
    ScreenSize,
    ServerHello,
    Shadow,
    StageTime,
    State,
    Statistics,
    Switch,
)
from sessions.wire.tsg.sharing import (
    MAX_NAME,
    NOWHERE,
    AskControl,
    Control,
    People,
    PersonHere,
    PersonKind,
    PointAway,
    PointerOf,
    SetControl,
    SharingRight,
)
from sessions.wire.tsg.sound import (
    MAX_SOUND,
    MAX_UNHEARD,
    MAX_VOICE,
    PCM_RATE,
    SOUND_RATE,
    VOICE_RATE,
    Heard,
    Listen,
    Microphone,
    MicrophoneState,
    Sound,
    SoundFlag,
    SoundFormat,
    Speak,
    Voice,
)
from sessions.wire.tsg.viewer import (
    Ack,
    Answer,
    ClientHello,
    Close,
    Key,
    Locks,
    Move,
    Ping,
    Pointer,
    Pong,
    Refresh,
    ReleaseKeys,
    RequestSize,
    Stay,
    StopShadow,
    TypeText,
    VideoFailed,
    WatchStatistics,
    Wheel,
)

__all__ = [
    "CLIPBOARD_PIECE",
    "CLIPBOARD_WINDOW",
    "FROM_SERVER",
    "FROM_VIEWER",
    "MAX_CLIENT_MESSAGE",
    "MAX_CURSOR",
    "MAX_DIALOG",
    "MAX_NAME",
    "MAX_OPERATIONS",
    "MAX_SCREEN",
    "MAX_SERVER_MESSAGE",
    "MAX_SOUND",
    "MAX_UNHEARD",
    "MAX_VIDEO_STREAMS",
    "MAX_VOICE",
    "NOWHERE",
    "PCM_RATE",
    "SOUND_RATE",
    "SUBPROTOCOL",
    "UNKNOWN_SIZE",
    "VERSION",
    "VOICE_RATE",
    "Ack",
    "Answer",
    "AskControl",
    "Capability",
    "ClientHello",
    "ClipboardAck",
    "ClipboardData",
    "ClipboardEnd",
    "ClipboardFormat",
    "ClipboardOffer",
    "ClipboardPart",
    "ClipboardReason",
    "ClipboardRequest",
    "ClipboardState",
    "ClipboardTaken",
    "Close",
    "CloseCode",
    "Codec",
    "Control",
    "Cursor",
    "Dialog",
    "DialogKind",
    "DialogOver",
    "Encoding",
    "Frame",
    "FrameFlag",
    "Heard",
    "Key",
    "Listen",
    "Lock",
    "Locks",
    "Message",
    "Microphone",
    "MicrophoneState",
    "Move",
    "Notice",
    "NoticeLevel",
    "Operation",
    "People",
    "PersonHere",
    "PersonKind",
    "Ping",
    "PointAway",
    "Pointer",
    "PointerMode",
    "PointerOf",
    "Pong",
    "Refresh",
    "ReleaseKeys",
    "RequestSize",
    "ScreenSize",
    "ServerHello",
    "SessionState",
    "SetControl",
    "Shadow",
    "ShadowState",
    "SharingRight",
    "Sound",
    "SoundFlag",
    "SoundFormat",
    "Speak",
    "Stage",
    "StageTime",
    "State",
    "Statistics",
    "Stay",
    "StopShadow",
    "Switch",
    "TypeText",
    "UnknownMessage",
    "VideoFailed",
    "VideoFlag",
    "VideoPicture",
    "Voice",
    "WatchStatistics",
    "Wheel",
    "copied_from",
    "copy_source",
    "decode",
    "numbered",
]

_FROM_BOTH = (*viewer.FROM_BOTH, *clipboard.FROM_BOTH)
FROM_VIEWER: dict[int, type[Message]] = {
    m.TYPE: m for m in (*_FROM_BOTH, *viewer.FROM_VIEWER, *sharing.FROM_VIEWER, *sound.FROM_VIEWER)
}
FROM_SERVER: dict[int, type[Message]] = {
    m.TYPE: m
    for m in (
        *_FROM_BOTH,
        *server.FROM_SERVER,
        *frame.FROM_SERVER,
        *clipboard.FROM_SERVER,
        *sharing.FROM_SERVER,
        *sound.FROM_SERVER,
    )
}


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
