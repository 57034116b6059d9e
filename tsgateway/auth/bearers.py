"""Who a program's token stands for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tsgateway.auth.sign_in import subject_of
from tsgateway.policy import Subject
from tsgateway.store import Store
from tsgateway.store.access import Access


class Bearers:
    """Knows the API's tokens. wall: seconds since 1970."""

    def __init__(self, store: Store, access: Access, wall: Callable[[], float]) -> None:
        self._store = store
        self._access = access
        self._wall = wall

    async def known(self, token_hash: bytes) -> tuple[Subject, bool] | None:
        """Return whom a token stands for, and whether it is for reading only; None when it is good no more.

        A token has its account's groups and roles as they are now, or fewer. Raises StoreUnavailable.
        """
        return await self._access(self._known, token_hash)

    def _known(self, token_hash: bytes) -> tuple[Subject, bool] | None:
        token = self._store.tokens.use(token_hash, self._wall())
        account = None if token is None else self._store.user(token.user)
        if token is None or account is None:
            return None
        subject = subject_of(account, "token")
        if token.roles is not None:
            kept = frozenset(each for each in subject.roles if each.role.value in token.roles)
            subject = dataclasses.replace(subject, roles=kept)
        return subject, token.read_only
