"""The audit of a running gateway: written, searched, checked and sent on, each off the reactor's thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from tsgateway.audit.base import Event
from tsgateway.audit.check import Report
from tsgateway.audit.follow import Follower, Line
from tsgateway.audit.forward import Forwarder
from tsgateway.audit.index import Found, Index, Query
from tsgateway.audit.journal import Trail
from tsgateway.audit.keys import KeyProblem
from tsgateway.audit.log import AuditLog
from tsgateway.audit.verify import verify
from tsgateway.config.audit import AuditSection
from tsgateway.threads import Threads

MIB = 1024 * 1024
BATCH = 500
"""Records that are read at a time for who exports them."""


@dataclass
class Verification:
    """A check that runs or has run. lines: read so far; failed: why it could not be finished."""

    began: float
    lines: int = 0
    report: Report | None = None
    failed: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.report is None and not self.failed


class AuditDesk:
    """Joins the parts. It is a `Journal`. folder: of the audit; wall: seconds since 1970."""

    log = Logger()

    def __init__(
        self, folder: Path, settings: AuditSection, reactor: Any, *, wall: Callable[[], float]
    ) -> None:
        self.folder = folder
        self._wall = wall
        self._log = AuditLog(folder, wall=wall, segment_bytes=int(settings.segment_mb * MIB))
        self.trail = Trail(self._log, reactor, wall=wall, keep_days=settings.keep_days)
        self._index = Index(folder)
        self._reading = Threads(reactor, "audit-index", 1)
        self._others = Threads(reactor, "audit-reading", 2)
        self._reactor = reactor
        self._is_indexing = False
        self._is_stopping = False
        self.verification: Verification | None = None
        self.forwarder = (
            None
            if settings.syslog is None
            else Forwarder(folder, settings.syslog, settings.syslog_ca, reactor, self._others)
        )
        self.trail.heard.append(self._written)

    def note(self, event: Event) -> None:
        """Take an event in (base.Journal)."""
        self.trail.note(event)

    def start(self) -> None:
        """Begin."""
        self._reading.start()
        self._others.start()
        self.trail.start()
        if self.forwarder is not None:
            self.forwarder.start()

    async def stop(self) -> None:
        """Write what there is, and end."""
        await self.trail.stop()
        self._is_stopping = True  # whoever reads for long ends soon
        self._index.stop()
        if self.forwarder is not None:
            await self.forwarder.stop()
        self._others.stop()
        self._reading.stop()
        self._index.close()

    def _written(self) -> None:
        if self.forwarder is not None:
            self.forwarder.wake()
        if not self._is_indexing:
            self._is_indexing = True
            self._reading(self._index.catch_up).addCallbacks(self._indexed, self._not_indexed)

    def _indexed(self, more: bool) -> None:
        self._is_indexing = False
        if more:
            self._written()

    def _not_indexed(self, failure: Any) -> None:
        self._is_indexing = False
        self.log.warn("the audit's index: {why}", why=failure.getErrorMessage())

    @property
    def last(self) -> int:
        """The number of the last record."""
        return self._log.seq

    # ---- reading

    async def page(self, query: Query, before: int | None, limit: int) -> Found:
        """Return a page of what fits. Raises OSError, sqlite3.Error."""
        return await self._reading(self._index.page, query, before, limit)

    async def records(self, after: int) -> AsyncIterator[list[Line]]:
        """Yield all records behind one, some at a time, up to those that are there now. Raises OSError."""
        follower = Follower(self.folder, after)
        last = self._log.seq
        while found := await self._others(follower.take, BATCH):
            yield found
            if found[-1].seq >= last:
                return

    def public_key(self) -> str:
        """Return the public key as PEM. Raises OSError, KeyProblem."""
        return self._log.public_key()

    def verify(self) -> Verification:
        """Check everything, in the background; one check at a time. Returns the one that runs."""
        running = self.verification
        if running is not None and running.is_running:
            return running
        begun = self.verification = Verification(self._wall())
        Deferred.fromCoroutine(self._verify(begun))
        return begun

    async def _verify(self, begun: Verification) -> None:
        def told(count: int) -> None:  # on the thread; a number is written whole
            begun.lines = count
            if self._is_stopping:
                raise KeyProblem("the gateway is being stopped")

        try:
            begun.report = await self._others(lambda: verify(self.folder, progress=told))
        except (OSError, KeyProblem) as error:
            begun.failed = str(error)
        except Exception:
            self.log.failure("the audit is not checked")
            begun.failed = "An internal error; the log has more."
        else:
            begun.lines = begun.report.last - begun.report.first + 1
            self._tell(begun.report)

    def _tell(self, report: Report) -> None:
        if not report.is_good:
            self.log.error(
                "the audit was tampered with: {first}; {count} findings",
                first=report.findings[0].text, count=len(report.findings) + report.more,
            )  # fmt: skip
        details = {"findings": len(report.findings) + report.more, "last": report.last}
        self.note(Event("audit.verified", "", "", "audit", "good" if report.is_good else "damaged", details))
