"""QEMU's D-Bus display, peer to peer: pixels as QEMU draws them, a change within milliseconds.

Two sockets. QMP hands QEMU one end of the first (`add_client` with protocol `@dbus-display`); there we
call the console. Through it QEMU is given one end of the second, and there QEMU calls us, the listener.
On both QEMU is the one that authenticates. QEMU waits, with everything it does, until the listener has
answered its `GetAll`.

**Never stop reading.** In copy mode QEMU queues what is not read without any limit, hundreds of
megabytes a second. So all is read and written to the framebuffer, and `updated` is called once for what
came together; that is where damage merges.

From QEMU 9.2 on the screen's memory is shared instead (`mapped_screen.py`).
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.task import deferLater

from sessions.displays.backlog import Backlog
from sessions.displays.base import DisplayError, DisplayEvents
from sessions.displays.dbus_peer import DBusPeer
from sessions.displays.locks import LockKeys
from sessions.displays.mapped_screen import MappedScreen
from sessions.displays.pace import Pace
from sessions.displays.qemu_hands import Hands
from sessions.displays.qemu_input import KEYBOARD, POINTER, QemuInput, device_of
from sessions.displays.sockets import Reactor
from sessions.input.events import InputEvent, Locks, Text
from sessions.pixels.cursor import HIDDEN, Cursor
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Rect, Size
from sessions.wire import qemu_display as wire
from sessions.wire.dbus import Message
from sessions.wire.errors import ProtocolError

OPEN_SECONDS = 10
_REGISTER_TRIES = 20
_SOCKET_BUFFER = 1024 * 1024
"""What QEMU may write ahead: fewer turns for one picture. The kernel may grant less."""


class Commands(Protocol):
    """The part of a QMP connection that a display needs."""

    async def execute(
        self, name: str, arguments: Mapping[str, Any] | None = None, descriptors: Sequence[int] = ()
    ) -> Any:
        """Run a command and return what it returns."""

    def post(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Run a command whose outcome does not matter; dropped when QEMU does not keep up."""


class Typist(Protocol):
    """Types text into the guest."""

    @property
    def ready(self) -> bool:
        """Whether something in the guest listens."""

    @property
    def busy(self) -> bool:
        """Whether what was passed on is still being typed."""

    def type(self, text: str) -> None:
        """Pass text on; dropped when nothing listens."""


@dataclass
class PointerLook:
    """How the guest's pointer looks. picture: None until the guest has given one.

    changed: called when the guest has changed it.
    """

    picture: Cursor | None = None
    shown: bool = True
    changed: Callable[[], None] = lambda: None


@dataclass
class AskedSize:
    """The size that the guest's monitor has, as QEMU was told last; None: nobody here knows."""

    size: Size | None = None


@dataclass(frozen=True)
class Machine:
    """What a display needs of its guest.

    pointer, asked: outlive the displays. QEMU (before 8) tells the pointer only when it changes, and the
    size that was asked for never.
    """

    commands: Commands
    typist: Typist
    pointer: PointerLook
    asked: AskedSize


async def open_qemu_display(
    reactor: Reactor, machine: Machine, framebuffer: Framebuffer, events: DisplayEvents
) -> QemuDisplay:
    """Open the machine's display. Raises DisplayError."""
    display = QemuDisplay(reactor, machine, framebuffer, events)
    opening = Deferred.fromCoroutine(display.open())
    try:
        await opening.addTimeout(OPEN_SECONDS, reactor)
    except TimeoutError as error:
        raise DisplayError("The guest's screen does not answer: QEMU is busy or stuck.") from error
    return display


