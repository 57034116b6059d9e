"""People who wait for their session to be begun: a fair queue, without a clock of its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


class QueueFull(Exception):
    """So many wait that no more are let in."""


@dataclass
class Turn:
    """One waits. joined, asked: when they came, and when they were last heard of; seconds."""

    id: str
    user: str
    desktop: str
    joined: float
    asked: float


class Queue:
    """Who waits, in the order in which their turns come.

    Everybody's first turn comes before anybody's second: who opens many desktops at once holds up nobody.
    longest: how many may wait; patience: for how long, seconds; absent: nobody waits for who is not heard of
    for so long.
    """

    def __init__(self, longest: int, patience: float, absent: float) -> None:
        self._longest = longest
        self._patience = patience
        self._absent = absent
        self._turns: dict[str, Turn] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def __contains__(self, turn: str) -> bool:
        return turn in self._turns

    def join(self, turn: Turn) -> None:
        """Wait. Raises QueueFull."""
        if len(self._turns) >= self._longest:
            raise QueueFull
        self._turns[turn.id] = turn

    def leave(self, turn: str) -> None:
        """Wait no longer."""
        self._turns.pop(turn, None)

    def find(self, user: str, desktop: str) -> Turn | None:
        """Return the first turn of a person for a desktop."""
        return next(
            (turn for turn in self._turns.values() if (turn.user, turn.desktop) == (user, desktop)), None
        )

    def count(self, user: str) -> int:
        """Return how many turns a person waits for."""
        return sum(turn.user == user for turn in self._turns.values())

    def order(self) -> list[Turn]:
        """Return all turns, the next first."""
        rounds: Counter[str] = Counter()
        ranked: list[tuple[int, int, Turn]] = []
        for turn in self._turns.values():
            ranked.append((rounds[turn.user], len(ranked), turn))
            rounds[turn.user] += 1
        return [turn for *_, turn in sorted(ranked, key=lambda each: each[:2])]

    def before(self, turn: str) -> int:
        """Return how many people are before a turn that waits."""
        users = set()
        for each in self.order():
            if each.id == turn:
                break
            users.add(each.user)
        return len(users)

    def absent(self, now: float) -> list[Turn]:
        """Return the turns of those who are not heard of any more."""
        return [turn for turn in self._turns.values() if now - turn.asked >= self._absent]

    def overdue(self, now: float) -> list[Turn]:
        """Return the turns of those who have waited too long."""
        return [turn for turn in self._turns.values() if now - turn.joined >= self._patience]
