"""One connection of a viewer, without I/O: the server's messages in; events, and messages to send, out.

conversation = Conversation(ticket, picture, clock)
send(conversation.outgoing())                   # ClientHello
for event in conversation.receive(message):     # one message of the carrier
    ...                                         # Welcome, Drawn, Over, or a message of the server's
send(conversation.outgoing())                   # acknowledgements, Pong, …
wait = conversation.tick()                      # again after so many seconds, or sooner

GREETING ──ServerHello──▶ CONNECTED ──Close, fault, silence, end──▶ OVER
    └───────────────────Close, fault, silence, end──────────────────▲
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sessions.pixels.geometry import Rect, Size
from sessions.wire import tsg
from sessions.wire.errors import LimitExceeded, ProtocolError
from sessions.wire.fields import clip
from sessions.wire.tsg import Capability, CloseCode
from tsgateway.client.viewer.clipboard import DIRECTIONS, MESSAGES, Clipboard, ClipboardEvent
from tsgateway.client.viewer.decode import DecodeError, Picture
from tsgateway.client.viewer.decode.history import MAX_WINDOW_LOG
from tsgateway.client.viewer.sound import Hearing, Played

HELLO_SECONDS = 10.0
PING_SECONDS = 2.0
SILENCE_SECONDS = 7.0
DRAWING_SECONDS = 0.1
"""What comes while a picture is being drawn is shown after it; no longer than so much later."""
MAX_MENDS = 1
"""Pictures that may go wrong one after the other before the connection is given up."""

ABILITIES = (Capability.JPEG, Capability.COPY, Capability.NOTICES)
"""What every viewer made of this can do, beyond the history stream."""
VIDEOS = (Capability.H264, Capability.VP8, Capability.VP9, Capability.AV1)


@dataclass(frozen=True, slots=True)
class Welcome:
    """The server has let this viewer in."""

    hello: tsg.ServerHello


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture is whole: `Picture.pixels` has changed in these places."""

    changes: tuple[Rect, ...]


@dataclass(frozen=True, slots=True)
class Over:
    """The connection has ended. code: of whoever closed it, None for a cut; reason: a sentence, or ""."""

    code: int | None
    reason: str


_OTHER_VERSION = "The gateway speaks version {} of the protocol, this client another: update the older one."

Event = Welcome | Drawn | Played | Over | ClipboardEvent | tsg.Message


class Stage(enum.Enum):
    """How far a conversation is."""

    GREETING = enum.auto()
    CONNECTED = enum.auto()
    OVER = enum.auto()


