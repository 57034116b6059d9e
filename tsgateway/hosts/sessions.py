"""Who has which session on which host, and the way of every message between viewers and hosts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from twisted.internet.defer import DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from sessions.wire.tsg import ClientHello, SessionState
from tsgateway.config import Desktop, SessionsSection
from tsgateway.hosts.attachment import Attached, Attachment, Seat, Shadowing, Who
from tsgateway.hosts.controls import Controls
from tsgateway.hosts.directory import Directory, Info, Session
from tsgateway.hosts.link import NOT_YET, REPLY_WITHIN, HostError
from tsgateway.hosts.messages import Messages
from tsgateway.hosts.numbers import free_number, number_for
from tsgateway.hosts.placement import Candidate, HostState, Load, Score
from tsgateway.hosts.placing import Placer
from tsgateway.hosts.rights import Rights
from tsgateway.hosts.seats import Seats
from tsgateway.hosts.secrets import spec_with_secrets
from tsgateway.hosts.shadows import Shadowings
from tsgateway.hosts.supervisor import HostSupervisor

NOT_RUNNING = "It does not run any more."
SETTLE_WITHIN = 5.0
"""Seconds that hosts get to tell what they have before a session counts as not there."""
ATTACH_WITHIN = 8.0
"""Seconds that a viewer waits for a host that starts again; the browser client gives up after 10."""
RUN_MARGIN = 40.0
"""Seconds a host is given for a command beyond those it may take: other things may come first."""
TOTALS_WITHIN = 3.0
"""Seconds that a host may take to tell its totals; others are told all the same."""


class SessionOver(HostError):
    """The session has ended."""


class PoolFull(HostError):
    """There are as many sessions of a desktop as there may be."""


class Watcher(Protocol):
    """Hears what becomes of sessions; its methods never raise."""

    def session_changed(self, session: Session) -> None:
        """A session was asked for, has changed or has ended."""

    def host_told(self, host: HostSupervisor) -> None:
        """A host has told what it has; sessions it had before and has not now are over."""


class Sessions(Directory):
    """What can be done with sessions, wherever they are; hosts are asked, and tell what becomes of it."""

    log = Logger()

    def __init__(self, desktops: Mapping[str, Desktop], rules: SessionsSection) -> None:
        super().__init__()
        self._desktops = desktops
        self._rules = rules
        self._hosts: list[HostSupervisor] = []
        self._count = 0
        self.placer = Placer()
        self.watchers: list[Watcher] = []
        self.starting: set[str] = set()
        """Sessions whose host has not answered yet."""
        self._heard: set[HostSupervisor] = set()
        self._silent: set[HostSupervisor] = set()
        self._loads: dict[HostSupervisor, Load] = {}
        self.rights = Rights(desktops)
        self.seats = Seats()
        self.shadows = Shadowings()
        self.controls = Controls(self.seats)
        self.messages = Messages(self)
        self.heard_run: Callable[[HostSupervisor, Info], None] = lambda host, told: None
        """Hears of each command that is run in a guest (the link's event `ran`)."""

    def use(self, hosts: Sequence[HostSupervisor], count: int) -> None:
        """Tell which hosts there are; those with a number below `count` are given new sessions.

        A host that sleeps now has nothing to tell.
        """
        self._hosts, self._count = list(hosts), count
        for host in hosts:
            if host.state is HostState.ASLEEP:
                self._heard.add(host)
                for watcher in self.watchers:
                    watcher.host_told(host)

    @property
    def hosts(self) -> dict[int, HostSupervisor]:
        """All hosts, by number."""
        return {host.number: host for host in self._hosts}

    def load(self, host: HostSupervisor) -> Load:
        """Return how loaded a host is, as it last told."""
        return self._loads.get(host, Load())

    @property
    def complete(self) -> bool:
        """Whether every host has told what it has; before, a session not known here may still run."""
        return self._heard.issuperset(self._hosts)

    async def settle(self) -> None:
        """Wait until every host has told what it has; for one that does not, only once, and not for long."""
        missing = [host for host in self._hosts if host not in self._heard | self._silent]
        await DeferredList([host.back(SETTLE_WITHIN) for host in missing], consumeErrors=True)
        self._silent.update(host for host in missing if host not in self._heard)

    async def open(self, user: str, desktop: str, width: int, height: int, *, another: bool = False) -> str:
        """Return the id of a person's session, started when there is none. Raises HostError.

        The id is known at once, so that a second call meanwhile finds the same session. another: start one
        in any case.
        """
        found = None if another else self.find(user, desktop)
        if found is not None:
            return str(found.info["session"])
        published = self._desktops[desktop]
        most = published.pool.max
        if most and self.of(desktop) >= most:
            raise PoolFull(_full(most))
        start = {
            "session": secrets.token_hex(16),
            "desktop": desktop,
            "user": user,
            "title": published.title,
            "spec": spec_with_secrets(published),
            "rules": published.rules_with(self._rules),
            "width": width,
            "height": height,
            "number": free_number(self.numbers()),
        }
        session = str(start["session"])
        starting = {"kind": published.kind, "state": SessionState.STARTING, "viewers": 0, "text": ""}
        self.starting.add(session)
        try:
            host = await self._placed({**start, **starting, "spec": None})
            self._update(host, await host.request("start", start))
        except HostError:
            self.forget(session)
            raise
        finally:
            self.starting.discard(session)
        self.log.info(
            "session {id} of {user} starts on host {host}: {desktop}",
            id=session,
            user=user,
            host=host.number,
            desktop=desktop,
        )
        return session

    async def _placed(self, info: Info) -> HostSupervisor:
        """Find a session its host, which answers then. Raises HostError when there is none."""
        for _ in self._hosts:
            host = self._choose(info["desktop"])
            self.put(Session(info, host))
            try:
                await host.ready()
            except HostError:
                continue  # it is down now, and its supervisor has said why
            return host
        raise HostError(NOT_YET)

    async def steer(self, session: str, method: str, administrator: bool) -> None:
        """Let its host disconnect, log off or reset a session (method: the link's). Raises HostError.

        administrator: whether somebody else than its person asks.
        """
        found = self.get(session)
        if found is not None:
            await found.host.request(method, {"session": session, "administrator": administrator})
            if method != "disconnect":
                self.forget(session)

    async def run(self, session: str, command: Info) -> Info:
        """Run a command in a session's guest (request `run` of the link). Raises HostError."""
        return await self.ask(session, "run", command["seconds"] + RUN_MARGIN, **command)

    async def pools(self) -> dict[str, Info]:
        """Return the guests that stand ready by desktop: {wanted, ready, starting, trouble}, of all hosts."""
        levels: dict[str, Info] = {}
        for _, answer in await self._ask_all("spares"):
            for told in answer["pools"]:
                level = levels.setdefault(
                    told["desktop"], {"wanted": 0, "ready": 0, "starting": 0, "trouble": ""}
                )
                for key in ("wanted", "ready", "starting"):
                    level[key] += int(told[key])
                level["trouble"] = level["trouble"] or str(told["trouble"])
        return levels

    def hosts_in_state(self, state: HostState) -> int:
        """Return how many session hosts are in a state."""
        return sum(host.state is state for host in self._hosts)

    async def activity(self) -> dict[str, float]:
        """Return when there was input last (Unix time) in each session somebody is connected to; 0 in others.

        Sessions of a host that does not answer are left out.
        """
        found: dict[str, float] = {}
        for _, answer in await self._ask_all("activity"):
            found.update(answer.get("sessions", {}))
        return found

    async def totals(self) -> list[tuple[int, Info]]:
        """Return what each host that answers has measured (Totals of the link), by its number."""
        return await self._ask_all("totals")

    async def _ask_all(self, method: str) -> list[tuple[int, Info]]:
        asked = [(host.number, host.request(method, {}, TOTALS_WITHIN)) for host in self._hosts if host.up]
        answers = await DeferredList([answer for _, answer in asked], consumeErrors=True)
        return [
            (number, answer)
            for (number, _), (is_good, answer) in zip(asked, answers, strict=True)
            if is_good and isinstance(answer, dict)
        ]

    async def ask(self, session: str, method: str, within: float = REPLY_WITHIN, /, **params: Any) -> Info:
        """Ask a session's host something about it (method, params: the link's). Raises HostError.

        within: seconds until it counts as not answering.
        """
        found = self.get(session)
        if found is None:
            raise SessionOver(NOT_RUNNING)
        return await found.host.request(method, {"session": session, **params}, within)

    async def statistics(self, session: str) -> Info:
        """Return where a session's time goes (Statistics of the link). Raises HostError."""
        return await self.ask(session, "stats")

    async def guest(self, session: str) -> Info:
        """Return what a session's guest says of itself (GuestInfo of the link). Raises HostError."""
        return await self.ask(session, "guest")

    async def attach(
        self,
        session: str,
        hello: ClientHello,
        viewer: Seat,
        who: Who,
        *,
        shadow: Shadowing | None = None,
        limits: Mapping[str, float] | None = None,
        allow: tuple[str, ...] = (),
    ) -> Attachment:
        """Attach a viewer (`Seats.attach`). Raises HostError.

        A host that starts, or starts again, is waited for. shadow: for one who looks on; limits (of the
        session from now on), allow: as the link has them.
        """
        found = self.get(session)
        if found is not None and not found.host.up:
            await found.host.back(ATTACH_WITHIN)
            found = self.get(session)
        if found is None:
            raise SessionOver(NOT_RUNNING)
        if not found.host.up:
            raise HostError(NOT_YET)
        attached = Attached(found.host, session, viewer, who, shadow, limits, allow)
        if shadow is not None:
            self.shadows.comes(attached, found.info)
        return self.seats.attach(attached, hello)

    def _choose(self, desktop: str) -> HostSupervisor:
        """Return the host for the next session. Raises HostError."""
        number = self.placer.choose(self._candidates(), desktop)
        return next(host for host in self._hosts if host.number == number)

    def scores(self, desktop: str) -> list[Score]:
        """Return what placing thinks of each host for a session of a desktop, the best first."""
        return self.placer.scores(self._candidates(), desktop)

    def _candidates(self) -> list[Candidate]:
        hosts = [host for host in self._hosts if host.number < self._count]
        return [
            Candidate(host.number, host.state, self.on(host), self._starting_on(host), load=self.load(host))
            for host in hosts
        ]

    def _starting_on(self, host: HostSupervisor) -> int:
        return sum(session.info.get("state") == SessionState.STARTING for session in self.all_on(host))

    # ---- HostEvents

    def host_up(self, host: HostSupervisor, sessions: Sequence[Info]) -> None:
        """Take up what the host has, forget what it has not."""
        self._heard.add(host)
        for session in [each.info["session"] for each in self.all_on(host)]:
            if session not in self.starting:
                self.forget(session)
        for info in sessions:
            self._update(host, info)
        for watcher in self.watchers:
            watcher.host_told(host)

    def host_down(self, host: HostSupervisor) -> None:
        """Tell its viewers; their sessions are known again when it is back."""
        self._loads.pop(host, None)
        for each in (self.shadows, self.controls, self.messages, self.seats):
            each.host_down(host)

    def host_event(self, host: HostSupervisor, event: str, params: Info) -> None:
        """Take an event of the link; unknown ones are of a newer host and mean nothing here."""
        if event == "session":
            self._update(host, params)
        elif event == "load":
            self._loads[host] = Load.told(params)
        elif event == "ran":
            self.heard_run(host, params)
        elif event == "detached":
            self.seats.detached(host, params)
        elif event == "shadow":
            self.shadows.host_told(host, params)
        elif event == "control":
            self.controls.host_told(host, params)
        elif event == "message_answered":
            self.messages.answered(host, params)

    def host_message(self, host: HostSupervisor, channel: int, message: bytes) -> None:
        """Hand a message to its viewer, untouched."""
        self.seats.deliver(host, channel, message)

    def _update(self, host: HostSupervisor, info: Info) -> None:
        known = self.get(info["session"])
        if known is not None and known.host is not host:
            self.log.error(
                "host {number} tells of session {id}, which is on host {owner}; that is not believed",
                number=host.number,
                id=info["session"],
                owner=known.host.number,
            )
            return
        session = Session(self._numbered(host, info, known), host)
        self.put(session)
        for watcher in self.watchers:
            watcher.session_changed(session)

    def _numbered(self, host: HostSupervisor, info: Info, known: Session | None) -> Info:
        """Return the info with the number that the session goes by; a host that told another hears of it."""
        told = info.get("number")
        number = known.info.get("number") if known is not None else number_for(told, self.numbers())
        if number == told or info.get("state") == SessionState.ENDED:
            return info
        asked = {"session": info["session"], "number": number}
        host.request("number", asked).addErrback(self._not_numbered, info["session"])
        return {**info, "number": number}

    def _not_numbered(self, failure: Failure, session: str) -> None:
        self.log.warn("session {id} keeps no number: {error}", id=session, error=failure.value)


def _full(most: int) -> str:
    if most == 1:
        return "This desktop is in use. Try again later."
    return f"All {most} of these desktops are in use. Try again later."
