"""The clipboard between a viewer and a desktop, without I/O: messages in; events, and messages to send, out.

One side holds something at a time: whoever has copied last. A content passes when the other side asks for it
(docs/protocol.md, Clipboard). The object outlives connections: `connected`, `lost`, `connected`, …
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sessions.clipboard.transfers import Incoming, Outgoing
from sessions.wire import tsg
from sessions.wire.errors import ProtocolError
from sessions.wire.tsg import Capability, ClipboardReason
from sessions.wire.tsg import ClipboardFormat as Format
from sessions.wire.tsg.clipboard import FROM_BOTH, FROM_SERVER
from tsgateway.client.errors import ClientError, NoRight, Refused, Unavailable

MESSAGES = (*FROM_BOTH, *FROM_SERVER)
"""What `Clipboard.receive` takes."""
DIRECTIONS = (Capability.CLIPBOARD_IN, Capability.CLIPBOARD_OUT)
MAX_CONTENT = 256 * 1024 * 1024
"""Bytes of a content that are taken, whatever the server says that it allows."""
MAX_SENDS = 8
"""So often a server is sent the same content: it needs it once."""
_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """What is copied, in up to three forms of the same; "" and b"" for those that there are not.

    html, png: as a program in the guest has made them: hostile, to be handed on and not to be shown.
    """

    text: str = ""
    html: str = ""
    png: bytes = b""

    @classmethod
    def of(cls, parts: Mapping[Format, bytes]) -> Content:
        """Return what was received. What is no UTF-8 in a text is replaced."""
        text, html = (parts.get(each, b"").decode(errors="replace") for each in (Format.TEXT, Format.HTML))
        return cls(text, html, parts.get(Format.PNG, b""))

    def parts(self) -> dict[Format, bytes]:
        """Return what is sent."""
        told = {
            Format.TEXT: self.text.encode(errors="replace"),
            Format.HTML: self.html.encode(errors="replace"),
            Format.PNG: self.png,
        }
        return {format: data for format, data in told.items() if data}


@dataclass(frozen=True, slots=True)
class Offered:
    """A program in the guest holds something, in these formats; none: it does no more."""

    formats: tuple[Format, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """What was asked for of that is here.

    larger: formats that have more bytes than was asked for, with how many. problem: why a part of it cannot
    be had, a sentence; "" for nothing.
    """

    content: Content
    larger: tuple[tuple[Format, int], ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """Programs in the guest get what was given by this number."""

    number: int


@dataclass(frozen=True, slots=True)
class NotTaken:
    """What was given does not get there. reason: a sentence."""

    reason: str


ClipboardEvent = Offered | Copied | Taken | NotTaken | tsg.ClipboardState


@dataclass
class Copy:
    """What the guest holds. open: still to be had; sizes: of those that are known to be large."""

    id: int
    open: set[Format]
    contents: dict[Format, bytes] = field(default_factory=dict)
    sizes: dict[Format, int] = field(default_factory=dict)
    incoming: dict[Format, Incoming] = field(default_factory=dict)
    problem: str = ""


@dataclass
class _Mine:
    """What was given. left: how often each format may be asked for."""

    id: int
    parts: dict[Format, bytes]
    left: dict[Format, int]
    outgoing: dict[Format, Outgoing] = field(default_factory=dict)


class Clipboard:
    """Both sides of it. at_once: bytes of each content that are fetched as soon as the guest holds it."""

    def __init__(self, at_once: int = 0) -> None:
        self.may_in = self.may_out = False
        """Whether the desktop may be given something, and something taken from there."""
        self.formats: frozenset[Format] = frozenset()
        """What the guest takes; empty while nothing answers there."""
        self.maximum = 0
        self.copy: Copy | None = None
        self.taken = 0
        """The number of what was given that programs in the guest get; 0 for nothing."""
        self._at_once = at_once
        self._mine: _Mine | None = None
        self._numbers = 0
        self._out: list[tsg.Message] = []

    def connected(self, capabilities: Iterable[int]) -> None:
        """A server has said hello, and what it lets pass."""
        self.lost()
        self.may_in, self.may_out = (each in set(capabilities) for each in DIRECTIONS)

    def lost(self) -> None:
        """There is no connection, and nothing on its way any more."""
        self.may_in = self.may_out = False
        self.formats = frozenset()
        self.copy = self._mine = None
        self.taken = 0
        self._out.clear()

    def outgoing(self) -> list[tsg.Message]:
        """Return what is to be sent now; it is forgotten here."""
        out, self._out = self._out, []
        return out

    @property
    def given(self) -> int:
        """The number of what was given and not replaced; 0 for nothing."""
        return self._mine.id if self._mine is not None else 0

    def receive(self, message: tsg.Message) -> list[ClipboardEvent]:
        """Take a message; those in a direction that is not open are ignored. Raises ProtocolError."""
        match message:
            case tsg.ClipboardState():
                return self._stands(message)
            case tsg.ClipboardOffer() if self.may_out:
                return self._offered(message)
            case tsg.ClipboardData():
                return self._arrived(message)
            case tsg.ClipboardEnd():
                return self._ended(message)
            case tsg.ClipboardRequest() if self.may_in:
                self._requested(message)
            case tsg.ClipboardAck():
                self._acknowledged(message)
            case tsg.ClipboardTaken(number) if number == self.given:
                self.taken = number
                return [Taken(number)]
        return []

    # ---- from the desktop

    def take(self) -> bool:
        """Ask for what was not fetched yet, however large. Tells whether there is something to wait for."""
        if self.copy is None:
            return False
        if not self.copy.incoming:
            self._request(self.copy, min(self.maximum, MAX_CONTENT))
        return bool(self.copy.incoming)

    def rests(self, copy: Copy) -> bool:
        """Whether nothing of it is on its way."""
        return copy is not self.copy or not copy.incoming

    def _stands(self, state: tsg.ClipboardState) -> list[ClipboardEvent]:
        self.formats = frozenset(each for each in Format if state.formats & 1 << each - 1)
        self.maximum = state.maximum
        return [state]

    def _offered(self, offer: tsg.ClipboardOffer) -> list[ClipboardEvent]:
        known = frozenset(map(int, Format))
        formats = tuple(Format(each.format) for each in offer.parts if each.format in known)
        self._mine = None
        self.taken = 0
        self.copy = Copy(offer.id, set(formats)) if formats else None
        if self.copy is not None and self._at_once:
            self._request(self.copy, min(self._at_once, self.maximum))
        return [Offered(formats)]

    def _request(self, copy: Copy, limit: int) -> None:
        for format in sorted(copy.open):
            copy.incoming[format] = Incoming(limit, self._say)
            self._say(tsg.ClipboardRequest(copy.id, format, limit))

    def _arrived(self, piece: tsg.ClipboardData) -> list[ClipboardEvent]:
        copy = self.copy
        if copy is None or piece.id != copy.id or piece.format not in copy.incoming:
            return []  # of something that is not wanted any more
        format = Format(piece.format)
        data = copy.incoming[format].take(piece)
        if data is None:
            return []
        copy.contents[format] = data
        return self._settled(copy, format)

    def _settled(self, copy: Copy, format: Format, *, over: bool = True) -> list[ClipboardEvent]:
        del copy.incoming[format]
        if over:
            copy.open.discard(format)
            copy.sizes.pop(format, None)
        if copy.incoming:
            return []
        return [Copied(Content.of(copy.contents), tuple(sorted(copy.sizes.items())), copy.problem)]

    def _ended(self, end: tsg.ClipboardEnd) -> list[ClipboardEvent]:
        copy = self.copy
        if copy is not None and copy.id == end.id and end.format in copy.incoming:
            format = Format(end.format)
            is_larger = end.reason == ClipboardReason.LARGER and format not in copy.sizes
            if is_larger:
                copy.sizes[format] = end.size
            elif end.reason != ClipboardReason.GONE:
                copy.problem = end.text or "What was copied cannot be had."
            return self._settled(copy, format, over=not is_larger)
        if self._mine is None or end.id != self._mine.id:
            return []
        if end.format in self._mine.outgoing:
            del self._mine.outgoing[Format(end.format)]
        return [NotTaken(end.text)] if end.text and end.reason != ClipboardReason.GONE else []

    # ---- to the desktop

    def give(self, content: Content) -> int:
        """Let programs in the guest paste this; return its number.

        Raises NoRight where that is forbidden, Unavailable where no clipboard answers, Refused where it is
        too large, or of no kind that the guest takes.
        """
        if not self.may_in:
            raise NoRight("Nothing may be brought to this desktop by the clipboard.")
        if not self.formats:
            raise Unavailable("The desktop's clipboard does not answer.")
        parts = {format: data for format, data in content.parts().items() if format in self.formats}
        fits = {format: data for format, data in parts.items() if len(data) <= self.maximum}
        if not fits:
            raise _refusal(parts, self.maximum)
        self.copy = None
        self.taken = 0
        self._numbers += 1
        self._mine = _Mine(self._numbers, fits, dict.fromkeys(fits, MAX_SENDS))
        offered = tuple(tsg.ClipboardPart(format, len(data)) for format, data in fits.items())
        self._say(tsg.ClipboardOffer(self._numbers, offered))
        return self._numbers

    def _requested(self, request: tsg.ClipboardRequest) -> None:
        mine = self._mine
        if mine is None or mine.id != request.id or request.format not in mine.parts:
            self._end(request, ClipboardReason.GONE, 0)
            return
        format = Format(request.format)
        data = mine.parts[format]
        if len(data) > request.limit:
            self._end(request, ClipboardReason.LARGER, len(data))
            return
        if format in mine.outgoing or not mine.left[format]:
            raise ProtocolError("ClipboardRequest: the same content again and again")
        mine.left[format] -= 1
        mine.outgoing[format] = Outgoing(mine.id, format, data, self._say)
        self._goes_on(mine, format, 0)

    def _acknowledged(self, ack: tsg.ClipboardAck) -> None:
        mine = self._mine
        if mine is not None and mine.id == ack.id and ack.format in mine.outgoing:
            self._goes_on(mine, Format(ack.format), ack.received)

    def _goes_on(self, mine: _Mine, format: Format, received: int) -> None:
        outgoing = mine.outgoing[format]
        outgoing.acknowledged(received)
        if outgoing.done:
            del mine.outgoing[format]

    def _say(self, message: tsg.Message) -> None:
        self._out.append(message)

    def _end(self, request: tsg.ClipboardRequest, reason: ClipboardReason, size: int) -> None:
        self._say(tsg.ClipboardEnd(request.id, request.format, reason, size, ""))


def _refusal(parts: Mapping[Format, bytes], maximum: int) -> ClientError:
    if not parts:
        return Refused("There is nothing in it that the desktop's clipboard takes.")
    size = max(map(len, parts.values()))
    return Refused(
        f"What was copied has {size / _MB:.3g} MB; at most {maximum / _MB:.3g} MB may pass the clipboard."
    )