class Conversation:
    """What one connection has said, and what is to be answered.

    ticket: for this connection. clock: seconds that only grow. size: of the screen one would like, None for
    no wish. capabilities: beyond HISTORY. presents: whether whoever uses this calls `presented` when a
    picture is on the screen; without a screen it is acknowledged when it is decoded. clipboard: what takes
    part in the desktop's, or None; it is told when connections begin and end. hearing: what is wanted of
    sound, kept from one connection to the next.
    """

    def __init__(
        self,
        ticket: bytes,
        picture: Picture,
        clock: Callable[[], float],
        *,
        client: str = "tsgateway client",
        size: Size | None = None,
        capabilities: Sequence[int] = ABILITIES,
        presents: bool = False,
        clipboard: Clipboard | None = None,
        hearing: Hearing | None = None,
    ) -> None:
        self.stage = Stage.GREETING
        self.over: Over | None = None
        self.hello: tsg.ServerHello | None = None
        self.round_trip: float | None = None
        """Seconds of the last ping and its answer."""
        self._picture = picture
        self._clock = clock
        self._presents = presents
        self._clipboard = clipboard
        self._hearing = hearing or Hearing()
        self._owed: tuple[int, float, float] | None = None  # number, arrival, decoded
        self._held: tuple[int, float, float] | None = None  # whole, but waits for the one that is being drawn
        self._drawing_since: float | None = None
        self._is_mending = False
        self._mends = 0
        self._begun = self._heard = clock()
        self._pinged = self._begun
        self._nonce = 0
        wished = size or Size(0, 0)
        able = (Capability.HISTORY, *capabilities, *(DIRECTIONS if clipboard is not None else ()))
        self._out: list[tsg.Message] = [
            tsg.ClientHello(tsg.VERSION, ticket, clip(client, 128), *wished, able)
        ]

    def outgoing(self) -> list[bytes]:
        """Return the messages that are to be sent now, in this order; they are forgotten here."""
        out, self._out = self._out, []
        if self._clipboard is not None and self.stage is Stage.CONNECTED:
            out += self._clipboard.outgoing()
        return [message.encode() for message in out]

    def can(self, capability: Capability) -> bool:
        """Tell whether the server has named a capability."""
        return self.hello is not None and capability in self.hello.capabilities

    def say(self, message: tsg.Message) -> bool:
        """Put a message of the viewer's own among those to send; False when there is no connection."""
        if self.stage is not Stage.CONNECTED:
            return False
        self._out.append(message)
        return True

    def receive(self, data: bytes) -> list[Event]:
        """Take one message as it came over the carrier. Nothing is raised: a fault ends the conversation."""
        if self.stage is Stage.OVER:
            return []
        self._heard = self._clock()
        try:
            message = tsg.decode(data, tsg.FROM_SERVER)
            return [] if message is None else self._take(message)
        except ProtocolError as error:
            return self.fault(error)

    def fault(self, error: ProtocolError) -> list[Event]:
        """The server, or its carrier, breaks the protocol: tell it so, and leave."""
        match error:
            case tsg.UnknownMessage():
                code = CloseCode.UNKNOWN
            case LimitExceeded():
                code = CloseCode.LIMIT
            case _:
                code = CloseCode.PROTOCOL
        return self.leave(code, str(error))

    def presented(self) -> list[Event]:
        """Acknowledge the last whole picture: it is on the screen. Returns the next, if that has waited."""
        self._settle()
        self._drawing_since = None
        return self._show_held()

    def tick(self) -> tuple[float, list[Event]]:
        """Ping, and notice silence. Returns the seconds until this wants to be called again, and events."""
        now = self._clock()
        if self.stage is Stage.OVER:
            return SILENCE_SECONDS, []
        if self.stage is Stage.GREETING:
            left = self._begun + HELLO_SECONDS - now
            if left <= 0:
                return 0, self._over(None, "The gateway does not answer.")
            return min(left, PING_SECONDS), []  # then there may be a connection to be kept
        if now - self._heard >= SILENCE_SECONDS:
            return 0, self._over(None, "Nothing comes over the line any more.")
        if now - self._pinged >= PING_SECONDS or not self._nonce:
            self._nonce = (self._nonce + 1) & 0xFFFFFFFF
            self._pinged = now
            self._out.append(tsg.Ping(self._nonce))
        return min(self._pinged + PING_SECONDS, self._heard + SILENCE_SECONDS) - now, []

    def leave(self, code: CloseCode = CloseCode.NORMAL, reason: str = "") -> list[Event]:
        """Say goodbye, and why."""
        if self.stage is Stage.OVER:
            return []
        self._out.append(tsg.Close(code, clip(reason)))
        return self._over(code, reason)

    def cut(self, reason: str = "") -> list[Event]:
        """The carrier has ended. reason: a sentence, where it is known."""
        return [] if self.stage is Stage.OVER else self._over(None, reason or "The connection was cut.")

    # ---- messages

    def _take(self, message: tsg.Message) -> list[Event]:
        match message:
            case tsg.Ping(nonce):
                self._out.append(tsg.Pong(nonce))
            case tsg.Pong(nonce):
                if nonce == self._nonce:
                    self.round_trip = self._heard - self._pinged
            case tsg.Close(code, reason):
                return self._over(code, reason)
            case tsg.ServerHello():
                return self._welcome(message)
            case _:
                return self._show(message)
        return []

    def _show(self, message: tsg.Message) -> list[Event]:
        """Take what is to be seen, heard, or told."""
        if self.stage is Stage.GREETING:
            raise ProtocolError(f"{type(message).__name__} before ServerHello")
        match message:
            case tsg.Frame():
                return self._frame(message)
            case tsg.Sound():
                played, said = self._hearing.take(message)
                self._out += said
                return [*played]
            case tsg.ScreenSize(width, height):
                self._held = None  # the new screen comes whole
                self._picture.resize(Size(width, height))
            case tsg.Microphone():
                self._hearing.told(message)
        if self._clipboard is not None and isinstance(message, MESSAGES):
            return list(self._clipboard.receive(message))
        return [message]

    def _welcome(self, hello: tsg.ServerHello) -> list[Event]:
        if self.stage is Stage.CONNECTED:
            raise ProtocolError("a second ServerHello")
        if hello.version != tsg.VERSION:
            return self.leave(CloseCode.VERSION, _OTHER_VERSION.format(hello.version))
        if hello.window_log > MAX_WINDOW_LOG:
            raise LimitExceeded(f"a history window of 2^{hello.window_log} bytes")
        self.hello = hello
        self.stage = Stage.CONNECTED
        self._picture.begin(hello.window_log)
        if self._clipboard is not None:
            self._clipboard.connected(hello.capabilities)
        self._out += self._hearing.greeted(hello)
        return [Welcome(hello)]

    def _frame(self, frame: tsg.Frame) -> list[Event]:
        arrived = self._heard
        if frame.flags & tsg.FrameFlag.NEW_STREAM:
            self._is_mending = False
        # Parts of the next picture are painted over the one that waits.
        before = [] if frame.flags & tsg.FrameFlag.LAST else self._show_held()
        waits = self._is_drawing()
        try:
            added = (
                self._picture.skip(frame) if self._is_mending else self._picture.add(frame, shows=not waits)
            )
        except DecodeError as error:
            return before + self._mend(frame, arrived, str(error))
        self._out += (tsg.VideoFailed(codec, clip(why, 256)) for codec, why in added.failed)
        if not added.whole:
            self._decoded(frame.number, arrived)
            return before
        self._mends = 0
        self._held = (frame.number, arrived, self._clock())
        return before if waits else before + self._shown(added.changes)

    def _is_drawing(self) -> bool:
        """Whether pixels that are being drawn would change below the hand that draws."""
        since = self._drawing_since
        return since is not None and self._clock() - since < DRAWING_SECONDS

    def _show_held(self) -> list[Event]:
        return [] if self._held is None else self._shown(self._picture.show())

    def _shown(self, changes: tuple[Rect, ...]) -> list[Event]:
        """Tell of a picture that `pixels` show now; it is acknowledged when it is on the screen."""
        self._owed, self._held = self._held, None
        if self._presents and changes:
            self._drawing_since = self._clock()
        elif not self._presents:
            self._settle()
        return [Drawn(changes)]

    def _settle(self) -> None:
        owed, self._owed = self._owed, None
        if owed is not None:
            self._acknowledge(*owed, present=True)

    def _mend(self, frame: tsg.Frame, arrived: float, why: str) -> list[Event]:
        """Ask once for the whole picture again."""
        self._mends += 1
        if self._mends > MAX_MENDS:
            raise ProtocolError(f"frame {frame.number}: {why}")
        self._is_mending = True
        self._held = None  # what it was painted on is broken
        self._out.append(tsg.Refresh())
        self._decoded(frame.number, arrived)
        return []

    def _decoded(self, number: int, arrived: float) -> None:
        self._settle()  # numbers never go back
        self._acknowledge(number, arrived, self._clock(), present=False)

    def _acknowledge(self, number: int, arrived: float, decoded: float, *, present: bool) -> None:
        presented = self._clock() if present else arrived
        self._out.append(tsg.Ack(number, _micros(decoded - arrived), _micros(presented - arrived)))

    # ---- the end

    def _over(self, code: int | None, reason: str) -> list[Event]:
        self.stage = Stage.OVER
        if self._clipboard is not None:
            self._clipboard.lost()
        self.over = Over(code, reason)
        return [self.over]


def _micros(seconds: float) -> int:
    return min(max(round(1e6 * seconds), 0), 0xFFFFFFFF)
