"""Passwords: argon2id (RFC 9106). Slow on purpose; call it on a thread."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 8
MAX_LENGTH = 1024
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class Passwords:
    """Hashes and checks passwords with the given cost (argon2-cffi's defaults: RFC 9106, low memory)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody: str | None = None

    def hash(self, password: str) -> str:
        """Return the hash to store."""
        return self._hasher.hash(password)

    def check(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is right; where nothing is stored, never, at the same cost."""
        if self._nobody is None:
            self._nobody = self._hasher.hash(secrets.token_hex(16))
        try:
            return self._hasher.verify(stored or self._nobody, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def random_password() -> str:
    """Return a password that is easily typed: 4 groups of 5 letters and digits, 99 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
