"""The test card as a display: it moves by the clock, and echoes what is typed and pointed at."""

from __future__ import annotations

from twisted.internet.task import LoopingCall

from sessions.displays.base import DisplayEvents
from sessions.displays.sockets import Reactor
from sessions.input.events import InputEvent, Key, Locks, Move, Pointer, Text, Wheel
from sessions.pixels import testcard
from sessions.pixels.framebuffer import MAX_SIDE, Framebuffer
from sessions.pixels.geometry import Rect, Size

MAX_TEXT = 2000
"""Characters of typed text that are kept."""

_WHITE, _HELD, _RETURN, _BACKSPACE = 0xFFFFFF, 0xFFB000, 0xFF0D, 0xFF08
_UNICODE = 0x01000000


class TestcardDisplay:
    """Draws `sessions.pixels.testcard` into a framebuffer, `fps` times a second (0: only on input)."""

    __test__ = False  # not a test, whatever a test runner thinks of the name
    resizable = True
    takes_text = True
    _picture: testcard.Picture

    def __init__(self, reactor: Reactor, framebuffer: Framebuffer, to: DisplayEvents, size: Size, fps: float):
        self.number = 0
        self._framebuffer = framebuffer
        self._to = to
        self._text = ""
        self._pointer: Pointer | None = None
        self._open = True
        self._draw_all(size)
        self._loop = LoopingCall.withCount(self._tick)
        self._loop.clock = reactor
        self._fps = fps
        self.watch(True)

    @property
    def is_open(self) -> bool:
        """Whether it draws."""
        return self._open

    def send(self, event: InputEvent) -> None:
        """Echo one input event on the screen."""
        if not self._open:
            return
        self._to.injected(event, 0.0)
        match event:
            case Key(True, _, keysym):
                self._type(_character(keysym))
            case Text(text):
                self._type(text)
            case Pointer():
                self._point(event)
            case Move():
                self._point(self._moved(event))
            case Key() | Wheel() | Locks():
                return
        self._to.updated()

    def request_size(self, size: Size) -> None:
        """Take on the size asked for, kept within 1 and MAX_SIDE."""
        wanted = Size(*(min(max(side, 1), MAX_SIDE) for side in size))
        if self._open and wanted != self._framebuffer.size:
            self._draw_all(wanted)

    def watch(self, watched: bool) -> None:
        """Move only while somebody looks."""
        if watched and self._open and self._fps and not self._loop.running:
            self._loop.start(1 / self._fps, now=False)
        elif not watched and self._loop.running:
            self._loop.stop()

    def close(self) -> None:
        """Stop the clock and let go of the picture."""
        self._open = False
        if self._loop.running:
            self._loop.stop()
        self._picture = self._picture[:0, :0].copy()

    def _tick(self, count: int) -> None:
        self.number += count
        for rect in (self._layout.counter, self._layout.track):
            self._draw(rect, testcard.part(self.number, rect, self._layout))
        self._to.updated()

    def _draw_all(self, size: Size) -> None:
        self._layout = testcard.Layout(size)
        self._picture = testcard.frame(self.number, size)
        self._framebuffer.resize(size)
        self._to.resized()
        self._draw(self._layout.text, self._paragraph())
        self._show(Rect(0, 0, *size))
        self._to.updated()

    def _type(self, text: str) -> None:
        for character in text[-MAX_TEXT:]:
            self._text = self._text[:-1] if character == "\b" else (self._text + character)[-MAX_TEXT:]
        self._draw(self._layout.text, self._paragraph())

    def _point(self, pointer: Pointer) -> None:
        before, self._pointer = self._cross(), pointer
        self._show(before)
        self._show(self._cross())

    def _moved(self, move: Move) -> Pointer:
        """Return where the pointer comes to; the first move begins in the middle."""
        width, height = self._framebuffer.size
        before = self._pointer or Pointer(width // 2, height // 2, move.buttons)
        x, y = before.x + move.dx, before.y + move.dy
        return Pointer(min(max(x, 0), width - 1), min(max(y, 0), height - 1), move.buttons)

    def _paragraph(self) -> testcard.Picture:
        return testcard.paragraph(self._text, self._layout)

    def _draw(self, rect: Rect, picture: testcard.Picture) -> None:
        self._picture[rect.part] = picture
        self._show(rect)

    def _show(self, rect: Rect) -> None:
        """Bring a part of the picture to the screen, with the pointer's cross on top."""
        if not (rect.width and rect.height):
            return
        shown = self._picture[rect.part].copy()
        cross = self._cross()
        if self._pointer is not None and cross.width and cross.height:
            colour = _HELD if self._pointer.buttons else _WHITE
            x, y = self._pointer.x, self._pointer.y
            for line in (Rect(cross.x, y, cross.width, 1), Rect(x, cross.y, 1, cross.height)):
                moved = Rect(line.x - rect.x, line.y - rect.y, line.width, line.height)
                part = moved.clipped(Size(rect.width, rect.height))
                shown[part.part] = colour
        self._framebuffer.write(rect, shown)

    def _cross(self) -> Rect:
        """Return the pointer's surroundings that lie on the screen."""
        if self._pointer is None:
            return Rect(0, 0, 0, 0)
        arm = 6 * self._layout.unit
        whole = Rect(self._pointer.x - arm, self._pointer.y - arm, 2 * arm + 1, 2 * arm + 1)
        return whole.clipped(self._framebuffer.size)


def _character(keysym: int) -> str:
    if keysym in (_RETURN, _BACKSPACE):
        return "\n" if keysym == _RETURN else "\b"
    code = keysym - _UNICODE if keysym > _UNICODE else keysym
    latin = 0x20 <= keysym < 0x7F or 0xA0 <= keysym <= 0xFF
    return chr(code) if latin or _UNICODE < keysym <= _UNICODE + 0x10FFFF else ""
