"""Sign-ins that are half done: what was proved so far, under a token that is good for one answer at a time.

They live in memory: a restarted gateway forgets them, and people begin anew.
"""

from __future__ import annotations

import enum
from collections import OrderedDict
from dataclasses import dataclass

from tsgateway.auth.tokens import hash_token, new_token

LIFETIME = 300.0
"""Seconds."""
MAX_CHALLENGES = 4096
MAX_OF_ONE = 16
"""For one account: who asks for more loses the oldest of that account, nobody else's."""
MAX_WRONG = 10
"""Wrong answers; then one begins anew."""


class Step(enum.Enum):
    """What is asked for next."""

    CODE = "code"
    """A code of the second factor, or a recovery code."""
    ENROL = "enrol"
    """To set a second factor up, and a code of it."""
    PASSWORD = "password"
    """A new password."""


@dataclass
class Challenge:
    """A sign-in on its way.

    method: what was proved, as "password"; until: when it ends, on the monotonic clock; secret: of a factor
    that is being set up; codes: recovery codes made on the way, for the person to keep.
    """

    name: str
    method: str
    address: str
    until: float
    step: Step
    proved: bool = False
    secret: str = ""
    codes: tuple[str, ...] = ()
    wrong: int = 0


class Challenges:
    """Those that wait for an answer."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[bytes, Challenge] = OrderedDict()

    def add(self, challenge: Challenge, now: float) -> bytes:
        """Keep one; return its token."""
        for key in [key for key, each in self._waiting.items() if each.until <= now]:
            del self._waiting[key]
        mine = [key for key, each in self._waiting.items() if each.name == challenge.name]
        if len(mine) >= MAX_OF_ONE:
            del self._waiting[mine[0]]
        if len(self._waiting) >= MAX_CHALLENGES:
            self._waiting.popitem(last=False)
        token = new_token()
        self._waiting[hash_token(token)] = challenge
        return token

    def peek(self, token: bytes, address: str, now: float) -> Challenge | None:
        """Return one that can be answered now."""
        found = self._waiting.get(hash_token(token))
        return found if found and found.address == address and found.until > now else None

    def take(self, token: bytes, address: str, now: float) -> Challenge | None:
        """Take one out to answer it; None when there is none, it is over, or came from another address.

        While it is out nobody else can answer it; `put_back` when the answer was wrong.
        """
        key = hash_token(token)
        found = self._waiting.get(key)
        if found is None or found.address != address:
            return None
        del self._waiting[key]
        return found if found.until > now else None

    def put_back(self, token: bytes, challenge: Challenge, *, wrong: bool) -> None:
        """Let it be answered again, unless it was answered wrongly too often."""
        challenge.wrong += wrong
        if challenge.wrong < MAX_WRONG:
            self._waiting[hash_token(token)] = challenge

    def forget(self, name: str) -> None:
        """Drop those of an account: what they were built on has changed."""
        for key in [key for key, each in self._waiting.items() if each.name == name]:
            del self._waiting[key]
