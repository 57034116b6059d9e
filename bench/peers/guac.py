"""A viewer of the Guacamole protocol: the handshake with guacd, acknowledgement by `sync`, and decoding.

An instruction is `LENGTH.VALUE,LENGTH.VALUE,…;`, lengths in characters; the first value is its name.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import contextlib
import io
import socket
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from bench.peers.base import PeerError, UndecodableError
from sessions.pixels.framebuffer import Pixels

Instruction = tuple[str, ...]
_MOST_CHARACTERS = 1 << 24  # of one value: far above what guacd sends at once
_LONGEST_LENGTH = 10  # digits
_NO_PICTURE = {"sync", "nop", "name", "mouse", "ready", "args", "log", "msg"}
_COLOUR, _ALPHA, _OPAQUE = np.uint32(0xFFFFFF), np.uint32(0xFF000000), 0x80000000


def encode(*values: str) -> bytes:
    """Return an instruction's bytes."""
    return (",".join(f"{len(value)}.{value}" for value in values) + ";").encode()


class Parser:
    """Cuts a stream into instructions."""

    def __init__(self) -> None:
        self._text = ""
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def receive(self, data: bytes) -> list[Instruction]:
        """Return the instructions that `data` completes. Raises PeerError for what is none."""
        self._text += self._decode(data)
        whole: list[Instruction] = []
        at = 0
        while (found := self._one(at)) is not None:
            instruction, at = found
            whole.append(instruction)
        self._text = self._text[at:]
        return whole

    def _one(self, at: int) -> tuple[Instruction, int] | None:
        values: list[str] = []
        while True:
            dot = self._text.find(".", at, at + _LONGEST_LENGTH + 1)
            if dot < 0:
                if len(self._text) - at > _LONGEST_LENGTH:
                    raise PeerError("guacd sent something that is no instruction")
                return None
            end = dot + 1 + self._length(self._text[at:dot])
            if end >= len(self._text):
                return None
            values.append(self._text[dot + 1 : end])
            at = end + 1
            if self._text[end] == ";":
                return tuple(values), at
            if self._text[end] != ",":
                raise PeerError("guacd sent an instruction with a wrong length")

    @staticmethod
    def _length(digits: str) -> int:
        if not (digits.isascii() and digits.isdigit()) or int(digits) > _MOST_CHARACTERS:
            raise PeerError(f"guacd sent a length of {digits!r}")
        return int(digits)


class GuacViewer:
    """A viewer on a connected socket.

    protocol: what guacd is to speak with the desktop. arguments: for that, by name; others stay empty.
    images: the MIME types it takes. Raises PeerError if guacd wants otherwise.
    """

    def __init__(
        self,
        connection: socket.socket,
        protocol: str,
        arguments: Mapping[str, str],
        images: Sequence[str],
        size: tuple[int, int] = (1920, 1080),
    ) -> None:
        self.received = 0
        self.size = size
        self._connection = connection
        self._parser = Parser()
        self._waiting: list[Instruction] = []
        self._send("select", protocol)
        try:
            name, version, *wanted = self._instruction()
        except TimeoutError as error:
            raise PeerError(f"guacd does not answer; has it its plug-in for {protocol}?") from error
        connection.settimeout(None)
        if name != "args":
            raise PeerError(f"guacd answers {name}: {version}")
        self._send("size", *map(str, size), "96")
        for kind, types in (("audio", ()), ("video", ()), ("image", images)):
            self._send(kind, *types)
        self._send("connect", version, *(arguments.get(each, "") for each in wanted))

    def _send(self, *values: str) -> None:
        self._connection.sendall(encode(*values))

    def _instruction(self) -> Instruction:
        while not self._waiting:
            data = self._connection.recv(1 << 18)
            if not data:
                raise EOFError("guacd closed the connection")
            self.received += len(data)
            self._waiting = self._parser.receive(data)
        return self._waiting.pop(0)

    def next(self) -> list[Instruction]:
        """Return the instructions of the next frame that draws something."""
        update: list[Instruction] = []
        while True:
            instruction = self._instruction()
            if instruction[0] == "error":
                raise PeerError(f"guacd says: {instruction[1]}")
            if instruction[0] == "nop":
                self._send("nop")
            if instruction[0] == "sync":
                self._send("sync", instruction[1])
                if update:
                    return update
            elif instruction[0] not in _NO_PICTURE:
                update.append(instruction)

    def decoder(self) -> GuacDecoder:
        """Return a decoder for the whole of what this viewer gets."""
        return GuacDecoder(*self.size)

    def close(self) -> None:
        """Leave."""
        with contextlib.suppress(OSError):
            self._send("disconnect")
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


class _Stream(NamedTuple):
    mask: int
    layer: int
    x: int
    y: int
    data: bytearray