class QemuDisplay:
    """An open display of a QEMU guest (see sessions/displays/base.py)."""

    resizable = True

    def __init__(
        self,
        reactor: Reactor,
        machine: Machine,
        framebuffer: Framebuffer,
        events: DisplayEvents,
    ) -> None:
        self._reactor = reactor
        self._commands = machine.commands
        self._typist = machine.typist
        self._pointer = machine.pointer
        self._asked = machine.asked
        self._framebuffer = framebuffer
        self._events = events
        self._input = QemuInput()
        self._backlogs = {name: Backlog(reactor, machine.commands, name) for name in (KEYBOARD, POINTER)}
        self._pace = Pace(reactor, self._say, lambda: self._typist.busy, self._is_full)
        self._locks = LockKeys(reactor, self._pace.put)
        self._relative = False
        self._hands: Hands | None = None
        self._screen = MappedScreen()
        self._flush: Any = None  # the delayed call that says `updated`
        self._console: DBusPeer | None = None
        self._listener: DBusPeer | None = None
        self._opened = self._closed = False

    @property
    def takes_text(self) -> bool:
        """Whether something in the guest types what it is sent."""
        return self._typist.ready

    async def open(self) -> None:
        """Connect and begin to listen. Raises DisplayError; all is closed then."""
        try:
            self._console = await self._connect_console()
            await self._console.signed_on
            self._hands = Hands(self._console, self._locks.told, self._point)
            self._hands.ask()
            if self._pointer.picture is not None:
                self._tell_pointer()
            await self._register()
        except BaseException:
            self.close()
            raise
        self._opened = True

    @property
    def is_open(self) -> bool:
        """Whether it delivers."""
        return self._opened and not self._closed

    def hand_over(self, framebuffer: Framebuffer, events: DisplayEvents) -> None:
        """Tell others from now on, beginning with all there is to tell.

        QEMU has one listener at a time, and what it tells between two of them is lost.
        """
        shown, self._framebuffer, self._events = self._framebuffer, framebuffer, events
        if shown.size.width and shown.size.height:
            self._resize(*shown.size)
            self._framebuffer.write(Rect(0, 0, *shown.size), shown.pixels)
            self._updated_soon()
        if self._pointer.picture is not None:
            self._tell_pointer()
        if self._relative:
            events.pointing(True)

    async def _connect_console(self) -> DBusPeer:
        ours, theirs = _socket_pair()
        try:
            await self._commands.execute("getfd", {"fdname": "tsgateway-display"}, [theirs.fileno()])
            add = {"protocol": "@dbus-display", "fdname": "tsgateway-display"}
            await self._commands.execute("add_client", add)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return DBusPeer(self._reactor, ours, self._answer_nothing, self._lost, self._told)

    async def _register(self) -> None:
        """Give QEMU our listener.

        One that just left, of an earlier session host, may still be in its place for a moment.
        """
        for attempt in range(_REGISTER_TRIES):
            try:
                await self._register_once()
                return
            except DisplayError as error:
                if self._closed or "already registered" not in str(error) or attempt + 1 == _REGISTER_TRIES:
                    raise
            await deferLater(self._reactor, 0.05)

    async def _register_once(self) -> None:
        if self._console is None:
            raise DisplayError("The display is closed.")
        ours, theirs = _socket_pair()
        self._listener = DBusPeer(self._reactor, ours, self._listen, self._lost)
        try:
            await self._console.call(wire.CONSOLE, "RegisterListener", "h", (0,), [theirs.fileno()])
        except BaseException:
            self._listener.close()
            raise
        finally:
            theirs.close()

    def send(self, event: InputEvent) -> None:
        """Pass one input event on."""
        if self._closed:
            return
        if isinstance(event, Locks):
            self._locks.wish(event)
        else:
            self._pace.put(event)

    def _say(self, event: InputEvent, waited: float) -> None:
        if not self._closed:
            self._events.injected(event, waited)
        if isinstance(event, Text):
            self._typist.type(event.text)
        elif not isinstance(event, Locks) and (events := self._input.encode(event, self._framebuffer.size)):
            self._commands.post("input-send-event", {"events": events})
            if backlog := self._backlogs.get(device_of(events)):
                backlog.sent(len(events) + 1)  # and the mark of their end

    def _is_full(self) -> bool:
        return any(backlog.full for backlog in self._backlogs.values())

    def request_size(self, size: Size) -> None:
        """Tell the guest that its monitor has this size now; the guest follows if it cares."""
        possible = 0 < size.width <= wire.MAX_SIDE and 0 < size.height <= wire.MAX_SIDE
        if self._console is None or not possible:
            return
        if size == self._asked.size == self._framebuffer.size:
            return  # else the guest would look at its monitor anew, a dozen times, for nothing
        self._asked.size = size
        # No millimetres: QEMU then makes them up as for the first picture. With others a guest that has this
        # size already would see another monitor and set its mode anew, and its panel would start again.
        values = (0, 0, 0, 0, *size)
        asked = self._console.call(wire.CONSOLE, "SetUIInfo", "qqiiuu", values)
        asked.addErrback(lambda _: None)

    def watch(self, watched: bool) -> None:
        """Do nothing: QEMU tells only of what changes, which costs nothing while nothing does."""

    def close(self) -> None:
        """Let go of the display."""
        self._closed = True
        self._pace.close()
        self._locks.close()
        for peer in (self._listener, self._console):
            if peer is not None:
                peer.close()
        self._console = self._listener = None
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        self._screen.close()
        self._screen = MappedScreen()

    def _lost(self, reason: Exception) -> None:
        known = self.is_open  # while it opens, `open` itself fails
        self.close()
        if known:
            what = str(reason) if isinstance(reason, ProtocolError) else "QEMU closed the connection"
            self._events.lost(DisplayError(f"The guest's screen is gone: {what}."))

    def _answer_nothing(self, message: Message) -> None:
        """QEMU calls nothing on the console's connection that matters here."""

    def _told(self, message: Message) -> None:
        if self._hands is not None and not self._closed:
            self._hands.told(message)

    def _point(self, relative: bool) -> None:
        if relative != self._relative and not self._closed:
            self._relative = relative
            self._events.pointing(relative)

    def _listen(self, message: Message) -> None:
        if self._listener is None:
            return
        if message.interface == wire.PROPERTIES:
            self._answer_properties(self._listener, message)
            return
        event = wire.parse(message)
        if event is not None:
            self._take(event)
        if self._listener is not None:
            self._listener.answer(message)

    def _answer_properties(self, listener: DBusPeer, message: Message) -> None:
        if message.member == "GetAll":
            (interface,) = message.values("s")
            offered = {"Interfaces": ("as", [wire.LISTENER_MAP])} if interface == wire.LISTENER else {}
            listener.answer(message, "a{sv}", (offered,))

    def _take(self, event: wire.ListenerEvent) -> None:
        match event:
            case wire.Scanout(picture):
                self._screen.close()
                self._resize(picture.width, picture.height)
                self._write(picture)
            case wire.Update(picture):
                self._write(picture)
            case wire.ScanoutMap():
                self._resize(event.width, event.height)
                self._screen.open(event)
                self._write(self._screen.read(Rect(0, 0, *self._framebuffer.size)))
            case wire.UpdateMap():
                rect = Rect(event.x, event.y, event.width, event.height)
                self._write(self._screen.read(rect.clipped(self._framebuffer.size)))
            case wire.PointerPicture():
                self._pointer.picture = _cursor(event)
                self._pointer.changed()
                self._tell_pointer()
            case wire.PointerPlace():
                if event.shown != self._pointer.shown:
                    self._pointer.shown = event.shown
                    self._pointer.changed()
                    self._tell_pointer()
            case wire.Blank():
                self._framebuffer.fill(Rect(0, 0, *self._framebuffer.size), 0)
                self._updated_soon()

    def _resize(self, width: int, height: int) -> None:
        size = Size(width, height)
        if size != self._framebuffer.size:
            self._framebuffer.resize(size)
            self._events.resized()

    def _write(self, picture: wire.Picture) -> None:
        rect = Rect(picture.x, picture.y, picture.width, picture.height).clipped(self._framebuffer.size)
        if rect.width and rect.height:
            shape, strides = (rect.height, rect.width), (picture.stride, 4)
            self._framebuffer.write(rect, np.ndarray(shape, "<u4", picture.data, 0, strides))
            self._updated_soon()

    def _updated_soon(self) -> None:
        """Say `updated` when what lies in the socket now has been read."""
        if self._flush is None:
            self._flush = self._reactor.callLater(0, self._updated)

    def _updated(self) -> None:
        self._flush = None
        self._events.updated()

    def _tell_pointer(self) -> None:
        picture = self._pointer.picture or HIDDEN
        self._events.cursor(picture if self._pointer.shown else HIDDEN)


def _cursor(picture: wire.PointerPicture) -> Cursor:
    """Make alpha straight.

    QEMU hands on what the guest's driver gave. Linux gives colours already multiplied by alpha; where a
    colour exceeds its alpha, they cannot have been.
    """
    pixels = np.frombuffer(picture.data, np.uint8).reshape(-1, 4)
    colours, alpha = pixels[:, :3].astype(np.uint16), pixels[:, 3:].astype(np.uint16)
    if (colours <= alpha).all():
        straight = (colours * 255 + alpha // 2) // np.maximum(alpha, 1)
        pixels = np.concatenate([straight, alpha], axis=1).astype(np.uint8)
    size = Size(picture.width, picture.height)
    return Cursor(size, picture.hot_x, picture.hot_y, pixels.tobytes())


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    with contextlib.suppress(OSError):
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER)
    return ours, theirs
