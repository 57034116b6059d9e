"""Others who look at a session with its person: whether they may, whether the person allows it, who is there.

A shadow sees what the person sees, in the size that the person has; one that controls has keyboard and
pointer of its own. It is a helper, who has a right to it, or somebody whom the person has invited. The
rules of the session say what there may be (`rules.ShadowLevel`, `rules.Invitations`). The person's viewers
mark who looks on, also where nobody is asked, and can end it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sessions.clock import Clock, Timer
from sessions.dialogs import Dialogs, Outcome
from sessions.identity import Identity
from sessions.rules import Invitations, ShadowLevel
from sessions.told import Told
from sessions.viewer import Send, Viewer
from sessions.viewers import Viewers
from sessions.wire import tsg
from sessions.wire.fields import clip
from sessions.wire.tsg import Capability, CloseCode, DialogKind, ShadowState

ASK_SECONDS = 30
"""How long the person has to allow it."""
RETURN_SECONDS = 5.0
"""What somebody has allowed ends so long after they have left; a page that is loaded anew is back earlier."""
MARKED = "While it lasts there is a mark at the edge of your screen, where you can end it at any time."
AWAY_SECONDS = 30.0
"""Who was invited may stay so long while the person is not connected: lines are cut, and come back."""
MAX_SHADOWS = 4
MAX_INVITED = 16
MAX_WHO = 128


@dataclass(frozen=True, slots=True)
class ShadowWish:
    """What somebody wants who would look on.

    controls: keyboard and pointer as well. by: who it is, for people. ask: whether the person is to be asked
    although the rules do not want it. invited: by the person; the rules say nothing of asking then.
    """

    controls: bool
    by: str
    ask: bool
    invited: bool = False

    @classmethod
    def read(cls, shadow: object, by: object, ask: object, invited: object = False) -> ShadowWish:
        """Take the fields of the link's `attach`. Raises ValueError."""
        if shadow not in ("view", "control"):
            raise ValueError(f"shadow: {shadow!r}")
        return cls(shadow == "control", clip(str(by), MAX_WHO), bool(ask), bool(invited))

    @property
    def state(self) -> ShadowState:
        """How they look on, once they do."""
        return ShadowState.CONTROL if self.controls else ShadowState.VIEW


@dataclass(frozen=True, slots=True)
class _Shadow:
    wish: ShadowWish
    hello: tsg.ClientHello
    send: Send
    gone: Callable[[CloseCode, str], None]
    allowed: bool  # by the person, who was asked
    dialog: int = 0


