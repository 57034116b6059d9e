"""Notes in the audit what becomes of sessions, and what is run in their guests."""

from __future__ import annotations

from typing import Any

from sessions.lifecycle import ATTENDED
from sessions.wire.tsg import SessionState
from tsgateway.audit import Event, Journal
from tsgateway.hosts.directory import Session
from tsgateway.hosts.sessions import Sessions
from tsgateway.hosts.supervisor import HostSupervisor


class Noting:
    """Watches the sessions (hosts.sessions.Watcher)."""

    def __init__(self, sessions: Sessions, journal: Journal) -> None:
        self._sessions = sessions
        self._journal = journal
        self._known: dict[str, Session] = {}
        sessions.watchers.append(self)
        sessions.heard_run = self.guest_ran

    def session_changed(self, session: Session) -> None:
        """Note what has changed; a session that was there before the gateway is only remembered."""
        id = str(session.info["session"])
        before, was_attended = self._known.get(id), False
        if before is not None:
            was_attended = before.info.get("state") in ATTENDED
        elif id in self._sessions.starting:
            self._note("session.began", session)
        if session.over:
            self._known.pop(id, None)
            reason = str(session.info.get("reason") or "ended").lower()
            self._note("session.ended", session, reason)
            return
        self._known[id] = session
        is_attended = session.info.get("state") in ATTENDED
        if is_attended and not was_attended and (before is not None or id in self._sessions.starting):
            self._note("session.connected", session)
        elif was_attended and session.info.get("state") == SessionState.DISCONNECTED:
            self._note("session.disconnected", session)

    def host_told(self, host: HostSupervisor) -> None:
        """What a host had and has not any more has ended while nobody could tell."""
        for id, session in list(self._known.items()):
            if session.host is host and self._sessions.get(id) is None:
                del self._known[id]
                self._note("session.ended", session, "lost")

    def guest_ran(self, host: HostSupervisor, told: dict[str, Any]) -> None:
        """Note a command that is run in a guest (the link's event `ran`)."""
        code, error = told.get("code"), str(told.get("error") or "")
        outcome = "failed" if error else "begun" if code is None else f"code {code}"
        details = {"command": told.get("command"), "user": told.get("user"), "host": host.number}
        if error:
            details["error"] = error
        target = f"session:{told.get('session')}"
        self._journal.note(Event("guest.ran", str(told.get("who")), "", target, outcome, details))

    def _note(self, kind: str, session: Session, outcome: str = "") -> None:
        info = session.info
        details = {"desktop": info.get("desktop"), "kind": info.get("kind"), "host": session.host.number}
        if text := info.get("text"):
            details["text"] = text
        user, target = str(info.get("user", "")), f"session:{info['session']}"
        self._journal.note(Event(kind, user, "", target, outcome, details))
