"""The gateway's journal: events wait here, bounded, and are written on a thread, a batch at a time.

What cannot be written, because the disk is full, waits; when too many wait, those that come are lost, and a
record `audit.lost` says how many as soon as there is room. The log says once that it does not go, and once
that it goes again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from tsgateway.audit.base import Event
from tsgateway.audit.keys import KeyProblem
from tsgateway.audit.log import DAY, AuditLog, Noted, moment
from tsgateway.threads import Threads

WRITE_EVERY = 0.2
"""Seconds that events are gathered for."""
MAX_WAITING = 10_000
MAX_BATCH = 1000
SIGN_EVERY = 60.0
"""Seconds after which there is a checkpoint behind what was written."""
RETIRE_EVERY = 3600.0
REFUSED = frozenset({"refused", "denied", "throttled"})
"""Outcomes of events by which something was refused."""
PAUSE = 5.0
"""Seconds until it is tried again after it went wrong."""


class Lost(NamedTuple):
    """Events that were given up. since: when that began, seconds since 1970."""

    events: int
    since: float


class Trail:
    """The `Journal` that is written to the disk.

    wall: seconds since 1970; keep_days: how long segments are kept, 0 for ever.
    """

    log = Logger()

    def __init__(
        self,
        audit: AuditLog,
        reactor: Any,
        *,
        wall: Callable[[], float],
        keep_days: float,
        most: int = MAX_WAITING,
    ) -> None:
        self._audit = audit
        self._reactor = reactor
        self._wall = wall
        self._monotonic: Callable[[], float] = reactor.seconds
        self._keep = keep_days * DAY
        self._most = most
        self._thread = Threads(reactor, "audit", 1)
        self._waiting: deque[Noted] = deque()
        self._lost: Lost | None = None
        self._is_writing = False
        self._signed = 0.0
        self._retired = 0.0
        self._again = 0.0
        self._writing = LoopingCall(self.write)
        self._writing.clock = reactor
        self.heard: list[Callable[[], None]] = []
        """Called when something was written."""
        self.kinds: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        """Events so far by kind, and those of them by which something was refused."""
        self.trouble = ""
        """Why nothing can be written now; a sentence for the operator."""
        self.written = 0
        """Events since the start."""
        self.given_up = 0
        """Events that were lost since the start."""

    @property
    def waiting(self) -> int:
        """Events that are not written yet."""
        return len(self._waiting)

    def note(self, event: Event) -> None:
        """Take an event in (base.Journal)."""
        now = self._wall()
        self.kinds[event.kind] += 1
        if event.outcome in REFUSED:
            self.refusals[event.kind] += 1
        if len(self._waiting) < self._most:
            self._waiting.append((now, event))
            return
        lost = self._lost or Lost(0, now)
        self._lost = lost._replace(events=lost.events + 1)
        self.given_up += 1

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()
        self._signed = self._retired = self._monotonic()
        self._writing.start(WRITE_EVERY, now=True)

    async def stop(self) -> None:
        """Write what there is, as far as it can be, and end."""
        if self._writing.running:
            self._writing.stop()
        while self._is_writing:
            await deferLater(self._reactor, WRITE_EVERY / 10)
        self._again = 0.0
        await self.write(is_last=True)
        self._thread.stop()
        self._audit.close()

    async def write(self, is_last: bool = False) -> None:
        """Write what waits. Never raises."""
        now = self._monotonic()
        if self._is_writing or now < self._again:
            return
        self._is_writing = True
        try:
            if not self._audit.is_open:
                await self._thread(self._audit.open)
            while await self._write_some():
                pass
            await self._sign(now, is_last)
            await self._retire(now)
        except (OSError, KeyProblem) as error:
            self._cannot(error)
        except Exception as error:
            self.log.failure("the audit is not written")
            self._cannot(error)
        else:
            self._can()
        finally:
            self._is_writing = False

    async def _write_some(self) -> bool:
        """Write a batch; return whether there is more."""
        batch = [self._waiting[number] for number in range(min(len(self._waiting), MAX_BATCH))]
        lost = self._lost if len(batch) == len(self._waiting) else None
        entries = batch if lost is None else [*batch, (self._wall(), _lost(lost))]
        if not entries:
            return False
        await self._thread(self._audit.append, entries)
        for _ in batch:
            self._waiting.popleft()
        if lost is not None and self._lost is not None:
            more = self._lost.events - lost.events
            self._lost = Lost(more, self._wall()) if more else None
        self.written += len(batch)
        for each in self.heard:
            each()
        return bool(self._waiting)

    async def _sign(self, now: float, is_last: bool) -> None:
        if self._audit.unsigned and (is_last or now - self._signed >= SIGN_EVERY):
            await self._thread(lambda: self._audit.append([], sign=True))
            self._signed = now

    async def _retire(self, now: float) -> None:
        if self._keep and now - self._retired >= RETIRE_EVERY:
            self._retired = now
            await self._thread(self._audit.retire, self._wall() - self._keep)

    def _cannot(self, error: Exception) -> None:
        self._again = self._monotonic() + PAUSE
        why = (error.strerror if isinstance(error, OSError) else "") or str(error)
        if not self.trouble:
            self.log.error(
                "the audit cannot be written: {why}; up to {most} events wait, what comes then is lost",
                why=why, most=self._most,
            )  # fmt: skip
        self.trouble = f"The audit in {self._audit.folder} cannot be written: {why}."

    def _can(self) -> None:
        if self.trouble:
            self.trouble = ""
            self.log.info("the audit is written again; events lost so far: {count}", count=self.given_up)


def _lost(lost: Lost) -> Event:
    details = {"count": lost.events, "since": moment(lost.since)}
    return Event("audit.lost", target="audit", outcome="lost", details=details)
