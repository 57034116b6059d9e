"""Second factors: set up, checked, removed.

A code counts once: the database keeps the last step that was used. Wrong codes are throttled like wrong
passwords, per account and per address, and longer.

SignInError
├── WrongCode       the code or the recovery code is wrong or was used before
├── TooManyAttempts wait `seconds`
├── FactorStands    there is a second factor already
├── NoFactor        there is none
└── FactorUnreadable its secret was kept under another key; an administrator has to remove it
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from twisted.logger import Logger

from tsgateway.audit import Event, Journal
from tsgateway.auth.authenticators.base import InThread
from tsgateway.auth.errors import FactorStands, FactorUnreadable, NoFactor, TooManyAttempts, WrongCode
from tsgateway.auth.seal import Seal, SealBroken
from tsgateway.auth.throttle import Throttle
from tsgateway.auth.totp import (
    Enrolment,
    enrolment,
    hash_recovery_code,
    recovery_codes,
    step_of,
)
from tsgateway.store import Store, StoreUnavailable

T = TypeVar("T")

WRONG = "The code is wrong or was used before. Wait for the next one; the clock of your device must be right."
WRONG_RECOVERY = "This is none of your recovery codes, or it was used before."
PENDING_SECONDS = 600.0
MAX_PENDING = 1024


class _Pending(NamedTuple):
    secret: str
    until: float


class SecondFactors:
    """The second factors of all accounts.

    database, hashing: run the store's calls, and drawing; monotonic, wall: clocks, seconds.
    """

    log = Logger()

    def __init__(
        self,
        *,
        store: Store,
        seal: Seal,
        throttle: Throttle,
        issuer: str,
        journal: Journal,
        database: InThread,
        hashing: InThread,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._store = store
        self._seal = seal
        self._throttle = throttle
        self._issuer = issuer
        self._journal = journal
        self._database = database
        self._hashing = hashing
        self._monotonic = monotonic
        self._wall = wall
        self._pending: dict[str, _Pending] = {}

    async def draw(self, name: str, secret: str = "") -> Enrolment:
        """Return a new secret for an account, or that one, in every form people can use."""
        return await self._hashing(enrolment, name, self._issuer, secret)

    async def begin(self, name: str) -> Enrolment:
        """Begin to set one up; `confirm` ends it within 10 minutes. Raises FactorStands, StoreUnavailable."""
        if await self._database(self._store.factors.get, name) is not None:
            raise FactorStands("There is a second factor already. Remove it first.")
        drawn = await self.draw(name)
        now = self._monotonic()
        self._pending = {who: each for who, each in self._pending.items() if each.until > now and who != name}
        if len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[name] = _Pending(drawn.secret, now + PENDING_SECONDS)
        return drawn

    async def confirm(self, name: str, code: str, address: str) -> tuple[str, ...]:
        """End what `begin` began, by a code; return recovery codes. Raises SignInError, StoreUnavailable."""
        pending = self._pending.get(name)
        if pending is None or pending.until <= self._monotonic():
            raise NoFactor("This has taken too long. Begin again with a new picture.")
        codes = await self.enrol(name, pending.secret, code, address)
        self._pending.pop(name, None)
        return codes

    async def enrol(self, name: str, secret: str, code: str, address: str) -> tuple[str, ...]:
        """Keep a secret that a code proves is in the person's device; return recovery codes.

        Raises SignInError, StoreUnavailable.
        """
        self._begin(name, address)
        step = step_of(secret, code, self._wall())
        if step is None:
            raise WrongCode(WRONG)
        codes = recovery_codes()
        sealed = self._seal.seal(secret.encode(), _purpose(name))
        hashes = [hash_recovery_code(each) for each in codes]
        done = await self._counted(name, address, self._store.factors.set, name, sealed, step, hashes)
        self._throttle.succeeded(name, address, second=True)
        if not done:
            raise FactorStands("There is a second factor already. Remove it first.")
        self._note("account.totp-set-up", name, address)
        return tuple(codes)

    async def check(self, name: str, address: str, *, code: str = "", recovery: str = "") -> str:
        """Take a code, or a recovery code; return which: "totp" or "recovery".

        Raises SignInError, StoreUnavailable.
        """
        self._begin(name, address)
        if recovery:
            hashed = hash_recovery_code(recovery)
            if not await self._counted(name, address, self._store.factors.use_recovery_code, name, hashed):
                raise WrongCode(WRONG_RECOVERY)
            self._note("account.recovery-code-used", name, address)
        else:
            secret = await self._secret(name, address)
            step = step_of(secret, code, self._wall())
            if step is None or not await self._counted(
                name, address, self._store.factors.use_step, name, step
            ):
                raise WrongCode(WRONG)
        self._throttle.succeeded(name, address, second=True)
        return "recovery" if recovery else "totp"

    async def renew_codes(self, name: str, code: str, address: str) -> tuple[str, ...]:
        """Return new recovery codes in place of the old ones, for a code. Raises SignInError."""
        await self.check(name, address, code=code)
        codes = recovery_codes()
        hashes = [hash_recovery_code(each) for each in codes]
        await self._database(self._store.factors.set_recovery_codes, name, hashes)
        return tuple(codes)

    async def remove(self, name: str, address: str, *, code: str = "", recovery: str = "") -> None:
        """Remove one's own, by a code. Raises SignInError, StoreUnavailable."""
        await self.check(name, address, code=code, recovery=recovery)
        await self._database(self._store.factors.remove, name)
        self._note("account.totp-removed", name, address)

    async def recovery_left(self, name: str) -> int | None:
        """Return how many recovery codes are left; None without a second factor. Raises StoreUnavailable."""
        factor = await self._database(self._store.factors.get, name)
        return None if factor is None else factor.codes

    async def _secret(self, name: str, address: str) -> str:
        factor = await self._counted(name, address, self._store.factors.get, name)
        if factor is None:
            raise NoFactor("There is no second factor.")
        try:
            return self._seal.open(factor.secret, _purpose(name)).decode()
        except SealBroken:
            self.log.error(
                "the second factor of {name} cannot be read: the key file is not the one it was kept under; "
                "restore that file, or remove the second factor",
                name=name,
            )
            raise FactorUnreadable(
                "Your second factor cannot be checked now. Ask the administrator to remove it."
            ) from None

    def _note(self, kind: str, name: str, address: str) -> None:
        self.log.info("{kind}: {name} from {address}", kind=kind, name=name, address=address)
        self._journal.note(Event(kind, name, address, f"user:{name}", "allowed"))

    def _begin(self, name: str, address: str) -> None:
        wait = self._throttle.begin(name, address, self._monotonic(), second=True)
        if wait > 0:
            raise TooManyAttempts(wait)

    async def _counted(self, name: str, address: str, call: Callable[..., T], *arguments: Any) -> T:
        """Call the store within an attempt: that it is away is nobody's wrong code."""
        try:
            return await self._database(call, *arguments)
        except StoreUnavailable:
            self._throttle.succeeded(name, address, second=True)
            raise


def _purpose(name: str) -> str:
    return f"totp {name}"
