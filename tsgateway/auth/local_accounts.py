"""Passwords that are kept here: checked, renewed under a newer cost, changed by their owners and for them."""

from __future__ import annotations

from twisted.logger import Logger

from tsgateway.auth.authenticators.base import InThread
from tsgateway.auth.errors import Busy, PoorPassword, WrongPassword
from tsgateway.auth.passwords import MAX_LENGTH, Passwords, complaint
from tsgateway.store import LOCAL, Account, Store, StoreUnavailable

MAX_PENDING = 32
"""Passwords that are being checked at one time."""


class LocalAccounts:
    """The accounts of source "local".

    database, hashing: run the store's calls (one thread) and argon2 (few threads); shortest: characters of a
    new password.
    """

    log = Logger()

    def __init__(
        self, *, store: Store, passwords: Passwords, shortest: int, database: InThread, hashing: InThread
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._shortest = shortest
        self._database = database
        self._hashing = hashing
        self._pending = 0

    async def check(self, name: str, password: str) -> bool:
        """Tell whether it is a local account's password, at the same cost whoever's it is.

        Raises Busy, StoreUnavailable.
        """
        if self._pending >= MAX_PENDING:
            raise Busy("Many people are signing in right now. Try again in a few seconds.")
        self._pending += 1
        try:
            account = await self._database(self._store.user, name)
            stored = _usable(account) if len(password) <= MAX_LENGTH else None
            right = await self._hashing(self._passwords.check, stored, password[:MAX_LENGTH])
            if right and stored is not None and self._passwords.is_outdated(stored):
                await self._renew(name, stored, password)
            return right
        finally:
            self._pending -= 1

    async def set_password(
        self, name: str, password: str, *, must_change: bool = False, keep: bytes = b""
    ) -> None:
        """Set a local account's password; its sign-ins end but for `keep`.

        must_change: at the next sign-in. Raises PoorPassword, NoSuchUser, StoreUnavailable.
        """
        account = await self._database(self._store.user, name)
        if account is not None and account.source != LOCAL:
            raise PoorPassword(f'The password of "{name}" is not kept here, but by "{account.source}".')
        self.judge(password, name, account.display_name if account else "")
        if account is not None and await self._hashing(self._passwords.check, account.password, password):
            raise PoorPassword("This is the password that is set already. Take another one.")
        await self._set(name, password, must_change, keep)

    async def change_password(self, name: str, old: str, new: str, keep: bytes) -> None:
        """Change one's own. Raises WrongPassword, PoorPassword, Busy, StoreUnavailable."""
        if not await self.check(name, old):
            raise WrongPassword("The password you have now is another one.")
        await self.set_password(name, new, keep=keep)

    async def new_hash(self, password: str, *names: str) -> str:
        """Return the hash of a password that may be chosen. Raises PoorPassword."""
        self.judge(password, *names)
        return await self._hashing(self._passwords.hash, password)

    def judge(self, password: str, *names: str) -> None:
        """Raise PoorPassword for one that may not be chosen. names: what the person is called."""
        words = [word for name in names for word in [name, *name.split()]]
        if said := complaint(password, words, self._shortest):
            raise PoorPassword(said)

    async def _set(self, name: str, password: str, must_change: bool, keep: bytes) -> None:
        hashed = await self._hashing(self._passwords.hash, password)

        def store() -> None:
            self._store.set_password(name, hashed, must_change=must_change, keep=keep)

        await self._database(store)
        self.log.info("password set: {name}", name=name)

    async def _renew(self, name: str, old: str, password: str) -> None:
        try:
            new = await self._hashing(self._passwords.hash, password)
            await self._database(self._store.rehash, name, old, new)
        except StoreUnavailable as error:  # next time, then
            self.log.debug("the password of {name} keeps its old hash: {error}", name=name, error=error)


def _usable(account: Account | None) -> str | None:
    if account is None or not account.enabled or account.source != LOCAL:
        return None
    return account.password or None
