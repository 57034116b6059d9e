"""What the portal keeps and knows for each person: favourites, and when they used which desktop last."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import delete, func, select

from tsgateway.store.schema import favourites, sessions, users
from tsgateway.store.tables import Tables, insert_missing, user_id


class OfDesktop(NamedTuple):
    """What one desktop is to a person. used: when a session of theirs was last seen running, Unix time."""

    is_favourite: bool = False
    used: float | None = None


class Portal(Tables):
    """The table of favourites, and what the table of sessions says about a person."""

    def of_desktops(self, name: str) -> dict[str, OfDesktop]:
        """Return what is known, by desktop; nothing for who has no account (an administrator's command)."""
        used_last = func.max(func.coalesce(sessions.c.ended, sessions.c.since))
        mine = select(sessions.c.desktop, used_last).where(sessions.c.user == name)
        marked = select(favourites.c.desktop).join(users).where(users.c.name == name)
        with self._reading() as connection:
            used = {
                desktop: float(at) for desktop, at in connection.execute(mine.group_by(sessions.c.desktop))
            }
            chosen = set(connection.scalars(marked))
        return {each: OfDesktop(each in chosen, used.get(each)) for each in used.keys() | chosen}

    def mark(self, name: str, desktop: str) -> None:
        """Make a desktop a favourite; one that is already stays so. Raises NoSuchUser."""
        with self._writing() as connection:
            row = {"user_id": user_id(connection, name), "desktop": desktop}
            insert_missing(connection, favourites, [row])

    def unmark(self, name: str, desktop: str) -> None:
        """Make a desktop no favourite any more. Raises NoSuchUser."""
        with self._writing() as connection:
            mine = favourites.c.user_id == user_id(connection, name)
            connection.execute(delete(favourites).where(mine, favourites.c.desktop == desktop))
