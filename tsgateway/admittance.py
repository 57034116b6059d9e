"""Who is let in, and who has to go: tickets, rights, policies and sign-ins, for every viewer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from sessions.wire.tsg import Capability, ClientHello, CloseCode
from tsgateway.access.desk import PolicyDesk, context_of
from tsgateway.access.watch import OVER, PolicyWatch, Present
from tsgateway.audit import Event, Journal
from tsgateway.auth.sign_in import SignIn
from tsgateway.auth.tokens import Grant, Tickets
from tsgateway.hosts.attachment import Attachment, Shadowing, Who
from tsgateway.hosts.controls import Turn
from tsgateway.hosts.link import HostError
from tsgateway.hosts.sessions import NOT_RUNNING, SessionOver, Sessions
from tsgateway.hosts.shadows import ShadowEvent
from tsgateway.inviting import Inviting
from tsgateway.policy import Action, Owned, Subject, authorize
from tsgateway.policy.policies import NOTHING
from tsgateway.protocols.tsg.viewer import Refused, Viewer, Viewers
from tsgateway.store import StoreUnavailable

CHECK_SIGN_INS_EVERY = 15.0
DATABASE_AWAY = "The server's database is away for the moment. Try again in a minute."
SIGN_IN_OVER = "Your sign-in is over. Sign in again."
UNINVITED = "Your invitation was taken back."


class Admittance:
    """Lets viewers in and sends them away. journal: hears of both, and of who looks on."""

    log = Logger()

    def __init__(
        self,
        sessions: Sessions,
        sign_in: SignIn,
        desk: PolicyDesk,
        inviting: Inviting,
        *,
        journal: Journal,
        reactor: Any,
        wall: Callable[[], float],
    ) -> None:
        self.viewers = Viewers(self, reactor)
        self.tickets = Tickets()
        self.watch = PolicyWatch(desk, reactor, wall, sign_in.known, lambda: self.viewers.numbers)
        self._sessions = sessions
        self._sign_in = sign_in
        self._desk = desk
        self._inviting = inviting
        self._journal = journal
        self._clock: Callable[[], float] = reactor.seconds
        self._attached: set[int] = set()  # numbers of viewers whose leaving is to be noted
        self._checking = LoopingCall(self.check_sign_ins)
        self._checking.clock = reactor
        sessions.shadows.told.append(self._note_shadow)
        sessions.controls.told.append(self._note_turn)

    def start(self) -> None:
        """Look after viewers from now on."""
        self.viewers.start()
        self.watch.start()
        self._checking.start(CHECK_SIGN_INS_EVERY, now=False)

    def stop(self, reason: str) -> None:
        """Send everybody away."""
        self.watch.stop()
        self.viewers.stop(reason)
        if self._checking.running:
            self._checking.stop()

    # ---- api.api.Doorkeeper

    def ticket(
        self, subject: Subject, sign_in: bytes, session: str, shadow: Shadowing | None = None
    ) -> bytes:
        """Issue a ticket. shadow: for somebody who looks on at another's session."""
        grant = Grant(subject, session, sign_in)
        if shadow is not None:
            grant = Grant(
                subject, session, sign_in, shadow.way, shadow.by, shadow.consent, invitation=shadow.invitation
            )
        return self.tickets.issue(grant, self._clock())

    def may_view(self, viewer: int, session: Owned) -> bool:
        """Tell whether the person of a viewer may use a session."""
        found = self.viewers.attached(viewer)
        return bool(found and found.grant and authorize(found.grant.subject, Action.VIEW, session))

    def switch(self, viewer: int, session: str, title: str) -> None:
        """Let a viewer go to another session, as far as it can."""
        found = self.viewers.attached(viewer)
        if found is not None and found.grant is not None:
            found.switch(self.ticket(found.grant.subject, found.grant.sign_in, session), session, title)

    async def signed_out(self, sign_in: bytes) -> None:
        """A sign-in ended: close its viewers, drop its tickets."""
        self._sign_in_is_over(sign_in, "You have signed out.")

    def uninvite(self, invitation: str) -> None:
        """An invitation was revoked: close the viewers that came by it, drop its tickets."""
        self.tickets.uninvite(invitation)
        for viewer in self.viewers.of(lambda grant: grant.invitation == invitation):
            viewer.close(CloseCode.SHADOW_OVER, UNINVITED)

    def _sign_in_is_over(self, sign_in: bytes, reason: str) -> None:
        if not sign_in:
            return  # guests have none
        self.tickets.revoke(sign_in)
        for viewer in self.viewers.of(lambda grant: grant.sign_in == sign_in):
            viewer.close(CloseCode.SIGNED_OUT, reason)

    async def check_sign_ins(self) -> None:
        """Close viewers whose sign-in is over; a viewer counts as use of it."""
        attached = self.viewers.of(lambda grant: True)
        try:
            for sign_in in {viewer.grant.sign_in for viewer in attached if viewer.grant} - {b""}:
                subject = await self._sign_in.known(sign_in)
                if subject is None:
                    self._sign_in_is_over(sign_in, SIGN_IN_OVER)
                else:
                    self._check_shadows(sign_in, subject)
            for viewer in attached:
                await self._check_invited(viewer)
            await self._sign_in.forget_old()
        except StoreUnavailable as error:  # whoever is there stays
            self.log.debug("sign-ins are not checked now: {error}", error=error)
        except Exception:  # a full disk must not end the checks for good
            self.log.failure("sign-ins cannot be checked now")

    def _check_shadows(self, sign_in: bytes, subject: Subject) -> None:
        """Close viewers of somebody who looks on and may not any more."""
        for viewer in self.viewers.of(lambda grant: grant.sign_in == sign_in and is_helpers(grant)):
            grant = viewer.grant
            session = None if grant is None else self._sessions.get(grant.session)
            if grant is None or session is None:
                continue  # it is about to go anyway
            if not authorize(subject, attaching(grant), self._sessions.rights.owned(session.info)):
                viewer.close(CloseCode.SHADOW_OVER, "You may not look on at this session any more.")

    async def _check_invited(self, viewer: Viewer) -> None:
        """Close a viewer that came by an invitation, if that is good no more."""
        if viewer.grant is not None and viewer.grant.invitation:
            refusal = await self._uninvited(viewer.grant, viewer)
            if refusal:
                viewer.close(CloseCode.SHADOW_OVER, refusal)

    async def _uninvited(self, grant: Grant, viewer: Viewer) -> str:
        """Return why somebody may not look on by an invitation, "" if they may. Raises StoreUnavailable."""
        subject: Subject | None = grant.subject
        if grant.sign_in:  # with the groups they have by now
            subject = await self._sign_in.known(grant.sign_in)
        if subject is None:
            return SIGN_IN_OVER
        invitation = await self._inviting.still_good(grant.invitation)
        return await self._inviting.why_not(invitation, subject, viewer.address, viewer.door)

    def _note_shadow(self, event: ShadowEvent) -> None:
        details = {
            "user": event.user,
            "desktop": event.desktop,
            "control": event.control,
            "asked": event.asked,
            **({"reason": event.reason} if event.reason else {}),
            **({"invitation": event.invitation} if event.invitation else {}),
        }
        target = f"session:{event.session}"
        self._journal.note(Event(f"shadow.{event.state}", event.who, event.address, target, details=details))

    def _note_turn(self, turn: Turn) -> None:
        details: dict[str, Any] = {"viewer": turn.viewer}
        if turn.state == "ended" and turn.inputs >= 0:
            details |= {"seconds": turn.seconds, "inputs": turn.inputs}
        target = f"session:{turn.session}"
        self._journal.note(Event(f"control.{turn.state}", turn.who, turn.address, target, details=details))

    # ---- protocols.tsg.viewer.Gate

    async def redeem(self, ticket: bytes) -> Grant:
        """Take a ticket in, if the sign-in it was given for still stands. Raises Refused."""
        grant = self.tickets.redeem(ticket, self._clock())
        if grant is None:
            raise Refused(CloseCode.TICKET, "The ticket is not good: each is for one use within 30 seconds.")
        # Another process may have ended it a moment ago: `tsgateway user passwd`.
        try:
            is_known = grant.is_guests or await self._sign_in.known(grant.sign_in) is not None
        except StoreUnavailable:
            raise Refused(CloseCode.SERVER_ERROR, DATABASE_AWAY) from None
        if not is_known:
            raise Refused(CloseCode.SIGNED_OUT, SIGN_IN_OVER)
        return grant

    async def attach(self, grant: Grant, hello: ClientHello, viewer: Viewer) -> Attachment:
        """Attach to the session. Raises Refused."""
        session = self._sessions.get(grant.session)
        if session is None:
            ending = self._sessions.ending(grant.session, grant.user)
            raise Refused(CloseCode.SESSION_ENDED, ending or NOT_RUNNING)
        if grant.invitation:
            await self._admit_invited(grant, viewer)
        elif not authorize(grant.subject, attaching(grant), self._sessions.rights.owned(session.info)):
            raise Refused(CloseCode.TICKET, "This session is not yours.")
        limits = None if grant.shadow else await self._admit(grant, hello, viewer, session.info["desktop"])
        shadow = None
        if grant.shadow:
            shadow = Shadowing(grant.shadow, grant.by, grant.consent, grant.invitation)
        try:
            who = Who(grant.user, viewer.address, viewer.door, hello.client)
            redirections = NOTHING if viewer.grant is None else viewer.grant.redirections
            attachment = await self._sessions.attach(
                grant.session, hello, viewer, who, shadow=shadow, limits=limits, allow=redirections.names
            )
            self._attached.add(viewer.number)
            self._note_viewer("viewer.attached", grant, viewer, hello.client)
            return attachment
        except SessionOver as error:
            raise Refused(CloseCode.SESSION_ENDED, str(error)) from None
        except HostError as error:
            raise Refused(CloseCode.SERVER_ERROR, str(error)) from None

    async def _admit_invited(self, grant: Grant, viewer: Viewer) -> None:
        """Let somebody in by an invitation, if it is still good. Raises Refused."""
        try:
            refusal = await self._uninvited(grant, viewer)
        except StoreUnavailable:
            raise Refused(CloseCode.SERVER_ERROR, DATABASE_AWAY) from None
        if refusal:
            raise Refused(CloseCode.SHADOW_OVER, refusal)

    async def _admit(
        self, grant: Grant, hello: ClientHello, viewer: Viewer, desktop: str
    ) -> Mapping[str, float]:
        """Let policies decide; return the limits that hold for this viewer. Raises Refused."""
        context = context_of(grant.subject, viewer.address, viewer.door)
        try:
            decision = await self._desk.decide(context, desktop)
        except StoreUnavailable:
            raise Refused(CloseCode.SERVER_ERROR, DATABASE_AWAY) from None
        if not decision.allowed:
            raise Refused(CloseCode.DISCONNECTED, OVER.format(reference=decision.reference))
        viewer.grant = dataclasses.replace(grant, redirections=decision.redirections)
        takes_notices = Capability.NOTICES in hello.capabilities
        self.watch.came(viewer.number, Present(viewer, context, desktop, grant.sign_in, takes_notices))
        return {
            "idle_minutes": decision.limits.idle_minutes,
            "active_minutes": decision.limits.session_minutes,
        }

    def left(self, grant: Grant, viewer: Viewer) -> None:
        """A viewer has gone."""
        if viewer.number in self._attached:
            self._attached.discard(viewer.number)
            self._note_viewer("viewer.left", grant, viewer)

    def _note_viewer(self, kind: str, grant: Grant, viewer: Viewer, client: str = "") -> None:
        details = {"viewer": viewer.number, **({"client": client} if client else {})}
        target = f"session:{grant.session}"
        self._journal.note(Event(kind, grant.user, viewer.address, target, details=details))


def is_helpers(grant: Grant) -> bool:
    """Whether it lets somebody look on by a role of theirs."""
    return bool(grant.shadow) and not grant.invitation


def attaching(grant: Grant) -> Action:
    """Return what somebody does who attaches with this grant."""
    if not grant.shadow:
        return Action.VIEW
    return Action.SHADOW_CONTROL if grant.shadow == "control" else Action.SHADOW
