"""A VNC server as a display: the RFB client core on a socket, writing into the framebuffer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.error import ConnectionDone

from sessions.displays.base import DisplayError, DisplayEvents
from sessions.displays.rfb_input import RfbInput
from sessions.displays.sockets import Reactor, SocketLink
from sessions.input.events import InputEvent, Key
from sessions.pixels.cursor import HIDDEN, Cursor
from sessions.pixels.framebuffer import MAX_SIDE, Framebuffer
from sessions.pixels.geometry import Rect, Size
from sessions.wire.errors import ProtocolError
from sessions.wire.rfb import RfbClient, events, messages
from sessions.wire.rfb.clipboard import ClipboardEvent

HANDSHAKE_SECONDS = 10
"""How long a server may take until its first message after the handshake is due."""

AWAKE_HERTZ = 30
"""How often QEMU's VNC server is kept from slowing its refresh down."""

MAX_INPUT_UNSENT = 32 * 1024
"""Bytes of input a slow server may leave unread; beyond that all but key releases are dropped."""

_VOID_SYMBOL = 0xFFFFFF
_PROHIBITED = 1  # a status of ExtendedDesktopSize


class CutTexts(Protocol):
    """What is done with a server's clipboard. maximum: bytes of it that are taken."""

    maximum: int

    def opened(self, send: Callable[[bytes], None]) -> None:
        """The display is open; send: takes a message, which is dropped where the server takes nothing."""

    def said(self, event: ClipboardEvent) -> None:
        """The server says something about its clipboard."""

    def closed(self) -> None:
        """The display is not open any more."""


async def open_rfb(
    reactor: Reactor,
    connected: socket.socket,
    client: RfbClient,
    framebuffer: Framebuffer,
    to: DisplayEvents,
    *,
    awake: float = AWAKE_HERTZ,
    clipboard: CutTexts | None = None,
) -> RfbDisplay:
    """Shake hands on a connected socket, which the display owns from here on, and open the display.

    `awake`: how many times a second QEMU's VNC server is kept awake; 0 for never. `clipboard`: the guest's.
    Raises DisplayError: refused, rubbish, cut, or nothing said in time.
    """
    display = RfbDisplay(reactor, connected, client, framebuffer, to, awake=awake, clipboard=clipboard)
    try:
        await display.ready.addTimeout(HANDSHAKE_SECONDS, reactor)
    except TimeoutError:
        raise DisplayError("The VNC server accepted the connection, then went silent.") from None
    finally:
        if not display.is_open:
            display.close()
    return display


