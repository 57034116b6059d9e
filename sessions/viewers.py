"""The viewers of a session: who is there, what they say, and what they are told.

A fault that shows while one viewer is served costs that viewer, never the display, another viewer or another
session: whoever called serves them, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.logger import Logger

from sessions.channels import NOTHING, Allowed, Channels
from sessions.clock import Clock
from sessions.displays.base import DisplayError
from sessions.encoders.base import Options
from sessions.input.events import InputEvent, Pointer
from sessions.latency import Figures
from sessions.pacing import InThread, Recipient
from sessions.pixels.cursor import Cursor
from sessions.pixels.geometry import Size
from sessions.screen import Screen
from sessions.viewer import Send, Viewer, input_event
from sessions.wire import tsg
from sessions.wire.errors import ProtocolError
from sessions.wire.fields import clip
from sessions.wire.tsg import CloseCode

log = Logger()

INTERNAL = "An internal error; the session host's log has more."
NOT_FOR_SHADOWS = (tsg.RequestSize, tsg.Stay, tsg.Answer, tsg.StopShadow)
"""What only the session's person may say."""
CODEC_CAPABILITIES = {int(codec): tsg.Capability[codec.name] for codec in tsg.Codec}


class ViewerEvents(Protocol):
    """What viewers mean for their session."""

    def seen(self) -> None:
        """One has a picture."""

    def heard(self) -> None:
        """The person does something."""

    def left(self, number: int) -> None:
        """One has gone."""

    def answered(self, answer: tsg.Answer) -> None:
        """The person has answered a dialog."""

    def unwatched(self, number: int) -> None:
        """The person does not want to be seen any more by one who looks on."""

    def lost(self, reason: DisplayError) -> None:
        """What they look at is gone; the guest may still be there."""


