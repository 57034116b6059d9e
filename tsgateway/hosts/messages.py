"""Messages to the people of sessions: sent to their hosts, and what has become of each."""

from __future__ import annotations

import secrets
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from tsgateway.hosts.link import HostError
from tsgateway.hosts.supervisor import HostSupervisor

STOPPED = "The session host stopped before the message was answered."


class Asks(Protocol):
    """The directory of sessions."""

    async def ask(self, session: str, method: str, within: float = ..., /, **params: Any) -> dict[str, Any]:
        """Ask a session's host something about it. Raises HostError."""

    def host_of(self, session: str) -> HostSupervisor | None:
        """Return the host that has a session."""


class Messages:
    """The messages whose answers somebody waits for."""

    def __init__(self, sessions: Asks) -> None:
        self._sessions = sessions
        self._waiting: dict[str, tuple[HostSupervisor | None, Deferred[str]]] = {}

    async def send(
        self, session: str, *, sender: str, title: str, text: str, seconds: int, wait: bool
    ) -> str:
        """Show a message to a session's people. Raises HostError.

        seconds: after which it goes away; 0: when it is read. wait: until it is known what has become of it;
        that is returned: "ok", "timeout", "disconnected" (nobody could be shown it) or "gone" (the session
        has ended), else "".
        """
        name = secrets.token_hex(8)
        words = {"sender": sender, "title": title, "text": text, "seconds": seconds}
        answer: Deferred[str] = Deferred(lambda _: self._forget(name))
        if wait:
            self._waiting[name] = (self._sessions.host_of(session), answer)
        try:
            await self._sessions.ask(session, "message", id=name, ask=wait, **words)
        except HostError:
            self._forget(name)
            raise
        return await answer if wait else ""

    def _forget(self, name: str) -> None:
        self._waiting.pop(name, None)

    def answered(self, host: HostSupervisor, params: dict[str, Any]) -> None:
        """Take the link's event `message_answered`."""
        asked, answer = self._waiting.get(params["id"], (None, None))
        if answer is not None and asked is host:
            del self._waiting[params["id"]]
            answer.callback(str(params["answer"]))

    def host_down(self, host: HostSupervisor) -> None:
        """Nobody answers what was asked there."""
        for name, (asked, answer) in list(self._waiting.items()):
            if asked is host:
                del self._waiting[name]
                answer.errback(HostError(STOPPED))
