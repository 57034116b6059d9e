"""A viewer: one attached client of a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sessions import plugins
from sessions.clock import Clock
from sessions.composer import Composer
from sessions.encoders.base import Encoder, Options
from sessions.input.events import Button, InputEvent, Key, Pointer, Text, Wheel
from sessions.input.ledger import Ledger
from sessions.pacing import Pacer
from sessions.pixels.cursor import Cursor
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from sessions.pixels.region import Region
from sessions.wire import tsg

Send = Callable[[bytes], None]

COARSE_QUALITY = 45
"""JPEG quality of photographs on a slow line: half the bytes, and they are made exact as everywhere."""


class Viewer:
    """One client's side of a session: its frames and what it holds down.

    send: takes one encoded tsg message. gone: called once, with the reason, when the session has let
    the viewer go.
    """

    def __init__(
        self,
        hello: tsg.ClientHello,
        send: Send,
        gone: Callable[[tsg.CloseCode, str], None],
    ) -> None:
        self.wish = Size(
            min(max(hello.width, 1), tsg.MAX_SCREEN),
            min(max(hello.height, 1), tsg.MAX_SCREEN),
        )
        self.ledger = Ledger()
        self._capabilities = hello.capabilities
        self._send = send
        self._gone = gone
        self._pacer: Pacer | None = None
        self._closed = False

    def tell(self, message: tsg.Message) -> None:
        """Send one message."""
        self._send(message.encode())

    def show(self, framebuffer: Framebuffer, cursor: Cursor | None, options: Options, clock: Clock) -> None:
        """Begin to send the screen, unless the viewer has been let go of."""
        self.hide()
        if self._closed:
            return
        exact: Encoder = plugins.load("encoder", "history")(options)
        jpeg = plugins.load("encoder", "jpeg")
        coarse = replace(options, jpeg_quality=min(options.jpeg_quality, COARSE_QUALITY))
        takes_stills = jpeg.traits.capability in self._capabilities
        stills = (jpeg(options), jpeg(coarse)) if takes_stills else None
        copies = tsg.Capability.COPY in self._capabilities
        composer = Composer(framebuffer, exact, stills, copies)
        self._pacer = Pacer(framebuffer, self._send, clock, composer)
        if framebuffer.size.width and framebuffer.size.height:
            self.resized(framebuffer.size)
        if cursor is not None:
            self.cursor(cursor)

    def hide(self) -> None:
        """Send no more of the screen."""
        if self._pacer is not None:
            self._pacer.close()
            self._pacer = None

    def resized(self, size: Size) -> None:
        """The screen has a new size."""
        self.tell(tsg.ScreenSize(*size))
        if self._pacer is not None:
            self._pacer.resized()
            self._pacer.pump()

    def damaged(self, damage: Region) -> None:
        """A part of the screen has changed, and the picture is whole."""
        if self._pacer is not None:
            self._pacer.add(damage)

    def cursor(self, cursor: Cursor) -> None:
        """The pointer looks different."""
        if self._pacer is not None:
            message = tsg.Cursor(*cursor.size, cursor.hot_x, cursor.hot_y, cursor.pixels)
            self._pacer.pointer(message.encode())

    @property
    def pacer(self) -> Pacer | None:
        """What sends the frames; None while there is no screen."""
        return self._pacer

    def close(self, code: tsg.CloseCode, reason: str) -> None:
        """Let the viewer go."""
        self._closed = True
        self.hide()
        self._gone(code, reason)


def input_event(message: tsg.Message) -> InputEvent | None:
    """Return what a person did, or None for a message that is not input."""
    match message:
        case tsg.Key():
            return Key(bool(message.down), message.scancode, message.keysym)
        case tsg.TypeText():
            return Text(message.text)
        case tsg.Pointer():
            return Pointer(message.x, message.y, Button(message.buttons & 0x1F))
        case tsg.Wheel():
            return Wheel(message.dx, message.dy)
    return None
