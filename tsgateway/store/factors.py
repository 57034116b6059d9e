"""Second factors: a secret each, encrypted by whoever calls, the steps that were used, and recovery codes.

Each step and each recovery code counts once, however many ask at one time: the database decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, or_, select, update

from tsgateway.store.schema import recovery_codes, users
from tsgateway.store.tables import Tables, insert_missing, user_id


class Factor(NamedTuple):
    """An account's second factor. secret: encrypted; codes: how many recovery codes are left."""

    secret: bytes
    codes: int


class Factors(Tables):
    """What the table of accounts and that of recovery codes keep of second factors."""

    def get(self, name: str) -> Factor | None:
        """Return an account's factor; None where there is none."""
        with self._reading() as connection:
            row = connection.execute(select(users.c.id, users.c.totp).where(users.c.name == name)).first()
            if row is None or row.totp is None:
                return None
            mine = recovery_codes.c.user_id == row.id
            count = connection.scalar(select(func.count()).select_from(recovery_codes).where(mine))
            return Factor(row.totp, count or 0)

    def set(self, name: str, secret: bytes, step: int, hashes: Iterable[bytes]) -> bool:
        """Enrol, unless there is a factor already: tell whether it was done. Raises NoSuchUser.

        step: that of the code which confirmed it; it and those before it are used up.
        """
        with self._writing() as connection:
            number = user_id(connection, name)
            free = (users.c.id == number) & users.c.totp.is_(None)
            done = connection.execute(update(users).where(free).values(totp=secret, totp_step=step)).rowcount
            if done:
                _replace_codes(connection, number, hashes)
            return bool(done)

    def remove(self, name: str) -> bool:
        """Remove the factor and its recovery codes: tell whether there was one. Raises NoSuchUser."""
        with self._writing() as connection:
            number = user_id(connection, name)
            mine = (users.c.id == number) & users.c.totp.is_not(None)
            done = connection.execute(update(users).where(mine).values(totp=None, totp_step=None)).rowcount
            connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == number))
            return bool(done)

    def use_step(self, name: str, step: int) -> bool:
        """Use a step up, and those before it; False when it was used before."""
        later = or_(users.c.totp_step.is_(None), users.c.totp_step < step)
        mine = (users.c.name == name) & users.c.totp.is_not(None) & later
        with self._writing() as connection:
            return connection.execute(update(users).where(mine).values(totp_step=step)).rowcount == 1

    def use_recovery_code(self, name: str, hashed: bytes) -> bool:
        """Use a recovery code up; False when there is none like it."""
        owner = select(users.c.id).where(users.c.name == name, users.c.totp.is_not(None)).scalar_subquery()
        mine = (recovery_codes.c.user_id == owner) & (recovery_codes.c.hash == hashed)
        with self._writing() as connection:
            return connection.execute(delete(recovery_codes).where(mine)).rowcount == 1

    def set_recovery_codes(self, name: str, hashes: Iterable[bytes]) -> None:
        """Replace the recovery codes. Raises NoSuchUser."""
        with self._writing() as connection:
            _replace_codes(connection, user_id(connection, name), hashes)


def _replace_codes(connection: Connection, number: int, hashes: Iterable[bytes]) -> None:
    connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == number))
    insert_missing(connection, recovery_codes, [{"user_id": number, "hash": each} for each in hashes])
