"""A viewer's statistics, for whoever looks at them: its person every second, the gateway when it asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessions.clock import Clock, Timer
from sessions.latency import Figures
from sessions.line import Line
from sessions.wire import tsg

EVERY = 1.0
"""Seconds between two messages to a viewer that watches."""

_U16, _U32 = 0xFFFF, 0xFFFFFFFF


class Statistics:
    """What is known of one viewer's pictures, and of the line to it.

    send: takes one encoded tsg message.
    """

    def __init__(self, figures: Figures, line: Line, send: Callable[[bytes], None], clock: Clock) -> None:
        self._figures = figures
        self._line = line
        self._send = send
        self._clock = clock
        self._timer: Timer | None = None
        self._due = 0.0

    def watch(self, on: bool) -> None:
        """Send them to the viewer every second from now on, the first at once; or no more.

        However often it is called, they go once a second at most: working them out takes a millisecond.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if on:
            self._timer = self._clock.callLater(max(self._due - self._clock.seconds(), 0), self._tell)

    def _tell(self) -> None:
        self._due = self._clock.seconds() + EVERY
        self._timer = self._clock.callLater(EVERY, self._tell)
        self._send(self.message().encode())

    def report(self) -> dict[str, Any]:
        """Return them as JSON (`Figures.report`), the line's among them.

        line: {rate, round_trip, frames_ahead, bytes_ahead}, see `tsg.Statistics`; what is not known is null.
        """
        line = self._line
        return {
            **self._figures.report(self._clock.seconds()),
            "line": {
                "rate": None if line.rate is None else round(line.rate),
                "round_trip": round(line.base, 6) or None,
                "frames_ahead": line.frames_ahead,
                "bytes_ahead": line.bytes_ahead,
            },
        }

    def message(self) -> tsg.Statistics:
        """Return them as the viewer is told."""
        stages = [
            tsg.StageTime(
                stage, round(1000 * (times.share or 0)), *map(_us, (times.p50, times.p95, times.p99))
            )
            for stage, times in self._figures.lately(self._clock.seconds()).items()
        ]
        line, figures = self._line, self._figures
        return tsg.Statistics(
            tuple(stages),
            min(round(line.rate or 0), _U32),
            _us(line.base),
            min(line.frames_ahead, _U16),
            min(line.bytes_ahead, _U32),
            min(figures.frames, _U32),
            min(figures.refinements, _U32),
        )


def _us(seconds: float) -> int:
    return min(round(seconds * 1e6), _U32)
