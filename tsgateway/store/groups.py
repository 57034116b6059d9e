"""Groups: what desktops, policies and roles are given to.

StoreError
├── NoSuchGroup     there is no group of that name
├── GroupTaken      there is one already
└── KeptGroup       the gateway itself needs that group, or that somebody is in it
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tsgateway.errors import StoreError
from tsgateway.groups import ADMINISTRATORS, EVERYONE
from tsgateway.store.accounts import LOCAL
from tsgateway.store.schema import groups, memberships, role_grants, users
from tsgateway.store.tables import Tables, administrators, keep_an_administrator, put_in, user_id


class NoSuchGroup(StoreError):
    """There is no group of that name."""


class GroupTaken(StoreError):
    """There is a group of that name already."""


class KeptGroup(StoreError):
    """The gateway itself needs it so."""


class Group(NamedTuple):
    """One group. members: how many accounts are in it; created: seconds since 1970."""

    name: str
    description: str
    created: float
    members: int


class Groups(Tables):
    """The table of groups, and who is in them."""

    def all(self) -> list[Group]:
        """Return all groups, by name."""
        count = func.count(memberships.c.user_id)
        joined = groups.outerjoin(memberships, memberships.c.group == groups.c.name)
        query = select(groups.c.name, groups.c.description, groups.c.created, count).select_from(joined)
        with self._reading() as connection:
            rows = connection.execute(query.group_by(groups.c.name).order_by(groups.c.name))
            return [Group(*row) for row in rows]

    def members(self, name: str) -> list[str]:
        """Return who is in a group. Raises NoSuchGroup."""
        with self._reading() as connection:
            _find(connection, name)
            inside = select(users.c.name).join(memberships).where(memberships.c.group == name)
            return list(connection.scalars(inside.order_by(users.c.name)))

    def add(self, name: str, description: str, now: float) -> None:
        """Make a group. Raises GroupTaken."""
        row = {"name": name, "description": description, "created": now}
        with self._writing() as connection:
            try:
                connection.execute(insert(groups).values(row))
            except IntegrityError:
                raise GroupTaken(f'there is a group "{name}" already') from None

    def describe(self, name: str, description: str) -> None:
        """Change a group's description. Raises NoSuchGroup."""
        with self._writing() as connection:
            _find(connection, name)
            changed = update(groups).where(groups.c.name == name).values(description=description)
            connection.execute(changed)

    def remove(self, name: str) -> None:
        """Delete a group and its roles. Raises NoSuchGroup, KeptGroup, LastAdministrator."""
        if name in (EVERYONE, ADMINISTRATORS):
            raise KeptGroup(f'the group "{name}" cannot be deleted: the gateway itself needs it')
        with self._writing() as connection:
            _find(connection, name)
            before = administrators(connection)
            connection.execute(delete(memberships).where(memberships.c.group == name))
            connection.execute(delete(role_grants).where(role_grants.c.group == name))
            connection.execute(delete(groups).where(groups.c.name == name))
            keep_an_administrator(connection, before)

    def add_member(self, name: str, user: str, now: float) -> None:
        """Put an account into a group, whatever its authenticator says. Raises NoSuchGroup, NoSuchUser."""
        with self._writing() as connection:
            _find(connection, name)
            number = user_id(connection, user)
            mine = (memberships.c.user_id == number) & (memberships.c.group == name)
            connection.execute(update(memberships).where(mine).values(source=LOCAL))
            put_in(connection, number, {name}, LOCAL, now)

    def remove_member(self, name: str, user: str) -> None:
        """Take an account out of a group.

        Raises NoSuchGroup, NoSuchUser, KeptGroup, LastAdministrator. Where an authenticator put it in, that
        does it again at the next sign-in.
        """
        if name == EVERYONE:
            raise KeptGroup(f'every account is in the group "{name}"')
        with self._writing() as connection:
            _find(connection, name)
            number, before = user_id(connection, user), administrators(connection)
            mine = (memberships.c.user_id == number) & (memberships.c.group == name)
            connection.execute(delete(memberships).where(mine))
            keep_an_administrator(connection, before)


def _find(connection: Connection, name: str) -> None:
    if connection.scalar(select(groups.c.name).where(groups.c.name == name)) is None:
        raise NoSuchGroup(f'there is no group "{name}"')
