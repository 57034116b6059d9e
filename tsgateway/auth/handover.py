"""A sign-in of the browser, handed over to a program on the same machine (RFC 8252, with PKCE of RFC 7636).

The program opens the browser at a page of ours, which asks the person; then the browser goes to the program's
own address on that machine (loopback only) with a code. Together with the verifier, whose hash the page was
told, the program trades the code for a sign-in of its own, once, within `LIFETIME`. Codes live in memory: a
restarted gateway forgets them, and people begin anew.
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from tsgateway.audit import Event, Journal
from tsgateway.auth.authenticators.base import InThread
from tsgateway.auth.errors import Refused, SignInError, TooManyAttempts
from tsgateway.auth.throttle import Throttle
from tsgateway.auth.tokens import hash_token, new_token
from tsgateway.pkce import challenge_of
from tsgateway.store import Store
from tsgateway.store.sign_ins import Known

LIFETIME = 60.0
"""Seconds: the browser is on its way to a program on the same machine."""
MAX_OF_ONE = 8
"""Codes for one person: who asks for more loses her own oldest."""
NOT_GOOD = "This sign-in was not begun by this program, took too long, or was used already. Begin again."
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|\[::1\]):([1-9][0-9]{0,4})(?:/[A-Za-z0-9_-]{0,64})?")


@dataclass(frozen=True)
class HandOver:
    """What a code is good for. sign_in: the hash of the browser's; name: the person's.

    challenge: the verifier's SHA-256, in base64url; redirect: where the code went; client: what the program
    calls itself.
    """

    sign_in: bytes
    name: str
    challenge: str
    redirect: str
    client: str


def is_loopback(redirect: str) -> bool:
    """Whether an address is one of a program on the browser's own machine: by number, with any port."""
    found = _LOOPBACK.fullmatch(redirect)
    return found is not None and int(found[1]) < 1 << 16


class HandOvers:
    """The codes that are good now. Raises SignInError, StoreUnavailable."""

    def __init__(
        self,
        *,
        store: Store,
        throttle: Throttle,
        journal: Journal,
        database: InThread,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._store = store
        self._throttle = throttle
        self._journal = journal
        self._database = database
        self._monotonic = monotonic
        self._wall = wall
        self._codes: OrderedDict[bytes, tuple[float, HandOver]] = OrderedDict()

    def give(self, what: HandOver, address: str) -> bytes:
        """Return a code. address: of the browser."""
        if not is_loopback(what.redirect):
            raise Refused("A sign-in is handed over to programs on one's own machine only.")
        now = self._monotonic()
        for key in [key for key, (until, _) in self._codes.items() if until <= now]:
            del self._codes[key]
        mine = [key for key, (_, each) in self._codes.items() if each.name == what.name]
        if len(mine) >= MAX_OF_ONE:
            del self._codes[mine[0]]
        code = new_token()
        self._codes[hash_token(code)] = now + LIFETIME, what
        self._note("sign-in.offered", what.name, address, "allowed", client=what.client)
        return code

    async def take(self, code: bytes, verifier: str, redirect: str, address: str) -> tuple[Known, bytes]:
        """Trade a code for a sign-in: whose it is, and its token. A code counts once, also when this fails.

        Who sends codes that are none has to wait, as for wrong passwords.
        """
        guesser = f"\0{address}"  # nobody's name: others are not held up
        wait = self._throttle.begin(guesser, address, self._monotonic())
        if wait > 0:
            raise self._refused("", address, TooManyAttempts(wait))
        until, found = self._codes.pop(hash_token(code), (0.0, None))
        proved = found is not None and hmac.compare_digest(found.challenge, challenge_of(verifier))
        if found is None or not proved or until <= self._monotonic() or found.redirect != redirect:
            raise self._refused(found.name if found else "", address, Refused(NOT_GOOD))
        self._throttle.succeeded(guesser, address)
        token = new_token()
        known = await self._database(
            self._store.copy_sign_in, hash_token(token), found.sign_in, self._wall(), address
        )
        if known is None:  # signed out meanwhile
            raise self._refused(found.name, address, Refused(NOT_GOOD))
        self._note(
            "sign-in.accepted", found.name, address, "accepted", method=known.method, client=found.client
        )
        return known, token

    def _refused(self, name: str, address: str, error: SignInError) -> SignInError:
        kind = "throttled" if isinstance(error, TooManyAttempts) else "refused"
        self._note(
            f"sign-in.{kind}", name or "somebody by a browser", address, kind, why=type(error).__name__
        )
        return error

    def _note(self, kind: str, who: str, address: str, outcome: str, **details: str) -> None:
        self._journal.note(Event(kind, who, address, "gateway", outcome, details))
