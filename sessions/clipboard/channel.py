"""The clipboard's channel (sessions/channels.py): between a guest and the viewers that may have a part in it.

There is one thing held at a time. `_Copy`: by a program in the guest, offered to all viewers that may take it
out. `_Paste`: by one viewer that may bring it in; small contents are fetched at once and outlast the
viewer, larger ones when a program wants them. Whichever came last ends the other, and all that is on its way.

What a viewer has brought is never offered to another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from sessions.channels import Allowed
from sessions.clipboard.base import DEFAULT_MAXIMUM, ClipboardError, GuestClipboard, TooLarge
from sessions.clipboard.contents import check, too_large
from sessions.clipboard.transfers import Incoming, Outgoing
from sessions.viewer import Viewer
from sessions.wire import tsg
from sessions.wire.errors import ProtocolError
from sessions.wire.fields import clip
from sessions.wire.tsg import Capability, ClipboardReason
from sessions.wire.tsg import ClipboardFormat as Format

AT_ONCE = 1024 * 1024
"""Bytes of a viewer's content that are fetched before anybody wants it."""
LATE = 4 * tsg.CLIPBOARD_WINDOW
"""Bytes that a viewer may send of what is not wanted any more; who sends more sends what nobody asked for."""
_KNOWN = frozenset(map(int, Format))
_GONE = "Something else was copied meanwhile."


@dataclass
class _Copy:
    """What the guest holds. waiting: for each format, who wants it with which limit."""

    id: int
    formats: tuple[Format, ...]
    contents: dict[Format, bytes] = field(default_factory=dict)
    waiting: dict[Format, dict[int, int]] = field(default_factory=dict)


@dataclass
class _Paste:
    """What a viewer holds. number: the viewer; None: it has gone. wanted: in the guest."""

    number: int | None
    id: int
    sizes: dict[Format, int]
    contents: dict[Format, bytes] = field(default_factory=dict)
    coming: dict[Format, Incoming] = field(default_factory=dict)
    wanted: set[Format] = field(default_factory=set)


