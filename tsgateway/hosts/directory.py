"""Which sessions there are, and how those that ended did: filled by what hosts tell, kept in memory only."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Any

from sessions.wire.tsg import SessionState
from tsgateway.hosts.supervisor import HostSupervisor

Info = dict[str, Any]

MAX_NUMBER = 9
"""Digits of a session's short number; ids are longer."""
MAX_ENDINGS = 256
"""So many sessions are remembered after their end, for those who come late to hear why."""


@dataclasses.dataclass
class Session:
    """One session as its host last told it. info: SessionInfo of the link."""

    info: Info
    host: HostSupervisor

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return bool(self.info.get("state") == SessionState.ENDED)


class Directory:
    """Sessions by their id, their number, their person, their desktop and their host."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._endings: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def on(self, host: HostSupervisor) -> int:
        """Return how many sessions a host has, those that are being started included."""
        return len(self.all_on(host))

    def all_on(self, host: HostSupervisor) -> list[Session]:
        """Return these sessions."""
        return [session for session in self._sessions.values() if session.host is host]

    def of(self, desktop: str) -> int:
        """Return how many sessions of a desktop there are, those that are being started included."""
        return sum(session.info["desktop"] == desktop for session in self._sessions.values())

    def get(self, session: str) -> Session | None:
        """Return a session that has not ended."""
        return self._sessions.get(session)

    def named(self, text: str) -> Session | None:
        """Return the session that has this id or, for people, this number."""
        if len(text) <= MAX_NUMBER and text.isascii() and text.isdecimal():
            number = int(text)
            return next((each for each in self._sessions.values() if each.info.get("number") == number), None)
        return self._sessions.get(text)

    def all(self) -> list[Session]:
        """Return every session that has not ended."""
        return list(self._sessions.values())

    def host_of(self, session: str) -> HostSupervisor | None:
        """Return the host that has a session."""
        found = self._sessions.get(session)
        return None if found is None else found.host

    def ending(self, session: str, user: str) -> str:
        """Say how a session has ended; "" when that is not known, or nothing to this person."""
        owner, reason = self._endings.get(session, ("", ""))
        return reason if owner == user else ""

    def find(self, user: str, desktop: str) -> Session | None:
        """Return a person's session of a desktop."""
        for session in self._sessions.values():
            if session.info["user"] == user and session.info["desktop"] == desktop:
                return session
        return None

    def all_of(self, user: str, desktop: str) -> list[Session]:
        """Return a person's sessions of a desktop, the newest first."""
        found = [session for session in self.of_user(user) if session.info["desktop"] == desktop]
        return sorted(found, key=lambda session: session.info.get("started", 0.0), reverse=True)

    def of_user(self, user: str) -> list[Session]:
        """Return a person's sessions, those that are being started included."""
        return [session for session in self._sessions.values() if session.info["user"] == user]

    def numbers(self) -> set[int]:
        """Return the numbers that people call sessions by."""
        return {session.info.get("number", 0) for session in self._sessions.values()}

    def put(self, session: Session) -> None:
        """Keep a session as it is now; of one that has ended, how."""
        id = session.info["session"]
        if not session.over:
            self._sessions[id] = session
            return
        self._sessions.pop(id, None)
        self._endings[id] = (session.info["user"], str(session.info.get("text", "")))
        if len(self._endings) > MAX_ENDINGS:
            self._endings.popitem(last=False)

    def forget(self, session: str) -> None:
        """Drop a session, if there is one, as if it had never been."""
        self._sessions.pop(session, None)
