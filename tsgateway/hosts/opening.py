"""From "I want this desktop" to a session: the one there is, or a new one when it is its turn.

    HostError
    ├── TooMany     the person has as many sessions as one may have
    └── LineFull    too many people wait already, or waited too long

A person who waits asks again and again, with the turn they were given, and hears how many are before them;
who is not heard of for `ABSENT` seconds loses the turn.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from tsgateway.config import Config, Desktop
from tsgateway.drain import DrainMode, HostSetting
from tsgateway.hosts.directory import Session
from tsgateway.hosts.link import NOT_YET, HostError
from tsgateway.hosts.placement import Fit, why_none
from tsgateway.hosts.recorder import Recorder
from tsgateway.hosts.sessions import Sessions
from tsgateway.hosts.supervisor import HostSupervisor
from tsgateway.hosts.turns import Queue, QueueFull, Turn
from tsgateway.store import StoreUnavailable
from tsgateway.store.access import Access
from tsgateway.store.hosts import HostSettings

ANSWER_WITHIN = 2.0
"""A request waits so long for its session before it is told to ask again, seconds."""
BEGIN_WITHIN = 120.0
"""And so long when it is being begun: its host may have to be started first."""
ABSENT = 15.0
LOOK_EVERY = 1.0
FULL = "Very many people are waiting for a desktop right now. Try again in a few minutes."
TOO_LONG = "It took too long until it was your turn. Try again in a few minutes."


class TooMany(HostError):
    """The person has as many sessions as one may have."""


class LineFull(HostError):
    """So many wait that nobody else can."""


class Wanted(NamedTuple):
    """What somebody asks for. width, height: pixels; address: the client's; turn: one they have, or ""."""

    user: str
    desktop: str
    width: int
    height: int
    address: str = ""
    turn: str = ""


class Waits(NamedTuple):
    """It is not yet somebody's turn. before: how many people come first."""

    turn: str
    before: int


class _Place:
    """One in the queue, or whose session is being begun. told: waits for how it goes."""

    def __init__(self, turn: Turn, wanted: Wanted) -> None:
        self.turn = turn
        self.wanted = wanted
        self.result: str | HostError | None = None
        self._told: list[Deferred[None]] = []

    def end(self, result: str | HostError) -> None:
        """It has come to a session, or to an error."""
        self.result = result
        told, self._told = self._told, []
        for each in told:
            each.callback(None)

    async def within(self, seconds: float, reactor: Any) -> None:
        """Wait for the end, but not for longer."""
        if self.result is None:
            waiting: Deferred[None] = Deferred(self._told.remove)
            self._told.append(waiting)
            with contextlib.suppress(TimeoutError):
                await waiting.addTimeout(seconds, reactor)


