"""What happens, told to whoever follows it: sessions that begin, change and end.

Each follower has a queue of its own. One that does not keep up is told that it has missed something, and
asks for the whole again.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred, TimeoutError

from tsgateway.hosts.directory import Session
from tsgateway.hosts.supervisor import HostSupervisor

MAX_WAITING = 256
"""Events for one follower."""
MAX_FOLLOWERS = 256
BEAT = 15.0
"""So often something is said even if nothing happens, seconds: else the line would count as dead."""
MISSED = "missed"
"""The kind of event that tells a follower that there were more than it was told of."""


class Happened(NamedTuple):
    """One event. kind: its name; about: what it is about, for who may see that; told: its JSON object."""

    kind: str
    about: Any
    told: dict[str, Any]


class Seen(Protocol):
    """Says whether a follower may hear of what an event is about."""

    def __call__(self, about: Any) -> bool:
        """Tell whether."""


class TooManyFollow(Exception):
    """There are as many followers as there may be."""


class Events:
    """Carries events to followers."""

    def __init__(self, reactor: Any, shown: Callable[[Session], dict[str, Any]]) -> None:
        self._reactor = reactor
        self._shown = shown
        self._followers: set[_Follower] = set()

    def __len__(self) -> int:
        return len(self._followers)

    def tell(self, kind: str, about: Any, told: dict[str, Any]) -> None:
        """Something has happened."""
        for follower in self._followers:
            follower.take(Happened(kind, about, told))

    def follow(self, sees: Seen) -> AsyncIterator[Happened | None]:
        """Return what happens from now on, None whenever nothing did for a while. Raises TooManyFollow."""
        if len(self._followers) >= MAX_FOLLOWERS:
            raise TooManyFollow
        follower = _Follower(sees)
        self._followers.add(follower)
        return self._following(follower)

    async def _following(self, follower: _Follower) -> AsyncIterator[Happened | None]:
        try:
            while True:
                yield await follower.next(self._reactor)
        finally:
            self._followers.discard(follower)

    # ---- hosts.sessions.Watcher

    def session_changed(self, session: Session) -> None:
        """A session has begun, changed or ended."""
        if self._followers:
            self.tell("ended" if session.over else "session", session, self._shown(session))

    def host_told(self, host: HostSupervisor) -> None:
        """What a host has not any more is not told one by one: followers ask anew."""
        for follower in self._followers:
            follower.miss()


class _Follower:
    def __init__(self, sees: Seen) -> None:
        self._sees = sees
        self._waiting: deque[Happened] = deque()
        self._told: Deferred[None] | None = None

    def take(self, event: Happened) -> None:
        """Queue an event, if it may be seen."""
        if not self._sees(event.about):
            return
        if len(self._waiting) >= MAX_WAITING:
            self.miss()
            return
        self._waiting.append(event)
        self._wake()

    def miss(self) -> None:
        """What waits is of no use any more."""
        self._waiting.clear()
        self._waiting.append(Happened(MISSED, None, {}))
        self._wake()

    def _wake(self) -> None:
        told, self._told = self._told, None
        if told is not None:
            told.callback(None)

    async def next(self, reactor: Any) -> Happened | None:
        """Return the next event, None when there is none for a while."""
        if not self._waiting:
            self._told = Deferred()
            try:
                await self._told.addTimeout(BEAT, reactor)
            except TimeoutError:
                self._told = None
                return None
        return self._waiting.popleft()


def as_sse(event: Happened | None) -> bytes:
    """Return an event as the stream of server-sent events has it (WHATWG HTML, 9.2.6)."""
    if event is None:
        return b":\n\n"
    data = json.dumps(event.told, ensure_ascii=False, separators=(",", ":"))
    return f"event: {event.kind}\ndata: {data}\n\n".encode()
