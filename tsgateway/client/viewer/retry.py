"""When a viewer connects again after a cut (docs/protocol.md, 6): a value of its own, without a clock."""

from __future__ import annotations

from collections.abc import Callable

from sessions.wire.tsg import CloseCode

DELAYS = (0.3, 0.7, 1.0, 1.0, 2.0)
"""Seconds before each attempt, as in the browser client; the last one repeats."""
FINAL = frozenset(
    (
        CloseCode.VERSION, CloseCode.SESSION_ENDED, CloseCode.TAKEN_OVER, CloseCode.SIGNED_OUT,
        CloseCode.IN_USE, CloseCode.DISCONNECTED, CloseCode.SHADOW_OVER, CloseCode.NORMAL,
    )
)  # fmt: skip
"""After these the person is asked first."""
DISAGREEMENT = frozenset((CloseCode.PROTOCOL, CloseCode.UNKNOWN, CloseCode.LIMIT))
"""One side has a fault: once more, then no more."""
MAX_DISAGREEMENTS = 2
GHOST_SECONDS = 10.0
"""So long after a cut IN_USE means this viewer's own last connection, which the server takes for alive."""


class Retry:
    """Counts attempts. chance: returns a number from 0 to 1."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._attempt = 0
        self._disagreements = 0

    def connected(self) -> None:
        """The server has said hello."""
        self._attempt = 0

    def settled(self) -> None:
        """A whole picture was shown: disagreements before it were chance."""
        self._disagreements = 0

    def delay(self, code: int | None, since_connected: float) -> float | None:
        """Return the seconds to wait, None when trying again makes no sense.

        code: why the last attempt or connection ended, None for a cut. since_connected: seconds since there
        was a connection.
        """
        if code in DISAGREEMENT:
            self._disagreements += 1
        is_ghost = code == CloseCode.IN_USE and since_connected < GHOST_SECONDS
        if (code in FINAL and not is_ghost) or self._disagreements >= MAX_DISAGREEMENTS:
            return None
        base = DELAYS[min(self._attempt, len(DELAYS) - 1)]
        self._attempt += 1
        return base * (0.8 + 0.4 * self._chance())
