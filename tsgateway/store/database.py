"""The database: accounts and sign-ins, in SQLite.

Plain blocking calls; the service runs them on one thread of their own, so that they come one after
the other and never hold up the reactor. Times are seconds since 1970.

    StoreError
    ├── NameTaken       there is an account of that name
    ├── NoSuchUser      there is none
    └── DiskFull        there is no room for what was to be kept
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    ExceptionContext,
    create_engine,
    delete,
    event,
    exists,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError, IntegrityError

from tsgateway.errors import StartError, StoreError
from tsgateway.groups import ADMINISTRATORS, EVERYONE
from tsgateway.store.schema import (
    MIGRATIONS,
    VERSION,
    memberships,
    metadata,
    schema_version,
    sign_ins,
    users,
)

LITTLE = 1 << 20
"""With less room than that, bytes, an I/O error is put down to a full disk."""
MAX_SIGN_INS = 64
"""For one account at a time."""


class NameTaken(StoreError):
    """There is an account of that name already."""


class NoSuchUser(StoreError):
    """There is no account of that name."""


class DiskFull(StoreError):
    """The disk that holds the database is full."""


class Account(NamedTuple):
    """One account. password: its argon2id hash."""

    name: str
    password: str
    groups: tuple[str, ...]
    enabled: bool


class Store:
    """An open database. Raises StartError when the file is not one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = create_engine(f"sqlite:///{path}")
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "handle_error", self._failed)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            with self._engine.begin() as connection:
                _migrate(connection, path)
        except OSError as error:
            raise StartError(f"the database {path} cannot be used: {error.strerror}") from None
        except DatabaseError as error:
            raise StartError(f"the database {path} cannot be used: {error.orig}") from None
        except DiskFull as error:
            raise StartError(str(error)) from None

    def _failed(self, context: ExceptionContext) -> None:
        """SQLAlchemy: the database says no. Raises DiskFull where that is why."""
        code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF  # without its finer part
        # Where it cannot map its index of the log for want of room, SQLite speaks of an I/O error.
        is_full = code == sqlite3.SQLITE_IOERR and shutil.disk_usage(self._path.parent).free < LITTLE
        if code == sqlite3.SQLITE_FULL or is_full:
            raise DiskFull(f"no room is left on the disk of {self._path}; make room there, then try again")

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    # ---- accounts

    def add_user(self, name: str, password: str, groups: set[str], now: float) -> None:
        """Make an account in `groups` and in the group of everyone. Raises NameTaken.

        password: its hash.
        """
        with self._engine.begin() as connection:
            row = {"name": name, "password": password, "enabled": True, "created": now}
            try:
                user_id = connection.scalar(insert(users).values(row).returning(users.c.id))
            except IntegrityError:
                raise NameTaken(f'there is an account "{name}" already') from None
            rows = [{"user_id": user_id, "group": group} for group in sorted(groups | {EVERYONE})]
            connection.execute(insert(memberships), rows)

    def set_password(self, name: str, password: str) -> None:
        """Change an account's password hash and end all its sign-ins. Raises NoSuchUser."""
        with self._engine.begin() as connection:
            user_id = connection.scalar(select(users.c.id).where(users.c.name == name))
            if user_id is None:
                raise NoSuchUser(f'there is no account "{name}"')
            connection.execute(update(users).where(users.c.id == user_id).values(password=password))
            connection.execute(delete(sign_ins).where(sign_ins.c.user_id == user_id))

    def user(self, name: str) -> Account | None:
        """Return an account."""
        with self._engine.connect() as connection:
            row = connection.execute(select(users).where(users.c.name == name)).mappings().first()
            return None if row is None else _account(connection, row)

    def all_users(self) -> list[Account]:
        """Return all accounts, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(users).order_by(users.c.name)).mappings().all()
            return [_account(connection, row) for row in rows]

    def has_administrator(self) -> bool:
        """Tell whether there is an account that may administer."""
        with self._engine.connect() as connection:
            query = exists().where(memberships.c.group == ADMINISTRATORS).select()
            return bool(connection.scalar(query))

    # ---- sign-ins

    def add_sign_in(self, token_hash: bytes, name: str, now: float) -> None:
        """Remember a sign-in; the account's oldest ends beyond `MAX_SIGN_INS`. Raises NoSuchUser."""
        with self._engine.begin() as connection:
            user_id = connection.scalar(select(users.c.id).where(users.c.name == name))
            if user_id is None:
                raise NoSuchUser(f'there is no account "{name}"')
            row = {"token_hash": token_hash, "user_id": user_id, "created": now, "used": now}
            connection.execute(insert(sign_ins).values(row))
            mine = select(sign_ins.c.token_hash).where(sign_ins.c.user_id == user_id)
            oldest = mine.order_by(sign_ins.c.created.desc()).offset(MAX_SIGN_INS)
            connection.execute(delete(sign_ins).where(sign_ins.c.token_hash.in_(oldest)))

    def use_sign_in(self, token_hash: bytes, now: float, lifetime: float, idle: float) -> Account | None:
        """Return whose sign-in this is and note that it was used; None when it is over.

        lifetime: seconds from its beginning; idle: seconds from its last use.
        """
        mine = sign_ins.c.token_hash == token_hash
        with self._engine.begin() as connection:
            query = (
                select(users, sign_ins.c.created.label("begun"), sign_ins.c.used).join(sign_ins).where(mine)
            )
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            if not row["enabled"] or now >= row["begun"] + lifetime or now >= row["used"] + idle:
                connection.execute(delete(sign_ins).where(mine))
                return None
            account = _account(connection, row)
        if now - row["used"] > min(60, idle / 4):  # a write each request would wear out the disk
            # A full disk is no reason to send somebody away.
            with contextlib.suppress(DiskFull), self._engine.begin() as connection:
                connection.execute(update(sign_ins).where(mine).values(used=now))
        return account

    def end_sign_in(self, token_hash: bytes) -> None:
        """Forget a sign-in."""
        with self._engine.begin() as connection:
            connection.execute(delete(sign_ins).where(sign_ins.c.token_hash == token_hash))

    def forget_old_sign_ins(self, now: float, lifetime: float, idle: float) -> None:
        """Remove those that are over."""
        over = (sign_ins.c.created <= now - lifetime) | (sign_ins.c.used <= now - idle)
        with self._engine.begin() as connection:
            connection.execute(delete(sign_ins).where(over))


def _account(connection: Connection, row: Any) -> Account:
    query = (
        select(memberships.c.group).where(memberships.c.user_id == row["id"]).order_by(memberships.c.group)
    )
    return Account(row["name"], row["password"], tuple(connection.scalars(query)), row["enabled"])


def _prepare(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


def _migrate(connection: Connection, path: Path) -> None:
    if not inspect(connection).has_table("schema_version"):
        metadata.create_all(connection)
        connection.execute(insert(schema_version).values(version=VERSION))
        return
    version = connection.scalar(select(func.max(schema_version.c.version))) or 0
    if version > VERSION:
        raise StartError(
            f"the database {path} is from a newer tsgateway (schema {version}, this one knows {VERSION}); "
            "start that version"
        )
    while version < VERSION:
        MIGRATIONS[version](connection)
        version += 1
        connection.execute(update(schema_version).values(version=version))
