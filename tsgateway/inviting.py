"""What invitations are good for: when they are made, when somebody comes by one, and while they stay."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from sessions.rules import Invitations
from tsgateway.access.desk import PolicyDesk, context_of
from tsgateway.auth.sign_in import subject_of
from tsgateway.config import Config
from tsgateway.hosts.directory import Session
from tsgateway.hosts.sessions import Sessions
from tsgateway.hosts.supervisor import HostSupervisor
from tsgateway.policy import Action, Subject, authorize
from tsgateway.store import Store
from tsgateway.store.invitations import Invitation

OVER = "The invitation has expired, or was taken back."
ENDED = "The session you were invited to has ended."
FORBIDDEN = "Sessions of this desktop may not be shown to people who are invited."
SIGN_IN = "This invitation is for people who have signed in here."
NOT_THEIRS = "{user}, who has invited you, may not use this desktop any more."
DENIED = "You may not look on at this desktop from here or at this time."


class Inviting:
    """Decides about invitations, and forgets them when their session is over (hosts.sessions.Watcher).

    access: runs calls of the store on its thread; wall: Unix time.
    """

    log = Logger()

    def __init__(
        self,
        store: Store,
        access: Callable[..., Awaitable[Any]],
        sessions: Sessions,
        desk: PolicyDesk,
        config: Config,
        *,
        wall: Callable[[], float],
    ) -> None:
        self._store = store
        self._access = access
        self._sessions = sessions
        self._desk = desk
        self._config = config
        self._wall = wall
        sessions.watchers.append(self)

    def allowed(self, desktop: str) -> Invitations:
        """Return whom people may invite to their sessions of a desktop, by its rules as they are now."""
        published = self._config.desktops.get(desktop)
        if published is None:
            return Invitations.OFF
        return Invitations(published.rules_with(self._config.sessions)["invitations"])

    async def still_good(self, id: str) -> Invitation | None:
        """Return an invitation, if it was not revoked. Raises StoreUnavailable."""
        found: Invitation | None = await self._access(self._store.invitations.get, id)
        return found

    async def why_not(self, invitation: Invitation | None, guest: Subject, address: str, door: str) -> str:
        """Return why somebody may not look on by an invitation, a sentence; "" if they may.

        guest: who comes (`as_guest` for who has not signed in). Raises StoreUnavailable.
        """
        if invitation is None or invitation.expires <= self._wall():
            return OVER
        if self._sessions.get(invitation.session) is None:
            return ENDED
        rule = self.allowed(invitation.desktop)
        if rule is Invitations.OFF:
            return FORBIDDEN
        if is_guest(guest) and not (invitation.anybody and rule is Invitations.ANYBODY):
            return SIGN_IN
        if not await self._inviter_may(invitation):
            return NOT_THEIRS.format(user=invitation.user)
        decision = await self._desk.consider(context_of(guest, address, door), invitation.desktop)
        return "" if decision.allowed else DENIED

    async def _inviter_may(self, invitation: Invitation) -> bool:
        account = await self._access(self._store.user, invitation.user)
        session = self._sessions.get(invitation.session)
        if account is None or not account.enabled or session is None:
            return False
        return authorize(subject_of(account), Action.INVITE, self._sessions.rights.owned(session.info))

    # ---- hosts.sessions.Watcher

    def session_changed(self, session: Session) -> None:
        """Forget invitations to a session that is over."""
        if session.over:
            forgetting: Any = self._access(self._store.invitations.session_over, session.info["session"])
            forgetting.addErrback(self._not_forgotten)

    def _not_forgotten(self, failure: Failure) -> None:
        self.log.debug("invitations stay until they expire: {error}", error=failure.value)

    def host_told(self, host: HostSupervisor) -> None:
        """Nothing: invitations to sessions that are gone lead nowhere, and expire."""


def as_guest(name: str) -> Subject:
    """Return somebody who has not signed in, called so by themselves; no account can be called like that."""
    return Subject(f"guest:{name}", frozenset(), method="invitation")


def is_guest(subject: Subject) -> bool:
    """Whether somebody has no account here."""
    return subject.name.startswith("guest:")


def shown_guest(subject: Subject) -> str:
    """Return who comes by an invitation as the others see them."""
    return f"{subject.name.removeprefix('guest:')} (guest)" if is_guest(subject) else subject.name
