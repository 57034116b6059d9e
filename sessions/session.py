"""A session: one person's running desktop. It joins a guest, what that shows, and viewers.

It outlives every connection: with no viewer it goes on, Disconnected, until somebody ends it, its guest
ends, or its rules say so. What happens to it, and where that leads, is in the table of sessions/lifecycle.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sessions.channels import NOTHING, Allowed, Channels
from sessions.clipboard.base import DEFAULT_MAXIMUM
from sessions.clipboard.channel import ClipboardChannel
from sessions.clock import Clock
from sessions.displays.base import DisplayError
from sessions.encoders.base import Options
from sessions.guests.base import Guest, GuestError, Services, SharedFolder
from sessions.identity import Identity
from sessions.latency import Figures
from sessions.lifecycle import ATTENDED, EndReason, Event, can, step
from sessions.messages import Messages
from sessions.pacing import InThread
from sessions.people import People
from sessions.quiet import IDLE_SECONDS, Quiet
from sessions.reception import Reception
from sessions.restarts import Attempts
from sessions.rules import AtGuestEnd, Rules
from sessions.screen import sleep
from sessions.shadows import ShadowWish
from sessions.showing import Showing
from sessions.sound import SoundChannel
from sessions.thumbnail import NO_ALBUM, Album, Thumbnail, Thumbnails
from sessions.told import Told
from sessions.viewer import Send, Viewer
from sessions.viewers import Viewers
from sessions.watch import LimitWatch
from sessions.wire import tsg
from sessions.wire.fields import clip
from sessions.wire.tsg import CloseCode, SessionState

log = Logger()

UNKNOWN = 255


class Session:
    """One session.

    make_guest: makes the guest, given the callback for when it stops by itself (`Place.ended`).
    in_thread: runs what takes long on another thread.
    idle: seconds without input after which it counts as Idle.
    figures: the host's; what is measured here counts for them as well.
    changed: called whenever `info()` says something new. told: takes what else there is to tell.
    album: keeps its last small picture. clipboard_maximum: bytes of the largest content that passes it.
    keep: called with a JSON table that the next process needs. kept: what the last one was given to keep;
    without its `clock`, unless that was the clock of the same boot of the machine.
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
        kept: Mapping[str, Any] | None = None,
        keep: Callable[[Mapping[str, Any]], None] = lambda table: None,
        told: Told = lambda event, params: None,
        album: Album = NO_ALBUM,
        clipboard_maximum: int = DEFAULT_MAXIMUM,
    ) -> None:
        self.identity = identity
        self.state = SessionState.STARTING
        self.reason: EndReason | None = None
        self._kept = kept or {}
        self.started = _wall(self._kept.get("started"))
        self.since = self.started
        self.number = _whole(self._kept.get("number"))
        """What people call it by; 0: the gateway has given it none yet."""
        self._keep_table = keep
        self._guest = make_guest(self._guest_ended)
        self._clock = clock
        self._changed = changed
        self._progress: tuple[int, str] = (UNKNOWN, "Starting")
        self._figures = Figures(figures)
        people = People(identity, clock, told, self._release)
        sound = SoundChannel(identity.session, self._guest.sound, clock, in_thread)
        clipboard = ClipboardChannel(self._guest.clipboard, clipboard_maximum)
        self._channels = Channels(identity.session, (people, sound, clipboard))
        self._viewers = Viewers(
            identity.session,
            self,
            options,
            clock,
            in_thread=in_thread,
            figures=self._figures,
            channels=self._channels,
        )
        self._screen = self._viewers.screen
        self._thumbnails = Thumbnails(album, clock, in_thread, lambda: changed(self))
        self._limits = LimitWatch(identity.rules, self._kept.get("clock", {}), clock, self)
        self._restarts = Attempts(identity.rules, self._kept.get("clock", {}), clock)
        self._showing = Showing(identity.session, self._guest, self._viewers, self._thumbnails, self)
        self._work = self._showing.work
        self._quiet = Quiet(clock, idle, self)
        self._reception = Reception(
            identity, self._viewers, clock, options, channels=self._channels, told=told, session=self
        )
        self.over: Deferred[None] = Deferred()
        """Fires when the session has ended and its guest is gone."""

    # ---- life

    def start(self) -> None:
        """Make the guest; `info()` tells how it goes."""
        self._keep()
        self._work.begin(self._begin(self._guest.start(self.report)), EndReason.START_FAILED)

    def adopt(self) -> None:
        """Take up a guest that is already running; end it if that had been begun."""
        if "ended" in self._kept:
            Deferred.fromCoroutine(self._finish())
        else:
            self._work.begin(self._take_up(), EndReason.LOST)

    async def _begin(self, starting: Awaitable[None]) -> None:
        await starting
        await self._showing.open()
        self._ready()

    def _ready(self) -> None:
        if self.share is not None:
            self.share.lend(self.identity.user, self.identity.desktop)
        self._channels.opened()
        self._go(Event.READY_WATCHED if self._viewers.is_attended else Event.READY)

    async def _take_up(self) -> None:
        try:
            await self._guest.adopt()
        except GuestError as error:
            self._work.note(error)
            await self._start_anew(error)
            return
        if self._viewers.is_there:
            await self._showing.open()
        since = self._kept.get("since")
        is_as_before = self._kept.get("state") == SessionState.DISCONNECTED and not self._viewers.is_attended
        self._ready()
        if is_as_before:
            self.since = _wall(since)
            self._keep()

    async def _start_anew(self, error: GuestError) -> None:
        """Start the guest, which the earlier process has left and which is not there. Raises `error`.

        It was being started when that process was cut off; or it has ended while nobody looked after it.
        """
        if self._kept.get("state") != SessionState.STARTING:
            if not self._restarts.one_more():
                raise error
            self.report(None, f"{error} It is started again.")
        await self._begin(self._guest.start(self.report))

    async def _finish(self) -> None:
        """End what an earlier process had begun to end."""
        self.reason = EndReason.LOST
        self._go(EndReason.LOST)
        try:
            await self._guest.adopt()
        except GuestError as error:
            self._work.note(error)  # so it has gone already
        await self._stop_guest()

    def look(self) -> None:
        """Whoever is there looks: see that the screen is open."""
        self._showing.look()

    def say(self, text: str) -> None:
        """Tell everybody how it stands with the screen."""
        self._viewers.tell(tsg.State(self.state, UNKNOWN, clip(text)))

    async def end(self, reason: str, how: EndReason = EndReason.RESET) -> None:
        """End the session and its guest at once, telling viewers why."""
        await self._end(reason, how, 0)

    async def log_off(self, reason: str, how: EndReason = EndReason.LOGGED_OFF) -> None:
        """End the session, telling viewers why; its guest is given the time to shut down first."""
        is_up = self.state is not SessionState.STARTING
        await self._end(reason, how, self.identity.rules.shutdown_seconds if is_up else 0)

    async def _end(self, reason: str, how: EndReason, patience: float) -> None:
        if self.state is SessionState.ENDED:
            return
        self._progress = (UNKNOWN, reason)
        self.reason = how
        self._go(how)
        self._reception.close(CloseCode.SESSION_ENDED, reason)
        self._let_go()
        try:
            if patience:
                await self._guest.shut_down(patience)
        except Exception:
            log.failure("session {id}: its guest does not shut down", id=self.identity.session)
        await self._stop_guest()

    async def _stop_guest(self) -> None:
        try:
            await self._guest.stop()
        except Exception:
            log.failure("session {id}: its guest does not stop as it should", id=self.identity.session)
        self.over.callback(None)

    def disconnect(self, reason: str) -> None:
        """Let every viewer go for good; the session goes on."""
        if self.state in ATTENDED:
            self._limits.on_purpose()
        self._viewers.let_people_go(CloseCode.DISCONNECTED, reason)

    async def leave(self) -> None:
        """Let go of the guest without ending it: the session host is about to exit."""
        self._showing.keep_picture()
        self._reception.close(CloseCode.SHUTDOWN, "The session host is restarting; your desktop goes on.")
        self._let_go()
        await self._guest.detach()

    def _let_go(self) -> None:
        self._quiet.stop()
        self._limits.stop()
        self._channels.closed()
        self._showing.let_go()

    def _guest_ended(self, reason: str) -> None:
        """The guest has stopped by itself (`Place.ended`)."""
        log.info("session {id}: {reason}", id=self.identity.session, reason=reason)
        if can(self.state, Event.RESTART) and self._restarts.one_more():
            self._restart(reason)
            return
        if self.identity.rules.at_guest_end is AtGuestEnd.RESTART:
            reason = f"{reason} Starting it again has not helped."
        Deferred.fromCoroutine(self.end(reason, EndReason.GUEST_ENDED))

    def _restart(self, reason: str) -> None:
        self._let_go()
        self._progress = (UNKNOWN, f"{reason} It is started again.")
        self._go(Event.RESTART)

        async def again() -> None:
            await sleep(self._clock, 0)  # whoever noticed its end comes to an end first
            await self._begin(self._guest.start(self.report))

        self._work.begin(again(), EndReason.START_FAILED)

    # ---- states

    def _go(self, why: Event | EndReason) -> None:
        self.state = step(self.state, why)
        self.since = time.time()
        self._quiet.went(self.state)
        self._limits.went(self.state)
        self._keep()
        self.say_state()

    def _keep(self) -> None:
        """Let what the next process needs to know be kept."""
        ended = {} if self.reason is None else {"ended": self.reason.name}
        clock = {**self._limits.table(), **self._restarts.table()}
        state = {"started": self.started, "since": self.since, "state": int(self.state)}
        state["number"] = self.number
        self._keep_table({**state, "clock": clock, **ended})

    def renumber(self, number: int) -> None:
        """Take the number that the gateway has chosen."""
        self.number = number
        self._keep()

    def report(self, percent: int | None, text: str) -> None:
        """Take a guest's progress (`guests.base.Progress`)."""
        self._progress = (UNKNOWN if percent is None else percent, text)
        self.say_state()

    def say_state(self) -> None:
        """Tell everybody its state."""
        progress, text = self._told_progress
        self._viewers.tell(tsg.State(self.state, progress, clip(text)))
        self._changed(self)

    @property
    def _told_progress(self) -> tuple[int, str]:
        telling = self.state in (SessionState.STARTING, SessionState.ENDED)
        return self._progress if telling else (UNKNOWN, "")

    @property
    def services(self) -> Services | None:
        """What a program in the guest can do for us (guests/base)."""
        return self._guest.services

    @property
    def share(self) -> SharedFolder | None:
        """The folder that the guest shares with its person."""
        return self._guest.share

    def info(self) -> dict[str, Any]:
        """Return the SessionInfo of the session link."""
        progress, text = self._told_progress
        return {
            **self.identity.info(),
            "state": int(self.state),
            "reason": "" if self.reason is None else self.reason.name,
            "since": self.since,
            "progress": progress,
            "text": text,
            "viewers": len(self._viewers),
            "started": self.started,
            "number": self.number,
            "idle_since": self.idle_since,
            "thumbnail": self._thumbnails.count,
            "shares": self.share is not None,
        }

    @property
    def idle_since(self) -> float:
        """When there was input last (Unix time); 0 while nobody is connected."""
        return self._quiet.since

    def statistics(self) -> dict[str, Any]:
        """Return the Statistics of the session link."""
        return {
            "session": self.identity.session,
            "state": int(self.state),
            **self._figures.report(self._clock.seconds()),
            "viewers": self._viewers.statistics(),
        }

    # ---- viewers

    def attach(
        self,
        number: int,
        hello: tsg.ClientHello,
        send: Send,
        gone: Callable[[CloseCode, str], None],
        shadow: ShadowWish | None = None,
        *,
        allowed: Allowed = NOTHING,
    ) -> None:
        """Let a viewer in, if that may be. shadow: the wish of one who looks on; the rest: see `Viewer`."""
        if self.state is SessionState.ENDED:
            gone(CloseCode.SESSION_ENDED, self._progress[1])
        elif shadow is not None:
            self._reception.shadow(number, hello, send, gone, shadow)
        else:
            self._reception.attach(number, hello, send, gone, allowed)
            self._changed(self)

    def limit(self, rules: Rules) -> None:
        """Hold whoever is connected to the limits of these rules, until told anew."""
        self._limits.limit(rules)

    def detach(self, number: int, code: CloseCode = CloseCode.NORMAL, reason: str = "") -> None:
        """Let a viewer go; what it holds down is released. Unknown numbers are ignored."""
        self._reception.detach(number, code, reason)

    def received(self, number: int, data: bytes) -> None:
        """Take one tsg message of a viewer; one that breaks the protocol is let go."""
        self._viewers.received(number, data)

    # ---- what viewers mean for it (viewers.ViewerEvents)

    def seen(self) -> None:
        """A viewer has a picture."""
        if self.state is SessionState.CONNECTED:
            self._go(Event.SEEN)

    def heard(self) -> None:
        """The person does something."""
        self._quiet.heard()
        if self._limits.heard():
            self._keep()
        if self.state is SessionState.IDLE:
            self._go(Event.INPUT)

    def left(self, number: int) -> None:
        """A viewer has gone."""
        if not self._viewers.is_attended and can(self.state, Event.LEFT):
            self._go(Event.LEFT)
        else:
            self._changed(self)
        if not self._viewers.is_there:
            self._quiet.nobody_looks()
        self._reception.left(number)

    def _release(self, viewer: Viewer) -> None:
        """Let go of what a viewer holds down."""
        self._screen.released(viewer)

    def answered(self, answer: tsg.Answer) -> None:
        """The person has answered a dialog."""
        self._reception.answered(answer)

    def unwatched(self, number: int) -> None:
        """The person does not want to be seen any more by one who looks on."""
        self._reception.unwatched(number)

    # ---- what it is for those who come (reception.Hosted)

    def came(self) -> None:
        """Somebody has connected, and is to be told its state."""
        if can(self.state, Event.CAME):
            self._go(Event.CAME)
        else:
            self.say_state()

    def notice(self) -> tsg.Notice:
        """Return what people have to know now."""
        return self._limits.notice()

    @property
    def messages(self) -> Messages:
        """What others tell its people."""
        return self._reception.messages

    def lost(self, reason: DisplayError) -> None:
        """What the viewers look at is gone; the guest may still be there."""
        self._showing.lost(reason)

    # ---- what quiet does (quiet.Quieted)

    def fall_idle(self) -> None:
        """There has been no input for long enough."""
        self._go(Event.QUIET)

    def rest(self) -> bool:
        """Let the screen rest if nobody looks."""
        return self._showing.rest()

    async def thumbnail(self, width: int) -> Thumbnail:
        """Return a small picture of the screen, as it is or was when somebody looked last."""
        return await self._showing.thumbnail(width)

    # ---- what limits do (watch.Limited)

    def announce(self, notice: tsg.Notice) -> None:
        """Tell everybody connected."""
        self._viewers.serve_all(lambda viewer: viewer.notice(notice))

    def stop_using(self, reason: str) -> None:
        """A limit has struck that lets the session go on."""
        self.disconnect(reason)

    def stop_living(self, reason: str) -> None:
        """A limit has struck that ends it."""
        Deferred.fromCoroutine(self.log_off(reason, EndReason.LIMIT))


def _whole(kept: object) -> int:
    return kept if type(kept) is int and kept > 0 else 0


def _wall(kept: object) -> float:
    return float(kept) if isinstance(kept, int | float) else time.time()
