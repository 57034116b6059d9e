"""Which session hosts take people on, and how many beside each other: what operators set (docs/broker.md)."""

from __future__ import annotations

import enum
from typing import NamedTuple

ALL = "all"
"""The name under which the whole gateway's mode is kept."""
DEFAULT_WEIGHT = 100
MIN_WEIGHT, MAX_WEIGHT = 1, 10_000


class DrainMode(enum.StrEnum):
    """Whom a host takes on, as `change logon` has it."""

    ENABLE = "enable"
    DISABLE = "disable"
    """Nobody, not even those whose session runs there."""
    DRAIN = "drain"
    """Those whose session runs there; no new sessions."""
    DRAIN_UNTIL_RESTART = "drain-until-restart"
    """The same, until the host or the gateway is started anew."""

    @property
    def takes_new(self) -> bool:
        """Whether new sessions may be started."""
        return self is DrainMode.ENABLE

    @property
    def takes_back(self) -> bool:
        """Whether people may come back to sessions that run."""
        return self is not DrainMode.DISABLE


class HostSetting(NamedTuple):
    """What is set for one host. weight: its share of new sessions, relative to the others'."""

    weight: int = DEFAULT_WEIGHT
    mode: DrainMode = DrainMode.ENABLE
