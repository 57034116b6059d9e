"""Accounts whose passwords are kept here."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel

from tsgateway.auth.authenticators.base import Identity, Surroundings
from tsgateway.config.authenticators import AuthenticatorSection


class Local:
    """Checks passwords of local accounts; their groups are kept here, too."""

    Settings: ClassVar[type[BaseModel]] = AuthenticatorSection

    def __init__(self, name: str, settings: Any, around: Surroundings) -> None:
        self._passwords = around.local

    async def check(self, name: str, password: str) -> Identity | None:
        """Return who it is."""
        return Identity(name, name) if await self._passwords.check(name, password) else None

    def close(self) -> None:
        """There is nothing to let go of."""
