"""The test card: a picture that is a function of a number, so that every pixel can be foretold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sessions.pixels.geometry import Rect, Size

Picture = npt.NDArray[np.uint32]

_GRAY, _WHITE, _DARK, _AMBER = 0xB4B4B4, 0xF2F2F2, 0x15181D, 0xFFB000
_BARS = (_GRAY, 0xB4B410, 0x10B4B4, 0x10B410, 0xB410B4, 0xB41010, 0x1010B4)
_LOWER_BARS = (0x1010B4, _DARK, 0xB410B4, _DARK, 0x10B4B4, _DARK, _GRAY)

# Glyphs of 3×5 blocks: one octal digit a row, from the top.
_GLYPHS = {
    character: int(rows, 8)
    for character, rows in (
        pair.split()
        for pair in """
        0 75557|1 26227|2 71747|3 71717|4 55711|5 74717|6 74757|7 71122|8 75757|9 75717
        A 25755|B 65656|C 34443|D 65556|E 74647|F 74644|G 34553|H 55755|I 72227|J 11152
        K 55655|L 44447|M 57755|N 65555|O 25552|P 65644|Q 25563|R 65655|S 34216|T 72222
        U 55557|V 55552|W 55775|X 55255|Y 55222|Z 71247
        . 00002|, 00024|: 02020|; 02024|! 22202|? 71202|- 00700|+ 02720|= 07070|_ 00007
        / 11244|\\ 44211|( 24442|) 21112|[ 64446|] 31113|< 12421|> 42124|* 05250|' 22000
        " 55000|# 57575|$ 36263|% 51245|& 25253|@ 25743|^ 25000|~ 03600|{ 32623|} 62326
        """.replace("\n", "|").split("|")
        if pair.strip()
    )
}
_GLYPHS |= {" ": 0, "|": 0o22222, "`": 0o42000}
_UNKNOWN = 0o77777


class Layout:
    """Where the parts of a card of some size are."""

    def __init__(self, size: Size) -> None:
        width, height = size
        self.bars = Rect(0, 0, width, height * 60 // 100)
        self.lower_bars = Rect(0, self.bars.bottom, width, height * 6 // 100)
        self.ramp = Rect(0, self.lower_bars.bottom, width, height * 6 // 100)
        self.panel = Rect(0, self.ramp.bottom, width, height - self.ramp.bottom)
        self.unit = max(min(width // 160, height // 90), 1)  # pixels of one digit's block
        self.text_unit = max(self.unit // 2, 1)
        margin = 3 * self.unit
        self.counter = Rect(margin, self.panel.y + margin, 4 * 6 * self.unit, 5 * self.unit)
        track = self.counter.right + margin
        self.track = Rect(track, self.counter.y, max(width - margin - track, 0), 5 * self.unit)
        below = self.counter.bottom + margin
        self.text = Rect(margin, below, max(width - 2 * margin, 0), max(height - margin - below, 0))
        # What is beyond the screen, on tiny ones, is not drawn.
        self.counter, self.track, self.text = (
            part.clipped(size) for part in (self.counter, self.track, self.text)
        )


def frame(number: int, size: Size) -> Picture:
    """Return the whole card at tick `number`, before any input: (height, width) BGRX."""
    picture = still(size)
    layout = Layout(size)
    for rect in (layout.counter, layout.track):
        picture[rect.part] = part(number, rect, layout)
    rect = layout.text
    picture[rect.part] = paragraph("", layout)
    return picture


def still(size: Size) -> Picture:
    """Return what never moves."""
    picture = np.full((size.height, size.width), _DARK, "<u4")
    layout = Layout(size)
    for rect, colours in ((layout.bars, _BARS), (layout.lower_bars, _LOWER_BARS)):
        edges = [size.width * n // len(colours) for n in range(len(colours) + 1)]
        for left, right, colour in zip(edges, edges[1:], colours, strict=False):
            picture[rect.y : rect.bottom, left:right] = colour
    ramp = np.linspace(0, 255, size.width).astype("<u4") * 0x010101
    picture[layout.ramp.y : layout.ramp.bottom] = ramp
    return picture


def part(number: int, rect: Rect, layout: Layout) -> Picture:
    """Return one of the two parts that move, `layout.counter` or `layout.track`, at tick `number`."""
    if rect == layout.counter:
        return lettering(f"{number % 1_000_000:06d}", layout.unit, _AMBER)[: rect.height, : rect.width]
    picture = np.full((rect.height, rect.width), 0x262B33, "<u4")
    box = min(rect.height, rect.width)
    way = rect.width - box
    if way > 0:
        step = number * max(layout.unit, 1) % (2 * way)  # to the right and back again
        left = step if step <= way else 2 * way - step
        picture[:, left : left + box] = _WHITE
    return picture


def lettering(text: str, unit: int, colour: int) -> Picture:
    """Draw one line of text in glyphs of 3×5 blocks of `unit` pixels, with a block between them.

    Small letters look like capitals; characters without a glyph are a full block.
    """
    blocks = np.zeros((5, 4 * len(text)), np.bool_)
    for place, character in enumerate(text):
        glyph = _GLYPHS.get(character.upper(), _UNKNOWN)
        bits = np.array([glyph >> n & 1 for n in range(14, -1, -1)], np.bool_)
        blocks[:, 4 * place : 4 * place + 3] = bits.reshape(5, 3)
    pixels = blocks.repeat(unit, axis=0).repeat(unit, axis=1)
    return np.where(pixels, np.uint32(colour), np.uint32(_DARK))


def paragraph(text: str, layout: Layout) -> Picture:
    """Draw the last lines of typed text that fit into `layout.text`, and where the next goes."""
    rect, unit = layout.text, layout.text_unit
    picture = np.full((rect.height, rect.width), _DARK, "<u4")
    columns, rows = rect.width // (4 * unit), rect.height // (7 * unit)
    if columns and rows:
        wrapped: list[str] = []
        for line in (text + "_").split("\n"):
            wrapped += (line[at : at + columns] for at in range(0, max(len(line), 1), columns))
        for row, line in enumerate(wrapped[-rows:]):
            drawn = lettering(line, unit, _GRAY)
            picture[row * 7 * unit : row * 7 * unit + 5 * unit, : drawn.shape[1]] = drawn
    return picture
