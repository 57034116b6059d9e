"""Whom desktops are given to, and whose sessions are: what authorize() is asked about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsgateway.config import Desktop
from tsgateway.policy import DesktopRight, Owned


class Rights:
    """The rights of the desktops that are published."""

    def __init__(self, desktops: Mapping[str, Desktop]) -> None:
        self._rights = {
            name: DesktopRight(frozenset(desktop.users), frozenset(desktop.groups), name)
            for name, desktop in desktops.items()
        }

    def of(self, desktop: str) -> DesktopRight | None:
        """Return whom a desktop is given to; None when there is no such desktop."""
        return self._rights.get(desktop)

    def owned(self, info: Mapping[str, Any]) -> Owned:
        """Return a session as authorize() knows it. info: SessionInfo of the link."""
        desktop = info["desktop"]
        return Owned(info["user"], self._rights.get(desktop), desktop)
