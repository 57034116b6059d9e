"""The clipboard of a VNC server: text, and HTML where it knows that.

It is there while a display is open. A server without the extended clipboard has Latin-1 alone, sends all that
is copied, and is sent all that may be pasted as soon as it is offered: it cannot ask.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from twisted.internet.defer import Deferred

from sessions.clipboard.base import DEFAULT_MAXIMUM, ClipboardError, ClipboardEvents
from sessions.clipboard.contents import check, too_large, with_crlf, with_lf
from sessions.wire.rfb import clipboard as wire
from sessions.wire.rfb.clipboard import Action, Formats
from sessions.wire.tsg import ClipboardFormat as Format

FETCH_SECONDS = 20.0
"""How long a server may take to hand over what was copied; TigerVNC never does beyond one megabyte."""
TAKEN_SECONDS = 0.1
"""A server does not say when its programs see what it was told of."""

Send = Callable[[bytes], None]
"""Sends a message; what a server does not take is dropped."""

_FORMATS = {Formats.TEXT: Format.TEXT, Formats.HTML: Format.HTML}
_FLAGS = {format: flag for flag, format in _FORMATS.items()}
_GONE = "Something else was copied in the desktop meanwhile."
_SILENT = "The VNC server of this desktop does not hand over what was copied."


class VncClipboard:
    """See sessions/clipboard/base.py, `GuestClipboard`. maximum: bytes of one content."""

    def __init__(self, reactor: Any, maximum: int = DEFAULT_MAXIMUM) -> None:
        self.maximum = maximum
        self._reactor = reactor
        self._events: ClipboardEvents | None = None
        self._send: Send | None = None
        self._extended: Formats | None = None  # what the server knows beyond plain text
        self._held: tuple[Format, ...] = ()
        self._plain: bytes | None = None  # what a plain server has sent
        self._offered: tuple[Format, ...] = ()
        self._wanted: set[Format] = set()
        self._fetches: dict[Format, Deferred[bytes]] = {}
        self._patience: Any = None

    # ---- the display's side

    def opened(self, send: Send) -> None:
        """A display is open."""
        self.closed()
        self._send = send
        self._tell_ready()

    def closed(self) -> None:
        """It is not any more."""
        was_open, self._send, self._extended = self._send is not None, None, None
        self._fail(ClipboardError(_SILENT))
        self._wanted.clear()
        self._hold(())
        if was_open and self._events is not None:
            self._events.ready(frozenset())

    def said(self, event: wire.ClipboardEvent) -> None:
        """Act on what the server says of its clipboard."""
        match event:
            case wire.ClipboardCaps(actions, formats):
                if Action.NOTIFY in actions and Action.REQUEST in actions and Formats.TEXT in formats:
                    self._extended = formats
                    self._say(wire.caps())
                    self._tell_ready()
                    self._notify()
            case wire.ClipboardNotify(formats):
                self._copied(tuple(_FORMATS[flag] for flag in formats), None)
            case wire.ClipboardPeek():
                self._notify()
            case wire.ClipboardRequest(formats):
                for flag in formats:
                    self._want(_FORMATS[flag])
            case wire.ClipboardProvide(contents):
                self._provided(contents)
            case wire.CutText(text, _):
                if text is None:
                    self._copied((), None)
                elif text or self._held:
                    self._copied((Format.TEXT,) if text else (), text.decode("latin-1").encode())

    def _tell_ready(self) -> None:
        if self._events is not None and self._send is not None:
            self._events.ready(self._formats)

    @property
    def _formats(self) -> frozenset[Format]:
        if self._send is None:
            return frozenset()
        return frozenset(_FORMATS[flag] for flag in self._extended or Formats.TEXT)

    def _copied(self, formats: tuple[Format, ...], plain: bytes | None) -> None:
        self._plain = plain
        if formats:
            self._offered = ()
            self._wanted.clear()
        self._fail(ClipboardError(_GONE))
        self._hold(formats)

    def _hold(self, formats: tuple[Format, ...]) -> None:
        if formats or self._held:
            self._held = formats
            if self._events is not None:
                self._events.copied(formats)

    def _want(self, format: Format) -> None:
        if format in self._offered and format not in self._wanted and self._events is not None:
            self._wanted.add(format)
            self._events.wanted(format)

    def _provided(self, contents: Any) -> None:
        if contents is None:
            self._fail(too_large(0, self.maximum))
            return
        for flag, data in contents.items():
            fetch = self._fetches.pop(_FORMATS[flag], None)
            if fetch is None:
                continue
            fetch.callback(with_lf(data.removesuffix(b"\0")) if flag == Formats.TEXT else data)
        if not self._fetches:
            self._fail(ClipboardError(_SILENT))

    # ---- the session's side (GuestClipboard)

    def follow(self, events: ClipboardEvents | None) -> None:
        """Tell this one from now on; None: nobody."""
        self._events = events
        self._tell_ready()
        if events is not None and self._held:
            events.copied(self._held)

    def offer(self, formats: Collection[Format]) -> None:
        """Hold something for the guest; none: withdraw it."""
        self._offered = tuple(formats)
        self._wanted.clear()
        if self._offered:
            self._fail(ClipboardError(_GONE))
            self._held = ()
        self._notify()

    def _notify(self) -> None:
        if self._send is None:
            return
        if self._extended is None:
            self._want(Format.TEXT)
            return
        known = [_FLAGS[format] for format in self._offered if _FLAGS.get(format, 0) & self._extended]
        if not known and self._offered:
            return
        self._say(wire.notify(Formats(sum(known))))
        if known:
            self._reactor.callLater(TAKEN_SECONDS, self._taken, self._offered)

    def _taken(self, offered: tuple[Format, ...]) -> None:
        if offered is self._offered and self._events is not None:
            self._events.taken()

    def provide(self, format: Format, data: bytes | None) -> None:
        """Answer `wanted`."""
        if format not in self._wanted:
            return
        self._wanted.discard(format)
        if self._extended is None:
            if data is not None:
                text = with_lf(data).decode(errors="replace").encode("latin-1", errors="replace")
                self._say(wire.client_cut_text(text))
                self._taken(self._offered)
            return
        content = data or b""
        if format == Format.TEXT:
            content = with_crlf(content) + b"\0"
        self._say(wire.provide({_FLAGS[format]: content}))

    def fetch(self, format: Format) -> Deferred[bytes]:
        """Get what the guest holds."""
        fetch: Deferred[bytes] = Deferred()
        if format not in self._held or format in self._fetches:
            fetch.errback(ClipboardError(_GONE))
        elif self._plain is not None:
            fetch.callback(self._plain)
        else:
            self._fetches[format] = fetch
            self._say(wire.request(_FLAGS[format]))
            if self._patience is None:
                self._patience = self._reactor.callLater(FETCH_SECONDS, self._fail, ClipboardError(_SILENT))
        return fetch.addCallback(lambda data: check(format, data, self.maximum))

    def _say(self, message: bytes) -> None:
        if self._send is not None:
            self._send(message)

    def _fail(self, error: ClipboardError) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        self._patience = None
        fetches, self._fetches = self._fetches, {}
        for fetch in fetches.values():
            fetch.errback(error)