class Opening:
    """Opens sessions for people.

    settings: reads what operators have set (StoreUnavailable: what was read last holds); restarted: notes
    that a host was started anew. asked: told of each session that was asked for, and from which address.
    most: sessions of one person, 0 for no limit.
    """

    log = Logger()

    def __init__(
        self,
        sessions: Sessions,
        desktops: Mapping[str, Desktop],
        reactor: Any,
        *,
        settings: Callable[[], Awaitable[Mapping[str, HostSetting]]],
        restarted: Callable[[str], Awaitable[object]],
        asked: Callable[[str, str], None],
        most: int = 0,
        longest: int = 200,
        patience: float = 180.0,
    ) -> None:
        self._sessions = sessions
        self._desktops = desktops
        self._reactor = reactor
        self._settings = settings
        self._restarted = restarted
        self._asked = asked
        self._most = most
        self._queue = Queue(longest, patience, ABSENT)
        self._places: dict[str, _Place] = {}
        self._pids: dict[HostSupervisor, int | None] = {}
        self._looking = LoopingCall(self.look)
        self._looking.clock = reactor
        sessions.watchers.append(self)

    @property
    def waiting(self) -> int:
        """How many turns there are."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to look at those who wait."""
        self._looking.start(LOOK_EVERY, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._looking.running:
            self._looking.stop()

    async def open(self, wanted: Wanted) -> str | Waits:
        """Return the id of a session, or that one has to wait. Raises HostError, and its kinds."""
        await self._sessions.settle()  # after a start of the gateway it may be there already
        await self.refresh()
        single = self._desktops[wanted.desktop].single
        found = self._sessions.find(wanted.user, wanted.desktop) if single else None
        if found is not None and found.info["session"] not in self._sessions.starting:
            self.come_back(found, wanted.address)
            return str(found.info["session"])
        place = self._place(wanted, single) or self._join(wanted)
        place.turn.asked = self._reactor.seconds()
        self.look()
        await place.within(ANSWER_WITHIN, self._reactor)
        if place.turn.id in self._queue:
            return Waits(place.turn.id, self._queue.before(place.turn.id))
        await place.within(BEGIN_WITHIN, self._reactor)
        if place.result is None:
            raise HostError(NOT_YET)
        self._places.pop(place.turn.id, None)
        if isinstance(place.result, HostError):
            raise place.result
        self._asked(place.result, wanted.address)
        return place.result

    def come_back(self, session: Session, address: str) -> None:
        """Somebody comes back to a session, from this address. Raises Draining when nobody may."""
        self._sessions.placer.check_return(session.host.number)
        self._asked(str(session.info["session"]), address)

    async def refresh(self) -> None:
        """Read what operators have set; without a database, what was read last holds."""
        try:
            self._sessions.placer.settings = await self._settings()
        except StoreUnavailable as error:
            self.log.debug("settings of hosts are not read: {error}", error=error)

    # ---- the queue

    def _place(self, wanted: Wanted, single: bool) -> _Place | None:
        for place in self._places.values():
            same = (place.wanted.user, place.wanted.desktop) == (wanted.user, wanted.desktop)
            if same and (single or place.turn.id == wanted.turn):
                return place
        return None

    def _join(self, wanted: Wanted) -> _Place:
        self._check_count(wanted.user)
        now = self._reactor.seconds()
        turn = Turn(secrets.token_hex(8), wanted.user, wanted.desktop, now, now)
        try:
            self._queue.join(turn)
        except QueueFull:
            raise LineFull(FULL) from None
        place = self._places[turn.id] = _Place(turn, wanted)
        return place

    def _check_count(self, user: str) -> None:
        running = self._sessions.of_user(user)
        if self._most and len(running) + self._queue.count(user) >= self._most:
            names = (
                ", ".join(sorted(str(session.info["title"]) for session in running)) or "those being started"
            )
            raise TooMany(
                f"You have {self._most} session{'s' * (self._most != 1)}, and may not have more. "
                f"End one of them first: {names}."
            )

    def look(self) -> None:
        """Begin the sessions whose turn it is; send away those who waited too long or are gone."""
        now = self._reactor.seconds()
        for turn in self._queue.overdue(now):
            self._end(turn, LineFull(TOO_LONG))
        for turn in self._queue.absent(now):
            self._queue.leave(turn.id)
            self._places.pop(turn.id, None)
        for place in [each for each in self._places.values() if each.result is not None]:
            if now - place.turn.asked >= ABSENT:
                del self._places[place.turn.id]
        for turn in self._queue.order():
            scores = self._sessions.scores(turn.desktop)
            if not any(each.fit is Fit.ABLE for each in scores) and why_none(scores) is Fit.BUSY:
                break  # nor is there room for those behind
            self._queue.leave(turn.id)
            wanted = self._places[turn.id].wanted
            begun = self._sessions.open(
                wanted.user, wanted.desktop, wanted.width, wanted.height, another=not self._single(wanted)
            )
            Deferred.fromCoroutine(begun).addCallbacks(
                lambda session, turn: self._end(turn, session),
                lambda failure, turn: self._failed(turn, failure),
                callbackArgs=(turn,),
                errbackArgs=(turn,),
            )

    def _single(self, wanted: Wanted) -> bool:
        return self._desktops[wanted.desktop].single

    def _failed(self, turn: Turn, failure: Failure) -> None:
        error = failure.value
        if not isinstance(error, HostError):
            self.log.failure("a session of {desktop} is not begun", failure, desktop=turn.desktop)
            error = HostError("The desktop cannot be started: an internal error.")
        self._end(turn, error)

    def _end(self, turn: Turn, result: str | HostError) -> None:
        self._queue.leave(turn.id)
        place = self._places.get(turn.id)
        if place is not None:
            place.end(result)

    # ---- hosts.sessions.Watcher

    def session_changed(self, session: Session) -> None:
        """One more has started or ended: there may be room."""
        if len(self._queue):
            self._reactor.callLater(0, self.look)

    def host_told(self, host: HostSupervisor) -> None:
        """A host is up; where it is another process than before, "until restart" is over for it."""
        before = self._pids.get(host)
        self._pids[host] = host.pid
        mode = self._sessions.placer.settings.get(str(host.number), HostSetting()).mode
        if before not in (None, host.pid) and mode is DrainMode.DRAIN_UNTIL_RESTART:
            noted = Deferred.fromCoroutine(self._note_restart(str(host.number)))
            noted.addErrback(lambda failure: self.log.failure("host {name}", failure, name=host.number))

    async def _note_restart(self, name: str) -> None:
        try:
            await self._restarted(name)
        except StoreUnavailable as error:
            self.log.warn(
                "host {name} stays drained, though it was started anew: {error}", name=name, error=error
            )


def opening_of(
    config: Config,
    sessions: Sessions,
    recorder: Recorder,
    reactor: Any,
    *,
    hosts: HostSettings,
    access: Access,
) -> Opening:
    """Return what opens sessions as the configuration has it. hosts: the store's settings of hosts."""

    async def settings() -> Mapping[str, HostSetting]:
        return await access(hosts.all)

    async def restarted(name: str) -> None:
        await access(hosts.restarted, name, time.time())

    return Opening(
        sessions,
        config.desktops,
        reactor,
        settings=settings,
        restarted=restarted,
        asked=recorder.asked,
        most=config.sessions.max_per_user,
        longest=config.hosts.max_waiting,
        patience=config.hosts.wait_seconds,
    )
