"""How viewers come to a session: who is let in, what they are told first, and what its people are asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sessions.channels import NOTHING, Allowed, Channels
from sessions.clock import Clock
from sessions.dialogs import Dialogs
from sessions.encoders.base import Options
from sessions.identity import Identity
from sessions.messages import Messages
from sessions.rules import Second
from sessions.shadows import Shadows, ShadowWish
from sessions.told import Told
from sessions.viewer import Send, Viewer
from sessions.viewers import Viewers
from sessions.wire import tsg
from sessions.wire.fields import clip
from sessions.wire.tsg import CloseCode

TAKEN_OVER = "This desktop was opened in another place."
CAPABILITIES = frozenset(tsg.Capability)

Gone = Callable[[CloseCode, str], None]


class Hosted(Protocol):
    """The session, as those who come see it."""

    def came(self) -> None:
        """Somebody has connected, and is to be told its state."""

    def say_state(self) -> None:
        """Tell everybody its state."""

    def look(self) -> None:
        """Somebody looks: see that the screen is open."""

    def notice(self) -> tsg.Notice:
        """Return what people have to know now."""


class Reception:
    """The door of one session. channels: its own; told: takes what there is to tell beside its state."""

    def __init__(
        self,
        identity: Identity,
        viewers: Viewers,
        clock: Clock,
        options: Options,
        *,
        channels: Channels,
        told: Told,
        session: Hosted,
    ) -> None:
        self._identity = identity
        self._viewers = viewers
        self._channels = channels
        self._usual = CAPABILITIES - channels.capabilities
        self._window_log = options.window_log
        self._session = session
        self._dialogs = Dialogs(viewers, clock)
        self.messages = Messages(identity.session, self._dialogs, told)
        self._shadows = Shadows(
            identity, viewers, self._dialogs, clock, told, hello=self._hello, begun=self._begun
        )

    def attach(
        self, number: int, hello: tsg.ClientHello, send: Send, gone: Gone, allowed: Allowed = NOTHING
    ) -> None:
        """Let a viewer in, as the rules say when another is there. send, gone, allowed: see `Viewer`."""
        second = self._identity.rules.second
        if second is Second.REFUSE and self._viewers.is_attended:
            who = f"by {self._identity.user}, {self._viewers.occupation}"
            gone(CloseCode.IN_USE, clip(f"This desktop is in use in another place: {who}."))
            return
        if second is Second.TAKE_OVER:
            self._viewers.let_people_go(CloseCode.TAKEN_OVER, TAKEN_OVER)
        self._viewers.add(number, hello, send, gone, allowed=allowed)
        self._viewers.serve(number, self._welcome)
        self._viewers.join(number)

    def shadow(self, number: int, hello: tsg.ClientHello, send: Send, gone: Gone, wish: ShadowWish) -> None:
        """Let somebody look on, if that may be."""
        self._shadows.come(number, hello, send, gone, wish)

    def _hello(self, controls: bool, allowed: Allowed = NOTHING) -> tsg.ServerHello:
        who = (self._identity.session, self._identity.title)
        can = tuple(map(int, sorted(self._usual | self._channels.offers(allowed))))
        return tsg.ServerHello(tsg.VERSION, *who, int(controls), self._window_log, can)

    def _welcome(self, viewer: Viewer) -> None:
        viewer.tell(self._hello(True, viewer.allowed))
        self._session.came()
        if not self._viewers.has(viewer):
            return  # it was lost while it was greeted
        self._viewers.screen.show(viewer)
        if (notice := self._session.notice()).text:
            viewer.notice(notice)
        self._shadows.person_came(viewer)
        self._dialogs.show(viewer)
        self._session.look()

    def _begun(self, number: int) -> None:
        self._viewers.serve(number, self._show)
        self._viewers.join(number)
        self._session.look()

    def _show(self, viewer: Viewer) -> None:
        self._session.say_state()
        if self._viewers.has(viewer):
            self._viewers.screen.show(viewer)

    def detach(self, number: int, code: CloseCode, reason: str) -> None:
        """Let a viewer go; what it holds down is released. Unknown numbers are ignored."""
        self._shadows.withdraw(number)
        self._viewers.let_go(number, code, reason)

    def close(self, code: CloseCode, reason: str) -> None:
        """Let everybody go: the session ends, or is left."""
        self._shadows.end(code, reason)
        self._dialogs.end()
        self._viewers.let_all_go(code, reason)

    # ---- what its people do

    def answered(self, answer: tsg.Answer) -> None:
        """The person has answered a dialog."""
        self._dialogs.answered(answer)

    def unwatched(self, number: int) -> None:
        """The person does not want to be seen any more by one who looks on."""
        self._shadows.stop(number)

    def left(self, number: int) -> None:
        """A viewer has gone."""
        if not self._shadows.left(number) and not self._viewers.is_attended:
            self._shadows.person_left()
