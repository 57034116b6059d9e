"""Writes down who has which session: what the hosts tell goes to the store, some at a time.

It never holds anything up. While the database is away what has changed is kept, the last state of each
session only, and written when it is back. Beyond `MAX_KEPT` sessions the longest unwritten are given up.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from sessions.wire.tsg import SessionState
from tsgateway.hosts.directory import Session
from tsgateway.hosts.sessions import Sessions
from tsgateway.hosts.supervisor import HostSupervisor
from tsgateway.store import History, Ran, StoreError
from tsgateway.store.access import Access

WRITE_EVERY = 1.0
"""Seconds that changes are gathered for."""
MAX_BATCH = 500
MAX_KEPT = 10_000
PRUNE_EVERY = 3600.0
DAY = 86_400.0
LOST = "It was over when its session host was back."


class Recorder:
    """Keeps the table of sessions up to date. wall: seconds since 1970; keep: of ended sessions, seconds."""

    log = Logger()

    def __init__(
        self,
        sessions: Sessions,
        history: History,
        access: Access,
        reactor: Any,
        *,
        wall: Callable[[], float],
        keep: float,
    ) -> None:
        self._sessions = sessions
        self._history = history
        self._access = access
        self._wall = wall
        self._keep = keep
        self._kept: OrderedDict[str, Ran] = OrderedDict()
        self._addresses: dict[str, str] = {}
        self._told: dict[str, HostSupervisor] = {}
        self._given_up = 0
        self._knows_hosts = True
        self._is_writing = False
        self._is_behind = False
        self._writing = LoopingCall(self.write)
        self._pruning = LoopingCall(self.prune)
        self._writing.clock = self._pruning.clock = reactor
        sessions.watchers.append(self)

    @property
    def unwritten(self) -> int:
        """Sessions whose last change is not in the store yet."""
        return len(self._kept)

    def start(self) -> None:
        """Begin to write, once all hosts are known."""
        self._knows_hosts = False  # by the table there may be others, of another configuration
        self._writing.start(WRITE_EVERY, now=False)
        self._pruning.start(PRUNE_EVERY, now=True)

    async def stop(self) -> None:
        """Write what there is, as far as it can be, and end."""
        for each in (self._writing, self._pruning):
            if each.running:
                each.stop()
        await self.write()

    def asked(self, session: str, address: str) -> None:
        """Somebody has asked for a session, from this address."""
        found = self._sessions.get(session)
        if found is not None and self._addresses.get(session) != address:
            self._addresses[session] = address
            self.session_changed(found)

    # ---- hosts.sessions.Watcher

    def session_changed(self, session: Session) -> None:
        """Keep how it stands now."""
        row = self._row(session)
        self._kept[row.id] = row
        self._kept.move_to_end(row.id)
        if session.over:
            self._addresses.pop(row.id, None)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
            self._given_up += 1

    def host_told(self, host: HostSupervisor) -> None:
        """Sessions that it had by the table and has not are over: looked at with the next writing."""
        self._told[str(host.number)] = host

    def _row(self, session: Session) -> Ran:
        info, now = session.info, self._wall()
        began = float(info.get("started") or now)
        since = max(began, float(info.get("since") or now))
        return Ran(
            id=str(info["session"]),
            user=str(info.get("user", "")),
            desktop=str(info.get("desktop", "")),
            host=str(session.host.number),
            address=self._addresses.get(str(info["session"]), ""),
            state=SessionState(info["state"]).name.lower(),
            began=began,
            since=since,
            ended=since if session.over else None,
            reason=str(info.get("text") or info.get("reason") or "") if session.over else "",
        )

    # ---- the store

    async def write(self) -> None:
        """Write what has changed, one batch after the other. Never raises."""
        if self._is_writing or not (self._kept or self._told or not self._knows_hosts):
            return
        self._is_writing = True
        try:
            await self._write_hosts()
            while self._kept:
                batch = list(self._kept.values())[:MAX_BATCH]
                await self._access(self._history.note, batch)
                for row in batch:
                    if self._kept.get(row.id) is row:  # it has not changed meanwhile
                        del self._kept[row.id]
        except StoreError as error:
            if not self._is_behind:
                self.log.warn("states of sessions are kept and written later: {error}", error=error)
            self._is_behind = True
        except Exception:
            self.log.failure("states of sessions are not written")
        else:
            if self._is_behind or self._given_up:
                self.log.info("states of sessions are written again; given up: {count}", count=self._given_up)
            self._is_behind, self._given_up = False, 0
        finally:
            self._is_writing = False

    async def _write_hosts(self) -> None:
        if not self._knows_hosts:
            names = [str(number) for number in self._sessions.hosts]
            await self._access(self._history.lost_elsewhere, names, self._wall(), LOST)
            self._knows_hosts = True
        for name, host in list(self._told.items()):
            running = [*self._kept, *(str(each.info["session"]) for each in self._sessions.all_on(host))]
            count = await self._access(self._history.lost, name, running, self._wall(), LOST)
            self._told.pop(name, None)
            if count:
                self.log.info("host {name} does not have {count} sessions any more", name=name, count=count)

    async def prune(self) -> None:
        """Forget sessions that ended long ago. Never raises."""
        try:
            await self._access(self._history.prune, self._wall() - self._keep)
        except StoreError as error:
            self.log.debug("old sessions are not forgotten now: {error}", error=error)
        except Exception:
            self.log.failure("old sessions are not forgotten")
