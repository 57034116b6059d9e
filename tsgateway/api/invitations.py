"""Invitations: links by which people let others look on at their sessions, and what is traded for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import Field

from sessions.rules import Invitations as Rule
from tsgateway.api.api import on_session
from tsgateway.api.route import NOBODY, Answer, Call, May, Model, Route, SignedIn, Stranger
from tsgateway.audit import Event
from tsgateway.auth.tokens import hash_token, new_token
from tsgateway.exchange import ApiError
from tsgateway.hosts.attachment import Shadowing
from tsgateway.inviting import OVER, SIGN_IN, as_guest, is_guest, shown_guest
from tsgateway.policy import Action, Owned, Subject, Target, authorize
from tsgateway.store.invitations import Guest, Invitation, TooManyInvitations, UsedUp

if TYPE_CHECKING:
    from tsgateway.api.api import Api

MINUTE = 60.0
MAX_MINUTES = 60 * 24 * 30
MAX_USES = 100
SECRET = r"[A-Za-z0-9_-]{43}"
PAGE = "/invitation"


class NewInvitation(Model):
    """An invitation to be made. control: with keyboard and pointer; anybody: for whoever has the link.

    ask: the session's person is asked each time somebody comes; uses: how many people may come by it.
    """

    control: bool = False
    anybody: bool = False
    ask: bool = True
    minutes: float = Field(60, gt=0, le=MAX_MINUTES)
    uses: int = Field(1, ge=1, le=MAX_USES)


class InvitationOf(Model):
    """An invitation. guests: who has come by it, in the order they came."""

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
    guests: list[str]


class MadeInvitation(InvitationOf):
    """One that was made. path: where it leads, below the gateway's address; it is told this once."""

    path: str


class InvitationsOf(Model):
    """Invitations, the newest first."""

    invitations: list[InvitationOf]


class SessionInvitations(InvitationsOf):
    """Those to one session. allowed: whom its person may invite, off, signed-in or anybody."""

    allowed: str


class Opened(Model):
    """The secret of a link: what stands in it behind the `#`."""

    secret: str = Field(pattern=f"^{SECRET}$")


class Trade(Opened):
    """The secret for a ticket. name: who comes, where they have not signed in.

    again: what an earlier trade gave to come again with, so that it is not counted as somebody else's.
    """

    name: str = Field("", max_length=64)
    again: str = Field("", pattern=f"^({SECRET})?$")


class Invited(Model):
    """What an invitation is for. needs: "sign-in" or "name" where it takes that, else ""."""

    by: str
    title: str
    control: bool
    ask: bool
    expires: float
    needs: str


class InvitedTicket(Model):
    """A ticket to look on with, within 30 seconds. again: for the next trade, after a cut."""

    ticket: str
    again: str
    session: str
    title: str
    by: str
    control: bool


async def make_invitation(api: Api, call: Call) -> Answer:
    """Make an invitation to a session of one's own. Its link is told this once."""
    session, body = api.session(call), call.body
    desktop = session.info["desktop"]
    rule = api.inviting.allowed(desktop)
    if rule is Rule.OFF or (body.anybody and rule is not Rule.ANYBODY):
        whom = "people without an account" if rule is not Rule.OFF else "anybody"
        raise ApiError(403, "not_allowed", f"You may not invite {whom} to this desktop: its rules forbid it.")
    secret, now = new_token(), api.wall()
    wanted = Invitation(
        id="", session=session.info["session"], desktop=desktop, user=session.info["user"],
        control=body.control, anybody=body.anybody, ask=body.ask, uses=body.uses, created=now,
        expires=now + body.minutes * MINUTE,
    )  # fmt: skip
    await api.access(api.store.invitations.forget_old, now)
    try:
        made = await api.access(api.store.invitations.add, hash_token(secret), wanted)
    except TooManyInvitations as error:
        raise ApiError(409, "too_many_invitations", f"{error}.") from None
    return MadeInvitation(**_told(made).model_dump(), path=f"{PAGE}#{api.encoded(secret)}")


async def list_session_invitations(api: Api, call: Call) -> Answer:
    """List the invitations to a session, and whom its person may invite."""
    info = api.session(call).info
    found = await api.access(api.store.invitations.all, info["session"])
    allowed = str(api.inviting.allowed(info["desktop"]))
    return SessionInvitations(invitations=[_told(each) for each in found], allowed=allowed)


async def list_invitations(api: Api, call: Call) -> Answer:
    """List the invitations to all sessions that one may list."""
    found = await api.access(api.store.invitations.all)
    shown = [each for each in found if authorize(call.subject, Action.LIST, _owned(api, each))]
    return InvitationsOf(invitations=[_told(each) for each in shown])


async def revoke_invitation(api: Api, call: Call) -> Answer:
    """Revoke an invitation. Who has come by it is sent away."""
    await api.access(api.store.invitations.remove, call.id)
    api.doorkeeper.uninvite(call.id)
    return None


