"""The client: bytes in, events out."""

from __future__ import annotations

from collections.abc import Iterator

from sessions.wire.rfb import messages
from sessions.wire.rfb.events import CHUNK, Event, Parser
from sessions.wire.rfb.handshake import handshake
from sessions.wire.rfb.messages import PSEUDO_ENCODINGS, Encoding
from sessions.wire.rfb.updates import ServerMessages

_SMALL = 32 * 1024

_NOTHING = memoryview(b"")

RAW: tuple[Encoding, ...] = (Encoding.COPY_RECT, Encoding.RAW)
"""For servers on this machine: bytes are cheap there, processor time is not."""

COMPACT: tuple[Encoding, ...] = (Encoding.COPY_RECT, Encoding.ZRLE, Encoding.HEXTILE, Encoding.RAW)
"""For servers behind a network."""


class RfbClient:
    """One connection to a server.

    Fill `buffer()`, call `received` and use up the events it returns, then send `data_to_send()`; and so
    on. What comes out does not depend on how the bytes were cut. Where `server.memory` is set, the buffer may
    be the screen's own memory.

    `password` is VNC's (its first 8 bytes count); `encodings` are those of the pixels, best first.
    """

    def __init__(
        self,
        password: bytes | None = None,
        shared: bool = True,
        encodings: tuple[Encoding, ...] = RAW,
    ) -> None:
        self.server = ServerMessages()
        self._encodings = encodings
        self._out = bytearray()
        self._parser = self._parse(password, shared)
        self._memory = memoryview(bytearray(2 * CHUNK))
        self._start = self._end = 0  # of the bytes in memory not parsed yet
        self._place: memoryview | None = None  # what is left to be filled of the screen's memory
        step = next(self._parser)
        self._need = step if isinstance(step, int) else 0

    def buffer(self) -> memoryview:
        """Return the memory the next bytes shall be received into; it ends the life of event data."""
        if self._place is not None:
            return self._place[: 2 * CHUNK]
        held = self._end - self._start
        if self._start:
            self._memory[:held] = self._memory[self._start : self._end]
            self._start, self._end = 0, held
        # Bulk pixels: no more than is wanted, so that the next piece starts at the front, aligned, and
        # nothing has to be moved.
        return self._memory[held : self._need if self._need > _SMALL else None]

    def received(self, count: int) -> Iterator[Event]:
        """Take the `count` bytes now at the start of `buffer()`; the events must be iterated to the end.

        Raises ProtocolError, LimitExceeded, Refused; the connection is of no use then.
        """
        if self._place is not None:
            self._place = self._place[count:]
        else:
            self._end += count
        while (piece := self._piece()) is not None:
            step = self._parser.send(piece)
            while not isinstance(step, int | memoryview):
                yield step
                step = self._parser.send(_NOTHING)
            if isinstance(step, int):
                self._need = step
            else:
                self._place = step

    def _piece(self) -> memoryview | None:
        """Return what the parser waits for, or None while that is not all here."""
        if self._place is not None:
            piece = self._memory[self._start : min(self._end, self._start + len(self._place))]
            self._place[: len(piece)] = piece
            self._start += len(piece)
            self._place = self._place[len(piece) :] or None
            return _NOTHING if self._place is None else None
        if self._end - self._start < self._need:
            return None
        self._start += self._need
        return self._memory[self._start - self._need : self._start]

    def data_to_send(self) -> bytes:
        """Return what the protocol wants sent, once."""
        data = bytes(self._out)
        self._out.clear()
        return data

    def _parse(self, password: bytes | None, shared: bool) -> Parser:
        ready = yield from handshake(password, shared, self._out)
        self.server.width, self.server.height = ready.width, ready.height
        self._out += messages.set_pixel_format()
        self._out += messages.set_encodings((*self._encodings, *PSEUDO_ENCODINGS))
        yield ready
        yield from self.server.parse()
