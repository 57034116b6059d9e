"""One viewer's connection without I/O: events in, commands out.

    phase       event                        next        commands
    HELLO       ClientHello                  ATTACHED    Attach
    HELLO       anything else                CLOSING     Send(Close), Shut
    HELLO       10 s without ClientHello     CLOSING     Send(Close), Shut
    ATTACHED    Ping                         ATTACHED    Send(Pong)
    ATTACHED    Pong, unknown but optional   ATTACHED    –
    ATTACHED    input, Ack, Refresh, size    ATTACHED    Relay, the very bytes
    ATTACHED    2 s since the last Ping      ATTACHED    Send(Ping)
    ATTACHED    6 s of silence               CLOSING     Send(Close), Shut
    ATTACHED    ClientHello, rubbish, flood  CLOSING     Send(Close), Shut
    any         Close                        CLOSING     Shut
    any         close()                      CLOSING     Send(Close), Shut
    CLOSING     3 s                          CLOSING     Abort

Messages of the session host do not come through here: while ATTACHED they are sent as they are.
Times are monotonic seconds, given by the caller. After every call the caller carries out the commands
in order.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.fields import clip
from sessions.wire.tsg import (
    FROM_VIEWER,
    MAX_CLIENT_MESSAGE,
    VERSION,
    ClientHello,
    ClipboardData,
    Close,
    CloseCode,
    Message,
    Ping,
    Pong,
    UnknownMessage,
    decode,
)

HELLO_WITHIN = 10.0
PING_EVERY = 2.0
SILENCE = 6.0
CLOSE_WITHIN = 3.0
MAX_RATE = 512 * 1024
"""Bytes a second a viewer may send for long, each message counted as at least `MIN_COST`."""
MAX_BURST = 2 * 1024 * 1024
MIN_COST = 128
ASKED_SHARE = 128
"""Of pieces of a content that the session host has asked for, and sees to: they count as so much less."""


class Phase(enum.Enum):
    """Where the connection is in its life."""

    HELLO = "waiting for the ClientHello"
    ATTACHED = "attached, or about to be"
    CLOSING = "closing"


@dataclass(frozen=True, slots=True)
class Send:
    """Send this message to the viewer."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Attach:
    """Redeem the ticket and ask the session host to attach this viewer."""

    hello: ClientHello


@dataclass(frozen=True, slots=True)
class Relay:
    """Hand this message to the session host."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Shut:
    """Close the transport once everything sent is out."""

    code: CloseCode
    reason: str


@dataclass(frozen=True, slots=True)
class Abort:
    """Cut the transport now."""


Command = Send | Attach | Relay | Shut | Abort


class TsgConnection:
    """The core; see the module's table."""

    def __init__(self, now: float) -> None:
        self.phase = Phase.HELLO
        self._since = now
        self._heard = now
        self._pinged = now
        self._nonce = 0
        self._allowance = float(MAX_BURST)
        self._counted = now

    def received(self, data: bytes, now: float) -> list[Command]:
        """Take one message of the viewer."""
        self._heard = now
        if self.phase is Phase.CLOSING:
            return []
        try:
            if len(data) > MAX_CLIENT_MESSAGE:
                raise LimitExceeded(f"a message of {len(data)} bytes, at most {MAX_CLIENT_MESSAGE}")
            self._count(data, now)
            message = decode(data, FROM_VIEWER)
        except ProtocolError as error:
            return self.close(_code_of(error), str(error), now)
        if isinstance(message, Close):
            self.phase = Phase.CLOSING
            self._since = now
            return [Shut(CloseCode.NORMAL, "")]
        if self.phase is Phase.HELLO:
            return self._hello(message, now)
        return self._attached(message, data, now)

    def _count(self, data: bytes, now: float) -> None:
        """Bound what a viewer can make the session host do. Raises LimitExceeded."""
        earned = (now - self._counted) * MAX_RATE
        is_asked = data[:1] == bytes((ClipboardData.TYPE,))
        cost = len(data) // ASKED_SHARE if is_asked else len(data)
        self._allowance = min(self._allowance + earned, MAX_BURST) - max(cost, MIN_COST)
        self._counted = now
        if self._allowance < 0:
            raise LimitExceeded("too many messages in too short a time")

    def _hello(self, message: Message | None, now: float) -> list[Command]:
        if not isinstance(message, ClientHello):
            return self.close(CloseCode.PROTOCOL, "the first message has to be a ClientHello", now)
        if message.version != VERSION:
            reason = f"this gateway speaks version {VERSION} of the protocol, not {message.version}"
            return self.close(CloseCode.VERSION, reason, now)
        self.phase = Phase.ATTACHED
        return [Attach(message)]

    def _attached(self, message: Message | None, data: bytes, now: float) -> list[Command]:
        match message:
            case Ping(nonce):
                return [Send(Pong(nonce).encode())]
            case Pong() | None:
                return []
            case ClientHello():
                return self.close(CloseCode.PROTOCOL, "a second ClientHello", now)
        return [Relay(data)]

    def tick(self, now: float) -> list[Command]:
        """Let time pass; called at least every second."""
        match self.phase:
            case Phase.HELLO if now - self._since >= HELLO_WITHIN:
                return self.close(CloseCode.TIMEOUT, f"no ClientHello within {HELLO_WITHIN:.0f} s", now)
            case Phase.ATTACHED if now - self._heard >= SILENCE:
                return self.close(CloseCode.TIMEOUT, f"nothing heard for {SILENCE:.0f} s", now)
            case Phase.ATTACHED if now - self._pinged >= PING_EVERY:
                self._pinged = now
                self._nonce = (self._nonce + 1) & 0xFFFFFFFF
                return [Send(Ping(self._nonce).encode())]
            case Phase.CLOSING if now - self._since >= CLOSE_WITHIN:
                return [Abort()]
        return []

    def close(self, code: CloseCode, reason: str, now: float) -> list[Command]:
        """Begin to close, with a sentence for the person; does nothing when that has begun."""
        if self.phase is Phase.CLOSING:
            return []
        self.phase = Phase.CLOSING
        self._since = now
        return [Send(Close(code, clip(reason)).encode()), Shut(code, reason)]


def _code_of(error: ProtocolError) -> CloseCode:
    match error:
        case UnknownMessage():
            return CloseCode.UNKNOWN
        case LimitExceeded():
            return CloseCode.LIMIT
    return CloseCode.PROTOCOL
