"""Passwords: argon2id (RFC 9106). Slow on purpose; call it on a thread."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 12
"""Of passwords that people choose, unless the configuration says otherwise."""
MAX_LENGTH = 1024
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_NAME = 4
"""Shorter names are parts of many words."""
_LOOKED_AT = 72
"""Characters that are judged: judging takes longer the more there are."""
_WEAK = 3
"""Of zxcvbn's scores, 0 to 4: below, fewer than about 10^8 guesses."""


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
            return self._hasher.verify(stored or self._nobody, password) and bool(stored)
        except (VerificationError, InvalidHashError):
            return False

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made at another cost than is set now."""
        try:
            return self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            return True


def complaint(password: str, names: Sequence[str], shortest: int = MIN_LENGTH) -> str:
    """Return why a password cannot be chosen, as a sentence; "" when it can.

    names: what the person is called, which must not be in it.
    """
    if not shortest <= len(password) <= MAX_LENGTH:
        return f"A password has {shortest} to {MAX_LENGTH} characters."
    lowered = password.lower()
    if any(len(name) >= _NAME and name.lower() in lowered for name in names):
        return "A password must not have your name in it."
    from zxcvbn import zxcvbn  # its word lists are large

    if zxcvbn(password[:_LOOKED_AT], user_inputs=list(names))["score"] < _WEAK:
        return (
            "This password is too easy to guess. Take several words that have nothing to do with each other."
        )
    return ""


def random_password() -> str:
    """Return a password that is easily typed: 4 groups of 5 letters and digits, 99 bits."""
    return random_groups(4, 5)


def random_groups(count: int, length: int) -> str:
    """Return `count` groups of letters and digits, joined by "-"; each character has almost 5 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(length)) for _ in range(count))