class Viewers:
    """All viewers of one session, and the screen they look at (for it they are `screen.Audience`).

    Those who shadow it look, too, but are nobody whom the session is for: they do not count.

    name: the session's. channels: what they say beside input. figures: what is measured counts for them, too.
    """

    def __init__(
        self,
        name: str,
        events: ViewerEvents,
        options: Options,
        clock: Clock,
        *,
        in_thread: InThread,
        figures: Figures,
        channels: Channels,
    ) -> None:
        self._name = name
        self._channels = channels
        self._events = events
        self._clock = clock
        self._figures = figures
        self._viewers: dict[int, Viewer] = {}
        self._asking: int | None = None  # the one whose input came last
        self.screen = Screen(self, options, clock, in_thread)

    def __len__(self) -> int:
        return len(self._people())

    @property
    def is_attended(self) -> bool:
        """Whether somebody is connected whom the session is for."""
        return bool(self._people())

    @property
    def is_there(self) -> bool:
        """Whether anybody looks."""
        return bool(self._viewers)

    def _people(self) -> list[tuple[int, Viewer]]:
        return [(number, viewer) for number, viewer in self._viewers.items() if viewer.shadow is None]

    def able(self, capability: tsg.Capability) -> list[Viewer]:
        """Return those that can do something, without those who shadow."""
        return [viewer for _, viewer in self._people() if capability in viewer.capabilities]

    def tell_able(
        self, capability: tsg.Capability, message: tsg.Message, unless: tsg.Capability | None = None
    ) -> None:
        """Send those a message; not those that can do the other thing."""
        for number, viewer in self._people():
            if capability in viewer.capabilities and unless not in viewer.capabilities:
                self.serve(number, lambda each: each.tell(message))

    @property
    def occupation(self) -> str:
        """Since when somebody is there, and with what; in words."""
        _, first = self._people()[0]
        minutes = int((self._clock.seconds() - first.since) / 60)
        since = "less than a minute" if not minutes else f"{minutes} minute{'s' * (minutes > 1)}"
        return f"for {since}, with {first.client}" if first.client else f"for {since}"

    def add(
        self,
        number: int,
        hello: tsg.ClientHello,
        send: Send,
        gone: Callable[[CloseCode, str], None],
        *,
        shadow: tsg.ShadowState | None = None,
        allowed: Allowed = NOTHING,
        name: str = "",
        invited: bool = False,
    ) -> None:
        """Let one in. The rest: see `Viewer`."""
        self._viewers[number] = Viewer(
            hello,
            send,
            gone,
            self._clock,
            self._figures,
            shadow=shadow,
            allowed=allowed,
            name=name,
            invited=invited,
        )

    def join(self, number: int) -> None:
        """One has had its ServerHello: its channels are open."""
        if (viewer := self._viewers.get(number)) is not None:
            self._channels.joined(number, viewer)

    def let_go(self, number: int, code: CloseCode = CloseCode.NORMAL, reason: str = "") -> None:
        """Let one go; what it holds down is released. Unknown numbers are ignored."""
        viewer = self._viewers.pop(number, None)
        if viewer is None:
            return
        self.screen.hide(viewer)
        self._channels.left(number)
        viewer.close(code, reason)
        try:
            self.screen.released(viewer)
            self.screen.watch()
        except Exception:
            log.failure("session {id}: its display fails", id=self._name)
        self._events.left(number)

    def let_people_go(self, code: CloseCode, reason: str) -> None:
        """Let everybody go but those who shadow."""
        for number, _ in self._people():
            self.let_go(number, code, reason)

    def let_all_go(self, code: CloseCode, reason: str) -> None:
        """Let everybody go."""
        for number in list(self._viewers):
            self.let_go(number, code, reason)

    def statistics(self) -> list[dict[str, Any]]:
        """Return the viewers of the link's Statistics."""
        return [{"viewer": number, **viewer.statistics()} for number, viewer in self._viewers.items()]

    # ---- what they say

    def received(self, number: int, data: bytes) -> None:
        """Take one tsg message; who breaks the protocol is let go."""
        if number not in self._viewers:
            return
        try:
            message = tsg.decode(data, tsg.FROM_VIEWER)
        except ProtocolError as error:
            self.let_go(number, CloseCode.PROTOCOL, str(error))
            return
        if message is not None:
            self.serve(number, lambda viewer: self._take(number, viewer, message))

    def _take(self, number: int, viewer: Viewer, message: tsg.Message) -> None:
        if viewer.shadow is not None and isinstance(message, NOT_FOR_SHADOWS):
            return
        match message:
            case tsg.Ack():
                if viewer.shadow is None:
                    self._events.seen()
                self.screen.acknowledged(viewer, message)
            case tsg.Refresh():
                self.screen.restart(viewer)
            case tsg.VideoFailed():
                self._video_failed(viewer, message)
            case tsg.RequestSize():
                self.screen.request_size(Size(message.width, message.height))
            case tsg.ReleaseKeys():
                self.screen.released(viewer)
            case tsg.WatchStatistics():
                viewer.watch_statistics(bool(message.on))
            case tsg.Stay():
                self._events.heard()
            case tsg.Answer():
                self._events.answered(message)
            case tsg.StopShadow():
                self._events.unwatched(message.id)
            case _ if not self._channels.received(number, viewer, message):
                self._input(number, viewer, input_event(message))

    def _input(self, number: int, viewer: Viewer, event: InputEvent | None) -> None:
        if event is None:
            return
        if viewer.shadow is None:
            self._events.heard()
        if isinstance(event, Pointer):
            viewer.points(event.x, event.y)
        if not viewer.controls:
            return
        viewer.inputs += 1
        asked, self._asking = self._asking, number  # before the guest is handed it
        if not self.screen.send(event, viewer):
            self._asking = asked

    def _video_failed(self, viewer: Viewer, message: tsg.VideoFailed) -> None:
        capability = CODEC_CAPABILITIES.get(message.codec)
        if capability is not None and self.screen.give_up(viewer, capability, message.codec):
            log.warn(
                "session {id}: a viewer cannot decode {codec}: {reason}",
                id=self._name,
                codec=capability.name,
                reason=clip(message.reason),
            )

    # ---- what they are told

    def serve(self, number: int, act: Callable[[Viewer], None]) -> None:
        """Do something for one; if that fails, it is let go."""
        viewer = self._viewers.get(number)
        try:
            if viewer is not None:
                act(viewer)
        except Exception:
            log.failure("session {id}: viewer {number} is let go", id=self._name, number=number)
            self.let_go(number, CloseCode.SERVER_ERROR, INTERNAL)

    def serve_all(self, act: Callable[[Viewer], None]) -> None:
        """Do something for everybody; see `serve`."""
        for number in list(self._viewers):
            self.serve(number, act)

    def has(self, viewer: Viewer) -> bool:
        """Whether one is still there."""
        return viewer in self._viewers.values()

    def tell(self, message: tsg.Message) -> None:
        """Send everybody a message."""
        self.serve_all(lambda viewer: viewer.tell(message))

    def cursor(self, cursor: Cursor) -> None:
        """Show everybody the pointer."""
        self.serve_all(lambda viewer: viewer.cursor(cursor))

    def pointing(self, relative: bool) -> None:
        """Tell everybody whether the guest asks how the pointer moves, or where it is."""
        self.serve_all(lambda viewer: viewer.pointing(relative))

    def injected(self, event: InputEvent, waited: float) -> None:
        """The guest has been handed an input event."""
        viewer = None if self._asking is None else self._viewers.get(self._asking)
        if viewer is not None:
            viewer.recipient.latency.injected(event, waited, self._clock.seconds())

    def fault(self, recipient: Recipient) -> None:
        """One cannot be sent frames any more; the log has been told why."""
        for number, viewer in list(self._viewers.items()):
            if viewer.recipient is recipient:
                self.let_go(number, CloseCode.SERVER_ERROR, INTERNAL)

    def lost(self, reason: DisplayError) -> None:
        """The display is gone."""
        self._events.lost(reason)
