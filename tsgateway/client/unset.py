"""What stands for an argument that was not given, where None means something."""

from __future__ import annotations

import enum
from typing import Final, Literal


class Unset(enum.Enum):
    """Its only value."""

    UNSET = enum.auto()


UNSET: Final[Literal[Unset.UNSET]] = Unset.UNSET
