"""How much comes over the line, in words."""

from __future__ import annotations

from collections import deque

SECONDS = 3
"""Over so many of the last seconds."""


class Rate:
    """Is told once a second how many bytes have come in all."""

    def __init__(self) -> None:
        self._totals: deque[int] = deque([0], maxlen=SECONDS + 1)

    def add(self, total: int) -> str:
        """Return the rate: `0 kB/s`, `12 kB/s`, `1.4 MB/s`."""
        self._totals.append(total)
        rate = (self._totals[-1] - self._totals[0]) / (len(self._totals) - 1)
        return f"{rate / 1e6:.1f} MB/s" if rate >= 999_500 else f"{rate / 1000:.0f} kB/s"
