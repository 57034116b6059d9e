"""Keeps one local session host running: adopts a live one, starts it, starts it again when it dies.

The host is started in a session of its own, so that neither a killed gateway nor Ctrl-C in its terminal
reaches it. What it prints goes to `host.log` in its folder.

A live host of another version (the software was updated) is asked to quit: it lets its guests run, and the
new one takes them up. Its socket is never removed here: a host does that itself once it has the lock of its
state folder, which it cannot get while another one lives.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger

from sessions.files import write_whole
from sessions.wire.link import VERSION
from tsgateway.hosts.link import NOT_YET, REPLY_WITHIN, HostError, HostLink, HostRefused
from tsgateway.hosts.place import HostPlace
from tsgateway.hosts.placement import HostState

CONNECT_EVERY = 0.05
CONNECT_WITHIN = 15.0
LEAVE_WITHIN = 30.0
"""How long a host of another version may take to leave; it waits for guests that are ending."""
REAPED_WITHIN = 5.0
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Waits before a host that has died is started again, seconds: none at first, people look at its desktops."""
STEADY_AFTER = 10.0
"""A host that ran this long has done well: its next death counts as the first, seconds."""
MAX_LOG = 8 * 1024 * 1024


class HostEvents(Protocol):
    """What the owner of a supervisor is told."""

    def host_up(self, host: HostSupervisor, sessions: Sequence[dict[str, Any]]) -> None:
        """The host answers; these are its sessions (SessionInfo)."""

    def host_down(self, host: HostSupervisor) -> None:
        """The link is lost."""

    def host_event(self, host: HostSupervisor, event: str, params: dict[str, Any]) -> None:
        """An event of the link came."""

    def host_message(self, host: HostSupervisor, channel: int, message: bytes) -> None:
        """A viewer's message came."""


class _OneLink(Factory):
    """Gives the one connection made with it its protocol."""

    noisy = False

    def __init__(self, link: HostLink) -> None:
        self._link = link

    def buildProtocol(self, addr: object) -> HostLink:
        return self._link