async def look_at_invitation(api: Api, call: Call) -> Answer:
    """Tell what an invitation is for, before it is used."""
    invitation, refusal = await _asked(api, call, call.subject)
    if invitation is None or refusal not in ("", SIGN_IN):
        raise ApiError(410, "invitation_over", refusal)
    needs = "sign-in" if refusal else "name" if call.subject is NOBODY else ""
    return Invited(
        by=invitation.user, title=_title(api, invitation), control=invitation.control, ask=invitation.ask,
        expires=invitation.expires, needs=needs,
    )  # fmt: skip


async def trade_invitation(api: Api, call: Call) -> Answer:
    """Take an invitation for a ticket."""
    if call.subject is not NOBODY and not call.sign_in:
        raise ApiError(403, "no_right", "A token cannot look on: sign in with a browser.")
    subject = call.subject if call.sign_in else as_guest(_name(call.body.name))
    again = new_token()
    invitation, refusal = await _asked(api, call, subject)
    if invitation is None:
        raise ApiError(410, "invitation_over", refusal)
    if not refusal:
        refusal = await _came(api, call, invitation, subject, again)
    outcome = "refused" if refusal else "done"
    details = {"invitation": invitation.id, "user": invitation.user, "control": invitation.control}
    if refusal:
        details["reason"] = refusal
    target = f"session:{invitation.session}"
    api.audit.note(Event("invitation.used", subject.name, call.request.address, target, outcome, details))
    if refusal:
        is_sign_in = refusal == SIGN_IN
        code = "sign_in_needed" if is_sign_in else "invitation_over"
        raise ApiError(403 if is_sign_in else 410, code, refusal)
    way = "control" if invitation.control else "view"
    shadow = Shadowing(way, shown_guest(subject), invitation.ask, invitation.id)
    ticket = api.encoded_ticket(subject, call.sign_in, invitation.session, shadow)
    return InvitedTicket(
        ticket=ticket, again=api.encoded(again), session=invitation.session, title=_title(api, invitation),
        by=invitation.user, control=invitation.control,
    )  # fmt: skip


async def _asked(api: Api, call: Call, who: Subject) -> tuple[Invitation | None, str]:
    """Return the invitation meant, and why whoever asks may not look on by it."""
    await api.sessions.settle()
    secret = api.decoded(call.body.secret)
    invitation = None if secret is None else await api.access(api.store.invitations.find, hash_token(secret))
    if invitation is None:
        return None, OVER
    guest = as_guest("") if who is NOBODY else who
    return invitation, await api.inviting.why_not(invitation, guest, call.request.address, "web")


async def _came(api: Api, call: Call, invitation: Invitation, who: Subject, again: bytes) -> str:
    before = api.decoded(call.body.again)
    guest = Guest("" if is_guest(who) else who.name, who.name.removeprefix("guest:"))
    earlier = None if before is None else hash_token(before)
    try:
        await api.access(
            api.store.invitations.come, invitation.id, guest, hash_token(again), earlier, api.wall()
        )
    except UsedUp as error:
        return f"{str(error)[0].upper()}{str(error)[1:]}."
    return ""


def _name(text: str) -> str:
    """Return a name somebody gives themselves, on one line. Raises ApiError."""
    name = re.sub(r"\s+", " ", text).strip()
    if not name or not name.isprintable():
        raise ApiError(400, "name_needed", "Say who you are: the others see your name.")
    return name


def _title(api: Api, invitation: Invitation) -> str:
    published = api.desktops.get(invitation.desktop)
    return invitation.desktop if published is None else published.title


def _owned(api: Api, invitation: Invitation) -> Owned:
    return api.sessions.rights.owned(invitation._asdict())


async def _on_invitation(api: Api, call: Call) -> Target:
    """Act on the session that the invitation {id} is to."""
    found = await api.access(api.store.invitations.get, call.id)
    if found is None or not authorize(call.subject, Action.LIST, _owned(api, found)):
        raise ApiError(404, "no_such_invitation", "There is no such invitation for you.")
    return _owned(api, found)


def _told(invitation: Invitation) -> InvitationOf:
    return InvitationOf(**{**invitation._asdict(), "guests": list(invitation.guests)})


_ALL = "/api/v1/invitations"
_OF_SESSION = "/api/v1/sessions/{id}/invitations"
ROUTES = (
    Route(
        "POST", _OF_SESSION, make_invitation, "Invite people to a session", May(Action.INVITE, on_session),
        NewInvitation, answer=MadeInvitation,
    ),
    Route(
        "GET", _OF_SESSION, list_session_invitations, "List the invitations to a session",
        May(Action.LIST, on_session), answer=SessionInvitations,
    ),
    Route("GET", _ALL, list_invitations, "List invitations", SignedIn(), answer=InvitationsOf),
    Route(
        "POST", f"{_ALL}/look", look_at_invitation, "Tell what an invitation is for", Stranger(), Opened,
        answer=Invited,
    ),
    Route(
        "POST", f"{_ALL}/trade", trade_invitation, "Take an invitation for a ticket", Stranger(), Trade,
        answer=InvitedTicket,
    ),
    Route(
        "DELETE", f"{_ALL}/{{id}}", revoke_invitation, "Revoke an invitation",
        May(Action.UNINVITE, _on_invitation),
    ),
)  # fmt: skip
