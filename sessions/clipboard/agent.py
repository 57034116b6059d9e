"""The clipboard of a QEMU guest, by the agent in there (sessions/wire/vdagent.py).

    clipboard = AgentClipboard(reactor)
    clipboard.connected(socket)       # the virtio port
    clipboard.listens(True)           # something in the guest has opened it

The guest's programs are asked for one content at a time: an agent that has none does not say of what.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Collection
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sessions.clipboard.base import DEFAULT_MAXIMUM, ClipboardError, ClipboardEvents
from sessions.clipboard.contents import check, too_large, with_crlf, with_lf
from sessions.displays.sockets import Reactor, SocketLink
from sessions.wire import vdagent
from sessions.wire.errors import ProtocolError
from sessions.wire.tsg import ClipboardFormat as Format
from sessions.wire.vdagent import Capability, Content, Kind

log = Logger()

FETCH_SECONDS = 60.0
"""How long a program in the guest may take to hand over what it has copied."""
GREET_SECONDS = 2.0
"""So often an agent is greeted until it answers: in a guest that has just been cloned a word may get lost."""
TAKEN_SECONDS = 0.15
"""After this an agent that does not tell is believed to have passed on what it was offered."""

_CONTENTS = {Format.TEXT: Content.TEXT, Format.HTML: Content.HTML, Format.PNG: Content.PNG}
_FORMATS = {int(content): format for format, content in _CONTENTS.items()}
_GONE = "Something else was copied in the desktop meanwhile."
_SILENT = "The desktop does not hand over what was copied in it."


class AgentClipboard:
    """See sessions/clipboard/base.py, `GuestClipboard`. maximum: bytes of one content."""

    def __init__(self, reactor: Reactor, maximum: int = DEFAULT_MAXIMUM) -> None:
        self._reactor = reactor
        self._maximum = maximum
        self._events: ClipboardEvents | None = None
        self._port: _Port | None = None
        self._listening = False
        self._known: frozenset[int] = frozenset()  # what the agent can; empty: it has not spoken
        self._held: tuple[Format, ...] = ()  # by the guest
        self._offered: tuple[Format, ...] = ()  # to the guest
        self._wanted: set[Format] = set()
        self._fetches: deque[tuple[Format, Deferred[bytes]]] = deque()  # the first one is asked for
        self._patience: Any = None
        self._taking: Any = None
        self._greeting: Any = None

    @property
    def maximum(self) -> int:
        """Bytes of one content that are taken from the guest."""
        return self._maximum

    @maximum.setter
    def maximum(self, maximum: int) -> None:
        self._maximum = maximum
        if self._port is not None:
            self._port.reader.maximum = maximum
            self._tell_maximum(self._port)

    def _tell_maximum(self, port: _Port) -> None:
        if Capability.MAX_CLIPBOARD in self._known or self._is_ours:
            port.say(vdagent.maximum(self._maximum))

    # ---- the port

    def connected(self, connected: socket.socket) -> None:
        """Take the port, which is this object's own from here on."""
        self.disconnect()
        self._port = _Port(self._reactor, connected, self._maximum, self)

    def listens(self, listening: bool) -> None:
        """Learn whether something in the guest has opened its end of the port."""
        begins, self._listening = listening and not self._listening, listening
        if begins:
            self._greet()
        elif not listening:
            self._silent()

    def _greet(self) -> None:
        """Say what we can and ask the agent for the same, until it has said so."""
        _cancel(self._greeting)
        self._greeting = None
        if self._port is None or not self._listening or self._known:
            return
        self._port.say(vdagent.announce(request=True))
        self._greeting = self._reactor.callLater(GREET_SECONDS, self._greet)

    def disconnect(self) -> None:
        """Let go of the port."""
        port, self._port = self._port, None
        if port is not None:
            port.close()
        self._listening = False
        self._silent()

    def _silent(self) -> None:
        """Nothing answers any more, or not yet."""
        was_ready, self._known = bool(self._known), frozenset()
        _cancel(self._greeting)
        self._greeting = None
        self._wanted.clear()
        _cancel(self._taking)
        self._taking = None
        self._fail(ClipboardError(_SILENT))
        self._hold(())
        if was_ready and self._events is not None:
            self._events.ready(frozenset())

    def failed(self, reason: Exception) -> None:
        """Learn that the port is of no use any more (`_Port`)."""
        if isinstance(reason, ProtocolError):
            log.warn("the clipboard's agent in a guest has said rubbish: {reason}", reason=str(reason))
        self.disconnect()

    # ---- what the agent says

    def said(self, message: vdagent.Message) -> None:
        """Act on a message (`_Port`)."""
        match message:
            case vdagent.Capabilities(request, known):
                self._met(request, known)
            case vdagent.Grab(types):
                self._offered = ()
                self._wanted.clear()
                self._fail(ClipboardError(_GONE))
                self._hold(tuple(_FORMATS[type] for type in dict.fromkeys(types) if type in _FORMATS))
            case vdagent.Release():
                self._fail(ClipboardError(_GONE))
                self._hold(())
            case vdagent.Request(type):
                self._want(_FORMATS.get(type))
            case vdagent.Reply(Kind.GRAB, _):
                self._taken()
            case vdagent.Data() | vdagent.TooLarge():
                self._arrived(message)

    def _met(self, request: bool, known: frozenset[int]) -> None:
        port = self._port
        if port is None:
            return
        if request:
            port.say(vdagent.announce(request=False))
        if Capability.CLIPBOARD_BY_DEMAND not in known:
            return
        was_ready, self._known = bool(self._known), known
        if not was_ready:
            self._tell_maximum(port)
            if self._events is not None:
                self._events.ready(self._formats)
            if self._offered:
                self._grab()

    @property
    def _is_ours(self) -> bool:
        return Capability.TSGATEWAY in self._known

    @property
    def _formats(self) -> frozenset[Format]:
        if not self._known:
            return frozenset()
        return frozenset(Format if self._is_ours else {Format.TEXT, Format.PNG})

    def _hold(self, formats: tuple[Format, ...]) -> None:
        if formats or self._held:
            self._held = formats
            if self._events is not None:
                self._events.copied(formats)

    def _want(self, format: Format | None) -> None:
        if format is None or format not in self._offered or self._events is None:
            self._answer(Content.NONE, b"")
        elif format not in self._wanted:
            self._wanted.add(format)
            self._events.wanted(format)

    def _arrived(self, message: vdagent.Data | vdagent.TooLarge) -> None:
        if not self._fetches:
            return
        format, fetch = self._fetches.popleft()
        self._ask()
        try:
            fetch.callback(self._content(format, message))
        except ClipboardError as error:
            fetch.errback(error)

    def _content(self, format: Format, message: vdagent.Data | vdagent.TooLarge) -> bytes:
        if isinstance(message, vdagent.TooLarge):
            raise too_large(message.size, self._maximum)
        if message.type == Content.NONE and not self._is_ours:
            raise too_large(0, self._maximum)  # spice-vdagentd says so in no other way
        if message.type != _CONTENTS[format]:
            raise ClipboardError(_SILENT)
        data = message.data
        if format == Format.TEXT and Capability.LINE_END_CRLF in self._known:
            data = with_lf(data)
        return check(format, data, self._maximum)

    # ---- what the session wants (GuestClipboard)

    def follow(self, events: ClipboardEvents | None) -> None:
        """Tell this one from now on; None: nobody."""
        self._events = events
        if events is not None and self._known:
            events.ready(self._formats)
            if self._held:
                events.copied(self._held)

    def offer(self, formats: Collection[Format]) -> None:
        """Hold something for the guest; none: withdraw it."""
        had, self._offered = bool(self._offered), tuple(formats)
        self._wanted.clear()
        if not self._known or self._port is None:
            return
        if self._offered:
            self._fail(ClipboardError(_GONE))
            self._held = ()
            self._grab()
        elif had:
            self._port.say(vdagent.release(self._port.selections))

    def _grab(self) -> None:
        port = self._port
        types = [_CONTENTS[format] for format in self._offered if format in self._formats]
        if port is None or not types:
            return
        port.say(vdagent.grab(types, port.selections))
        _cancel(self._taking)
        self._taking = None
        if not self._is_ours:
            self._taking = self._reactor.callLater(TAKEN_SECONDS, self._taken)

    def _taken(self) -> None:
        self._taking = None
        if self._offered and self._events is not None:
            self._events.taken()

    def provide(self, format: Format, data: bytes | None) -> None:
        """Answer `wanted`."""
        if format not in self._wanted:
            return
        self._wanted.discard(format)
        if data is None:
            self._answer(Content.NONE, b"")
            return
        if format == Format.TEXT:
            data = with_crlf(data) if Capability.LINE_END_CRLF in self._known else with_lf(data)
        self._answer(_CONTENTS[format], data)

    def _answer(self, type: Content, data: bytes) -> None:
        port = self._port
        if port is None:
            return
        if port.unread + len(data) > 2 * self._maximum:  # it asks, and does not take what it asked for
            type, data = Content.NONE, b""
        port.say(vdagent.data(type, data, port.selections), bulk=len(data) > 0)

    def fetch(self, format: Format) -> Deferred[bytes]:
        """Get what the guest holds."""
        fetch: Deferred[bytes] = Deferred()
        if format not in self._held:
            fetch.errback(ClipboardError(_GONE))
            return fetch
        self._fetches.append((format, fetch))
        if len(self._fetches) == 1:
            self._ask()
        return fetch

    def _ask(self) -> None:
        """Ask for the content that is first in turn."""
        _cancel(self._patience)
        self._patience = None
        if self._fetches and self._port is not None:
            self._port.say(vdagent.request(_CONTENTS[self._fetches[0][0]], self._port.selections))
            self._patience = self._reactor.callLater(FETCH_SECONDS, self._fail, ClipboardError(_SILENT))

    def _fail(self, error: ClipboardError) -> None:
        """Tell all who wait for something the guest holds."""
        _cancel(self._patience)
        self._patience = None
        fetches, self._fetches = self._fetches, deque()
        for _, fetch in fetches:
            fetch.errback(error)


