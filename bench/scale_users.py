"""Simulated office users: what each does and when, and one loop that does it for all of them.

A user types, reads, scrolls, reads, and begins again (`habits`). Users are cheap: no thread, no decoder. A
frame is recognised by the rectangles in the heads of its operations: page and editor share no tile, and a
user's next key waits until the last one is answered, so the first frame that covers the letter's place
answers the key. A key that had to wait is counted from when it should have been sent: a slow answer does not
hide those behind it.
"""

from __future__ import annotations

import heapq
import random
import selectors
import ssl
import struct
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.product import Connection
from bench.scale_desktops import Layout
from sessions.wire import tsg
from sessions.wire.lengths import LengthPrefixed

HELD = 0.08
"""How long a key is held down, seconds."""
KEYS_A_SECOND = 1.6
"""What `habits` come to on average."""
MAX_WAITING = 16
"""So many keys and turns of a user wait for an answer; nobody types blindly for longer."""
_FRAME = struct.Struct(">BIBHI")
_OPERATION = struct.Struct(">BHHHHI")
_UP = LengthPrefixed.frame(tsg.Key(0, 0x1E, 0x61).encode())
_DOWN = LengthPrefixed.frame(tsg.Key(1, 0x1E, 0x61).encode())
_TURN = LengthPrefixed.frame(tsg.Wheel(0, 120).encode())


def habits(seed: int) -> Iterator[tuple[float, str]]:
    """Yield for ever (seconds to wait, "key" or "wheel"): the office mix, begun at any point of it.

    15 to 60 keys, 3 to 5 a second; reading for 2 to 8 s; 3 to 10 turns of the wheel, 5 to 10 a second;
    reading for 4 to 10 s. On average that is 1.6 keys and 0.3 turns a second.
    """
    rng = random.Random(seed)
    skipped = -rng.uniform(0, 30)
    for pause, what in _cycles(rng):
        if skipped < 0:
            skipped += pause
        if skipped >= 0:
            yield (skipped or pause), what
            skipped = 0.0


def _cycles(rng: random.Random) -> Iterator[tuple[float, str]]:
    pause = 0.0
    while True:
        for _ in range(rng.randint(15, 60)):
            yield pause, "key"
            pause = rng.uniform(0.2, 0.33)
        pause = rng.uniform(2, 8)
        for _ in range(rng.randint(3, 10)):
            yield pause, "wheel"
            pause = rng.uniform(0.1, 0.2)
        pause = rng.uniform(4, 10)