class GuacDecoder:
    """Draws instructions into layers, of which 0 is the screen; layers are BGRA, clear or opaque."""

    def __init__(self, width: int, height: int) -> None:
        self._layers: dict[int, Pixels] = {0: np.zeros((height, width), "<u4")}
        self._streams: dict[str, _Stream] = {}
        self._path: dict[int, tuple[int, int, int, int]] = {}

    @property
    def pixels(self) -> Pixels:
        """(height, width) BGRX."""
        return self._layers[0] & _COLOUR

    def apply(self, update: list[Instruction]) -> bool:
        """Apply one frame; it is shown at once. Raises UndecodableError."""
        for name, *values in update:
            method = getattr(self, f"_do_{name}", None)
            if method is not None:
                method(*values)
            elif name not in ("cursor", "ack", "dispose", "set", "clipboard"):
                raise UndecodableError(f"Guacamole's instruction {name}")
        return True

    def _layer(self, number: int, width: int, height: int) -> Pixels:
        """Return a layer, which grows to hold what is drawn; only the screen's size is fixed."""
        layer = self._layers.get(number)
        if layer is None:
            layer = np.zeros((0, 0), "<u4")
        rows, columns = max(height, layer.shape[0]), max(width, layer.shape[1])
        if number != 0 and (rows, columns) != layer.shape:
            layer = np.pad(layer, ((0, rows - layer.shape[0]), (0, columns - layer.shape[1])))
            self._layers[number] = layer
        return layer

    # A channel mask tells what stays: source where nothing is (8) or something is (4), what is there where
    # the source is clear (2) or not (1). Nothing on a desktop is half clear.
    def _draw(self, mask: int, number: int, x: int, y: int, pixels: Pixels) -> None:
        height, width = pixels.shape
        target = self._layer(number, x + width, y + height)[y : y + height, x : x + width]
        source = pixels[: target.shape[0], : target.shape[1]]
        drawn, there = source >= _OPAQUE, target >= _OPAQUE
        ours = drawn & ((bool(mask & 8) & ~there) | (bool(mask & 4) & there))
        theirs = there & ((bool(mask & 2) & ~drawn) | (bool(mask & 1) & drawn))
        if (ours & theirs).any():
            raise UndecodableError(f"Guacamole's channel mask {mask}")
        target[:] = np.where(ours, source, np.where(theirs, target, 0))

    def _do_size(self, layer: str, width: str, height: str) -> None:
        old = self._layers.get(int(layer), np.zeros((0, 0), "<u4"))
        new = np.zeros((int(height), int(width)), "<u4")
        rows, columns = min(old.shape[0], new.shape[0]), min(old.shape[1], new.shape[1])
        new[:rows, :columns] = old[:rows, :columns]
        self._layers[int(layer)] = new

    def _do_img(self, stream: str, mask: str, layer: str, kind: str, x: str, y: str) -> None:
        self._streams[stream] = _Stream(int(mask), int(layer), int(x), int(y), bytearray())

    def _do_blob(self, stream: str, data: str) -> None:
        try:
            self._streams[stream].data.extend(base64.b64decode(data, validate=True))
        except (KeyError, binascii.Error) as error:
            raise UndecodableError("a blob of Guacamole's that belongs to no image") from error

    def _do_end(self, stream: str) -> None:
        whole = self._streams.pop(stream, None)
        if whole is not None:
            self._draw(whole.mask, whole.layer, whole.x, whole.y, _image(bytes(whole.data)))

    def _do_copy(
        self, source: str, x: str, y: str, width: str, height: str, mask: str, layer: str, *to: str
    ) -> None:
        left, top = int(x), int(y)
        from_layer = self._layer(int(source), left + int(width), top + int(height))
        pixels = from_layer[top : top + int(height), left : left + int(width)].copy()
        self._draw(int(mask), int(layer), int(to[0]), int(to[1]), pixels)

    def _do_rect(self, layer: str, x: str, y: str, width: str, height: str) -> None:
        self._path[int(layer)] = int(x), int(y), int(width), int(height)

    def _do_cfill(self, mask: str, layer: str, red: str, green: str, blue: str, alpha: str) -> None:
        x, y, width, height = self._path.pop(int(layer))
        colour = int(alpha) << 24 | int(red) << 16 | int(green) << 8 | int(blue)
        self._draw(int(mask), int(layer), x, y, np.full((height, width), colour, "<u4"))


def _image(data: bytes) -> Pixels:
    """Return a PNG's, JPEG's or WebP's pixels, BGRA."""
    image = Image.open(io.BytesIO(data))
    if "A" in image.mode or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA")).view("<u4")[:, :, 0]  # R in the lowest byte
        swapped: Pixels = rgba & np.uint32(0xFF00FF00) | rgba >> 16 & 0xFF | (rgba & 0xFF) << 16
        return swapped
    rgb = np.asarray(image.convert("RGB")).astype("<u4")
    pixels: Pixels = rgb[:, :, 0] << 16 | rgb[:, :, 1] << 8 | rgb[:, :, 2] | _ALPHA
    return pixels
