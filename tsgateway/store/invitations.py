"""Invitations to sessions: what a link lets people do who have it, until when, and who has come by it.

Only hashes of secrets are kept. Rows go with their session, when somebody revokes them, or a day after they
expired.
"""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, select, update

from tsgateway.errors import StoreError
from tsgateway.store.schema import invitation_guests, invitations
from tsgateway.store.tables import Tables

MAX_INVITATIONS = 32
"""Of one session."""
KEEP = 86_400.0
"""Seconds for which an invitation that has expired is still listed."""


class TooManyInvitations(StoreError):
    """The session has as many invitations as it may have."""


class UsedUp(StoreError):
    """As many people as it was for have come by an invitation, or it is there no more."""


class Invitation(NamedTuple):
    """One invitation, without its secret. Times: Unix times.

    session, desktop, user: to whose session; control: with keyboard and pointer; anybody: whoever has the
    link, else people who have signed in; ask: the session's person is asked each time; uses: how many people
    may come by it; guests: the names of those who have.
    """

    id: str
    session: str
    desktop: str
    user: str
    control: bool
    anybody: bool
    ask: bool
    uses: int
    created: float
    expires: float
    guests: tuple[str, ...] = ()


class Guest(NamedTuple):
    """Who comes by an invitation. user: the account, "" for who has not signed in; name: for people."""

    user: str
    name: str


class Invitations(Tables):
    """The table of them."""

    def add(self, secret_hash: bytes, made: Invitation) -> Invitation:
        """Keep a new invitation, whose id is chosen here; return it. Raises TooManyInvitations."""
        kept = made._replace(id=secrets.token_hex(6), guests=())
        with self._writing() as connection:
            count = select(func.count()).select_from(invitations).where(invitations.c.session == made.session)
            if (connection.scalar(count) or 0) >= MAX_INVITATIONS:
                raise TooManyInvitations(
                    f"this session has {MAX_INVITATIONS} invitations; revoke one of them first"
                )
            row = {key: value for key, value in kept._asdict().items() if key != "guests"}
            connection.execute(insert(invitations), {**row, "hash": secret_hash})
        return kept

    def find(self, secret_hash: bytes) -> Invitation | None:
        """Return the invitation with this secret."""
        return self._one(select(invitations).where(invitations.c.hash == secret_hash))

    def get(self, id: str) -> Invitation | None:
        """Return an invitation by its id."""
        return self._one(select(invitations).where(invitations.c.id == id))

    def all(self, session: str | None = None) -> list[Invitation]:
        """Return a session's invitations, or everybody's, the newest first."""
        query = select(invitations).order_by(invitations.c.created.desc(), invitations.c.id)
        if session is not None:
            query = query.where(invitations.c.session == session)
        with self._reading() as connection:
            rows = connection.execute(query).mappings().all()
            guests = _guests(connection, [row["id"] for row in rows])
        return [_invitation(row, guests) for row in rows]

    def come(self, id: str, guest: Guest, token_hash: bytes, before: bytes | None, now: float) -> None:
        """Let somebody come by an invitation, which counts once a person. Raises UsedUp.

        token_hash: of what they may come again with; before: of what they had of that kind until now. People
        who have signed in are known by their name.
        """
        with self._writing() as connection:
            most = connection.scalar(select(invitations.c.uses).where(invitations.c.id == id))
            came = invitation_guests.c.invitation_id == id
            if most is None:
                raise UsedUp("this invitation is there no more")
            who = invitation_guests.c.user == guest.user if guest.user else invitation_guests.c.hash == before
            again = update(invitation_guests).where(came, who).values(hash=token_hash, name=guest.name)
            if (guest.user or before) and connection.execute(again).rowcount:
                return
            count = connection.scalar(select(func.count()).select_from(invitation_guests).where(came)) or 0
            if count >= most:
                raise UsedUp("as many people as this invitation was for have used it")
            row = {"invitation_id": id, "hash": token_hash, "came": now, **guest._asdict()}
            connection.execute(insert(invitation_guests), row)

    def remove(self, id: str) -> bool:
        """Revoke an invitation; tell whether there was one."""
        return self._delete(invitations.c.id == id)

    def session_over(self, session: str) -> None:
        """Forget the invitations to a session that has ended."""
        self._delete(invitations.c.session == session)

    def forget_old(self, now: float) -> None:
        """Forget those that expired long ago."""
        self._delete(invitations.c.expires < now - KEEP)

    def _delete(self, which: Any) -> bool:
        with self._writing() as connection:
            return bool(connection.execute(delete(invitations).where(which)).rowcount)

    def _one(self, query: Select[Any]) -> Invitation | None:
        with self._reading() as connection:
            row = connection.execute(query).mappings().first()
            return None if row is None else _invitation(row, _guests(connection, [row["id"]]))


def _guests(connection: Connection, ids: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    if ids:
        came = invitation_guests.c
        query = select(came.invitation_id, came.name).where(came.invitation_id.in_(ids)).order_by(came.came)
        for id, name in connection.execute(query):
            found.setdefault(id, []).append(name)
    return found


def _invitation(row: RowMapping, guests: dict[str, list[str]]) -> Invitation:
    kept = {key: row[key] for key in Invitation._fields if key != "guests"}
    return Invitation(**kept, guests=tuple(guests.get(row["id"], ())))
