"""Who has which role, by name or by group, for everything or for one desktop.

StoreError
├── NoSuchRole   nobody was given the role that is to be taken away
└── TooManyRoles there are `MAX_GRANTS`
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from tsgateway.errors import StoreError
from tsgateway.store.schema import memberships, role_grants, users
from tsgateway.store.tables import Tables, administrators, keep_an_administrator, user_id

MAX_GRANTS = 10_000
_BIGGEST = 2**31 - 1


class NoSuchRole(StoreError):
    """There is no such grant."""


class TooManyRoles(StoreError):
    """There are as many grants as there may be."""


class RoleGrant(NamedTuple):
    """A role that was given: to a user or to a group. desktop: the one it is for; None: everything."""

    id: int
    role: str
    user: str | None
    group: str | None
    desktop: str | None


class Roles(Tables):
    """The table of roles that were given."""

    def all(self) -> list[RoleGrant]:
        """Return all that were given."""
        with self._reading() as connection:
            return [RoleGrant(*row) for row in connection.execute(_ALL)]

    def one(self, id: int) -> RoleGrant:
        """Return one. Raises NoSuchRole."""
        with self._reading() as connection:
            return _one(connection, id)

    def give(self, role: str, user: str | None, group: str | None, desktop: str | None) -> RoleGrant:
        """Give a role to a user or a group, if they have it not. Raises NoSuchUser, TooManyRoles."""
        with self._writing() as connection:
            number = None if user is None else user_id(connection, user)
            row = {"role": role, "user_id": number, "group": group, "desktop": desktop}
            same = [role_grants.c[key].is_not_distinct_from(value) for key, value in row.items()]
            id = connection.scalar(select(role_grants.c.id).where(*same))
            if id is None:
                if (connection.scalar(select(func.count()).select_from(role_grants)) or 0) >= MAX_GRANTS:
                    raise TooManyRoles(f"{MAX_GRANTS} roles have been given, more are not possible")
                id = connection.scalar(insert(role_grants).values(row).returning(role_grants.c.id)) or 0
            return _one(connection, id)

    def take(self, id: int) -> RoleGrant:
        """Take a role away; return what it was. Raises NoSuchRole, LastAdministrator."""
        with self._writing() as connection:
            found, before = _one(connection, id), administrators(connection)
            connection.execute(delete(role_grants).where(role_grants.c.id == id))
            keep_an_administrator(connection, before)
            return found

    def of(self, user: str) -> list[RoleGrant]:
        """Return the roles a user has, by name and by groups. Raises NoSuchUser."""
        with self._reading() as connection:
            number = user_id(connection, user)
            groups = select(memberships.c.group).where(memberships.c.user_id == number)
            mine = (role_grants.c.user_id == number) | role_grants.c.group.in_(groups)
            return [RoleGrant(*row) for row in connection.execute(_ALL.where(mine))]


def roles_of(
    connection: Connection, number: int, groups: Iterable[str]
) -> tuple[tuple[str, str | None], ...]:
    """Return the roles of an account and its groups, each with the desktop it is for (None: all)."""
    mine = (role_grants.c.user_id == number) | role_grants.c.group.in_(list(groups))
    found = connection.execute(select(role_grants.c.role, role_grants.c.desktop).where(mine).distinct())
    return tuple((role, desktop) for role, desktop in found)


_ALL = (
    select(role_grants.c.id, role_grants.c.role, users.c.name, role_grants.c.group, role_grants.c.desktop)
    .select_from(role_grants.outerjoin(users))
    .order_by(role_grants.c.id)
)


def _one(connection: Connection, id: int) -> RoleGrant:
    row = connection.execute(_ALL.where(role_grants.c.id == id)).first() if 0 <= id <= _BIGGEST else None
    if row is None:
        raise NoSuchRole(f"there is no role with the number {id} that was given to somebody")
    return RoleGrant(*row)
