"""Signing people in and out, and knowing them by their token.

While the database is away, who was known within the last `REMEMBER` seconds stays so; nobody else does, and
nobody signs in (StoreUnavailable).

SignInError
├── WrongPassword    no such account, or not its password: nobody is told which
├── TooManyAttempts  wait `seconds`
└── Busy             too many are signing in at this moment
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tsgateway.auth.passwords import MAX_LENGTH, Passwords
from tsgateway.auth.throttle import Throttle
from tsgateway.auth.tokens import hash_token, new_token
from tsgateway.config.models import SignInSection
from tsgateway.groups import ADMINISTRATORS
from tsgateway.policy import Granted, Role, Subject
from tsgateway.store import Account, Store, StoreUnavailable

T = TypeVar("T")
MAX_PENDING = 32
"""People whose passwords are being checked at one time."""
REMEMBER = 900.0
MAX_REMEMBERED = 4096
"""Sign-ins; the least recently used are forgotten first."""


class InThread(Protocol):
    """Runs a blocking call on a thread; see service."""

    def __call__(self, call: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """Return what the call returns, or its exception."""


class SignInError(Exception):
    """A sign-in is refused; the text is for the person."""


class WrongPassword(SignInError):
    """The name or the password is wrong."""


class TooManyAttempts(SignInError):
    """Wait before the next attempt."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, round(seconds + 0.5))
        unit = "second" if self.seconds == 1 else "seconds"
        super().__init__(f"Too many wrong attempts. Try again in {self.seconds} {unit}.")


class Busy(SignInError):
    """Too many sign-ins at this moment."""


class SignIn:
    """Checks passwords and keeps sign-ins.

    database, hashing: run the store's calls (one thread) and argon2 (few threads).
    monotonic, wall: clocks, seconds.
    """

    log = Logger()

    def __init__(
        self,
        *,
        store: Store,
        passwords: Passwords,
        throttle: Throttle,
        settings: SignInSection,
        database: InThread,
        hashing: InThread,
        monotonic: Callable[[], float],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._throttle = throttle
        self._database = database
        self._hashing = hashing
        self._monotonic = monotonic
        self._wall = wall
        self._lifetime = settings.lifetime_hours * 3600
        self._idle = settings.idle_minutes * 60
        self._pending = 0
        self._remembered: OrderedDict[bytes, tuple[Subject, float]] = OrderedDict()
        self.outcomes = dict.fromkeys(("accepted", "refused", "throttled", "busy"), 0)
        """Attempts so far, by how they went."""

    @property
    def lifetime(self) -> float:
        """Longest time a sign-in lasts, seconds."""
        return self._lifetime

    async def sign_in(self, name: str, password: str, address: str) -> tuple[Subject, bytes]:
        """Return who it is, and the new token. Raises SignInError, StoreUnavailable."""
        name = name.strip().lower()
        if self._pending >= MAX_PENDING:
            self.outcomes["busy"] += 1
            raise Busy("Many people are signing in right now. Try again in a few seconds.")
        wait = self._throttle.begin(name, address, self._monotonic())
        if wait > 0:
            self.outcomes["throttled"] += 1
            raise TooManyAttempts(wait)
        self._pending += 1
        try:
            account = await self._database(self._store.user, name)
            right = await self._check(account, password)
        except StoreUnavailable:
            self._throttle.succeeded(name, address)  # it was not wrong
            raise
        finally:
            self._pending -= 1
        if account is None or not right:
            # A name that is none may be a password, typed into the wrong field.
            who = "nobody's name" if account is None else account.name
            self.log.info("sign-in refused: {who} from {address}", who=who, address=address)
            self.outcomes["refused"] += 1
            raise WrongPassword("The name or the password is wrong.")
        self._throttle.succeeded(name, address)
        token = new_token()
        await self._database(self._store.add_sign_in, hash_token(token), name, self._wall())
        self.outcomes["accepted"] += 1
        self.log.info("signed in: {name} from {address}", name=name, address=address)
        return subject_of(account), token

    async def _check(self, account: Account | None, password: str) -> bool:
        usable = account is not None and account.enabled and len(password) <= MAX_LENGTH
        stored = account.password if account is not None and usable else None
        return await self._hashing(self._passwords.check, stored, password[:MAX_LENGTH])

    async def known(self, token_hash: bytes) -> Subject | None:
        """Return who holds this token, and note that the sign-in was used; None when it is over.

        Raises StoreUnavailable when it is not known.
        """
        use = self._store.use_sign_in
        try:
            known = await self._database(use, token_hash, self._wall(), self._lifetime, self._idle)
        except StoreUnavailable:
            remembered = self._remember(token_hash)
            if remembered is None:
                raise
            return remembered
        if known is None:
            self._remembered.pop(token_hash, None)
            return None
        subject = subject_of(known.account, known.method)
        self._remembered[token_hash] = (subject, self._monotonic())
        self._remembered.move_to_end(token_hash)
        if len(self._remembered) > MAX_REMEMBERED:
            self._remembered.popitem(last=False)
        return subject

    def _remember(self, token_hash: bytes) -> Subject | None:
        """Return who held this token a short time ago."""
        subject, known = self._remembered.get(token_hash, (None, 0.0))
        return subject if self._monotonic() - known < REMEMBER else None

    async def sign_out(self, token_hash: bytes) -> None:
        """End a sign-in. Raises StoreUnavailable."""
        await self._database(self._store.end_sign_in, token_hash)
        self._remembered.pop(token_hash, None)

    async def forget_old(self) -> None:
        """Remove sign-ins that are over."""
        forget = self._store.forget_old_sign_ins
        await self._database(forget, self._wall(), self._lifetime, self._idle)


def subject_of(account: Account, method: str = "password") -> Subject:
    """Return the account as policy knows it. method: how the person signed in."""
    roles = {Granted(Role.OWNER)} if ADMINISTRATORS in account.groups else set()
    return Subject(account.name, frozenset(account.groups), frozenset(roles), method)
