"""Accounts: who they are, who checks them, which groups they are in.

StoreError
├── NameTaken           there is an account of that name
├── NoSuchUser          there is none
├── NotLinked           whoever arrives from elsewhere has no account here, and may not have this one
└── LastAdministrator   nobody would be left who may administer
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from tsgateway.errors import StoreError
from tsgateway.groups import ADMINISTRATORS, EVERYONE
from tsgateway.store.roles import roles_of
from tsgateway.store.schema import memberships, role_grants, sign_ins, users
from tsgateway.store.tables import OWNER, Tables, administrators, keep_an_administrator, put_in, user_id

LOCAL = "local"
"""The source of accounts whose passwords are kept here."""


class NameTaken(StoreError):
    """There is an account of that name already."""


class NotLinked(StoreError):
    """Somebody whom an authenticator knows has no account here, or the name is somebody else's."""


class Account(NamedTuple):
    """One account.

    password: its argon2id hash; "" where somebody else checks passwords. source: who does, "local" or an
    authenticator's name; source_key: what it is called there, for ever. must_change: the password, at the
    next sign-in. created: seconds since 1970. roles: its own and its groups', each with the desktop it is for
    (None: everything); not told in lists.
    """

    name: str
    password: str
    groups: tuple[str, ...]
    enabled: bool
    display_name: str = ""
    source: str = LOCAL
    source_key: str | None = None
    must_change: bool = False
    has_totp: bool = False
    created: float = 0.0
    roles: tuple[tuple[str, str | None], ...] = ()


class Arrival(NamedTuple):
    """Somebody whom an authenticator has let in.

    groups: here, after mapping; adopts: whether an account made for this source under this name, without a
    key, is theirs; create: whether one is made when there is none.
    """

    source: str
    key: str
    name: str
    display_name: str
    groups: frozenset[str]
    adopts: bool
    create: bool


