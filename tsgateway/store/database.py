"""The database: accounts and sign-ins, second factors, groups, roles, policies, sessions, hosts' settings.

Plain blocking calls; the service runs them on one thread of their own, so that they come one after
the other and never hold up the reactor. Times are seconds since 1970. Each call may raise StoreUnavailable
(see store/engine), and the errors that its part of the store names.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from tsgateway.config.models import DataSection
from tsgateway.errors import StartError
from tsgateway.store.accounts import Accounts
from tsgateway.store.engine import StoreUnavailable, interrupt, postgresql_engine, shown, sqlite_engine
from tsgateway.store.factors import Factors
from tsgateway.store.groups import Groups
from tsgateway.store.history import History
from tsgateway.store.hosts import HostSettings
from tsgateway.store.invitations import Invitations
from tsgateway.store.migrate import migrate
from tsgateway.store.policies import Policies
from tsgateway.store.portal import Portal
from tsgateway.store.roles import Roles
from tsgateway.store.sign_ins import SignIns
from tsgateway.store.tokens import ApiTokens


class Store(Accounts, SignIns):
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
        super().__init__(self._engine.connect, writing.begin)
        self.factors = Factors(self._reading, self._writing)
        self.groups = Groups(self._reading, self._writing)
        self.history = History(self._reading, self._writing)
        self.hosts = HostSettings(self._reading, self._writing)
        self.invitations = Invitations(self._reading, self._writing)
        self.policies = Policies(self._reading, self._writing)
        self.portal = Portal(self._reading, self._writing)
        self.roles = Roles(self._reading, self._writing)
        self.tokens = ApiTokens(self._reading, self._writing)
        self.policies = Policies(self._reading, self._writing)
        self.roles = Roles(self._reading, self._writing)
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


def open_store(data: DataSection, file: Path, *, alone: bool = False) -> Store:
    """Open the configuration's database, made when there is none. Raises StartError.

    file: where SQLite keeps it, when no other database is named; alone: for a gateway, which there is one of.
    """
    if data.database is None:
        return Store(file)
    url = make_url(data.database)
    return Store(postgresql_engine(url, data.database_password_file, alone), shown(url))
