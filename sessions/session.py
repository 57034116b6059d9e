"""A session: one person's running desktop. It joins a guest, its display, the framebuffer and viewers.

It outlives every connection: with no viewer it goes on, Disconnected, until somebody ends it or its
guest ends.

A fault that shows while one viewer is served costs that viewer, never its display, another viewer or
another session: whoever called serves them, too.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger

from sessions.clock import Clock, Timer
from sessions.composer import Composer
from sessions.displays.base import Display, DisplayError
from sessions.encoders.base import Options
from sessions.guests.base import Guest, GuestError, Services
from sessions.input.events import InputEvent
from sessions.latency import Figures
from sessions.lifecycle import step
from sessions.pacing import InThread, Recipient
from sessions.pixels.cursor import Cursor
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from sessions.rules import Rules, Second
from sessions.sharing import Sharing
from sessions.viewer import Send, Viewer, input_event, make_composer
from sessions.wire import tsg
from sessions.wire.errors import ProtocolError
from sessions.wire.fields import clip
from sessions.wire.tsg import CloseCode, SessionState

log = Logger()

REOPEN_SECONDS = (0.1, 0.5, 1, 2, 4, 8, 15)
"""Waits between attempts to open a lost display again; after the last, the session ends."""
IDLE_SECONDS = 600.0
UNKNOWN = 255
INTERNAL = "An internal error; the session host's log has more."
CAPABILITIES = tuple(map(int, tsg.Capability))
CODEC_CAPABILITIES = {int(codec): tsg.Capability[codec.name] for codec in tsg.Codec}


@dataclass(frozen=True, slots=True)
class Identity:
    """What does not change about a session. spec: the desktop's table, see guests/base."""

    session: str
    desktop: str
    user: str
    title: str
    spec: Mapping[str, Any]
    rules: Rules = field(default_factory=Rules)

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Identity:
        """Take it from a JSON table; one without rules has the usual ones.

        Raises KeyError, TypeError, ValueError.
        """
        return cls(
            str(table["session"]),
            str(table["desktop"]),
            str(table["user"]),
            str(table["title"]),
            dict(table["spec"]),
            Rules.read(table.get("rules", {})),
        )

    def table(self) -> dict[str, Any]:
        """Return it as a JSON table, which `read` takes."""
        return {**asdict(self), "rules": self.rules.table()}