class Accounts(Tables):
    """The tables of accounts and who is in which group."""

    def add_user(
        self,
        name: str,
        password: str,
        groups: set[str],
        now: float,
        *,
        display_name: str = "",
        source: str = LOCAL,
        source_key: str | None = None,
        must_change: bool = False,
    ) -> None:
        """Make an account in `groups` and in the group of everyone. Raises NameTaken.

        password: its hash.
        """
        row = {
            "name": name,
            "password": password,
            "enabled": True,
            "created": now,
            "display_name": display_name,
            "source": source,
            "source_key": source_key,
            "must_change": must_change,
        }
        with self._writing() as connection:
            _add(connection, row, groups, LOCAL, now)

    def set_password(self, name: str, password: str, *, must_change: bool = False, keep: bytes = b"") -> None:
        """Change an account's password hash and end its sign-ins. Raises NoSuchUser.

        keep: the one sign-in that goes on, by its token's hash.
        """
        with self._writing() as connection:
            number = user_id(connection, name)
            changed = {"password": password, "must_change": must_change}
            connection.execute(update(users).where(users.c.id == number).values(changed))
            others = (sign_ins.c.user_id == number) & (sign_ins.c.token_hash != keep)
            connection.execute(delete(sign_ins).where(others))

    def rehash(self, name: str, old: str, new: str) -> None:
        """Keep the same password under a newer hash, unless it was changed meanwhile."""
        mine = (users.c.name == name) & (users.c.password == old)
        with self._writing() as connection:
            connection.execute(update(users).where(mine).values(password=new))

    def change_user(
        self,
        name: str,
        *,
        display_name: str | None = None,
        enabled: bool | None = None,
        must_change: bool | None = None,
    ) -> None:
        """Change what is not None; the disabled are signed out. Raises NoSuchUser, LastAdministrator."""
        changes = {"display_name": display_name, "enabled": enabled, "must_change": must_change}
        values = {key: value for key, value in changes.items() if value is not None}
        with self._writing() as connection:
            number, before = user_id(connection, name), administrators(connection)
            if values:
                connection.execute(update(users).where(users.c.id == number).values(values))
            if enabled is False:
                connection.execute(delete(sign_ins).where(sign_ins.c.user_id == number))
                keep_an_administrator(connection, before)

    def link_user(self, name: str, source: str, key: str | None) -> None:
        """Have an account checked by `source` from now on; it is signed out. Raises NoSuchUser, NameTaken.

        key: what it is called there; None for local accounts, whose password has to be set then.
        """
        with self._writing() as connection:
            number = user_id(connection, name)
            values = {"source": source, "source_key": key, "password": "", "must_change": False}
            try:
                connection.execute(update(users).where(users.c.id == number).values(values))
            except IntegrityError:
                raise NameTaken(f'another account is linked to "{key}" of "{source}" already') from None
            connection.execute(delete(sign_ins).where(sign_ins.c.user_id == number))

    def delete_user(self, name: str) -> None:
        """Delete an account and all it has; sessions it has had stay in the list. See `change_user`."""
        with self._writing() as connection:
            number, before = user_id(connection, name), administrators(connection)
            connection.execute(delete(users).where(users.c.id == number))
            keep_an_administrator(connection, before)

    def user(self, name: str) -> Account | None:
        """Return an account."""
        with self._reading() as connection:
            row = connection.execute(select(users).where(users.c.name == name)).mappings().first()
            return None if row is None else account_of(connection, row)

    def all_users(self) -> list[Account]:
        """Return all accounts, by name."""
        with self._reading() as connection:
            rows = connection.execute(select(users).order_by(users.c.name)).mappings().all()
            joined = select(memberships.c.user_id, memberships.c.group).order_by(memberships.c.group)
            of: defaultdict[int, list[str]] = defaultdict(list)
            for number, group in connection.execute(joined):
                of[number].append(group)
        return [_account(row, of[row["id"]]) for row in rows]

    def has_administrator(self) -> bool:
        """Tell whether there is an account that may administer."""
        with self._reading() as connection:
            in_group = exists().where(memberships.c.group == ADMINISTRATORS)
            by_role = exists().where(role_grants.c.role == OWNER, role_grants.c.desktop.is_(None))
            return bool(connection.scalar(select(in_group | by_role)))

    def arrive(self, arrival: Arrival, now: float) -> Account:
        """Return the account of somebody whom an authenticator let in, its groups and name made current.

        Raises NotLinked. An account of another source is never given, whatever its name.
        """
        with self._writing() as connection:
            number = self._find(connection, arrival)
            if number is None:
                number = _make(connection, arrival, now)
            else:
                named = {"display_name": arrival.display_name, "source_key": arrival.key}
                connection.execute(update(users).where(users.c.id == number).values(named))
                old = (memberships.c.user_id == number) & (memberships.c.source == arrival.source)
                connection.execute(delete(memberships).where(old))
                put_in(connection, number, set(arrival.groups), arrival.source, now)
            row = connection.execute(select(users).where(users.c.id == number)).mappings().one()
            return account_of(connection, row)

    def _find(self, connection: Connection, arrival: Arrival) -> int | None:
        known = (users.c.source == arrival.source) & (users.c.source_key == arrival.key)
        number = connection.scalar(select(users.c.id).where(known))
        if number is not None:
            return int(number)
        query = select(users.c.id, users.c.source, users.c.source_key).where(users.c.name == arrival.name)
        named = connection.execute(query).first()
        if named is None:
            return None
        if named.source == arrival.source and named.source_key is None and arrival.adopts:
            return int(named.id)
        raise NotLinked(
            f'there is an account "{arrival.name}" already, and it is not linked to "{arrival.key}" of '
            f'"{arrival.source}"'
        )


def _make(connection: Connection, arrival: Arrival, now: float) -> int:
    if not arrival.create:
        raise NotLinked(f'"{arrival.key}" of "{arrival.source}" ({arrival.name}) has no account here')
    row = {
        "name": arrival.name,
        "password": "",
        "enabled": True,
        "created": now,
        "display_name": arrival.display_name,
        "source": arrival.source,
        "source_key": arrival.key,
    }
    return _add(connection, row, set(arrival.groups), arrival.source, now)


def _add(connection: Connection, row: dict[str, Any], groups: set[str], source: str, now: float) -> int:
    try:
        number = int(connection.execute(insert(users).values(row).returning(users.c.id)).scalar_one())
    except IntegrityError:
        raise NameTaken(f'there is an account "{row["name"]}" already') from None
    put_in(connection, number, {EVERYONE}, LOCAL, now)
    put_in(connection, number, groups - {EVERYONE}, source, now)
    return number


def account_of(connection: Connection, row: RowMapping) -> Account:
    """Return the account of a row of `users`."""
    query = (
        select(memberships.c.group).where(memberships.c.user_id == row["id"]).order_by(memberships.c.group)
    )
    groups = connection.scalars(query).all()
    return _account(row, groups)._replace(roles=roles_of(connection, row["id"], groups))


def _account(row: RowMapping, groups: Iterable[str]) -> Account:
    kept = ("name", "password", "enabled", "display_name", "source", "source_key", "must_change", "created")
    return Account(
        **{name: row[name] for name in kept}, groups=tuple(groups), has_totp=row["totp"] is not None
    )
