"""What the people of a session are asked in windows over the picture: all their viewers show it, one answers.

A dialog is open until it is answered, its time is up or it is called off; whoever connects meanwhile is shown
it. Those who shadow the session are shown none.
"""

from __future__ import annotations

import enum
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sessions.clock import Clock, Timer
from sessions.viewer import Viewer
from sessions.wire import tsg
from sessions.wire.tsg import Capability


class Outcome(enum.StrEnum):
    """What has become of a dialog."""

    OK = "ok"
    """It was read, or what it asks for is granted."""
    REFUSED = "refused"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    """Nobody is there whom it could be shown."""
    GONE = "gone"
    """The session has ended, or who asked does not want to know any more."""


Done = Callable[[Outcome], None]


class People(Protocol):
    """The viewers of a session's own people."""

    def able(self, capability: Capability) -> list[Viewer]:
        """Return those that can do something."""

    def tell_able(self, capability: Capability, message: tsg.Message) -> None:
        """Send those a message."""


@dataclass(frozen=True, slots=True)
class _Open:
    message: tsg.Dialog
    until: float
    timer: Timer | None
    done: Done


class Dialogs:
    """The dialogs that are open in one session."""

    def __init__(self, people: People, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._ids = itertools.count(1)
        self._open: dict[int, _Open] = {}

    def ask(self, kind: tsg.DialogKind, words: tuple[str, str, str], seconds: int, done: Done) -> int | None:
        """Show a dialog; return its id. words: its sender, title and text; seconds: see `tsg.Dialog`.

        done: called once with what has become of it, never before this returns. None, and `done` is not
        called, when there is nobody whom it could be shown.
        """
        if not self._people.able(Capability.DIALOGS):
            return None
        number = next(self._ids)
        message = tsg.Dialog(number, kind, seconds, *words)
        timer = self._clock.callLater(seconds, self._close, number, Outcome.TIMEOUT) if seconds else None
        self._open[number] = _Open(message, self._clock.seconds() + seconds, timer, done)
        self._people.tell_able(Capability.DIALOGS, message)
        return number

    def show(self, viewer: Viewer) -> None:
        """Show one who has just connected what is open."""
        if Capability.DIALOGS not in viewer.capabilities:
            return
        for each in self._open.values():
            left = max(math.ceil(each.until - self._clock.seconds()), 1) if each.message.seconds else 0
            message = each.message
            viewer.tell(
                tsg.Dialog(message.id, message.kind, left, message.sender, message.title, message.text)
            )

    def answered(self, answer: tsg.Answer) -> None:
        """Somebody has answered; what is not open any more means nothing."""
        self._close(answer.id, Outcome.OK if answer.yes else Outcome.REFUSED)

    def call_off(self, number: int) -> None:
        """Close one, whose `done` is not called any more. Unknown numbers are ignored."""
        self._take(number)

    def end(self) -> None:
        """The session has ended."""
        for number in list(self._open):
            self._close(number, Outcome.GONE)

    def _close(self, number: int, outcome: Outcome) -> None:
        found = self._take(number)
        if found is not None:
            found.done(outcome)

    def _take(self, number: int) -> _Open | None:
        found = self._open.pop(number, None)
        if found is not None:
            if found.timer is not None and found.timer.active():
                found.timer.cancel()
            self._people.tell_able(Capability.DIALOGS, tsg.DialogOver(number))
        return found

    def __len__(self) -> int:
        return len(self._open)