def _cancel(call: Any) -> None:
    if call is not None and call.active():
        call.cancel()


class _Port:
    """One connection to the port."""

    def __init__(
        self, reactor: Reactor, connected: socket.socket, maximum: int, clipboard: AgentClipboard
    ) -> None:
        self.reader = vdagent.VdagentReader(maximum)
        self._room = memoryview(bytearray(64 * 1024))
        self._clipboard = clipboard
        self._link = SocketLink(reactor, connected, self)

    @property
    def selections(self) -> bool:
        """See `VdagentReader`."""
        return self.reader.selections

    @property
    def unread(self) -> int:
        """Bytes that the guest has not taken yet."""
        return self._link.unsent

    def say(self, message: bytes, *, bulk: bool = False) -> None:
        """Send a message; bulk: it may be large, and the caller sees to it that there are not many."""
        self._link.write(b"".join(vdagent.chunks(message)), bulk=bulk)

    def close(self) -> None:
        """Let go of it."""
        self._link.close()

    # What the socket calls (BufferedCore).

    def buffer(self) -> memoryview:
        """Return where the next bytes go."""
        return self._room

    def received(self, count: int) -> None:
        """Take what the agent says. Raises ProtocolError."""
        for message in self.reader.receive(self._room[:count]):
            self._clipboard.said(message)
            if not self._link.open:
                return

    def closed(self, reason: Exception) -> None:
        """Learn that the connection is gone."""
        self._clipboard.failed(reason)
