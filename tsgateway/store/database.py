"""The database: accounts and sign-ins here, sessions in `history`, session hosts' settings in `hosts`.

Plain blocking calls; the service runs them on one thread of their own, so that they come one after
the other and never hold up the reactor. Times are seconds since 1970. Each call may raise StoreUnavailable
(see store/engine), and beyond that:

    StoreError
    ├── NameTaken       there is an account of that name
    └── NoSuchUser      there is none
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, delete, event, exists, insert, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, IntegrityError

from tsgateway.config.models import DataSection
from tsgateway.errors import NoSuchUser, StartError, StoreError
from tsgateway.groups import ADMINISTRATORS, EVERYONE
from tsgateway.store.engine import (
    DiskFull,
    StoreBusy,
    StoreUnavailable,
    interrupt,
    postgresql_engine,
    shown,
    sqlite_engine,
)
from tsgateway.store.history import History
from tsgateway.store.hosts import HostSettings
from tsgateway.store.migrate import migrate
from tsgateway.store.schema import memberships, sign_ins, users
from tsgateway.store.tokens import ApiTokens

MAX_SIGN_INS = 64
"""For one account at a time."""


class NameTaken(StoreError):
    """There is an account of that name already."""


class Account(NamedTuple):
    """One account. password: its argon2id hash."""

    name: str
    password: str
    groups: tuple[str, ...]
    enabled: bool


class Store:
    """An open database, of this version's schema. Raises StartError when it cannot be used.

    place: a file of SQLite, or an engine for something else; name: what it is called in sentences.
    """

    def __init__(self, place: Path | Engine, name: str = "") -> None:
        self.name = name or str(place)
        self._engine = sqlite_engine(place) if isinstance(place, Path) else place
        self._open: set[Any] = set()
        event.listen(self._engine, "connect", lambda connection, _: self._open.add(connection))
        event.listen(self._engine, "close", lambda connection, _: self._open.discard(connection))
        writing = self._engine.execution_options(writes=True)
        self._reading = self._engine.connect
        self._writing = writing.begin
        self.history = History(self._reading, self._writing)
        self.hosts = HostSettings(self._reading, self._writing)
        self.tokens = ApiTokens(self._reading, self._writing)
        try:
            migrate(self._engine, writing, self.name)
        except StoreUnavailable as error:
            self.close()
            raise StartError(str(error)) from None
        except DatabaseError as error:
            self.close()
            raise StartError(f"the database {self.name} cannot be used: {error.orig}") from None
        except StartError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._engine.dispose()

    def interrupt(self) -> None:
        """End the call that is being made on another thread: it fails with StoreUnavailable."""
        for connection in list(self._open):
            with contextlib.suppress(Exception):  # it may just have been closed
                interrupt(connection)

    # ---- accounts

    def add_user(self, name: str, password: str, groups: set[str], now: float) -> None:
        """Make an account in `groups` and in the group of everyone. Raises NameTaken.

        password: its hash.
        """
        with self._writing() as connection:
            row = {"name": name, "password": password, "enabled": True, "created": now}
            try:
                user_id = connection.scalar(insert(users).values(row).returning(users.c.id))
            except IntegrityError:
                raise NameTaken(f'there is an account "{name}" already') from None
            rows = [{"user_id": user_id, "group": group} for group in sorted(groups | {EVERYONE})]
            connection.execute(insert(memberships), rows)

    def set_password(self, name: str, password: str) -> None:
        """Change an account's password hash and end all its sign-ins. Raises NoSuchUser."""
        with self._writing() as connection:
            user_id = connection.scalar(select(users.c.id).where(users.c.name == name))
            if user_id is None:
                raise NoSuchUser(f'there is no account "{name}"')
            connection.execute(update(users).where(users.c.id == user_id).values(password=password))
            connection.execute(delete(sign_ins).where(sign_ins.c.user_id == user_id))

    def user(self, name: str) -> Account | None:
        """Return an account."""
        with self._reading() as connection:
            row = connection.execute(select(users).where(users.c.name == name)).mappings().first()
            return None if row is None else _account(connection, row)

    def all_users(self) -> list[Account]:
        """Return all accounts, by name."""
        with self._reading() as connection:
            rows = connection.execute(select(users).order_by(users.c.name)).mappings().all()
            return [_account(connection, row) for row in rows]

    def has_administrator(self) -> bool:
        """Tell whether there is an account that may administer."""
        with self._reading() as connection:
            query = exists().where(memberships.c.group == ADMINISTRATORS).select()
            return bool(connection.scalar(query))

    # ---- sign-ins

    def add_sign_in(self, token_hash: bytes, name: str, now: float) -> None:
        """Remember a sign-in; the account's oldest ends beyond `MAX_SIGN_INS`. Raises NoSuchUser."""
        with self._writing() as connection:
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
        query = select(users, sign_ins.c.created.label("begun"), sign_ins.c.used).join(sign_ins).where(mine)
        with self._reading() as connection:
            row = connection.execute(query).mappings().first()
            account = None if row is None else _account(connection, row)
        if row is None:
            return None
        if not row["enabled"] or now >= row["begun"] + lifetime or now >= row["used"] + idle:
            self.end_sign_in(token_hash)
            return None
        if now - row["used"] > min(60, idle / 4):  # a write each request would wear out the disk
            # That it cannot be noted is no reason to send somebody away.
            with contextlib.suppress(DiskFull, StoreBusy), self._writing() as connection:
                connection.execute(update(sign_ins).where(mine).values(used=now))
        return account

    def end_sign_in(self, token_hash: bytes) -> None:
        """Forget a sign-in."""
        with self._writing() as connection:
            connection.execute(delete(sign_ins).where(sign_ins.c.token_hash == token_hash))

    def forget_old_sign_ins(self, now: float, lifetime: float, idle: float) -> None:
        """Remove those that are over."""
        over = (sign_ins.c.created <= now - lifetime) | (sign_ins.c.used <= now - idle)
        with self._writing() as connection:
            connection.execute(delete(sign_ins).where(over))


def _account(connection: Connection, row: Any) -> Account:
    query = (
        select(memberships.c.group).where(memberships.c.user_id == row["id"]).order_by(memberships.c.group)
    )
    return Account(row["name"], row["password"], tuple(connection.scalars(query)), row["enabled"])


def open_store(data: DataSection, file: Path, *, alone: bool = False) -> Store:
    """Open the configuration's database, made when there is none. Raises StartError.

    file: where SQLite keeps it, when no other database is named; alone: for a gateway, which there is one of.
    """
    if data.database is None:
        return Store(file)
    url = make_url(data.database)
    return Store(postgresql_engine(url, data.database_password_file, alone), shown(url))
