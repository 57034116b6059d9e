"""How many strangers may be connected at one time. Pure."""

from __future__ import annotations

from collections import Counter


class Admission:
    """Counts connections from which nobody has signed in yet, in all and for each client address."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._strangers: Counter[str] = Counter()
        self._total = 0

    def enter(self, address: str) -> Stranger | None:
        """Let one more in; None when there are too many."""
        if self._total >= self._most or self._strangers[address] >= self._most_per_address:
            return None
        self._total += 1
        self._strangers[address] += 1
        return Stranger(self, address)

    def leave(self, address: str) -> None:
        """One stranger less."""
        self._total -= 1
        self._strangers[address] -= 1
        if not self._strangers[address]:
            del self._strangers[address]


class Stranger:
    """One counted connection."""

    def __init__(self, admission: Admission, address: str) -> None:
        self._admission: Admission | None = admission
        self._address = address

    @property
    def counted(self) -> bool:
        """Whether nobody has signed in yet."""
        return self._admission is not None

    def known(self) -> None:
        """Somebody signed in, or the connection is gone: it counts no longer. May be called again."""
        if self._admission is not None:
            self._admission.leave(self._address)
            self._admission = None
