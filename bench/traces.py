"""Desktop traces: 1920×1080 frames, 4 bytes a pixel (B, G, R, unused), back to back, one zstd frame.

trace = load(path) or office()
for update in updates(trace): ...
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import zstandard
from PIL import Image, ImageDraw, ImageFont

from bench.film import Film
from sessions.pixels.compare import update
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import TILE_ROWS, Region

WIDTH, HEIGHT = 1920, 1080
SIZE = Size(WIDTH, HEIGHT)
_BAND = 64 // TILE_ROWS


def load(path: Path) -> list[Pixels]:
    """Read a trace file."""
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(path.open("rb"))
    frames = []
    while len(data := reader.read(WIDTH * HEIGHT * 4)) == WIDTH * HEIGHT * 4:
        frames.append(np.frombuffer(data, "<u4").reshape(HEIGHT, WIDTH) & np.uint32(0xFFFFFF))
    if not frames:
        raise SystemExit(f"{path} holds no whole frame of {WIDTH}×{HEIGHT}")
    return frames


class Writer:
    """Writes a trace frame by frame; the file is there, whole, once it is closed with at least one frame.

    with Writer(path) as trace: trace.append(frame)
    """

    def __init__(self, path: Path, level: int = 3) -> None:
        self.frames = 0
        self._path, self._part = path, path.with_name(path.name + ".part")
        self._file = self._part.open("wb")
        parameters = zstandard.ZstdCompressionParameters.from_level(level, window_log=27, enable_ldm=True)
        self._stream = zstandard.ZstdCompressor(compression_params=parameters).stream_writer(self._file)

    def append(self, frame: Pixels) -> None:
        """Add a frame, (HEIGHT, WIDTH)."""
        if frame.shape != (HEIGHT, WIDTH):
            raise ValueError(f"a frame of a trace is {WIDTH}×{HEIGHT}, not {frame.shape[1]}×{frame.shape[0]}")
        self._stream.write(np.ascontiguousarray(frame).data)
        self.frames += 1

    @property
    def bytes(self) -> int:
        """Bytes in the file so far."""
        return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and self.frames:
            self._stream.flush(zstandard.FLUSH_FRAME)
            self._file.close()
            self._part.replace(self._path)
        else:
            self._file.close()
            self._part.unlink()


def save(path: Path, frames: list[Pixels]) -> None:
    """Write a trace file."""
    with Writer(path) as trace:
        for frame in frames:
            trace.append(frame)


def updates(frames: list[Pixels]) -> Iterator[list[tuple[Pixels, Rect]]]:
    """Yield each frame as the rectangles a VNC server would send: first all, then what changed.

    Servers tell roughly what changed: here, for each band of 64 rows, from the first column to the last.
    """
    yield [(frames[0], Rect(0, 0, *SIZE))]
    shown = frames[0].copy()
    for frame in frames[1:]:
        tiles = update(shown, frame, Region.whole(SIZE)).tiles
        for top in range(0, len(tiles), _BAND):
            band = tiles[top : top + _BAND]
            columns = np.flatnonzero(band.any(axis=0))
            if len(columns):
                band[:, columns[0] : columns[-1] + 1] = True
        yield [(frame, rect) for rect in Region(SIZE, tiles).rects()]


def office(frames: int = 60) -> list[Pixels]:
    """Render a text page that scrolls in a window, with a line being typed beside it."""
    text = page(WIDTH * 2 // 3, HEIGHT + 60 * frames)
    screen = np.full((HEIGHT, WIDTH), 0x3A5A7A, "<u4")
    screen[:40] = 0x202428
    trace = []
    for number in range(frames):
        screen[80:1040, 60 : 60 + text.shape[1] - 100] = text[number * 53 : number * 53 + 960, 100:]
        typed = _text_line("user@desktop:~$ " + "make test && echo done"[: number // 2], 480)
        screen[120:144, 1400:1880] = typed
        trace.append(screen.copy())
    return trace


def typing(frames: int = 61) -> list[Pixels]:
    """Render a page of text beside which a line is typed, a character a frame, with a block as cursor."""
    screen = office(1)[0]
    text = "the quick brown fox jumps over the lazy dog, and then it does so once more"
    trace = [screen]
    for number in range(1, frames):
        screen = screen.copy()
        screen[120:144, 1400:1880] = _text_line(text[:number] + "\N{FULL BLOCK}", 480)
        trace.append(screen)
    return trace


def photo_scroll(frames: int = 40) -> list[Pixels]:
    """Render a page of smooth noisy pictures that scrolls: natural content."""
    rng = np.random.default_rng(7)
    tall = 960 + 24 * frames
    coarse = rng.integers(0, 256, (tall // 16 + 1, 1200 // 16 + 1, 3), np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((1200, tall), Image.Resampling.BICUBIC), np.int16)
    picture = np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint32)
    page = (picture[:, :, 2] | picture[:, :, 1] << 8 | picture[:, :, 0] << 16).astype("<u4")
    screen = np.full((HEIGHT, WIDTH), 0xF4F4F4, "<u4")
    trace = []
    for number in range(frames):
        screen[60:1020, 360:1560] = page[number * 24 : number * 24 + 960]
        trace.append(screen.copy())
    return trace


def player(frames: int = 90) -> list[Pixels]:
    """Render a film of 960×540 in a still desktop of text, which is no other than in `office`."""
    screen = office(1)[0]
    film = Film(960, 540)
    trace = []
    for number in range(frames):
        screen[203 : 203 + 540, 485 : 485 + 960] = film.picture(number)
        trace.append(screen.copy())
    return trace


def page(width: int, height: int) -> Pixels:
    """Render text on white."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    rng = np.random.default_rng(3)
    words = ["session", "guest", "host", "viewer", "pixels", "window", "display", "input", "of", "a"]
    for y in range(20, height - 30, 22):
        line = " ".join(rng.choice(words, 18))
        heading = rng.random() < 0.08
        draw.text(
            (40, y), line, "navy" if heading else "black", ImageFont.load_default(18 if heading else 15)
        )
    return bgrx(image)


def _text_line(text: str, width: int) -> Pixels:
    image = Image.new("RGB", (width, 24), "black")
    ImageDraw.Draw(image).text((4, 3), text, "lightgreen", ImageFont.load_default(15))
    return bgrx(image)


def bgrx(image: Image.Image) -> Pixels:
    rgb: npt.NDArray[np.uint32] = np.asarray(image, np.uint32)
    return (rgb[:, :, 2] | rgb[:, :, 1] << 8 | rgb[:, :, 0] << 16).astype("<u4")
