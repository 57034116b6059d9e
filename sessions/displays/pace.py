"""Input at a pace that guests can take.

A guest's kernel keeps few events for the program that reads a keyboard (Linux: 64, which is 16 keys), and
when they become more it drops them all. So what comes in one heap, because a line had stalled or a program
types, is passed on piece by piece. Nobody is slowed down who only types and points: those few events
at a time pass at once.

The display may know more of how the guest keeps up; while it says that the guest is full, everything waits.

Text goes another way than keys, and a guest takes its time over it: what follows waits until it is typed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sessions.clock import Clock, Timer
from sessions.input.events import InputEvent, Move, Pointer, Text, Wheel
from sessions.input.ledger import Ledger

AT_ONCE = 8
"""Events that pass without delay after a pause: two clicks, or four keys."""

SECONDS = 0.01
"""How long an event stands for: so far apart are those that follow."""

TYPING_SECONDS = 20
"""How long what follows a text waits for the guest to have typed it, at most."""

MAX_WAITING = 2048
"""Events kept waiting, 20 seconds' worth; whoever sends more is no person."""


class Pace:
    """A queue of input events in front of `send`. Moves and turns of the wheel that wait become one.

    send: takes an event, and how long it has waited, in seconds.
    typing: tells whether the guest still types a text that it was sent.
    full: tells whether the guest has too much before it; asked again and again while something waits.
    """

    def __init__(
        self,
        clock: Clock,
        send: Callable[[InputEvent, float], None],
        typing: Callable[[], bool] = lambda: False,
        full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clock = clock
        self._send = send
        self._typing = typing
        self._full = full
        self._typing_until = 0.0
        self._waiting: deque[tuple[InputEvent, float]] = deque()  # and since when
        self._sent = Ledger()
        self._busy_until = 0.0  # when the guest will have dealt with what it was sent
        self._timer: Timer | None = None

    def put(self, event: InputEvent) -> None:
        """Pass an event on, at once or in its turn. After too many all are dropped, and held keys let go."""
        if self._waiting and (merged := _merge(self._waiting[-1][0], event)) is not None:
            self._waiting[-1] = merged, self._waiting[-1][1]
            return
        if len(self._waiting) >= MAX_WAITING:
            self._let_go()
        self._waiting.append((event, self._clock.seconds()))
        if self._timer is None:
            self._pass_on()

    def close(self) -> None:
        """Drop what waits and let go of everything that is held."""
        self._let_go()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _let_go(self) -> None:
        self._waiting.clear()
        for event in self._sent.release():
            self._send(event, 0.0)

    def _pass_on(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        self._busy_until = max(self._busy_until, now)
        while self._waiting and self._may_pass(now):
            event, since = self._waiting.popleft()
            if self._sent.passes(event):
                self._busy_until += SECONDS
                self._send(event, now - since)
                if isinstance(event, Text):
                    self._typing_until = now + TYPING_SECONDS
        if self._waiting:
            self._timer = self._clock.callLater(SECONDS, self._pass_on)

    def _may_pass(self, now: float) -> bool:
        if now < self._typing_until and self._typing():
            return False
        if self._full():
            return False
        return self._busy_until - now < (AT_ONCE - 0.5) * SECONDS  # .5: sums are rounded


def _merge(last: InputEvent, event: InputEvent) -> InputEvent | None:
    """Both as one, where nothing is lost by it."""
    match last, event:
        case Pointer(), Pointer() if last.buttons == event.buttons:
            return event
        case Move(), Move() if last.buttons == event.buttons:
            return Move(last.dx + event.dx, last.dy + event.dy, event.buttons)
        case Wheel(), Wheel():
            return Wheel(last.dx + event.dx, last.dy + event.dy)
    return None
