"""Tokens of the API: what programs sign in with, in somebody's name."""

from __future__ import annotations

import json
import secrets
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, delete, func, insert, select, update

from tsgateway.errors import StoreError
from tsgateway.store.schema import api_tokens, users
from tsgateway.store.tables import Tables, user_id

MAX_TOKENS = 64
"""Of one account."""
USED_EVERY = 60.0
"""A use is noted when the last one noted is so long ago, seconds: each request would be a write."""


class TooManyTokens(StoreError):
    """The account has as many tokens as it may have."""


class ApiToken(NamedTuple):
    """One token, without its secret. Times: Unix times; expires, used: None for never.

    roles: the names of those of its user's roles that it has; None: all of them.
    """

    id: str
    user: str
    name: str
    roles: tuple[str, ...] | None
    read_only: bool
    created: float
    expires: float | None
    used: float | None


class ApiTokens(Tables):
    """The table of them."""

    def add(
        self,
        token_hash: bytes,
        user: str,
        name: str,
        *,
        roles: tuple[str, ...] | None,
        read_only: bool,
        now: float,
        expires: float | None,
    ) -> ApiToken:
        """Keep a new token's hash; return the token. Raises TooManyTokens, NoSuchUser."""
        with self._writing() as connection:
            owner = user_id(connection, user)
            mine = select(func.count()).select_from(api_tokens).where(api_tokens.c.user_id == owner)
            if (connection.scalar(mine) or 0) >= MAX_TOKENS:
                raise TooManyTokens(f"{user} has {MAX_TOKENS} tokens; revoke one of them first")
            made = ApiToken(secrets.token_hex(6), user, name, roles, read_only, now, expires, None)
            row = {
                "id": made.id,
                "user_id": owner,
                "name": name,
                "hash": token_hash,
                "roles": None if roles is None else json.dumps(roles),
                "read_only": read_only,
                "created": now,
                "expires": expires,
            }
            connection.execute(insert(api_tokens), row)
        return made

    def use(self, token_hash: bytes, now: float) -> ApiToken | None:
        """Return the token of this hash and note its use; None when it is none, or good no more."""
        with self._reading() as connection:
            row = connection.execute(_ALL.where(api_tokens.c.hash == token_hash)).mappings().first()
        if row is None or not row["enabled"] or (row["expires"] is not None and now >= row["expires"]):
            return None
        if row["used"] is None or now - row["used"] >= USED_EVERY:
            with self._writing() as connection:
                used = update(api_tokens).where(api_tokens.c.id == row["id"]).values(used=now)
                connection.execute(used)
        return _token(row)

    def all(self, user: str | None = None) -> list[ApiToken]:
        """Return one account's tokens, or everybody's, the newest first."""
        query = _ALL.order_by(api_tokens.c.created.desc())
        if user is not None:
            query = query.where(users.c.name == user)
        with self._reading() as connection:
            return [_token(row) for row in connection.execute(query).mappings()]

    def get(self, token: str) -> ApiToken | None:
        """Return a token by its id."""
        with self._reading() as connection:
            row = connection.execute(_ALL.where(api_tokens.c.id == token)).mappings().first()
        return None if row is None else _token(row)

    def remove(self, token: str) -> bool:
        """Revoke a token; tell whether there was one."""
        with self._writing() as connection:
            return bool(connection.execute(delete(api_tokens).where(api_tokens.c.id == token)).rowcount)


_ALL = select(api_tokens, users.c.name.label("user"), users.c.enabled).join(users)


def _token(row: RowMapping) -> ApiToken:
    roles: Any = row["roles"]
    return ApiToken(
        row["id"],
        row["user"],
        row["name"],
        None if roles is None else tuple(json.loads(roles)),
        row["read_only"],
        row["created"],
        row["expires"],
        row["used"],
    )