class ClipboardChannel:
    """guest: its clipboard, None where it has none. maximum: bytes of the largest content that passes."""

    takes = frozenset({
        tsg.ClipboardOffer, tsg.ClipboardRequest, tsg.ClipboardData, tsg.ClipboardAck, tsg.ClipboardEnd,
    })  # fmt: skip

    def __init__(self, guest: GuestClipboard | None, maximum: int = DEFAULT_MAXIMUM) -> None:
        self._guest = guest
        self._maximum = maximum
        if guest is not None:
            guest.maximum = maximum
        self._formats: frozenset[Format] = frozenset()
        self._viewers: dict[int, Viewer] = {}
        self._copies = 0
        self._copy: _Copy | None = None
        self._paste: _Paste | None = None
        self._outgoing: dict[tuple[int, int], Outgoing] = {}
        self._late: dict[int, int] = {}  # bytes that each viewer may still send in vain

    def offers(self, allowed: Allowed) -> Iterable[Capability]:
        """See `Channel`."""
        if self._guest is None:
            return
        if "clipboard_in" in allowed:
            yield Capability.CLIPBOARD_IN
        if "clipboard_out" in allowed:
            yield Capability.CLIPBOARD_OUT

    # ---- the guest comes and goes

    def opened(self) -> None:
        """See `Channel`."""
        if self._guest is not None:
            self._guest.follow(self)

    def closed(self) -> None:
        """See `Channel`."""
        if self._guest is not None:
            self._guest.follow(None)
        self.copied(())
        self.ready(frozenset())

    # ---- what the guest tells (ClipboardEvents)

    def ready(self, formats: frozenset[Format]) -> None:
        """It takes and gives these now."""
        self._formats = formats
        for viewer in self._viewers.values():
            viewer.tell(self._state())

    def copied(self, formats: tuple[Format, ...]) -> None:
        """A program in it holds something, or does no more."""
        if not formats and self._copy is None:
            return
        self._end_all()
        self._copies += 1
        self._copy = _Copy(self._copies, formats) if formats else None
        for viewer in self._viewers.values():
            self._offer(viewer)

    def wanted(self, format: Format) -> None:
        """A program in it wants what a viewer holds."""
        paste = self._paste
        if paste is None or format not in paste.sizes:
            self._provide(format, None)
        elif format in paste.contents:
            self._provide(format, paste.contents[format])
        elif paste.number is None:
            self._provide(format, None)
        else:
            paste.wanted.add(format)
            self._request(paste, format)

    def taken(self) -> None:
        """Its programs see what a viewer holds."""
        if self._paste is not None and self._paste.number is not None:
            self._viewers[self._paste.number].tell(tsg.ClipboardTaken(self._paste.id))

    # ---- viewers come and go

    def joined(self, number: int, viewer: Viewer) -> None:
        """See `Channel`."""
        if _may_in(viewer) or _may_out(viewer):
            self._viewers[number] = viewer
            viewer.tell(self._state())
            if self._copy is not None:
                self._offer(viewer)

    def left(self, number: int) -> None:
        """See `Channel`."""
        if self._viewers.pop(number, None) is None:
            return
        self._late.pop(number, None)
        for key in [key for key in self._outgoing if key[0] == number]:
            del self._outgoing[key]
        if self._copy is not None:
            for waiting in self._copy.waiting.values():
                waiting.pop(number, None)
        paste = self._paste
        if paste is not None and paste.number == number:
            paste.number = None
            paste.coming.clear()
            wanted, paste.wanted = paste.wanted, set()
            for format in wanted:
                self._provide(format, None)

    def _state(self) -> tsg.ClipboardState:
        return tsg.ClipboardState(sum(1 << format - 1 for format in self._formats), self._maximum)

    def _offer(self, viewer: Viewer) -> None:
        if _may_out(viewer):
            formats = () if self._copy is None else self._copy.formats
            parts = tuple(tsg.ClipboardPart(format, tsg.UNKNOWN_SIZE) for format in formats)
            viewer.tell(tsg.ClipboardOffer(self._copies, parts))

    # ---- what viewers say

    def received(self, number: int, viewer: Viewer, message: tsg.Message) -> None:
        """See `Channel`."""
        if number not in self._viewers:
            return
        match message:
            case tsg.ClipboardOffer() if _may_in(viewer):
                self._offered(number, viewer, message)
            case tsg.ClipboardData() if _may_in(viewer):
                self._arrived(number, viewer, message)
            case tsg.ClipboardRequest() if _may_out(viewer):
                self._requested(number, viewer, message)
            case tsg.ClipboardAck() if _may_out(viewer):
                self._acknowledged(number, message)
            case tsg.ClipboardEnd():
                self._ended(number, message)

    def _offered(self, number: int, viewer: Viewer, offer: tsg.ClipboardOffer) -> None:
        sizes = {}
        for part in offer.parts:
            if part.size > self._maximum:
                _end(viewer, offer.id, part.format, too_large(part.size, self._maximum))
            elif part.format in _KNOWN and part.format in self._formats:
                sizes[Format(part.format)] = part.size
        if not sizes or self._guest is None:
            return
        self._end_all()
        if self._copy is not None:
            self._copy = None
            self._copies += 1
            for each in self._viewers.values():
                if each is not viewer:
                    self._offer(each)
        self._paste = paste = _Paste(number, offer.id, sizes)
        self._guest.offer(tuple(sizes))
        for format, size in sizes.items():
            if size <= AT_ONCE:
                self._request(paste, format)

    def _request(self, paste: _Paste, format: Format) -> None:
        if paste.number is None or format in paste.coming or format in paste.contents:
            return
        viewer = self._viewers[paste.number]
        paste.coming[format] = Incoming(self._maximum, viewer.tell)
        viewer.tell(tsg.ClipboardRequest(paste.id, format, self._maximum))

    def _arrived(self, number: int, viewer: Viewer, piece: tsg.ClipboardData) -> None:
        paste = self._paste
        is_present = paste is not None and (paste.number, paste.id) == (number, piece.id)
        if paste is None or not is_present or piece.format not in paste.coming:
            self._comes_late(number, len(piece.data))
            return
        format = Format(piece.format)
        data = paste.coming[format].take(piece)
        if data is None:
            return
        del paste.coming[format]
        try:
            paste.contents[format] = check(format, data, self._maximum)
        except ClipboardError as error:
            _end(viewer, paste.id, format, error)
        self._settle(paste, format)

    def _comes_late(self, number: int, size: int) -> None:
        left = self._late.get(number, 0) - max(size, 1)
        if left < 0:
            raise ProtocolError("ClipboardData: nobody has asked for it")
        self._late[number] = left

    def _may_come_late(self, number: int) -> None:
        """Something that this viewer was asked for is not wanted any more."""
        self._late[number] = min(self._late.get(number, 0) + tsg.CLIPBOARD_WINDOW + tsg.CLIPBOARD_PIECE, LATE)

    def _settle(self, paste: _Paste, format: Format) -> None:
        """Answer the guest with what there is, if it waits."""
        if format in paste.wanted:
            paste.wanted.discard(format)
            self._provide(format, paste.contents.get(format))

    def _requested(self, number: int, viewer: Viewer, request: tsg.ClipboardRequest) -> None:
        copy = self._copy
        if copy is None or copy.id != request.id or request.format not in copy.formats or self._guest is None:
            _end(viewer, request.id, request.format, None)
            return
        format = Format(request.format)
        if format in copy.contents:
            self._send(number, copy, format, request.limit)
        elif format in copy.waiting:
            copy.waiting[format][number] = request.limit
        else:
            copy.waiting[format] = {number: request.limit}
            fetch: Deferred[bytes] = self._guest.fetch(format)
            fetch.addCallbacks(
                self._fetched, self._not_fetched, callbackArgs=(copy, format), errbackArgs=(copy, format)
            )

    def _fetched(self, data: bytes, copy: _Copy, format: Format) -> None:
        copy.contents[format] = data
        for number, limit in copy.waiting.pop(format, {}).items():
            if copy is self._copy:
                self._send(number, copy, format, limit)

    def _not_fetched(self, failure: Failure, copy: _Copy, format: Format) -> None:
        waiting = copy.waiting.pop(format, {})
        error = failure.value
        if not isinstance(error, ClipboardError):
            failure.raiseException()
        for number in waiting:
            if copy is self._copy and number in self._viewers:
                _end(self._viewers[number], copy.id, format, error)

    def _send(self, number: int, copy: _Copy, format: Format, limit: int) -> None:
        viewer, data = self._viewers[number], copy.contents[format]
        if len(data) > limit:
            viewer.tell(tsg.ClipboardEnd(copy.id, format, ClipboardReason.LARGER, len(data), ""))
            return
        outgoing = self._outgoing[number, format] = Outgoing(copy.id, format, data, viewer.tell)
        outgoing.acknowledged(0)
        if outgoing.done:
            del self._outgoing[number, format]

    def _acknowledged(self, number: int, ack: tsg.ClipboardAck) -> None:
        outgoing = self._outgoing.get((number, ack.format))
        if outgoing is not None and outgoing.id == ack.id:
            outgoing.acknowledged(ack.received)
            if outgoing.done:
                del self._outgoing[number, ack.format]

    def _ended(self, number: int, end: tsg.ClipboardEnd) -> None:
        outgoing = self._outgoing.get((number, end.format))
        if outgoing is not None and outgoing.id == end.id:
            del self._outgoing[number, end.format]
        paste = self._paste
        if paste is not None and (paste.number, paste.id) == (number, end.id) and end.format in paste.coming:
            format = Format(end.format)
            del paste.coming[format]
            self._settle(paste, format)

    def _provide(self, format: Format, data: bytes | None) -> None:
        if self._guest is not None:
            self._guest.provide(format, data)

    def _end_all(self) -> None:
        """Something else is held from now on: nothing that is on its way arrives any more."""
        self._outgoing.clear()
        paste, self._paste = self._paste, None
        if paste is not None and paste.number is not None:
            for format in paste.coming:
                self._may_come_late(paste.number)
                _end(self._viewers[paste.number], paste.id, format, None)


def _may_in(viewer: Viewer) -> bool:
    return "clipboard_in" in viewer.allowed and Capability.CLIPBOARD_IN in viewer.capabilities


def _may_out(viewer: Viewer) -> bool:
    return "clipboard_out" in viewer.allowed and Capability.CLIPBOARD_OUT in viewer.capabilities


def _end(viewer: Viewer, id: int, format: int, error: ClipboardError | None) -> None:
    """Tell that a transfer is over, by an error or because something else is held."""
    if error is None:
        told = tsg.ClipboardEnd(id, format, ClipboardReason.GONE, 0, _GONE)
    elif isinstance(error, TooLarge):
        size = min(error.size, tsg.UNKNOWN_SIZE)
        told = tsg.ClipboardEnd(id, format, ClipboardReason.TOO_LARGE, size, clip(str(error)))
    else:
        told = tsg.ClipboardEnd(id, format, ClipboardReason.FAILED, 0, clip(str(error)))
    viewer.tell(told)
