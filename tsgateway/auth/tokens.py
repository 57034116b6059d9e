"""Random tokens, and tickets: tokens that attach one viewer to one session, once, soon.

Only hashes are kept. Tickets live in memory: a restarted gateway forgets them, and clients ask anew.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from tsgateway.policy import Subject
from tsgateway.policy.policies import NOTHING, Redirections

TOKEN_BYTES = 32
TICKET_SECONDS = 30
MAX_TICKETS = 32
"""For one person: who asks for more loses her own oldest, nobody else's."""


def new_token() -> bytes:
    """Return 256 random bits."""
    return secrets.token_bytes(TOKEN_BYTES)


def hash_token(token: bytes) -> bytes:
    """Return what is stored of a token. It is random, so a plain hash suffices."""
    return hashlib.sha256(token).digest()


@dataclass(frozen=True)
class Grant:
    """What a ticket is good for. sign_in: the hash of the sign-in's token.

    shadow: "view" or "control" for looking on at another's session; by: as whom; consent: whether its person
    is asked although its rules do not want it. redirections: what may go between the session
    and the person's machine, decided when the viewer attaches. invitation: the id of the one that lets
    somebody look on; who has no account here then has no sign-in either, b"".
    """

    subject: Subject
    session: str
    sign_in: bytes
    shadow: str = ""
    by: str = ""
    consent: bool = False
    redirections: Redirections = NOTHING
    invitation: str = ""

    @property
    def user(self) -> str:
        """The person's name."""
        return self.subject.name

    @property
    def is_guests(self) -> bool:
        """Whether it is for somebody without an account, by an invitation."""
        return bool(self.invitation) and not self.sign_in


class Tickets:
    """The tickets that are good now. Times in seconds."""

    def __init__(self, lifetime: float = TICKET_SECONDS) -> None:
        self._lifetime = lifetime
        self._grants: OrderedDict[bytes, tuple[float, Grant]] = OrderedDict()

    def issue(self, grant: Grant, now: float) -> bytes:
        """Return a new ticket."""
        self._expire(now)
        outstanding = [key for key, (_, other) in self._grants.items() if other.user == grant.user]
        if len(outstanding) >= MAX_TICKETS:
            del self._grants[outstanding[0]]
        ticket = new_token()
        self._grants[hash_token(ticket)] = (now + self._lifetime, grant)
        return ticket

    def redeem(self, ticket: bytes, now: float) -> Grant | None:
        """Take a ticket in; None when it was used, is too old or was never given."""
        self._expire(now)
        found = self._grants.pop(hash_token(ticket), None)
        return None if found is None else found[1]

    def revoke(self, sign_in: bytes) -> None:
        """Drop the tickets of a sign-in that ended."""
        self._drop(lambda grant: grant.sign_in == sign_in)

    def uninvite(self, invitation: str) -> None:
        """Drop the tickets of an invitation that was revoked."""
        self._drop(lambda grant: grant.invitation == invitation)

    def _drop(self, unwanted: Callable[[Grant], bool]) -> None:
        for key in [key for key, (_, grant) in self._grants.items() if unwanted(grant)]:
            del self._grants[key]

    def _expire(self, now: float) -> None:
        while self._grants:
            key, (until, _) = next(iter(self._grants.items()))
            if until > now:
                return
            del self._grants[key]