class Session:
    """One session.

    make_guest: makes the guest, given the callback for when it stops by itself (`Place.ended`).
    in_thread: runs what takes long on another thread.
    idle: seconds without input after which it counts as Idle.
    figures: the host's; what is measured here counts for them as well.
    changed: called whenever `info()` says something new.
    """

    def __init__(
        self,
        identity: Identity,
        make_guest: Callable[[Callable[[str], None]], Guest],
        options: Options,
        clock: Clock,
        changed: Callable[[Session], None],
        *,
        in_thread: InThread,
        idle: float = IDLE_SECONDS,
        figures: Figures | None = None,
    ) -> None:
        self.identity = identity
        self.state = SessionState.STARTING
        self.started = time.time()
        self._guest = make_guest(self._guest_ended)
        self._options = options
        self._clock = clock
        self._changed = changed
        self._progress: tuple[int, str] = (UNKNOWN, "Starting")
        self._framebuffer = Framebuffer()
        self._cursor: Cursor | None = None
        self._display: Display | None = None
        self._viewers: dict[int, Viewer] = {}
        self._figures = Figures(figures)
        self._asking: int | None = None  # the viewer whose input came last
        self._sharing = Sharing(self._framebuffer, clock, in_thread, self._make_composer, self._fault)
        self._work: Deferred[None] | None = None
        self._wish: Size | None = None
        self._idle = idle
        self._input_at = 0.0
        self._idling: Timer | None = None
        self.over: Deferred[None] = Deferred()
        """Fires when the session has ended and its guest is gone."""

    # ---- life

    def start(self) -> None:
        """Make the guest; `info()` tells how it goes."""
        self._run(self._begin(self._guest.start(self.report)))

    def adopt(self) -> None:
        """Take up a guest that is already running."""
        self._run(self._begin(self._guest.adopt()))

    async def _begin(self, guest: Awaitable[None]) -> None:
        await guest
        await self._open()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` in the background; if it fails, the session ends and says why."""

        async def guarded() -> None:
            try:
                await work
            except (GuestError, DisplayError) as error:
                self._log(error)
                self._work = None
                await self.end(str(error))
            except CancelledError:
                pass
            except Exception:
                log.failure("session {id} cannot go on", id=self.identity.session)
                self._work = None
                await self.end("The desktop cannot go on: an internal error, see the session host's log.")

        self._work = Deferred.fromCoroutine(guarded())

    def _log(self, error: GuestError | DisplayError) -> None:
        session, detail = self.identity.session, error.detail or "no details"
        log.warn("session {id}: {error} ({detail})", id=session, error=str(error), detail=detail)

    async def _open(self) -> None:
        self._display = await self._guest.open_display(self._framebuffer, self)
        if self.state in (SessionState.STARTING, SessionState.DISCONNECTED):  # viewers may have come
            self._go(SessionState.CONNECTED if self._viewers else SessionState.DISCONNECTED)
        self._display.watch(bool(self._viewers))
        if self._wish is not None:
            self._display.request_size(self._wish)

    async def _reopen(self, reason: DisplayError) -> None:
        """Open a lost display again, patiently; the guest may only have restarted its screen."""
        for wait in REOPEN_SECONDS:
            self._log(reason)
            self._tell(tsg.State(self.state, UNKNOWN, clip(f"{reason} Trying again.")))
            await self._sleep(wait)
            try:
                await self._open()
            except (GuestError, DisplayError) as error:
                reason = DisplayError(str(error), error.detail)
            else:
                self._tell(tsg.State(self.state, UNKNOWN, ""))
                return
        self._log(reason)
        await self.end(str(reason))

    def _sleep(self, seconds: float) -> Deferred[None]:
        timer = Deferred[None](lambda _: call.cancel())
        call = self._clock.callLater(seconds, timer.callback, None)
        return timer

    async def end(self, reason: str) -> None:
        """End the session and its guest, telling viewers why."""
        if self.state is SessionState.ENDED:
            return
        self._progress = (UNKNOWN, reason)
        self._go(SessionState.ENDED)
        for viewer in list(self._viewers):
            self.detach(viewer, CloseCode.SESSION_ENDED, reason)
        self._let_go()
        try:
            await self._guest.stop()
        except Exception:
            log.failure("session {id}: its guest does not stop as it should", id=self.identity.session)
        self.over.callback(None)

    async def leave(self) -> None:
        """Let go of the guest without ending it: the session host is about to exit."""
        for viewer in list(self._viewers):
            self.detach(viewer, CloseCode.SHUTDOWN, "The session host is restarting; your desktop goes on.")
        self._let_go()
        await self._guest.detach()

    def _let_go(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.cancel()
        display, self._display = self._display, None
        if display is not None:
            display.close()

    def _guest_ended(self, reason: str) -> None:
        """The guest has stopped by itself (`Place.ended`)."""
        log.info("session {id}: {reason}", id=self.identity.session, reason=reason)
        Deferred.fromCoroutine(self.end(reason))

    def _go(self, to: SessionState) -> None:
        if to is self.state:
            return
        self.state = step(self.state, to)
        if self._idling is not None and self._idling.active():
            self._idling.cancel()
        if to is SessionState.ACTIVE:
            self._input_at = self._clock.seconds()
            self._await_input()
        self._say_state()

    def _await_input(self) -> None:
        """Fall Idle when there has been no input for long enough, else look again then."""
        wait = self._input_at + self._idle - self._clock.seconds()
        if wait > 0:
            self._idling = self._clock.callLater(wait, self._await_input)
        else:
            self._go(SessionState.IDLE)

    def report(self, percent: int | None, text: str) -> None:
        """Take a guest's progress (`guests.base.Progress`)."""
        self._progress = (UNKNOWN if percent is None else percent, text)
        self._say_state()

    def _say_state(self) -> None:
        progress, text = self._told_progress
        self._tell(tsg.State(self.state, progress, clip(text)))
        self._changed(self)

    @property
    def _told_progress(self) -> tuple[int, str]:
        telling = self.state in (SessionState.STARTING, SessionState.ENDED)
        return self._progress if telling else (UNKNOWN, "")

    @property
    def services(self) -> Services | None:
        """What a program in the guest can do for us (guests/base)."""
        return self._guest.services

    def info(self) -> dict[str, Any]:
        """Return the SessionInfo of the session link."""
        progress, text = self._told_progress
        return {
            "session": self.identity.session,
            "desktop": self.identity.desktop,
            "user": self.identity.user,
            "title": self.identity.title,
            "kind": self.identity.spec["kind"],
            "state": int(self.state),
            "progress": progress,
            "text": text,
            "viewers": len(self._viewers),
            "started": self.started,
        }

    def statistics(self) -> dict[str, Any]:
        """Return the Statistics of the session link."""
        return {
            "session": self.identity.session,
            "state": int(self.state),
            **self._figures.report(self._clock.seconds()),
            "viewers": [
                {"viewer": number, **viewer.statistics()} for number, viewer in self._viewers.items()
            ],
        }

    # ---- viewers

    def attach(
        self, number: int, hello: tsg.ClientHello, send: Send, gone: Callable[[CloseCode, str], None]
    ) -> None:
        """Let a viewer in. It takes the session over, unless several may look at this desktop at once.

        send, gone: see `Viewer`.
        """
        if self.identity.rules.second is not Second.JOIN:
            for other in list(self._viewers):
                self.detach(other, CloseCode.TAKEN_OVER, "This desktop was opened in another place.")
        viewer = Viewer(hello, send, gone, self._clock, self._figures)
        self._viewers[number] = viewer
        self._wish = viewer.wish
        self._serve(number, self._welcome)
        self._changed(self)

    def _welcome(self, viewer: Viewer) -> None:
        viewer.tell(
            tsg.ServerHello(
                tsg.VERSION,
                self.identity.session,
                self.identity.title,
                1,
                self._options.window_log,
                CAPABILITIES,
            )
        )
        if self._display is not None:
            if len(self._viewers) == 1:
                self._go(SessionState.CONNECTED)
            else:
                self._say_state()
            self._display.watch(True)
            self._display.request_size(viewer.wish)
        else:
            self._say_state()
        if viewer not in self._viewers.values():
            return  # it was lost while it was greeted
        if self._framebuffer.size.width and self._framebuffer.size.height:
            viewer.tell(tsg.ScreenSize(*self._framebuffer.size))
        self._sharing.join(viewer.recipient)
        if self._cursor is not None:
            viewer.cursor(self._cursor)

    def _make_composer(self, capabilities: frozenset[int]) -> Composer:
        return make_composer(self._framebuffer, capabilities, self._options)

    def _fault(self, recipient: Recipient) -> None:
        """A viewer cannot be sent frames any more; the log has been told why."""
        for number, viewer in list(self._viewers.items()):
            if viewer.recipient is recipient:
                self.detach(number, CloseCode.SERVER_ERROR, INTERNAL)

    def detach(self, number: int, code: CloseCode = CloseCode.NORMAL, reason: str = "") -> None:
        """Let a viewer go; what it holds down is released. Unknown numbers are ignored."""
        viewer = self._viewers.pop(number, None)
        if viewer is None:
            return
        self._sharing.leave(viewer.recipient)
        viewer.close(code, reason)
        try:
            self._release(viewer)
            if self._display is not None:
                self._display.watch(bool(self._viewers))
        except Exception:
            log.failure("session {id}: its display fails", id=self.identity.session)
        if not self._viewers and self.state not in (SessionState.STARTING, SessionState.ENDED):
            self._go(SessionState.DISCONNECTED)
        else:
            self._changed(self)

    def received(self, number: int, data: bytes) -> None:
        """Take one tsg message of a viewer; one that breaks the protocol is let go."""
        viewer = self._viewers.get(number)
        if viewer is None:
            return
        try:
            message = tsg.decode(data, tsg.FROM_VIEWER)
        except ProtocolError as error:
            self.detach(number, CloseCode.PROTOCOL, str(error))
            return
        if message is not None:
            self._serve(number, lambda viewer: self._take(number, viewer, message))

    def _serve(self, number: int, act: Callable[[Viewer], None]) -> None:
        """Do something for a viewer; if that fails, it is let go."""
        viewer = self._viewers.get(number)
        try:
            if viewer is not None:
                act(viewer)
        except Exception:
            log.failure("session {id}: viewer {number} is let go", id=self.identity.session, number=number)
            self.detach(number, CloseCode.SERVER_ERROR, INTERNAL)

    def _serve_all(self, act: Callable[[Viewer], None]) -> None:
        for number in list(self._viewers):
            self._serve(number, act)

    def _take(self, number: int, viewer: Viewer, message: tsg.Message) -> None:
        match message:
            case tsg.Ack():
                self._acknowledged(viewer, message)
            case tsg.Refresh():
                self._sharing.restart(viewer.recipient)
            case tsg.VideoFailed():
                self._video_failed(viewer, message)
            case tsg.RequestSize():
                self._wish = Size(message.width, message.height)
                if self._display is not None:
                    self._display.request_size(self._wish)
            case tsg.ReleaseKeys():
                self._release(viewer)
            case tsg.WatchStatistics():
                viewer.watch_statistics(bool(message.on))
            case _:
                event = input_event(message)
                if event is not None:
                    self._heard()
                if event is not None and self._display is not None and viewer.ledger.passes(event):
                    self._asking = number
                    self._display.send(event)

    def _heard(self) -> None:
        """The person does something."""
        self._input_at = self._clock.seconds()
        if self.state is SessionState.IDLE:
            self._go(SessionState.ACTIVE)

    def _acknowledged(self, viewer: Viewer, ack: tsg.Ack) -> None:
        if self.state is SessionState.CONNECTED:
            self._go(SessionState.ACTIVE)
        held = (ack.present_us or ack.decode_us) / 1e6
        self._sharing.acknowledged(viewer.recipient, ack.number, held)

    def _video_failed(self, viewer: Viewer, message: tsg.VideoFailed) -> None:
        capability = CODEC_CAPABILITIES.get(message.codec)
        if capability is not None and self._sharing.give_up(viewer.recipient, capability, message.codec):
            log.warn(
                "session {id}: a viewer cannot decode {codec}: {reason}",
                id=self.identity.session,
                codec=capability.name,
                reason=clip(message.reason),
            )

    def _release(self, viewer: Viewer) -> None:
        for event in viewer.ledger.release():
            if self._display is not None:
                self._display.send(event)

    def _tell(self, message: tsg.Message) -> None:
        self._serve_all(lambda viewer: viewer.tell(message))

    # ---- what the display tells (displays.base.DisplayEvents)

    def resized(self) -> None:
        """The framebuffer has a new size."""
        self._framebuffer.take_damage()
        self._tell(tsg.ScreenSize(*self._framebuffer.size))
        self._sharing.resized()

    def updated(self) -> None:
        """The framebuffer holds a whole new picture."""
        self._sharing.add(self._framebuffer.take_damage())

    def cursor(self, cursor: Cursor) -> None:
        """The pointer looks like this now."""
        self._cursor = cursor
        self._serve_all(lambda viewer: viewer.cursor(cursor))

    def injected(self, event: InputEvent, waited: float) -> None:
        """The guest has been handed an input event."""
        viewer = None if self._asking is None else self._viewers.get(self._asking)
        if viewer is not None:
            viewer.recipient.latency.injected(event, waited, self._clock.seconds())

    def lost(self, reason: DisplayError) -> None:
        """The display is gone; the guest may still be there."""
        self._display = None
        if self.state is not SessionState.ENDED:
            self._run(self._reopen(reason))
