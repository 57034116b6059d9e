"""How many connections there may be at one time: strangers', and one person's. Pure."""

from __future__ import annotations

from collections import Counter

MAX_PER_PERSON = 64
"""Connections of one person beyond these count as strangers' still, and are cut as theirs."""


class Admission:
    """Counts connections: those from which nobody has signed in yet in all and for each client address, the
    others for each person. So neither strangers nor one person can take all there are.
    """

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._strangers: Counter[str] = Counter()
        self._people: Counter[str] = Counter()

    def enter(self, address: str) -> Visitor | None:
        """Let one more in; None when there are too many."""
        if self._strangers.total() >= self._most or self._strangers[address] >= self._most_per_address:
            return None
        self._strangers[address] += 1
        return Visitor(self._strangers, self._people, address)


class Visitor:
    """One counted connection."""

    def __init__(self, strangers: Counter[str], people: Counter[str], address: str) -> None:
        self._strangers = strangers
        self._people = people
        self._counted: tuple[Counter[str], str] | None = (strangers, address)

    @classmethod
    def local(cls) -> Visitor:
        """Return one from this machine, whom nobody has to count."""
        return cls(Counter(), Counter(), "")

    @property
    def is_stranger(self) -> bool:
        """Whether it is there and nobody has signed in on it."""
        return self._counted is not None and self._counted[0] is self._strangers

    def known(self, person: str) -> None:
        """Learn who has signed in. May be called again; the first counts."""
        if self.is_stranger and self._people[person] < MAX_PER_PERSON:
            self._leave()
            self._people[person] += 1
            self._counted = (self._people, person)

    def gone(self) -> None:
        """The connection is gone. May be called again."""
        self._leave()

    def _leave(self) -> None:
        if self._counted is not None:
            counter, key = self._counted
            counter[key] -= 1
            if not counter[key]:
                del counter[key]
            self._counted = None
