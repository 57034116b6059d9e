"""Writes tsg.json and stream.json: what the Python and the JavaScript side of the protocol must agree on.

Run `python -m tests.golden.make` after a change of the protocol, and read the difference.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from dataclasses import fields
from pathlib import Path
from typing import Any

import zstandard

from sessions.wire import tsg
from sessions.wire.errors import ProtocolError

HERE = Path(__file__).resolve().parent
U16 = 0xFFFF
U32 = 0xFFFFFFFF

VALID: list[tsg.Message] = [
    tsg.Ping(0),
    tsg.Ping(U32),
    tsg.Pong(0x01020304),
    tsg.Close(tsg.CloseCode.NORMAL),
    tsg.Close(tsg.CloseCode.SESSION_ENDED, "der Gast ist aus — 終了 🙂"),
    tsg.Close(U16, "x" * 1024),
    tsg.ClientHello(1, bytes(range(32)), "a viewer", 1920, 1080, (1, 2)),
    tsg.ClientHello(U16, b"", "", 0, U16, ()),
    tsg.ClientHello(1, b"\xff" * 64, "c" * 128, 1, 1, tuple(range(255))),
    tsg.Key(1, 0x1E, 0x61),
    tsg.Key(0, 0xFF, U32),
    tsg.Key(1, 0, 0x01000000 + 0x3042),
    tsg.Key(1, 0xD3, 0),
    tsg.TypeText(""),
    tsg.TypeText("\ufeffé日本語🙂\u0000"),
    tsg.TypeText("x" * 4096),
    tsg.Pointer(0, 0, 0),
    tsg.Pointer(U16, U16, 0xFF),
    tsg.Move(-0x8000, 0x7FFF, 0xFF),
    tsg.Move(0, -3, 1),
    tsg.Locks(tsg.Lock.CAPS | tsg.Lock.NUM),
    tsg.Locks(0xFF),
    tsg.PointerMode(1),
    tsg.PointerMode(0xFF),
    tsg.Wheel(-0x8000, 0x7FFF),
    tsg.Wheel(0, -120),
    tsg.ReleaseKeys(),
    tsg.RequestSize(1, 1),
    tsg.RequestSize(8192, 8192),
    tsg.Ack(0, 0, 0),
    tsg.Ack(U32, U32, U32),
    tsg.Refresh(),
    tsg.People(3, 0, ()),
    tsg.People(
        1,
        tsg.SharingRight.DECIDE | tsg.SharingRight.TAKE,
        (
            tsg.PersonHere(1, tsg.PersonKind.OWNER, tsg.Control.HAS, 61, "ada"),
            tsg.PersonHere(U32, 0xFF, 0xFF, U32, "山田 🙂 (guest)"),
        ),
    ),
    tsg.People(U32, 0xFF, (tsg.PersonHere(0, 0, 0, 0, "n" * 128),) * 2),
    tsg.PointerOf(2, 0, 0),
    tsg.PointerOf(U32, tsg.NOWHERE, tsg.NOWHERE),
    tsg.AskControl(1),
    tsg.AskControl(0),
    tsg.SetControl(U32, 1),
    tsg.PointAway(),
    tsg.ServerHello(1, "0123456789abcdef" * 2, "Work — Büro", 1, 24, (1, 2, 3, 4)),
    tsg.ServerHello(U16, "s" * 64, "d" * 256, 0, 0xFF, ()),
    tsg.ScreenSize(1, 8192),
    tsg.State(tsg.SessionState.STARTING, 42, "Starting the machine"),
    tsg.State(0xFF, 0xFF, ""),
    tsg.Cursor(0, 0, 0, 0, b""),
    tsg.Cursor(2, 1, 1, 0, bytes(range(8))),
    tsg.Cursor(1, 1, U16, U16, b"\x00\x80\xff\x7f"),
    tsg.Frame(0, 0, (), b""),
    tsg.Frame(
        U32,
        tsg.FrameFlag.NEW_STREAM | tsg.FrameFlag.LAST,
        (tsg.Operation(0, 0, 0, 8192, 8192), tsg.Operation(1, 16, 8, 640, 480, b"\xff\xd8\xff\xd9")),
        b"history",
    ),
    tsg.Frame(7, 0xFF, (tsg.Operation(1, 8191, 8191, 1, 1, b""),), b""),
    tsg.Frame(8, 2, (tsg.Operation(2, 64, 0, 1856, 1080, tsg.copy_source(0, 7112)),), b""),
    tsg.Frame(9, 2, (tsg.Operation(3, 3, 5, 641, 479, tsg.VideoPicture(7, 3, 1, b"chunk").pack()),), b""),
    tsg.VideoFailed(tsg.Codec.H264, "no decoder — 無"),
    tsg.VideoFailed(0xFF, "x" * 256),
    tsg.WatchStatistics(1),
    tsg.WatchStatistics(0xFF),
    tsg.Stay(),
    tsg.Notice(tsg.NoticeLevel.INFORMATION, 0, ""),
    tsg.Notice(tsg.NoticeLevel.ABSENCE, 60, "Sie werden gleich getrennt — 切断 🙂"),
    tsg.Notice(0xFF, U32, "x" * 1024),
    tsg.Answer(1, 1),
    tsg.Answer(U32, 0xFF),
    tsg.StopShadow(U32),
    tsg.Dialog(0, tsg.DialogKind.MESSAGE, 0, "", "", ""),
    tsg.Dialog(7, tsg.DialogKind.SHADOW_CONTROL, 30, "Ruth — 助け", "A request 🙂", "two\nlines"),
    tsg.Dialog(U32, 0xFF, U32, "s" * 128, "t" * 256, "x" * 4096),
    tsg.DialogOver(U32),
    tsg.Shadow(3, tsg.ShadowState.OVER, ""),
    tsg.Shadow(U32, 0xFF, "w" * 128),
    tsg.Switch(bytes(range(32)), "0123456789abcdef" * 2, "Büro — 事務所"),
    tsg.Switch(b"\xff" * 64, "s" * 64, "t" * 256),
    tsg.Close(tsg.CloseCode.IN_USE, "in use"),
    tsg.Close(tsg.CloseCode.SHADOW_OVER, "refused"),
    tsg.Close(tsg.CloseCode.DISCONNECTED, "by a limit"),
    tsg.Statistics((), 0, 0, 0, 0, 0, 0),
    tsg.Statistics(
        (
            tsg.StageTime(tsg.Stage.GUEST, 800, 16_000, 33_000, 41_000),
            tsg.StageTime(0xFF, U16, U32, U32, U32),
        ),
        125_000,
        101_000,
        3,
        48_000,
        1_234,
        56,
    ),
    tsg.Statistics((tsg.StageTime(0, 0, 0, 0, 0),) * 255, U32, U32, U16, U32, U32, U32),
    tsg.ClipboardOffer(0, ()),
    tsg.ClipboardOffer(U32, (tsg.ClipboardPart(1, 12), tsg.ClipboardPart(0xFF, tsg.UNKNOWN_SIZE))),
    tsg.ClipboardRequest(1, tsg.ClipboardFormat.HTML, U32),
    tsg.ClipboardData(2, tsg.ClipboardFormat.PNG, 70_000, b"\x89PNG"),
    tsg.ClipboardData(U32, 0xFF, U32, b""),
    tsg.ClipboardAck(2, tsg.ClipboardFormat.TEXT, U32),
    tsg.ClipboardEnd(3, 1, tsg.ClipboardReason.LARGER, 10_000_000, ""),
    tsg.ClipboardEnd(U32, 0xFF, 0xFF, U32, "大きすぎます — 🙂"),
    tsg.ClipboardTaken(U32),
    tsg.ClipboardState(0b111, 32 << 20),
    tsg.ClipboardState(0, U32),
    tsg.Listen(tsg.SoundFormat.OPUS),
    tsg.Listen(tsg.SoundFormat.NONE),
    tsg.Heard(U32),
    tsg.Speak(1),
    tsg.Speak(0xFF),
    tsg.Voice(b""),
    tsg.Voice(b"\xff\x7f" * 2400),
    tsg.Sound(0, tsg.SoundFormat.OPUS, tsg.SoundFlag.BEGINS, b"\xfc\xff\xfe"),
    tsg.Sound(U32, tsg.SoundFormat.PCM, 0xFF, bytes(range(8))),
    tsg.Microphone(tsg.MicrophoneState.TAKEN),
]

EXTENSION = b"\x80\x00\x00" + b"\xff\x00\x03abc"
"""Two optional fields, one empty."""

EXTENDED: list[tsg.Message] = [
    tsg.Ping(5),
    tsg.ReleaseKeys(),
    tsg.State(1, 255, "on"),
    tsg.ClientHello(1, b"t", "c", 1, 1, (1,)),
]


def _frame(count: int, history: int, body: bytes = b"") -> bytes:
    return b"\x24" + struct.pack(">IBHI", 1, 2, count, history) + body


def _operation(encoding: int, x: int, y: int, width: int, height: int, size: int = 0) -> bytes:
    return struct.pack(">BHHHHI", encoding, x, y, width, height, size)


MALFORMED: list[tuple[str, str, bytes]] = [
    ("nothing at all", "server", b""),
    ("nothing at all", "viewer", b""),
    ("an unknown type", "server", b"\x04"),
    ("an unknown type", "viewer", b"\x7f\x00"),
    ("a viewer's type from the server", "server", tsg.Pointer(1, 2, 0).encode()),
    ("a server's type from a viewer", "viewer", tsg.ScreenSize(1, 2).encode()),
    ("Ping cut off", "server", b"\x01\x00\x00\x00"),
    ("an unknown field", "server", tsg.Ping(1).encode() + b"\x7f\x00\x00"),
    ("an extension's head cut off", "viewer", tsg.Ping(1).encode() + b"\x80\x00"),
    ("an extension's value cut off", "viewer", tsg.Ping(1).encode() + b"\x80\x00\x02a"),
    ("Close: text cut off", "server", b"\x03\x00\x00\x00\x02a"),
    ("Close: text too long", "server", b"\x03\x00\x00\x04\x01" + b"a" * 1025),
    ("Close: text said to be too long", "server", b"\x03\x00\x00\xff\xff"),
    ("Close: not UTF-8", "server", b"\x03\x00\x00\x00\x02\xc3\x28"),
    ("Close: a surrogate in UTF-8", "server", b"\x03\x00\x00\x00\x03\xed\xa0\x80"),
    ("Close: an overlong form", "server", b"\x03\x00\x00\x00\x02\xc0\x80"),
    ("ClientHello: ticket too long", "viewer", b"\x10\x00\x01\x00\x00\x00\x41" + b"t" * 65),
    ("ClientHello: a ticket of 4 GiB", "viewer", b"\x10\x00\x01\xff\xff\xff\xff"),
    ("ClientHello: cut off", "viewer", tsg.ClientHello(1, b"t", "c", 1, 1, (1, 2)).encode()[:-1]),
    ("Key: neither down nor up", "viewer", b"\x11\x02\x00\x1e\x00\x00\x00\x61"),
    ("Key: scan code of two bytes", "viewer", b"\x11\x01\x01\x00\x00\x00\x00\x61"),
    ("Key: no name at all", "viewer", b"\x11\x01\x00\x00\x00\x00\x00\x00"),
    ("TypeText: too long", "viewer", b"\x12\x10\x01" + b"x" * 4097),
    ("RequestSize: no width", "viewer", b"\x16\x00\x00\x00\x01"),
    ("RequestSize: too high", "viewer", b"\x16\x00\x01\x20\x01"),
    ("ScreenSize: no height", "server", b"\x21\x00\x01\x00\x00"),
    ("ScreenSize: largest numbers", "server", b"\x21\xff\xff\xff\xff"),
    ("Cursor: too few pixels", "server", b"\x23\x00\x02\x00\x01\x00\x00\x00\x00\x00\x00\x00\x04abcd"),
    ("Cursor: too many bytes", "server", b"\x23\x00\x40\x10\x01\x00\x00\x00\x00\x00\x04\x00\x01"),
    ("Cursor: an extension", "server", tsg.Cursor(0, 0, 0, 0, b"").encode() + b"\x80\x00\x00"),
    ("Frame: head cut off", "server", b"\x24\x00\x00\x00\x01\x02\x00"),
    ("Frame: too many operations", "server", _frame(4097, 0)),
    ("Frame: operations cut off", "server", _frame(2, 0, _operation(0, 0, 0, 1, 1))),
    ("Frame: history cut off", "server", _frame(0, 10, b"short")),
    ("Frame: history of 4 GiB", "server", _frame(0, U32)),
    ("Frame: data cut off", "server", _frame(1, 0, _operation(1, 0, 0, 1, 1, 5) + b"abcd")),
    ("Frame: bytes too many", "server", _frame(0, 0, b"x")),
    ("Frame: unknown encoding", "server", _frame(1, 0, _operation(4, 0, 0, 1, 1))),
    ("Frame: a video without a picture", "server", _frame(1, 0, _operation(3, 0, 0, 1, 1, 3) + b"\0\0\0")),
    ("Frame: a ninth video", "server", _frame(1, 0, _operation(3, 0, 0, 1, 1, 4) + b"\x08\0\0v")),
    ("Frame: a video of no known codec", "server", _frame(1, 0, _operation(3, 0, 0, 1, 1, 4) + b"\0\4\0v")),
    ("VideoFailed: reason too long", "viewer", b"\x19\x00\x01\x01" + b"x" * 257),
    ("WatchStatistics: cut off", "viewer", b"\x1a"),
    ("Notice: cut off", "server", b"\x26\x01\x00\x00\x00"),
    ("Notice: text too long", "server", b"\x26\x01" + bytes(4) + b"\x04\x01" + b"x" * 1025),
    ("Answer: cut off", "viewer", b"\x1c\x00\x00\x00\x01"),
    ("StopShadow: cut off", "viewer", b"\x1d\x00\x00\x00"),
    ("Dialog: from a viewer", "viewer", tsg.Dialog(1, 0, 0, "", "", "").encode()),
    ("Dialog: text too long", "server", b"\x27" + bytes(13) + b"\x10\x01" + b"x" * 4097),
    ("Dialog: sender too long", "server", b"\x27" + bytes(9) + b"\x00\x81" + b"x" * 129),
    ("DialogOver: unknown field", "server", tsg.DialogOver(1).encode() + b"\x01\x00\x00"),
    ("Shadow: not UTF-8", "server", b"\x29" + bytes(5) + b"\x00\x01\xff"),
    ("People: a row cut off", "server", tsg.People(1, 0, (tsg.PersonHere(1, 0, 0, 0, "a"),)).encode()[:-1]),
    ("People: fewer rows than said", "server", b"\x50" + bytes(5) + b"\x02" + bytes(12)),
    ("People: name too long", "server", b"\x50" + bytes(5) + b"\x01" + bytes(10) + b"\x00\x81" + b"n" * 129),
    ("People: name not UTF-8", "server", b"\x50" + bytes(5) + b"\x01" + bytes(10) + b"\x00\x01\xff"),
    ("People: from a viewer", "viewer", tsg.People(1, 0, ()).encode()),
    ("PointerOf: cut off", "server", tsg.PointerOf(1, 2, 3).encode()[:-1]),
    ("AskControl: neither yes nor no", "viewer", b"\x52\x02"),
    ("SetControl: neither yes nor no", "viewer", b"\x53\x00\x00\x00\x01\x02"),
    ("SetControl: cut off", "viewer", b"\x53\x00\x00\x00\x01"),
    ("PointAway: unknown field", "viewer", b"\x54\x01\x00\x00"),
    ("Switch: ticket too long", "server", b"\x2a\x00\x00\x00\x41" + b"t" * 65),
    ("Stay: unknown field", "viewer", b"\x1b\x01\x00\x00"),
    ("Statistics: stages cut off", "server", b"\x25\x02" + bytes(29)),
    ("Statistics: cut off", "server", tsg.Statistics((), 0, 0, 0, 0, 0, 0).encode()[:-1]),
    ("ClipboardOffer: parts cut off", "viewer", b"\x30\0\0\0\1\2\1\0\0\0\0"),
    ("ClipboardRequest: cut off", "server", b"\x31\0\0\0\1\1"),
    ("ClipboardData: a piece too long", "viewer", b"\x32\0\0\0\1\1\0\1\0\0\0\0\xc0\1"),
    ("ClipboardData: a piece of 4 GiB", "server", b"\x32\0\0\0\1\1\0\1\0\0\xff\xff\xff\xff"),
    ("ClipboardEnd: not UTF-8", "viewer", b"\x34\0\0\0\1\1\3\0\0\0\0\0\1\xff"),
    ("ClipboardTaken: from a viewer", "viewer", b"\x35\0\0\0\1"),
    ("ClipboardState: a maximum of nothing", "server", b"\x36\1\0\0\0\0"),
    ("Listen: no such format", "viewer", b"\x38\x03"),
    ("Heard: cut off", "viewer", b"\x39\x00\x00\x00"),
    ("Speak: from the server", "server", b"\x3a\x01"),
    ("Voice: half a sample", "viewer", b"\x3b\x00\x00\x00\x03abc"),
    ("Voice: too long", "viewer", b"\x3b\x00\x00\x12\xc2" + bytes(4802)),
    ("Sound: half a frame", "server", b"\x3c" + bytes(4) + b"\x02\x00\x00\x00\x00\x02ab"),
    ("Sound: no such format", "server", b"\x3c" + bytes(4) + b"\x03\x00" + bytes(4)),
    ("Sound: of 4 GiB", "server", b"\x3c" + bytes(4) + b"\x01\x00\xff\xff\xff\xff"),
    ("Microphone: no such state", "server", b"\x3d\x04"),
    ("Frame: a copy from nowhere", "server", _frame(1, 0, _operation(2, 0, 0, 1, 1))),
    ("Frame: a copy from too far", "server", _frame(1, 0, _operation(2, 0, 0, 2, 1, 4) + b"\x1f\xff\0\0")),
    ("Frame: no width", "server", _frame(1, 0, _operation(0, 0, 0, 0, 1))),
    ("Frame: no height", "server", _frame(1, 0, _operation(0, 0, 0, 1, 0))),
    ("Frame: past the right edge", "server", _frame(1, 0, _operation(0, 8192, 0, 1, 1))),
    ("Frame: past the bottom edge", "server", _frame(1, 0, _operation(0, 0, 1, 1, 8192))),
]


def values(message: tsg.Message) -> dict[str, Any]:
    """A message's fields as JSON has them: bytes in hexadecimal."""
    return {field.name: _plain(getattr(message, field.name)) for field in fields(message)}  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tsg.Operation | tsg.StageTime | tsg.ClipboardPart | tsg.PersonHere):
        return {name: _plain(item) for name, item in value._asdict().items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def known(side: str) -> dict[int, type[tsg.Message]]:
    """The types that `side`, "viewer" or "server", may send."""
    return tsg.FROM_VIEWER if side == "viewer" else tsg.FROM_SERVER


def sides(message: tsg.Message) -> list[str]:
    """Who may send `message`."""
    return [side for side in ("viewer", "server") if message.TYPE in known(side)]


def _error(side: str, data: bytes) -> str:
    try:
        tsg.decode(data, known(side))
    except ProtocolError as error:
        return type(error).__name__
    raise SystemExit(f"this is not malformed: {data.hex()}")


def vectors() -> dict[str, Any]:
    """The contents of tsg.json."""

    def entry(message: tsg.Message, extension: bytes = b"") -> dict[str, Any]:
        data = (message.encode() + extension).hex()
        name = type(message).__name__
        return {"name": name, "from": sides(message), "fields": values(message), "hex": data}

    return {
        "version": tsg.VERSION,
        "valid": [entry(message) for message in VALID],
        "extended": [entry(message, EXTENSION) for message in EXTENDED],
        "ignored": [data.hex() for data in (b"\x80", b"\xff", b"\x81anything at all")],
        "malformed": [
            {"why": why, "from": side, "hex": data.hex(), "error": _error(side, data)}
            for why, side, data in MALFORMED
        ],
    }


WIDTH, HEIGHT, STREAM_WINDOW_LOG = 96, 64, 17
STREAMS = (
    ([(0, 0, 96, 64)], [(10, 5, 40, 20)], [(0, 0, 96, 1), (95, 0, 1, 64), (3, 3, 2, 2)]),
    ([(0, 0, 96, 64)], [(1, 1, 1, 1)]),
)
"""The rectangles of each frame of each zstd stream of stream.json."""


def _row(number: int, row: int, start: int, end: int) -> bytes:
    pixels = [(column * number, row * 3 + number, column ^ row, 0) for column in range(start, end)]
    return bytes(component & 255 for pixel in pixels for component in pixel)


def stream() -> dict[str, Any]:
    """The contents of stream.json: frames, and a digest of the R, G, B, A picture after each."""
    screen = bytearray(4 * WIDTH * HEIGHT)
    shown = bytearray(b"\xff" * len(screen))
    frames: list[dict[str, Any]] = []
    for changes in STREAMS:
        parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=STREAM_WINDOW_LOG)
        compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        for position, rectangles in enumerate(changes):
            number = len(frames) + 1
            history = b""
            for x, y, width, height in rectangles:
                for row in range(y, y + height):
                    line = _row(number, row, x, x + width)
                    start = 4 * (row * WIDTH + x)
                    screen[start : start + len(line)] = line
                    history += compressor.compress(line)
            history += compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            flags = tsg.FrameFlag.LAST | (0 if position else tsg.FrameFlag.NEW_STREAM)
            operations = tuple(tsg.Operation(tsg.Encoding.HISTORY, *rectangle) for rectangle in rectangles)
            message = tsg.Frame(number, flags, operations, history).encode()
            shown[0::4], shown[1::4], shown[2::4] = screen[2::4], screen[1::4], screen[0::4]
            digest = hashlib.sha256(shown).hexdigest()
            frames.append({"message": base64.b64encode(message).decode(), "sha256": digest})
    return {"width": WIDTH, "height": HEIGHT, "window_log": STREAM_WINDOW_LOG, "frames": frames}


def main() -> None:
    """Write both files."""
    for name, contents in (("tsg", vectors()), ("stream", stream())):
        (HERE / f"{name}.json").write_text(json.dumps(contents, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    main()
