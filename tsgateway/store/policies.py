"""Policies in their order, and what reference numbers stand for.

StoreError
├── PoliciesChanged   somebody else changed policies meanwhile
├── NoSuchPolicy      there is none with that number
├── PolicyNameTaken   there is one of that name already
└── TooManyPolicies   there are `MAX_POLICIES`
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tsgateway.errors import StoreError
from tsgateway.store.schema import policies, policy_decisions, policy_revision
from tsgateway.store.tables import Tables

MAX_POLICIES = 1000
MAX_DECISIONS = 20_000
"""Kept; the oldest go first."""
KEEP_SECONDS = 30 * 86_400.0
_BIGGEST = 2**31 - 1
"""What PostgreSQL's whole numbers hold."""


class PoliciesChanged(StoreError):
    """Policies are not as they were when they were looked at."""


class NoSuchPolicy(StoreError):
    """There is no policy with that number."""


class PolicyNameTaken(StoreError):
    """There is a policy of that name already."""


class TooManyPolicies(StoreError):
    """There are as many policies as there may be."""


class StoredPolicy(NamedTuple):
    """One policy. table: its JSON table; changed: seconds since 1970, 0 when it was there from the start."""

    id: int
    table: Mapping[str, Any]
    changed: float
    changed_by: str


class StoredPolicies(NamedTuple):
    """All policies, each kind in its order, and the revision that this is."""

    revision: int
    policies: tuple[StoredPolicy, ...]


class Noted(NamedTuple):
    """A decision that was noted. at: seconds since 1970; body: a JSON table."""

    reference: str
    at: float
    body: Mapping[str, Any]


class Policies(Tables):
    """The table of policies.

    `revision` of methods: the one that was looked at; when there is another one by now, nothing is changed
    and PoliciesChanged is raised. None: whatever there is.
    """

    def revision(self) -> int:
        """Return how often policies were changed."""
        with self._reading() as connection:
            return _revision(connection)

    def all(self) -> StoredPolicies:
        """Return all of them."""
        query = select(policies).order_by(policies.c.kind, policies.c.position, policies.c.id)
        with self._reading() as connection:
            revision = _revision(connection)
            rows = connection.execute(query).all()
        return StoredPolicies(
            revision,
            tuple(StoredPolicy(row.id, json.loads(row.body), row.changed, row.changed_by) for row in rows),
        )

    def add(self, table: Mapping[str, Any], by: str, now: float, revision: int | None = None) -> int:
        """Add the last policy of its kind; return its number. Raises PolicyNameTaken, TooManyPolicies."""
        with self._writing() as connection:
            _change(connection, revision)
            if (connection.scalar(select(func.count()).select_from(policies)) or 0) >= MAX_POLICIES:
                raise TooManyPolicies(f"there are {MAX_POLICIES} policies, more are not possible")
            last = select(func.max(policies.c.position)).where(policies.c.kind == table["kind"])
            position = connection.scalar(last)
            row = {**_row(table, by, now), "position": 0 if position is None else position + 1}
            try:
                return connection.scalar(insert(policies).values(row).returning(policies.c.id)) or 0
            except IntegrityError:
                raise _taken(table) from None

    def change(self, id: int, table: Mapping[str, Any], by: str, now: float, revision: int | None) -> None:
        """Replace a policy by another one of its kind. Raises NoSuchPolicy, PolicyNameTaken."""
        with self._writing() as connection:
            _change(connection, revision)
            which = (policies.c.id == _number(id)) & (policies.c.kind == table["kind"])
            try:
                changed = connection.execute(update(policies).where(which).values(_row(table, by, now)))
            except IntegrityError:
                raise _taken(table) from None
            if not changed.rowcount:
                raise NoSuchPolicy(f"there is no {table['kind']} policy {id}")

    def remove(self, id: int, revision: int | None) -> None:
        """Delete a policy. Raises NoSuchPolicy."""
        with self._writing() as connection:
            _change(connection, revision)
            if not connection.execute(delete(policies).where(policies.c.id == _number(id))).rowcount:
                raise NoSuchPolicy(f"there is no policy {id}")

    def reorder(self, kind: str, ids: Sequence[int], revision: int | None) -> None:
        """Put the policies of a kind in this order; all have to be named, each once. Raises NoSuchPolicy."""
        with self._writing() as connection:
            _change(connection, revision)
            known = set(connection.scalars(select(policies.c.id).where(policies.c.kind == kind)))
            if unknown := [id for id in ids if id not in known]:
                raise NoSuchPolicy(f"there is no {kind} policy {unknown[0]}")
            if missing := known.difference(ids):
                raise NoSuchPolicy(f"the order lacks the {kind} policy {min(missing)}")
            if len(ids) != len(known):
                raise NoSuchPolicy(f"the order names a {kind} policy twice")
            for position, id in enumerate(ids):
                connection.execute(update(policies).where(policies.c.id == id).values(position=position))

    # ---- decisions

    def note(self, rows: Iterable[Noted]) -> None:
        """Keep decisions by their reference numbers; old ones, and those beyond `MAX_DECISIONS`, go."""
        if not (noted := list(rows)):
            return
        new = [{"reference": row.reference, "at": row.at, "body": json.dumps(row.body)} for row in noted]
        before = max(row.at for row in noted) - KEEP_SECONDS
        table = policy_decisions
        oldest = select(table.c.reference).order_by(table.c.at.desc()).offset(MAX_DECISIONS)
        with self._writing() as connection:
            connection.execute(delete(table).where(table.c.reference.in_([row["reference"] for row in new])))
            connection.execute(insert(table), new)
            connection.execute(delete(table).where(table.c.at < before))
            connection.execute(delete(table).where(table.c.reference.in_(oldest)))

    def noted(self, reference: str) -> Noted | None:
        """Return what a reference number stands for."""
        query = select(policy_decisions).where(policy_decisions.c.reference == reference)
        with self._reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else Noted(row.reference, row.at, json.loads(row.body))


def _revision(connection: Connection) -> int:
    return connection.scalar(select(policy_revision.c.revision)) or 0


def _change(connection: Connection, looked_at: int | None) -> None:
    """Count the revision on, which also keeps other writers waiting. Raises PoliciesChanged."""
    counter = policy_revision.c.revision
    counted = update(policy_revision).values(revision=counter + 1)
    if looked_at is not None:
        counted = counted.where(counter == _number(looked_at))
    if not connection.execute(counted).rowcount:
        raise PoliciesChanged(
            f"policies were changed meanwhile (revision {_revision(connection)}, yours is {looked_at}): "
            "look at them again, then save"
        )


def _number(value: int) -> int:
    return value if 0 <= value <= _BIGGEST else -1


def _row(table: Mapping[str, Any], by: str, now: float) -> dict[str, Any]:
    body = json.dumps(table)
    return {"kind": table["kind"], "name": table["name"], "body": body, "changed": now, "changed_by": by}


def _taken(table: Mapping[str, Any]) -> PolicyNameTaken:
    return PolicyNameTaken(f'there is a policy "{table["name"]}" already')