class HostSupervisor:
    """One session host."""

    log = Logger()

    def __init__(self, place: HostPlace, events: HostEvents, reactor: Any) -> None:
        self.number = place.number
        self.pid: int | None = None
        self._place = place
        self._events = events
        self._reactor = reactor
        self._wanted = False
        self._state = HostState.ASLEEP
        self._awaiting: list[Deferred[None]] = []
        self._returning: list[Deferred[None]] = []
        self._link: HostLink | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._running: Deferred[None] | None = None
        self._lost: Deferred[None] | None = None

    @property
    def state(self) -> HostState:
        """How it stands."""
        return self._state

    @property
    def up(self) -> bool:
        """Whether the host answers now, and has told what it has."""
        return self._state is HostState.UP

    def ready(self) -> Deferred[None]:
        """Start the host if it sleeps; fires when it is up, with HostError when that fails."""
        waiting: Deferred[None] = Deferred()
        if self._state is HostState.UP:
            waiting.callback(None)
        elif self._state in (HostState.DOWN, HostState.LEAVING):
            waiting.errback(HostError(NOT_YET))
        else:
            self._awaiting.append(waiting)
            if self._state is HostState.ASLEEP:
                self.start()
        return waiting

    def back(self, within: float) -> Deferred[None]:
        """Wait for a host that starts, or has died and is started again; fires when it is up.

        HostError when that takes longer than `within` seconds, or when it is not wanted.
        """
        waiting: Deferred[None] = Deferred(self._returning.remove)
        if self._state is HostState.UP:
            waiting.callback(None)
        elif self._state in (HostState.ASLEEP, HostState.LEAVING):
            waiting.errback(HostError(NOT_YET))
        else:
            self._returning.append(waiting)
            waiting.addTimeout(within, self._reactor, _not_back)
        return waiting

    def start(self) -> None:
        """Begin to keep the host running."""
        self._wanted = True
        self._state = HostState.STARTING
        self._running = Deferred.fromCoroutine(self._keep_running())
        self._running.addErrback(self._failed)

    async def stop(self) -> None:
        """Ask the host to leave its guests running and quit; stop keeping it running."""
        self._wanted = False
        link, self._link = self._link, None
        running, self._running = self._running, None
        self._now(HostState.LEAVING)
        if running is not None:
            running.cancel()  # first: a host whose hello is on its way must not come up any more
        has_left = False
        if link is not None:
            has_left = await self._left(link, REAPED_WITHIN)
            link.abort()
        if not has_left and self._process is not None and self._process.poll() is None:
            self._process.terminate()  # it is not reached, or too slow; it lets its guests run all the same
        if self._process is not None:
            await self._reaped(self._process)
        self._now(HostState.ASLEEP)

    def request(
        self, method: str, params: dict[str, Any], within: float = REPLY_WITHIN
    ) -> Deferred[dict[str, Any]]:
        """Ask the host; the Deferred gives the result, or HostError."""
        if self._link is None:
            answer: Deferred[dict[str, Any]] = Deferred()
            answer.errback(HostError(NOT_YET))
            return answer
        return self._link.request(method, params, within)

    def send(self, channel: int, message: bytes) -> None:
        """Hand over a viewer's message."""
        if self._link is not None:
            self._link.send(channel, message)

    # ---- keeping it running

    async def _keep_running(self) -> None:
        deaths = 0
        while self._wanted:
            begun = self._reactor.seconds()
            try:
                await self._connect_or_spawn()
            except HostError as error:
                self.log.error("host {number}: {error}", number=self.number, error=error)
            except CancelledError:
                raise
            except Exception:  # a fault must not leave the sessions without anybody who looks after them
                self.log.failure("host {number}: a fault while it is taken up", number=self.number)
                if self._link is not None:
                    self._link.abort()
            else:
                self._lost = Deferred()
                await self._until_lost()
            if not self._wanted:
                return
            self._now(HostState.DOWN)
            if self._reactor.seconds() - begun >= STEADY_AFTER:
                deaths = 0
            pause = BACK_OFF[min(deaths, len(BACK_OFF) - 1)]
            deaths += 1
            self.log.warn("host {number} starts again in {pause} s", number=self.number, pause=pause)
            await self._sleep(pause)

    async def _until_lost(self) -> None:
        if self._link is None or self._lost is None:
            return
        await self._lost
        status = None if self._process is None else self._process.poll()
        self.log.error(
            "host {number} is gone{status}; its log: {log}",
            number=self.number,
            status="" if status is None else f" (exit status {status})",
            log=self._place.folder / "host.log",
        )

    async def _connect_or_spawn(self) -> None:
        if await self._connect():
            return
        self._spawn()
        deadline = self._reactor.seconds() + CONNECT_WITHIN
        while self._reactor.seconds() < deadline:
            await self._sleep(CONNECT_EVERY)
            if await self._connect():
                return
            if self._process is not None and self._process.poll() is not None:
                raise HostError(
                    f"ended with status {self._process.returncode} while starting: {self._last_words()}"
                )
        if self._process is not None:
            self._process.kill()
        raise HostError(f"did not answer within {CONNECT_WITHIN:.0f} s")

    async def _connect(self) -> bool:
        link = HostLink(self._reactor, self._event, self._message, self._link_lost)
        endpoint: Any = UNIXClientEndpoint(self._reactor, str(self._place.socket))  # type: ignore[no-untyped-call]
        try:
            await endpoint.connect(_OneLink(link))
        except CancelledError:
            raise
        except Exception:  # no socket, nobody listening, too many clients: each means "not there"
            return False
        self._link = link
        try:
            hello = await link.request("hello", {"version": VERSION})
        except HostRefused as refusal:
            self._link = None
            await self._replace(link, refusal)
            return False
        except HostError:
            self._link = None
            link.abort()
            return False
        self.pid = hello.get("pid")
        self.log.info("host {number} is up (process {pid})", number=self.number, pid=self.pid)
        self._state = HostState.UP
        self._events.host_up(self, hello.get("sessions", []))
        self._now(HostState.UP)
        return True

    def _now(self, state: HostState) -> None:
        """Take a state; those who wait for the host hear of it, first those who begin a session."""
        self._state = state
        waiting, self._awaiting = self._awaiting, []
        if state is not HostState.DOWN:
            waiting, self._returning = waiting + self._returning, []
        for each in waiting:
            if state is HostState.UP:
                each.callback(None)
            else:
                each.errback(HostError("The session host cannot be started. Try again in a moment."))

    async def _replace(self, link: HostLink, refusal: HostRefused) -> None:
        """Ask a host that is not of our version to leave. Raises HostError when it stays."""
        self.log.warn(
            "host {number} is of another version and is asked to leave, its guests go on: {refusal}",
            number=self.number,
            refusal=refusal,
        )
        try:
            if await self._left(link, LEAVE_WITHIN):
                return
        finally:
            link.abort()
        lock = self._place.settings["state"]
        raise HostError(
            f"the session host that runs is of another version and does not leave ({refusal}); "
            f"end the process that holds {lock}/lock, its guests go on"
        )

    async def _left(self, link: HostLink, within: float) -> bool:
        """Ask a host to quit; tell whether it has closed the link, as it does at its end."""
        deadline = self._reactor.seconds() + within
        try:
            await link.request("quit", {}, within)
        except HostError as error:
            self.log.debug("host {number} is asked to quit: {error}", number=self.number, error=error)
        else:
            while link.is_open and self._reactor.seconds() < deadline:
                await self._sleep(CONNECT_EVERY)
        return not link.is_open

    def _spawn(self) -> None:
        place = self._place
        settings, log = place.folder / "settings.json", place.folder / "host.log"
        try:
            place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            told = json.dumps({"socket": str(place.socket), **place.settings}).encode()
            if (
                not settings.exists() or settings.read_bytes() != told
            ):  # on a full disk, what is there will do
                write_whole(settings, told)
            if log.exists() and log.stat().st_size > MAX_LOG:
                log.replace(log.with_suffix(".log.1"))
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    [*place.command, "--settings", str(settings)],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        except OSError as error:
            what = error.filename or place.command[0]
            raise HostError(f"cannot be started: {what}: {error.strerror}") from None

    def _last_words(self) -> str:
        try:
            lines = (
                (self._place.folder / "host.log").read_bytes()[-4096:].decode(errors="replace").split("\n")
            )
        except OSError:
            return "no log"
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")

    async def _sleep(self, seconds: float) -> None:
        await deferLater(self._reactor, seconds)

    async def _reaped(self, process: subprocess.Popen[bytes]) -> None:
        deadline = self._reactor.seconds() + REAPED_WITHIN
        while process.poll() is None and self._reactor.seconds() < deadline:
            await self._sleep(CONNECT_EVERY)

    def _failed(self, failure: Any) -> None:
        if not failure.check(CancelledError):
            self.log.failure("host {number}: the supervisor failed", failure, number=self.number)

    # ---- from the link

    def _event(self, event: str, params: dict[str, Any]) -> None:
        self._events.host_event(self, event, params)

    def _message(self, channel: int, message: bytes) -> None:
        self._events.host_message(self, channel, message)

    def _link_lost(self) -> None:
        if self._link is None:
            return
        self._link = None
        self._state = HostState.DOWN
        self._events.host_down(self)
        if self._lost is not None:
            lost, self._lost = self._lost, None
            lost.callback(None)


def _not_back(_: object, within: float) -> None:
    raise HostError(NOT_YET) from None
