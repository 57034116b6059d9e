"""The sound of a VNC server: QEMU's audio extension, without any of the server's pictures.

Source: "QEMU Client Message" and "QEMU Server Message" of the community's RFB specification, submessage 1. A
client that asks for no updates is sent none; all else a server may say is skipped.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Generator
from typing import NamedTuple

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.rfb import messages
from sessions.wire.rfb.handshake import handshake

RATE, CHANNELS, FRAME_BYTES = 48000, 2, 4
"""What is asked for: frames a second, of so many 16-bit samples, little-endian, signed."""
MAX_PIECE = 256 * 1024
"""Bytes of sound in one message; QEMU sends some 2 kB."""
MAX_CUT_TEXT = 16 * 1024 * 1024
"""Longest clipboard text that is skipped, bytes."""

AUDIO = -259
_SIGNED_16 = 3
_ENABLE, _SET_FORMAT = 0, 2
_CHUNK = 4096


class Begun(enum.Enum):
    """Whether the guest plays."""

    ENDS = 0
    BEGINS = 1


class Samples(NamedTuple):
    """What the guest plays next: frames of `CHANNELS` samples, `RATE` a second."""

    data: bytes


Event = Begun | Samples
_Parser = Generator[int | Event, bytes, None]


class AudioClient:
    """One connection to a server, for its sound. Send `data_to_send()` after each `receive`.

    agreed: whether the server has said that it knows the extension; it has been asked for sound then.
    """

    def __init__(self) -> None:
        self.agreed = False
        self._out = bytearray()
        self._held = bytearray()
        self._parser = self._parse()
        self._need = self._advance(b"", [])

    def receive(self, data: bytes | memoryview) -> list[Event]:
        """Take bytes; how they are cut does not matter. Raises ProtocolError, LimitExceeded, Refused."""
        self._held += data
        events: list[Event] = []
        at = 0
        while len(self._held) - at >= self._need:
            piece = bytes(self._held[at : at + self._need])
            at += self._need
            self._need = self._advance(piece, events)
        del self._held[:at]
        return events

    def data_to_send(self) -> bytes:
        """Return what the protocol wants sent, once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def _advance(self, piece: bytes, events: list[Event]) -> int:
        """Feed the parser; return how many bytes it wants next."""
        step = self._parser.send(piece) if piece else next(self._parser)
        while not isinstance(step, int):
            events.append(step)
            step = next(self._parser)
        return step

    def _parse(self) -> _Parser:
        yield from _handshake(self._out)
        self._out += messages.set_encodings((AUDIO,))
        while True:
            (kind,) = yield 1
            if kind == 0:
                yield from self._update()
            elif kind == 1:  # colours of a palette
                (count,) = struct.unpack(">3xH", (yield 5))
                yield from _skip(6 * count)
            elif kind == 3:
                (length,) = struct.unpack(">3xI", (yield 7))
                if length > MAX_CUT_TEXT:
                    raise LimitExceeded(f"The VNC server sent {length} bytes of clipboard text.")
                yield from _skip(length)
            elif kind == 255:
                yield from _sound()
            elif kind != 2:  # a bell
                raise ProtocolError(f"The VNC server sent a message of the unknown type {kind}.")

    def _update(self) -> _Parser:
        """Take the sign that the server knows the extension: a rectangle without pixels."""
        (count,) = struct.unpack(">xH", (yield 3))
        for _ in range(count):
            (encoding,) = struct.unpack(">8xi", (yield 12))
            if encoding != AUDIO:
                raise ProtocolError(f"The VNC server sent pixels (encoding {encoding}) without being asked.")
            self._out += struct.pack(">BBHBBI", 255, 1, _SET_FORMAT, _SIGNED_16, CHANNELS, RATE)
            self._out += struct.pack(">BBH", 255, 1, _ENABLE)
            self.agreed = True


def _handshake(out: bytearray) -> _Parser:
    steps = handshake(None, True, out)
    step = next(steps)
    while True:
        if not isinstance(step, int):
            raise ProtocolError("The VNC server's handshake cannot be followed.")
        piece = (yield step) if step else b""
        try:
            step = steps.send(memoryview(piece))
        except StopIteration:
            return


def _sound() -> _Parser:
    submessage, operation = struct.unpack(">BH", (yield 3))
    if submessage != 1 or operation > 2:
        raise ProtocolError(f"The VNC server sent QEMU's message {submessage}.{operation}, which is unknown.")
    if operation < 2:
        yield Begun(operation)
        return
    (length,) = struct.unpack(">I", (yield 4))
    if length > MAX_PIECE:
        raise LimitExceeded(f"The VNC server sent {length} bytes of sound at once; {MAX_PIECE} is the most.")
    if length % FRAME_BYTES:
        raise ProtocolError(f"The VNC server sent {length} bytes of sound, which are no whole frames.")
    if length:
        yield Samples((yield length))


def _skip(count: int) -> _Parser:
    while count:
        count -= len((yield min(count, _CHUNK)))
