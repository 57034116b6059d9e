"""Many small office desktops in one process: VNC servers (RFC 6143, raw, no authentication) that react.

    python -m bench.scale_desktops FOLDER COUNT WIDTH HEIGHT      prints "ready" when all listen

Desktop n listens on FOLDER/n.sock. On the left is a page of text that a turn of the wheel scrolls, on the
right an editor in which a key paints a letter and the caret. Everything is rendered once, before the first
client: what a key or a turn costs here is sending. When the k-th key arrived at desktop n is noted in
FOLDER/arrivals (float64, COUNT × MAX_KEYS, monotonic seconds).
"""

from __future__ import annotations

import asyncio
import string
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bench import traces

MAX_KEYS = 8192
CELL = 10
LINE = 20
TILE = 64
NOTCH = 66
"""Rows that the page moves at a turn of the wheel: three lines."""
PAGE_SCREENS = 6
_FORMAT = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
_LENGTHS = {0: 20, 3: 10, 4: 8, 5: 6}
_LETTERS = string.ascii_lowercase


class Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int

    def has(self, x: int, y: int) -> bool:
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


@dataclass(frozen=True)
class Layout:
    """Where things are on a screen. No tile is in both page and editor, so it tells which of them changed."""

    width: int
    height: int

    @property
    def page(self) -> Box:
        return Box(TILE, TILE, self.width * 3 // 5 // TILE * TILE, self.height - 2 * TILE)

    @property
    def editor(self) -> Box:
        left = self.page.x + self.page.width + TILE
        columns = (self.width - left - TILE // 2) // CELL
        lines = self.page.height // LINE
        return Box(left, TILE, columns * CELL, lines * LINE)

    def caret(self, key: int) -> tuple[int, int]:
        """Return the corner of the letter that the key with this number paints."""
        box = self.editor
        columns = box.width // CELL - 1  # the caret stands right of the letter
        line, column = divmod(key, columns)
        return box.x + column * CELL, box.y + line % (box.height // LINE) * LINE


class Scene:
    """Pixels of all desktops, rendered once."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        box = layout.page
        self.page = np.ascontiguousarray(traces.page(box.width, box.height * PAGE_SCREENS))
        screen = np.full((layout.height, layout.width), 0x3A5A7A, "<u4")
        screen[: TILE // 2] = 0x202428
        screen[box.y : box.y + box.height, box.x : box.x + box.width] = self.page[: box.height]
        box = layout.editor
        screen[box.y : box.y + box.height, box.x : box.x + box.width] = 0xFFFFFF
        self.first = _message(Box(0, 0, layout.width, layout.height), screen)
        self.letters = [_letter(letter) for letter in _LETTERS]
        self.blank_line = np.full((LINE, box.width), 0xFFFFFF, "<u4").tobytes()

    def key(self, number: int) -> list[bytes]:
        """Return the rectangles that answer a key."""
        x, y = self.layout.caret(number)
        letter = _head(Box(x, y, 2 * CELL, LINE)) + self.letters[number * 7 % len(self.letters)]
        box = self.layout.editor
        line = [_head(Box(box.x, y, box.width, LINE)) + self.blank_line] if x == box.x else []
        return [*line, letter]

    def scrolled(self, top: int) -> tuple[bytes, memoryview]:
        """Return the rectangle of a page that begins with this row: its head, and its pixels in place."""
        box = self.layout.page
        return _head(box), self.page[top : top + box.height].data.cast("B")

    @property
    def scroll_range(self) -> int:
        return self.layout.page.height * (PAGE_SCREENS - 1)


def _letter(letter: str) -> bytes:
    """Render a letter and the caret behind it."""
    image = Image.new("RGB", (2 * CELL, LINE), "white")
    draw = ImageDraw.Draw(image)
    draw.text((0, 1), letter, "black", ImageFont.load_default(15))
    draw.rectangle((CELL + 1, 2, CELL + 2, LINE - 3), "black")
    return traces.bgrx(image).tobytes()


def _head(box: Box) -> bytes:
    return struct.pack(">HHHHi", *box, 0)


def _message(box: Box, pixels: npt.NDArray[np.uint32]) -> bytes:
    return struct.pack(">BxH", 0, 1) + _head(box) + pixels.tobytes()


class Desktop(asyncio.Protocol):
    """One desktop and its one client."""

    def __init__(self, scene: Scene, arrivals: npt.NDArray[np.float64]) -> None:
        self._scene = scene
        self._arrivals = arrivals
        self._input = bytearray()
        self._shaken = 0
        self._keys = 0
        self._buttons = 0
        self._top = 0
        self._step = NOTCH
        self._asked = self._all = self._scrolled = False
        self._typed: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(b"RFB 003.008\n")

    def data_received(self, data: bytes) -> None:
        self._input += data
        while self._take():
            pass
        self._answer()

    def _take(self) -> bool:
        """Take one message off the input; whether there was a whole one."""
        if self._shaken < 3:
            return self._shake()
        if not self._input:
            return False
        kind = self._input[0]
        if kind == 2:
            length = 4 + 4 * int.from_bytes(self._input[2:4], "big") if len(self._input) >= 4 else 4
        else:
            length = _LENGTHS[kind]
        if len(self._input) < length:
            return False
        message = bytes(self._input[:length])
        del self._input[:length]
        self._act(kind, message)
        return True

    def _shake(self) -> bool:
        length = (12, 1, 1)[self._shaken]
        if len(self._input) < length:
            return False
        del self._input[:length]
        size = struct.pack(">HH", self._scene.layout.width, self._scene.layout.height)
        name = b"office"
        said = (b"\1\1", bytes(4), size + _FORMAT + struct.pack(">I", len(name)) + name)
        self._transport.write(said[self._shaken])
        self._shaken += 1
        return True

    def _act(self, kind: int, message: bytes) -> None:
        if kind == 3:
            self._asked = True
            self._all = self._all or not message[1]
        elif kind == 4 and message[1]:
            self._arrivals[self._keys % MAX_KEYS] = time.monotonic()
            self._typed += self._scene.key(self._keys)
            self._keys += 1
        elif kind == 5:
            pressed = message[1] & ~self._buttons
            self._buttons = message[1]
            if pressed & 0x18:
                self._turn()

    def _turn(self) -> None:
        """Scroll on; at the end of the page back."""
        if not 0 <= self._top + self._step <= self._scene.scroll_range:
            self._step = -self._step
        self._top += self._step
        self._scrolled = True

    def _answer(self) -> None:
        if not self._asked or not (self._all or self._typed or self._scrolled):
            return
        self._asked = False
        if self._all:
            self._transport.write(self._scene.first)
            self._all = False
            return
        count = len(self._typed) + self._scrolled
        self._transport.write(struct.pack(">BxH", 0, count) + b"".join(self._typed))
        if self._scrolled:
            head, pixels = self._scene.scrolled(self._top)
            self._transport.write(head)
            self._transport.write(pixels)
        self._typed, self._scrolled = [], False


async def serve(folder: Path, count: int, layout: Layout) -> None:
    scene = Scene(layout)
    arrivals = np.memmap(folder / "arrivals", np.float64, "w+", shape=(count, MAX_KEYS))
    loop = asyncio.get_running_loop()
    for number in range(count):
        await loop.create_unix_server(
            lambda number=number: Desktop(scene, arrivals[number]), str(folder / f"{number}.sock")
        )
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), Layout(int(sys.argv[3]), int(sys.argv[4]))))
