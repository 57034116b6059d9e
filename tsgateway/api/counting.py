"""What is counted as it happens: requests by route, and how long their answers took; sign-ins by method."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from tsgateway.audit import Event, Journal

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds."""
NO_ROUTE = "none"
"""The route of requests for what is not there: their paths may be anything."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Asked(NamedTuple):
    """What is counted apart. route: its path, with names for what varies."""

    method: str
    route: str


@dataclass
class Durations:
    """A histogram. below: how many took at most each of `BOUNDS`, and what took longer; sum: seconds."""

    below: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    sum: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.below[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Return it as Prometheus has it: how many took at most so long."""
        total, found = 0, []
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.below, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


class Counts:
    """Counts since the gateway was started. Told apart is what is bounded: routes, statuses, methods."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[Asked, int]] = Counter()
        self.durations: dict[Asked, Durations] = {}
        self.sign_ins: Counter[tuple[str, str]] = Counter()
        """By method ("unknown" before it is known) and outcome."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request to the API; route: "" when there is none."""
        asked = Asked(method if method in METHODS else "other", route or NO_ROUTE)
        self.requests[asked, status] += 1
        self.durations.setdefault(asked, Durations()).add(seconds)

    def signed_in(self, event: Event) -> None:
        """Count an attempt to sign in."""
        if event.kind.startswith("sign-in."):
            self.sign_ins[str(event.details.get("method", "unknown")), event.outcome] += 1


class Counted:
    """A journal that counts attempts to sign in on their way into another one."""

    def __init__(self, journal: Journal, counts: Counts) -> None:
        self._journal = journal
        self._counts = counts

    def note(self, event: Event) -> None:
        """Note an event, and count it."""
        self._counts.signed_in(event)
        self._journal.note(event)
