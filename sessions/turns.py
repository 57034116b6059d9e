"""Who had keyboard and pointer of a session that others look on at, how long, and how much they did with it.

What they did is counted, and nothing of it kept: not which keys, and no text.
"""

from __future__ import annotations

from dataclasses import dataclass

from sessions.clock import Clock
from sessions.told import Told


@dataclass(frozen=True, slots=True)
class _Turn:
    since: float
    inputs: int  # that there were before


class Turns:
    """The turns that are being had; told: takes when one begins and ends (event `control` of the link)."""

    def __init__(self, session: str, clock: Clock, told: Told) -> None:
        self._session = session
        self._clock = clock
        self._told = told
        self._now: dict[int, _Turn] = {}

    def set(self, number: int, controls: bool, inputs: int) -> None:
        """A viewer controls, or does not. inputs: how many of it there have been by now."""
        if controls and number not in self._now:
            self._now[number] = _Turn(self._clock.seconds(), inputs)
            self._tell(number, "began", 0.0, 0)
        elif not controls:
            self.end(number, inputs)

    def end(self, number: int, inputs: int) -> None:
        """A viewer controls no more, or has gone; one that did not is ignored."""
        turn = self._now.pop(number, None)
        if turn is not None:
            self._tell(number, "ended", self._clock.seconds() - turn.since, inputs - turn.inputs)

    def _tell(self, number: int, state: str, seconds: float, inputs: int) -> None:
        what = {"state": state, "seconds": round(seconds, 3), "inputs": inputs}
        self._told("control", {"session": self._session, "viewer": number, **what})
