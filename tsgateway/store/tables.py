"""What the parts of the store have in common: how they begin transactions, and how they find an account."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Insert, select
from sqlalchemy.dialects import postgresql, sqlite

from tsgateway.errors import StoreError
from tsgateway.groups import ADMINISTRATORS
from tsgateway.store.schema import groups, memberships, role_grants, users

OWNER = "owner"
"""The role that may do everything; who is in the group of administrators has it, too."""
Transaction = Callable[[], AbstractContextManager[Connection]]


class NoSuchUser(StoreError):
    """There is no account of that name."""


class LastAdministrator(StoreError):
    """Nobody would be left who may administer."""


class Tables:
    """A part of the store. reading, writing: open a transaction."""

    def __init__(self, reading: Transaction, writing: Transaction) -> None:
        self._reading = reading
        self._writing = writing


def user_id(connection: Connection, name: str) -> int:
    """Return an account's number. Raises NoSuchUser."""
    found = connection.scalar(select(users.c.id).where(users.c.name == name))
    if found is None:
        raise NoSuchUser(f'there is no account "{name}"')
    return int(found)


def insert_missing(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    """Insert those rows whose key is not there yet."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Insert = dialect.insert(table).on_conflict_do_nothing()
    connection.execute(statement, rows)


def put_in(connection: Connection, user: int, names: set[str], source: str, now: float) -> None:
    """Put an account into groups, made where they are missing; where it is already, nothing changes."""
    wanted = sorted(names)
    insert_missing(connection, groups, [{"name": name, "description": "", "created": now} for name in wanted])
    rows = [{"user_id": user, "group": name, "source": source} for name in wanted]
    insert_missing(connection, memberships, rows)


def administrators(connection: Connection) -> int:
    """Return how many accounts own the gateway, at most two: by role or in the group, and not disabled."""
    owns = (role_grants.c.role == OWNER) & role_grants.c.desktop.is_(None)
    by_role = select(role_grants.c.user_id).where(owns, role_grants.c.user_id.is_not(None))
    owning = select(role_grants.c.group).where(owns, role_grants.c.group.is_not(None))
    of_group = (memberships.c.group == ADMINISTRATORS) | memberships.c.group.in_(owning)
    by_group = select(memberships.c.user_id).where(of_group)
    query = select(users.c.id).where(users.c.enabled, users.c.id.in_(by_role) | users.c.id.in_(by_group))
    return len(connection.execute(query.limit(2)).all())


def keep_an_administrator(connection: Connection, before: int) -> None:
    """Raise LastAdministrator for a change that leaves nobody to administer. before: how many there were."""
    if before and not administrators(connection):
        raise LastAdministrator(
            "nobody would be left who may administer; make somebody else an administrator first"
        )
