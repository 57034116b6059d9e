"""What a session host tells its gateways of its load: the link's `load` event (wire/link)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessions.host.registry import Registry

EVERY = 5.0
"""Seconds between two tellings, when nothing changes that has to be known at once."""
_MEMORY = Path("/proc/meminfo")


class LoadGauge:
    """Measures this process since it was last asked.

    monotonic: a clock, seconds; processor: what this process has used of processors, seconds.
    """

    def __init__(
        self,
        registry: Registry,
        monotonic: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        self._registry = registry
        self._monotonic = monotonic
        self._processor = processor
        self._last = (monotonic(), processor())
        self._cpu = 0.0

    def turn(self) -> None:
        """Measure the processor's share anew, from the last turn to now."""
        now = (self._monotonic(), self._processor())
        passed = now[0] - self._last[0]
        if passed > 0:
            self._cpu = min(1.0, max(0.0, (now[1] - self._last[1]) / passed))
        self._last = now

    def told(self) -> dict[str, Any]:
        """Return the event's parameters."""
        return {
            "cpu": round(self._cpu, 3),
            "memory_free": memory_free(),
            "spares": self._registry.spares(),
            "seats": self._registry.seats(),
        }


def memory_free(path: Path = _MEMORY) -> int:
    """Return the memory of this machine that can still be taken, bytes; 0 when that is not known."""
    try:
        with path.open() as file:
            line = next(line for line in file if line.startswith("MemAvailable:"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return 0
