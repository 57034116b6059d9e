"""What a server tells, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from sessions.wire.rfb.clipboard import ClipboardEvent

MAX_SIDE = 8192
"""Largest width and height of a screen, pixels."""

CHUNK = 256 * 1024
"""Most bytes a parser asks for at once; pixels come in pieces of this size, that stay in the L2 cache."""


class Ready(NamedTuple):
    """The handshake is through; the screen has this size in pixels."""

    width: int
    height: int
    name: str


class Resized(NamedTuple):
    """The screen has a new size in pixels; what it shows is sent anew."""

    width: int
    height: int


class Pixels(NamedTuple):
    """Whole rows of a rectangle of the screen.

    data: height × width × 4 bytes of B, G, R and one that means nothing. It is valid until the next
    event is taken.
    """

    x: int
    y: int
    width: int
    height: int
    data: memoryview


class Copied(NamedTuple):
    """What the screen shows at (from_x, from_y) is now at (x, y) too."""

    x: int
    y: int
    width: int
    height: int
    from_x: int
    from_y: int


class CursorShape(NamedTuple):
    """The pointer's picture: height × width × 4 bytes of B, G, R, A, straight alpha; 0×0 hides it."""

    width: int
    height: int
    hot_x: int
    hot_y: int
    pixels: bytes


class PointerMode(NamedTuple):
    """Whether the guest takes positions (absolute) or movements."""

    absolute: bool


class ResizeRefused(NamedTuple):
    """The server has not done what SetDesktopSize asked for; status as in ExtendedDesktopSize."""

    status: int


class Updated(NamedTuple):
    """An update is complete; changed: whether it held any pixels."""

    changed: bool


Event = (
    Ready | Resized | Pixels | Copied | CursorShape | PointerMode | ResizeRefused | Updated | ClipboardEvent
)

Parser = Generator[int | memoryview | Event, memoryview, None]
"""Yields how many bytes (≤ CHUNK) it wants, and is sent them; or yields memory to be filled, or an event, and
is sent b""."""
