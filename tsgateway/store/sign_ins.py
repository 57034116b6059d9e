"""Sign-ins: who is signed in, since when, how and from where."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from tsgateway.store.accounts import Account, account_of
from tsgateway.store.engine import DiskFull, StoreBusy
from tsgateway.store.schema import sign_ins, users
from tsgateway.store.tables import Tables, user_id

MAX_SIGN_INS = 64
"""For one account at a time."""
ID_BYTES = 8
"""Of a token's hash, that name a sign-in to people: enough to tell them apart, of no use to anybody else."""


class SignedIn(NamedTuple):
    """One sign-in, as people see it. Times in seconds since 1970."""

    id: str
    token_hash: bytes
    created: float
    used: float
    method: str
    address: str


class Known(NamedTuple):
    """Whose a sign-in is, and how they signed in."""

    account: Account
    method: str


class SignIns(Tables):
    """The table of sign-ins."""

    def add_sign_in(
        self, token_hash: bytes, name: str, now: float, method: str = "password", address: str = ""
    ) -> None:
        """Remember a sign-in; the account's oldest ends beyond `MAX_SIGN_INS`. Raises NoSuchUser."""
        with self._writing() as connection:
            number = user_id(connection, name)
            row = {"token_hash": token_hash, "user_id": number, "created": now, "used": now}
            _add(connection, {**row, "method": method, "address": address})

    def use_sign_in(self, token_hash: bytes, now: float, lifetime: float, idle: float) -> Known | None:
        """Return whose sign-in this is and note that it was used; None when it is over.

        lifetime: seconds from its beginning; idle: seconds from its last use.
        """
        mine = sign_ins.c.token_hash == token_hash
        begun = sign_ins.c.created.label("begun")
        query = select(users, begun, sign_ins.c.used, sign_ins.c.method).join(sign_ins).where(mine)
        with self._reading() as connection:
            row = connection.execute(query).mappings().first()
            known = None if row is None else Known(account_of(connection, row), row["method"])
        if row is None:
            return None
        if not row["enabled"] or now >= row["begun"] + lifetime or now >= row["used"] + idle:
            self.end_sign_in(token_hash)
            return None
        if now - row["used"] > min(60, idle / 4):  # a write each request would wear out the disk
            # That it cannot be noted is no reason to send somebody away.
            with contextlib.suppress(DiskFull, StoreBusy), self._writing() as connection:
                connection.execute(update(sign_ins).where(mine).values(used=now))
        return known

    def copy_sign_in(self, token_hash: bytes, of: bytes, now: float, address: str) -> Known | None:
        """Remember another sign-in of whoever has the sign-in `of`; None when there is none.

        It ends when that one would have: else signing in again and again by each other would never end.
        """
        query = select(users, sign_ins.c.created.label("begun"), sign_ins.c.method).join(sign_ins)
        with self._writing() as connection:
            row = connection.execute(query.where(sign_ins.c.token_hash == of)).mappings().first()
            if row is None or not row["enabled"]:
                return None
            copy = {"token_hash": token_hash, "user_id": row["id"], "created": row["begun"], "used": now}
            _add(connection, {**copy, "method": row["method"], "address": address})
            return Known(account_of(connection, row), row["method"])

    def sign_ins_of(self, name: str) -> list[SignedIn]:
        """Return an account's sign-ins, the latest first. Raises NoSuchUser."""
        with self._reading() as connection:
            mine = sign_ins.c.user_id == user_id(connection, name)
            rows = connection.execute(select(sign_ins).where(mine).order_by(sign_ins.c.created.desc()))
            return [
                SignedIn(
                    row.token_hash[:ID_BYTES].hex(),
                    row.token_hash,
                    row.created,
                    row.used,
                    row.method,
                    row.address,
                )
                for row in rows
            ]

    def end_sign_in(self, token_hash: bytes) -> None:
        """Forget a sign-in."""
        with self._writing() as connection:
            connection.execute(delete(sign_ins).where(sign_ins.c.token_hash == token_hash))

    def end_sign_ins(self, name: str, keep: bytes = b"") -> list[bytes]:
        """Forget all of an account but one; return their tokens' hashes. Raises NoSuchUser."""
        with self._writing() as connection:
            mine = (sign_ins.c.user_id == user_id(connection, name)) & (sign_ins.c.token_hash != keep)
            return list(connection.scalars(delete(sign_ins).where(mine).returning(sign_ins.c.token_hash)))

    def forget_old_sign_ins(self, now: float, lifetime: float, idle: float) -> None:
        """Remove those that are over."""
        over = (sign_ins.c.created <= now - lifetime) | (sign_ins.c.used <= now - idle)
        with self._writing() as connection:
            connection.execute(delete(sign_ins).where(over))


def _add(connection: Connection, row: Mapping[str, Any]) -> None:
    connection.execute(insert(sign_ins).values(row))
    mine = select(sign_ins.c.token_hash).where(sign_ins.c.user_id == row["user_id"])
    oldest = mine.order_by(sign_ins.c.created.desc(), sign_ins.c.used.desc()).offset(MAX_SIGN_INS)
    connection.execute(delete(sign_ins).where(sign_ins.c.token_hash.in_(oldest)))
