"""Fingers as a pointer, as in the browser. Without Qt: places and seconds in, what to do out.

one finger    tap: click · drag: drags · held: right button
two fingers   tap: right click · drag: wheel

IDLE ──one down──▶ TOUCHED ──moves far──▶ DRAGGING ──up──▶ IDLE
                      │  └──up──▶ IDLE (click)
                      ├──held long──▶ PRESSED (right button) ──up──▶ IDLE
                      └──second down──▶ PAIR ──moves far──▶ SCROLLING ──one up──▶ SPENT ──all up──▶ IDLE
                                          └──up soon──▶ SPENT (right click)
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot

LONG_PRESS = 0.5
"""Seconds after which a finger that stays is the right button."""
TAP = 0.35
"""Seconds from the first finger down to the last one up, of a tap of two."""
SLACK = 10.0
"""Units of the window that a finger moves while it means to stay."""
NOTCH_UNITS = 100.0
"""Units of the window for a notch of the wheel."""
LEFT, RIGHT = 1, 4

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Point:
    """The pointer is here, and these buttons are held."""

    at: Place
    buttons: int


@dataclass(frozen=True, slots=True)
class Turn:
    """The wheel turns by so many 1/120 of a notch; positive is right and down."""

    across: int
    down: int


class Stage(enum.Enum):
    """What the fingers are doing."""

    IDLE = enum.auto()
    TOUCHED = enum.auto()
    DRAGGING = enum.auto()
    PRESSED = enum.auto()
    PAIR = enum.auto()
    SCROLLING = enum.auto()
    SPENT = enum.auto()


class Touch:
    """Each call says what is to be done. now: seconds that only grow."""

    def __init__(self) -> None:
        self.stage = Stage.IDLE
        self._fingers: dict[int, Place] = {}
        self._start: Place = (0.0, 0.0)
        self._began = 0.0
        self._left = [0.0, 0.0]  # of the wheel, not yet said

    def down(self, finger: int, at: Place, now: float) -> None:
        """Take a finger that touches."""
        self._fingers[finger] = at
        if self.stage is Stage.IDLE:
            self.stage, self._start, self._began = Stage.TOUCHED, at, now
        elif self.stage is Stage.TOUCHED:
            self.stage, self._start, self._left = Stage.PAIR, self._middle(), [0.0, 0.0]
        elif self.stage is Stage.PAIR:
            self.stage = Stage.SPENT  # three fingers mean nothing here

    def move(self, finger: int, at: Place) -> list[Point | Turn]:
        """Take a finger that has moved."""
        if finger not in self._fingers:
            return []
        self._fingers[finger] = at
        return list(self._moved(at))

    def _moved(self, at: Place) -> Iterator[Point | Turn]:
        match self.stage:
            case Stage.TOUCHED if self._is_far(at):
                self.stage = Stage.DRAGGING
                yield Point(self._start, 0)
                yield Point(self._start, LEFT)
                yield Point(at, LEFT)
            case Stage.DRAGGING:
                yield Point(at, LEFT)
            case Stage.PRESSED:
                yield Point(at, RIGHT)
            case Stage.PAIR if self._is_far(self._middle()):
                self.stage = Stage.SCROLLING
                yield Point(self._start, 0)
                yield from self._turned()
            case Stage.SCROLLING:
                yield from self._turned()

    def up(self, finger: int, now: float) -> list[Point | Turn]:
        """Take a finger that lets go."""
        at = self._fingers.pop(finger, None)
        if at is None:
            return []
        done: list[Point | Turn] = []
        if self.stage is Stage.TOUCHED:
            done = _click(self._start, LEFT)
        elif self.stage is Stage.PAIR and now - self._began <= TAP:
            done = _click(self._start, RIGHT)
        elif self.stage in (Stage.DRAGGING, Stage.PRESSED):
            done = [Point(at, 0)]
        self.stage = Stage.SPENT if self._fingers else Stage.IDLE
        return done

    def stayed(self) -> list[Point | Turn]:
        """LONG_PRESS has passed: a finger that is alone and has not moved is the right button."""
        if self.stage is not Stage.TOUCHED:
            return []
        self.stage = Stage.PRESSED
        return [Point(self._start, 0), Point(self._start, RIGHT)]

    def cancel(self) -> list[Point | Turn]:
        """The system has taken the fingers away."""
        held = self.stage in (Stage.DRAGGING, Stage.PRESSED)
        done: list[Point | Turn] = [Point(next(iter(self._fingers.values()), self._start), 0)] if held else []
        self._fingers.clear()
        self.stage = Stage.IDLE
        return done

    def _turned(self) -> Iterator[Turn]:
        """Turn the wheel against the fingers, so that the picture follows them."""
        middle = self._middle()
        by = [
            left + (before - after) * 120 / NOTCH_UNITS
            for left, before, after in zip(self._left, self._start, middle, strict=True)
        ]
        self._start = middle
        across, down = int(by[0]), int(by[1])
        self._left = [by[0] - across, by[1] - down]
        if across or down:
            yield Turn(across, down)

    def _middle(self) -> Place:
        count = len(self._fingers)
        return (
            sum(x for x, _ in self._fingers.values()) / count,
            sum(y for _, y in self._fingers.values()) / count,
        )

    def _is_far(self, at: Place) -> bool:
        return hypot(at[0] - self._start[0], at[1] - self._start[1]) > SLACK


def _click(at: Place, button: int) -> list[Point | Turn]:
    return [Point(at, 0), Point(at, button), Point(at, 0)]
