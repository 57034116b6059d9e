"""People who were sent elsewhere to say who they are, and have not come back yet.

Each departure has a random state that comes back once, in the browser that left with it: a cookie of that
browser holds another random value, whose hash is kept here. So nobody is signed in by somebody else's link.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from tsgateway.auth.tokens import hash_token, new_token

LIFETIME = 600.0
"""Seconds."""
MAX_AWAY = 4096
MAX_FROM_ONE = 64
"""From one address: who asks for more loses that address's oldest."""


@dataclass(frozen=True)
class Away:
    """Somebody who was sent elsewhere. source: to whom; kept: what that authenticator has to know."""

    source: str
    callback: str
    kept: Mapping[str, str]
    browser: bytes
    address: str
    until: float


class Redirects:
    """Those who are away."""

    def __init__(self) -> None:
        self._away: OrderedDict[bytes, Away] = OrderedDict()

    def leave(self, state: str, away: Away, now: float) -> None:
        """Remember somebody."""
        while self._away and next(iter(self._away.values())).until <= now:
            self._away.popitem(last=False)
        mine = [key for key, each in self._away.items() if each.address == away.address]
        if len(mine) >= MAX_FROM_ONE:
            del self._away[mine[0]]
        if len(self._away) >= MAX_AWAY:
            self._away.popitem(last=False)
        self._away[hash_token(state.encode())] = away

    def back(self, state: str, source: str, browser: bytes, now: float) -> Away | None:
        """Take somebody back, once; None when the state is none, too old, another source's or browser's."""
        found = self._away.pop(hash_token(state.encode()), None)
        if found is None or found.until <= now or found.source != source:
            return None
        return found if hmac.compare_digest(found.browser, hash_token(browser)) else None


def new_state() -> str:
    """Return 256 random bits as text."""
    return new_token().hex()
