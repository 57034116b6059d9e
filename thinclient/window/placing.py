"""Where the guest's picture is on the widget, in the display's own pixels. Without Qt: numbers only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placing:
    """scale: display pixels for one of the guest's; left, top: where its first is. width, height: of it."""

    scale: float
    left: int
    top: int
    width: int
    height: int

    def to_guest(self, x: float, y: float) -> tuple[int, int]:
        """Return the guest's pixel below a place on the widget, the nearest one where there is none."""
        column, row = int((x - self.left) // self.scale), int((y - self.top) // self.scale)
        return min(max(column, 0), self.width - 1), min(max(row, 0), self.height - 1)

    def holds(self, x: float, y: float) -> bool:
        """Whether there is a pixel of the guest's below a place on the widget."""
        across, down = x - self.left, y - self.top
        return 0 <= across < self.width * self.scale and 0 <= down < self.height * self.scale


def placed(
    room: tuple[int, int], guest: tuple[int, int], *, fits: bool, look: tuple[float, float] = (0.5, 0.5)
) -> Placing:
    """Place a guest's screen in a room.

    fits: make it smaller or larger until it fits; else one pixel is one pixel, and of a screen larger than
    the room that part is seen which `look` (from 0, 0 to 1, 1) says.
    """
    width, height = guest
    scale = min(room[0] / width, room[1] / height) if fits and width and height else 1.0
    return Placing(
        scale or 1.0,
        _start(room[0], width * scale, look[0]),
        _start(room[1], height * scale, look[1]),
        width,
        height,
    )


def _start(room: int, size: float, look: float) -> int:
    left = room - size
    return round(left / 2 if left >= 0 else left * min(max(look, 0.0), 1.0))