class RfbDisplay:
    """One connection to a VNC server; `ready` fires when the handshake is through."""

    takes_text = True

    def __init__(
        self,
        reactor: Reactor,
        connected: socket.socket,
        client: RfbClient,
        framebuffer: Framebuffer,
        to: DisplayEvents,
        *,
        awake: float,
        clipboard: CutTexts | None = None,
    ) -> None:
        self.ready: Deferred[None] = Deferred()
        self.is_open = False
        self._reactor = reactor
        self._client = client
        self._server = client.server
        self._server.memory = lambda *box: framebuffer.memory(Rect(*box))
        self._framebuffer = framebuffer
        self._to = to
        self._awake_seconds = 1 / awake if awake else 0
        self._awake_call: Any = None
        self._watched = True
        self._qemu = False
        self._stale = True  # the picture must be sent anew
        self._prohibited = False
        self._wish: Size | None = None
        self._input = RfbInput(client.server)
        self._clipboard = clipboard
        if clipboard is not None:
            self._server.clipboard_maximum = clipboard.maximum
        self._link = SocketLink(reactor, connected, self)

    # The session's side (sessions.displays.base.Display).

    @property
    def resizable(self) -> bool:
        """Whether the server has said that it takes SetDesktopSize."""
        return self._server.screen is not None and not self._prohibited

    def send(self, event: InputEvent) -> None:
        """Pass one input event on; dropped when the server is gone or does not keep up."""
        release = isinstance(event, Key) and not event.down
        if self.is_open and (release or self._link.unread < MAX_INPUT_UNSENT):  # a large paste is no reason
            data = self._input.encode(event)
            if data:
                self._to.injected(event, 0.0)
                self._link.write(data)

    def request_size(self, size: Size) -> None:
        """Ask for a screen of `size`, kept within 1 and MAX_SIDE, as soon as the server takes requests."""
        self._wish = size
        self._ask_size()

    def watch(self, watched: bool) -> None:
        """Say whether anybody looks; while nobody does, QEMU is let slow down."""
        self._watched = watched
        if watched and self._awake_call is None:
            self._keep_awake()

    def close(self) -> None:
        """Close the connection; nothing is told any more."""
        if self.is_open and self._clipboard is not None:
            self._clipboard.closed()
        self.is_open = False
        self._link.close()
        if self._awake_call is not None:
            self._awake_call.cancel()
            self._awake_call = None

    # The socket's side (sessions.displays.sockets.BufferedCore).

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._client.buffer()

    def received(self, count: int) -> None:
        """Act on what the server said. Raises ProtocolError."""
        for event in self._client.received(count):
            self._act(event)
            if not self._link.open:  # closed by what was told
                return
        data = self._client.data_to_send()
        if data:
            self._link.write(data)

    def closed(self, reason: Exception) -> None:
        """Learn that the connection is gone, and say so once."""
        was_open = self.is_open
        self.close()
        error = reason if isinstance(reason, DisplayError) else DisplayError(_sentence(reason))
        if was_open:
            self._to.lost(error)
        elif not self.ready.called:
            self.ready.errback(error)

    def _act(self, event: events.Event) -> None:
        match event:
            case events.Pixels(x, y, width, height, data):
                rows = np.frombuffer(data, "<u4").reshape(height, width)
                self._framebuffer.write(Rect(x, y, width, height), rows)
            case events.Copied(x, y, width, height, from_x, from_y):
                self._framebuffer.copy(Rect(from_x, from_y, width, height), x, y)
            case events.Updated(changed):
                self._ask()
                self._ask_size()
                if self._qemu and self._awake_call is None:
                    self._keep_awake()
                if changed:
                    self._to.updated()
            case events.Resized(width, height):
                self._resize(Size(width, height))
            case events.CursorShape(width, height, hot_x, hot_y, pixels):
                shape = Cursor(Size(width, height), hot_x, hot_y, pixels) if width else HIDDEN
                self._to.cursor(shape)
            case events.PointerMode(absolute):
                if absolute != self._input.absolute:
                    self._input.absolute = absolute
                    self._to.pointing(not absolute)
                self._qemu = True  # no other server says this
            case events.ResizeRefused(status):
                self._prohibited = self._prohibited or status == _PROHIBITED
            case events.Ready(width, height, name):
                self._qemu = name.startswith("QEMU")
                self._start(Size(width, height))
            case _ if self._clipboard is not None:
                self._clipboard.said(event)

    def _start(self, size: Size) -> None:
        self.is_open = True
        self._link.write(self._client.data_to_send())
        self._resize(size)
        self._ask()
        if self._clipboard is not None:
            self._clipboard.opened(self._cut)
        if not self.ready.called:
            self.ready.callback(None)

    def _cut(self, message: bytes) -> None:
        """Send a message about the clipboard, unless the server has not even taken the last ones."""
        if self.is_open and self._link.unsent < MAX_INPUT_UNSENT:
            self._link.write(message, bulk=True)

    def _resize(self, size: Size) -> None:
        self._stale = True
        self._framebuffer.resize(size)
        self._to.resized()

    def _ask(self) -> None:
        # What a screen shows after a change of its size is undefined (RFC 6143 §7.8.2).
        width, height = self._server.width, self._server.height
        self._link.write(messages.update_request(not self._stale, width, height))
        self._stale = False

    def _ask_size(self) -> None:
        if self._wish is None or not self.is_open or not self.resizable or self._server.screen is None:
            return
        width, height = (min(max(side, 1), MAX_SIDE) for side in self._wish)
        self._wish = None
        self._link.write(messages.set_desktop_size(width, height, *self._server.screen))

    def _keep_awake(self) -> None:
        """Release a key that no keyboard has: any input brings QEMU's refresh back to 30 ms."""
        self._awake_call = None
        if self.is_open and self._watched and self._qemu and self._awake_seconds:
            if self._link.unsent < MAX_INPUT_UNSENT:
                self._link.write(messages.key_event(False, _VOID_SYMBOL))
            self._awake_call = self._reactor.callLater(self._awake_seconds, self._keep_awake)


def _sentence(reason: Exception) -> str:
    if isinstance(reason, ProtocolError):
        return str(reason)
    if isinstance(reason, ConnectionDone):
        return "The VNC server closed the connection."
    if isinstance(reason, (OSError, TimeoutError)):
        return f"The connection to the VNC server was cut ({reason})."
    return "The display failed by a fault of this program; the log says more."