class Shadows:
    """Those who look on at one session, and those who wait for leave to.

    hello: makes the ServerHello, of whether its input is taken. begun: shows one of `viewers` the screen.
    """

    def __init__(
        self,
        identity: Identity,
        viewers: Viewers,
        dialogs: Dialogs,
        clock: Clock,
        told: Told,
        *,
        hello: Callable[[bool], tsg.ServerHello],
        begun: Callable[[int], None],
    ) -> None:
        self._identity = identity
        self._viewers = viewers
        self._dialogs = dialogs
        self._clock = clock
        self._told = told
        self._hello = hello
        self._begun = begun
        self._waiting: dict[int, _Shadow] = {}
        self._there: dict[int, _Shadow] = {}
        self._leaving: list[Timer] = []

    def come(
        self,
        number: int,
        hello: tsg.ClientHello,
        send: Send,
        gone: Callable[[CloseCode, str], None],
        wish: ShadowWish,
    ) -> None:
        """Let somebody look on: at once, when the person allows it, or never. send, gone: see `Viewer`."""
        asks = wish.ask or (self._identity.rules.shadow.asks and not wish.invited)
        shadow = _Shadow(wish, hello, send, gone, asks)
        if refusal := self._refusal(wish):
            self._refuse(number, shadow, refusal)
        elif not asks:
            send(self._hello(wish.controls).encode())
            self._begin(number, shadow)
        else:
            self._ask(number, shadow)

    def _refusal(self, wish: ShadowWish) -> str:
        if wish.invited:
            return self._invited_refusal()
        level = self._identity.rules.shadow
        if level is ShadowLevel.OFF:
            return "Nobody may look on at this session: its rules do not allow it."
        if wish.controls and not level.controls:
            return "Others may see this session, but not use it: its rules do not allow more."
        return _full(self._count(False), MAX_SHADOWS)

    def _invited_refusal(self) -> str:
        if self._identity.rules.invitations is Invitations.OFF:
            return "Nobody may be invited to this session: its rules do not allow it."
        if not self._viewers.is_attended:
            who = self._identity.user
            return f"{who} is not connected now. The invitation is good while {who} is; try again later."
        return _full(self._count(True), MAX_INVITED)

    def _count(self, invited: bool) -> int:
        return sum(each.wish.invited is invited for each in (*self._waiting.values(), *self._there.values()))

    def _ask(self, number: int, shadow: _Shadow) -> None:
        more = " and use your keyboard and pointer" if shadow.wish.controls else ""
        dialog = self._dialogs.ask(
            DialogKind.SHADOW_CONTROL if shadow.wish.controls else DialogKind.SHADOW_VIEW,
            (shadow.wish.by, clip(f"{shadow.wish.by} wants to see your screen{more}", 256), MARKED),
            ASK_SECONDS,
            partial(self._answered, number),
        )
        if dialog is None:
            self._refuse(number, shadow, "Nobody is connected to this session who could be asked.")
            return
        waiting = _Shadow(shadow.wish, shadow.hello, shadow.send, shadow.gone, True, dialog)
        self._waiting[number] = waiting
        shadow.send(self._hello(shadow.wish.controls).encode())
        text = clip(f"{self._identity.user} is asked to allow it.")
        shadow.send(tsg.State(tsg.SessionState.CONNECTED, 255, text).encode())
        self._tell("asked", number, waiting)

    def _answered(self, number: int, outcome: Outcome) -> None:
        shadow = self._waiting.pop(number)
        if outcome is Outcome.OK:
            self._begin(number, shadow)
        elif outcome is Outcome.REFUSED:
            self._refuse(number, shadow, f"{self._identity.user} does not allow it.")
        else:
            self._refuse(number, shadow, f"{self._identity.user} has not answered.")

    def _refuse(self, number: int, shadow: _Shadow, reason: str) -> None:
        self._tell("refused", number, shadow, reason)
        shadow.gone(CloseCode.SHADOW_OVER, clip(reason))

    def _begin(self, number: int, shadow: _Shadow) -> None:
        self._there[number] = shadow
        self._viewers.add(
            number,
            shadow.hello,
            shadow.send,
            shadow.gone,
            shadow=shadow.wish.state,
            name=shadow.wish.by,
            invited=shadow.wish.invited,
        )
        self._tell("began", number, shadow)
        self._show_mark(shadow, self._mark(number, shadow))
        if Capability.SHADOWS in shadow.hello.capabilities:
            whose = clip(self._identity.user, MAX_WHO)
            message = tsg.Shadow(number, shadow.wish.state, whose)
            self._viewers.serve(number, lambda viewer: viewer.tell(message))
        self._begun(number)

    def _show_mark(self, shadow: _Shadow, mark: tsg.Shadow) -> None:
        """Show the person who looks on; viewers that list people have those they invited there."""
        unless = Capability.SHARING if shadow.wish.invited else None
        self._viewers.tell_able(Capability.SHADOWS, mark, unless)

    def _mark(self, number: int, shadow: _Shadow) -> tsg.Shadow:
        return tsg.Shadow(number, shadow.wish.state, shadow.wish.by)

    def _tell(self, state: str, number: int, shadow: _Shadow, reason: str = "") -> None:
        params = {
            "session": self._identity.session,
            "viewer": number,
            "state": state,
            "by": shadow.wish.by,
            "control": shadow.wish.controls,
            "asked": shadow.allowed,
            "reason": reason,
        }
        self._told("shadow", params)

    # ---- those who go

    def withdraw(self, number: int) -> None:
        """One that waits does not want to any more. Other numbers are ignored."""
        shadow = self._waiting.pop(number, None)
        if shadow is not None:
            self._dialogs.call_off(shadow.dialog)
            self._tell("refused", number, shadow, "They did not wait for the answer.")
            shadow.gone(CloseCode.NORMAL, "")

    def stop(self, number: int) -> None:
        """The person does not want to be seen any more. Unknown numbers are ignored."""
        if number in self._there:
            self._viewers.let_go(number, CloseCode.SHADOW_OVER, clip(f"{self._identity.user} has ended it."))

    def left(self, number: int) -> bool:
        """A viewer has gone. Tell whether it was a shadow."""
        shadow = self._there.pop(number, None)
        if shadow is not None:
            self._tell("ended", number, shadow)
            self._show_mark(shadow, tsg.Shadow(number, ShadowState.OVER, shadow.wish.by))
        return shadow is not None

    def end(self, code: CloseCode, reason: str) -> None:
        """The session ends, or is left: those who wait go; the others go with the viewers."""
        self._stay()
        for number in list(self._waiting):
            shadow = self._waiting.pop(number)
            self._dialogs.call_off(shadow.dialog)
            self._tell("refused", number, shadow, reason)
            shadow.gone(code, reason)

    # ---- the person

    def person_came(self, viewer: Viewer) -> None:
        """Show somebody who has connected who looks on."""
        self._stay()
        if Capability.SHADOWS in viewer.capabilities:
            lists_people = Capability.SHARING in viewer.capabilities
            for number, shadow in self._there.items():
                if not (shadow.wish.invited and lists_people):
                    viewer.tell(self._mark(number, shadow))

    def person_left(self) -> None:
        """The last of the session's own viewers has gone: what was allowed ends if nobody comes back."""
        self._stay()
        if self._there:
            helpers = self._clock.callLater(RETURN_SECONDS, self._deserted, False)
            self._leaving = [helpers, self._clock.callLater(AWAY_SECONDS, self._deserted, True)]

    def _stay(self) -> None:
        for timer in self._leaving:
            if timer.active():
                timer.cancel()

    def _deserted(self, invited: bool) -> None:
        reason = clip(f"{self._identity.user}, who had allowed it, is not connected any more.")
        for number, shadow in list(self._there.items()):
            if shadow.wish.invited is invited and (invited or shadow.allowed):
                self._viewers.let_go(number, CloseCode.SHADOW_OVER, reason)


def _full(count: int, most: int) -> str:
    return f"{most} others look on at this session already." if count >= most else ""