def rectangles(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield x, y, width, height of a frame's operations, from their heads alone."""
    count = _FRAME.unpack_from(message)[3]
    for number in range(count):
        yield _OPERATION.unpack_from(message, _FRAME.size + number * _OPERATION.size)[1:5]


def covers(message: bytes, x: int, y: int) -> bool:
    """Tell whether a frame changes this pixel."""
    return any(
        left <= x < left + width and top <= y < top + height
        for left, top, width, height in rectangles(message)
    )


@dataclass
class Measured:
    """What was seen; times in seconds.

    keys: when each was due, and how long it then took until its frame was there. turns: the same for the
    wheel. sent: user, number and time of each key sent. late: by how much this program missed when to send.
    """

    keys: list[tuple[float, float]] = field(default_factory=list)
    turns: list[tuple[float, float]] = field(default_factory=list)
    sent: list[tuple[int, int, float]] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    bytes: int = 0


class User:
    """One user at one desktop; asked by `Office` to act and to read."""

    def __init__(self, number: int, connection: Connection, layout: Layout) -> None:
        self.number = number
        self.socket = connection.socket
        self.socket.setblocking(False)
        self.habits = habits(number)
        self.shown = False
        self.waiting: deque[tuple[float, str]] = deque()
        self._layout = layout
        self._page = layout.page
        self._data = bytearray()
        self._keys = 0
        self._key_due = self._turn_due = 0.0
        pointer = tsg.Pointer(self._page.x + 20, self._page.y + 20, 0)
        self._write(LengthPrefixed.frame(pointer.encode()))

    def act(self, due: float, what: str, now: float, measured: Measured) -> bool:
        """Press, or turn, unless the last one is not answered yet; whether a key went down."""
        if what == "up":
            self._write(_UP)
            return False
        if self.waiting or (self._key_due if what == "key" else self._turn_due):
            if len(self.waiting) < MAX_WAITING:
                self.waiting.append((due, what))
            elif (
                what == "key" and self._key_due
            ):  # it is not pressed at all, and counts as no better than that
                measured.keys.append((self._key_due, now - self._key_due))
            return False
        return self._do(due, what, now, measured)

    def _do(self, due: float, what: str, now: float, measured: Measured) -> bool:
        if what == "wheel":
            self._turn_due = due
            self._write(_TURN)
            return False
        self._key_due = due
        self._write(_DOWN)
        measured.sent.append((self.number, self._keys, now))
        return True

    def read(self, measured: Measured) -> None:
        """Take what has arrived; acknowledge frames, answer pings. Raises EOFError."""
        answers = b""
        while True:
            try:
                data = self.socket.recv(1 << 18)
            except ssl.SSLWantReadError:
                break
            if not data:
                raise EOFError(f"user {self.number} was sent away")
            measured.bytes += len(data)
            self._data += data
            if not self.socket.pending():
                break
        now = time.monotonic()
        start = 0
        while len(self._data) - start >= 4:
            end = start + 4 + int.from_bytes(self._data[start : start + 4], "big")
            if len(self._data) < end:
                break
            answers += self._message(bytes(self._data[start + 4 : end]), now, measured)
            start = end
        del self._data[:start]
        if answers:
            self._write(answers)

    def _message(self, message: bytes, now: float, measured: Measured) -> bytes:
        if message[0] == tsg.Frame.TYPE:
            return self._frame(message, now, measured)
        if message[0] == tsg.Ping.TYPE:
            return LengthPrefixed.frame(tsg.Pong(int.from_bytes(message[1:5], "big")).encode())
        if message[0] == tsg.Close.TYPE:
            raise EOFError(f"user {self.number}: {tsg.decode(message, tsg.FROM_SERVER)}")
        return b""

    def _frame(self, message: bytes, now: float, measured: Measured) -> bytes:
        number, flags = _FRAME.unpack_from(message)[1:3]
        if self._key_due and covers(message, *self._layout.caret(self._keys)):
            measured.keys.append((self._key_due, now - self._key_due))
            self._keys, self._key_due = self._keys + 1, 0.0
        if self._turn_due and any(self._page.has(x, y) for x, y, _, _ in rectangles(message)):
            measured.turns.append((self._turn_due, now - self._turn_due))
            self._turn_due = 0.0
        self.shown = self.shown or bool(flags & tsg.FrameFlag.LAST)
        return LengthPrefixed.frame(tsg.Ack(number, 0, 0).encode())

    @property
    def unanswered(self) -> float:
        """When the oldest key was due that has no answer; 0 for none."""
        return self._key_due

    @property
    def free(self) -> bool:
        """Whether what waits may be done now."""
        if not self.waiting:
            return False
        return not (self._key_due if self.waiting[0][1] == "key" else self._turn_due)

    def go_on(self, now: float, measured: Measured) -> bool:
        """Do what has waited; whether a key went down."""
        due, what = self.waiting.popleft()
        return self._do(due, what, now, measured)

    def _write(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise EOFError(f"user {self.number} was cut off: {error}") from error


class Office:
    """All users and the loop."""

    def __init__(self) -> None:
        self.users: list[User] = []
        self.measured = Measured()
        self._selector = selectors.EpollSelector()
        self._agenda: list[tuple[float, int, str]] = []

    def add(self, user: User) -> None:
        self.users.append(user)
        self._selector.register(user.socket, selectors.EVENT_READ, user)
        user.read(self.measured)

    def begin(self) -> Measured:
        """Count anew."""
        self.measured = Measured()
        return self.measured

    def work(self) -> None:
        """Let everybody who is new begin, from now on."""
        now = time.monotonic()
        known = {number for _, number, _ in self._agenda}
        for user in self.users:
            if user.number not in known:
                self._plan(user, now)

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            while self._agenda and self._agenda[0][0] <= now:
                due, number, what = heapq.heappop(self._agenda)
                user = self.users[number]
                if what != "up":
                    self.measured.late.append(now - due)
                    self._plan(user, due)
                self._pressed(user, now, user.act(due, what, now, self.measured))
            next_due = min(self._agenda[0][0] if self._agenda else end, end)
            for key, _ in self._selector.select(max(next_due - time.monotonic(), 0)):
                user = key.data
                user.read(self.measured)
                while user.free:
                    now = time.monotonic()
                    self._pressed(user, now, user.go_on(now, self.measured))

    def _plan(self, user: User, since: float) -> None:
        wait, what = next(user.habits)
        heapq.heappush(self._agenda, (since + wait, user.number, what))

    def _pressed(self, user: User, now: float, down: bool) -> None:
        if down:
            heapq.heappush(self._agenda, (now + HELD, user.number, "up"))

    def close(self) -> None:
        for user in self.users:
            user.socket.close()
