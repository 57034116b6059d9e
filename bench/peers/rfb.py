"""A VNC viewer (RFC 6143) that asks for Tight, notes what comes, and decodes it afterwards."""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.peers import tight
from bench.peers.base import PeerError, UndecodableError
from sessions.pixels.framebuffer import Pixels

RAW, COPY_RECT, TIGHT = 0, 1, 7
_DESKTOP_SIZE, _LAST_RECT, _CURSOR = -223, -224, -239
_COMPRESSION, _QUALITY = -256, -32
_NO_SECURITY = 1
_UPDATE, _COLOURS, _BELL, _CUT_TEXT = range(4)
# 32 bits a pixel, 24 of them used, little-endian, red at 16, green at 8, blue at 0: BGRX in memory
_FORMAT = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)


@dataclass(frozen=True)
class RectUpdate:
    """One rectangle. body: raw pixels, the place to copy from, a TightRect, or nothing."""

    x: int
    y: int
    width: int
    height: int
    encoding: int
    body: Any


class RfbViewer:
    """A viewer on a connected socket.

    quality: 0 (worst) to 9, None for exact pixels. compression: 0 to 9.
    Raises PeerError if the server wants a password or speaks something else.
    """

    def __init__(self, connection: socket.socket, *, quality: int | None, compression: int = 2) -> None:
        self.received = 0
        self._connection = connection
        self._reader = connection.makefile("rb", 1 << 18)
        self._handshake()
        encodings = [TIGHT, COPY_RECT, RAW, _COMPRESSION + compression, _LAST_RECT, _CURSOR, _DESKTOP_SIZE]
        if quality is not None:
            encodings.append(_QUALITY + quality)
        self._send(b"\0\0\0\0" + _FORMAT)
        self._send(struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings))
        self._request(incremental=False)
        connection.settimeout(None)

    def _send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def _exactly(self, count: int) -> bytes:
        data: bytes = self._reader.read(count)
        self.received += len(data)
        if len(data) < count:
            raise EOFError("the server closed the connection")
        return data

    def _handshake(self) -> None:
        version = self._exactly(12)
        if not version.startswith(b"RFB 003.00"):
            raise PeerError(f"it is no VNC server of RFB 3.8: {version!r}")
        self._send(b"RFB 003.008\n")
        if _NO_SECURITY not in self._exactly(self._exactly(1)[0]):
            raise PeerError("the VNC server wants a password")
        self._send(bytes([_NO_SECURITY]))
        if struct.unpack(">I", self._exactly(4))[0]:
            raise PeerError("the VNC server refused")
        self._send(b"\1")
        self.size: tuple[int, int] = struct.unpack(">HH16x", self._exactly(20))
        self._exactly(struct.unpack(">I", self._exactly(4))[0])

    def _request(self, *, incremental: bool) -> None:
        self._send(struct.pack(">BBHHHH", 3, incremental, 0, 0, *self.size))

    def move(self, x: int, y: int) -> None:
        """Move the pointer."""
        self._send(struct.pack(">BBHH", 5, 0, x, y))

    def next(self) -> list[RectUpdate]:
        """Return the next update's rectangles. The next one is asked for as soon as this one begins."""
        while (kind := self._exactly(1)[0]) != _UPDATE:
            if kind == _COLOURS:
                self._exactly(6 * struct.unpack(">xHH", self._exactly(5))[1])
            elif kind == _CUT_TEXT:
                self._exactly(struct.unpack(">xxxI", self._exactly(7))[0])
            elif kind != _BELL:
                raise UndecodableError(f"an RFB message of type {kind}")
        (count,) = struct.unpack(">xH", self._exactly(3))
        self._request(incremental=True)
        rects: list[RectUpdate] = []
        while len(rects) < count:
            rect = self._rect()
            if rect.encoding == _LAST_RECT:
                break
            rects.append(rect)
        return rects

    def _rect(self) -> RectUpdate:
        x, y, width, height, encoding = struct.unpack(">HHHHi", self._exactly(12))
        body: Any = None
        if encoding == TIGHT:
            body = tight.read(self._exactly, width, height)
        elif encoding == RAW:
            body = self._exactly(width * height * 4)
        elif encoding == COPY_RECT:
            body = struct.unpack(">HH", self._exactly(4))
        elif encoding == _CURSOR:
            self._exactly(width * height * 4 + (width + 7) // 8 * height)
        elif encoding not in (_LAST_RECT, _DESKTOP_SIZE):
            raise UndecodableError(f"RFB encoding {encoding}")
        return RectUpdate(x, y, width, height, encoding, body)

    def decoder(self) -> RfbDecoder:
        """Return a decoder for the whole of what this viewer gets."""
        return RfbDecoder(*self.size)

    def close(self) -> None:
        """Leave."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class RfbDecoder:
    """Paints updates, each list of rectangles a picture. pixels: (height, width) BGRX."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels: Pixels = np.zeros((height, width), "<u4")
        self._tight = tight.Decoder()

    def apply(self, update: list[RectUpdate]) -> bool:
        """Apply one update; it is shown at once."""
        for rect in update:
            target = self.pixels[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
            if rect.encoding == TIGHT:
                target[:] = self._tight.decode(rect.body)
            elif rect.encoding == RAW:
                target[:] = np.frombuffer(rect.body, "<u4").reshape(target.shape) & np.uint32(0xFFFFFF)
            elif rect.encoding == COPY_RECT:
                x, y = rect.body
                target[:] = self.pixels[y : y + rect.height, x : x + rect.width].copy()
        return True
