"""The audit: looking things up, taking it elsewhere, checking it."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from tsgateway.api import route
from tsgateway.api.route import Answer, Call, May, Model, Route, on_gateway
from tsgateway.audit.chain import LIMITS
from tsgateway.audit.desk import Verification
from tsgateway.audit.export import Form, exported
from tsgateway.audit.index import Query
from tsgateway.audit.keys import KeyProblem
from tsgateway.exchange import ApiError, Response
from tsgateway.policy import Action

if TYPE_CHECKING:
    from tsgateway.api.api import Api

MAX_PAGE = 500
EXPORTS = {Form.JSONL: "application/jsonl", Form.SYSLOG: "text/plain; charset=utf-8"}


def _time(text: str) -> str:
    """Take a time in ISO 8601; without a zone it is UTC."""
    if not text:
        return ""
    try:
        found = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        raise ValueError("should be a time like 2026-08-24T17:42:00Z") from None
    moment = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[str, Field(max_length=40), AfterValidator(_time)]


class Sought(route.Query):
    """What is looked for; what is left out fits anything.

    kind: a whole one, as `session.began`, or its first word. since, until: ISO 8601, both included.
    """

    since: Time = ""
    until: Time = ""
    who: str = Field("", max_length=LIMITS["who"])
    kind: str = Field("", max_length=LIMITS["kind"])
    target: str = Field("", max_length=LIMITS["target"])
    outcome: str = Field("", max_length=LIMITS["outcome"])

    def query(self, text: str = "") -> Query:
        """Return it as the index knows it."""
        return Query(self.since, self.until, self.who, self.kind, self.target, self.outcome, text)


class Search(Sought):
    """text: words, or their beginnings, all of which a record has. before: `next` of the page before."""

    text: str = Field("", max_length=200)
    before: int | None = Field(None, ge=1)
    limit: int = Field(100, ge=1, le=MAX_PAGE)


class Export(Sought):
    """after: only records with greater numbers; form: jsonl or syslog."""

    form: str = Field("jsonl", pattern="^(jsonl|syslog)$")
    after: int = Field(0, ge=0)


class AuditRecord(Model):
    """Something that was noted. prev: the hash of the record before it."""

    seq: int
    time: str
    kind: str
    who: str
    address: str
    target: str
    outcome: str
    details: dict[str, Any]
    prev: str


class AuditPage(Model):
    """Records, the newest first. next: what to ask for `before` of to go on; null at the end."""

    records: list[AuditRecord]
    next: int | None


class AuditFinding(Model):
    """One place where the audit is not as it was written (docs/audit.md)."""

    what: str
    segment: str
    line: int
    seq: int
    last: int
    expected: str
    text: str


class AuditCheck(Model):
    """How a check stands. state: running, good, damaged or failed; lines: read so far.

    more: findings left out; retired: so many records were retired, by rule; unsigned: records at the end
    without a checkpoint behind them.
    """

    state: str
    began: float
    lines: int
    failed: str
    findings: list[AuditFinding]
    more: int
    first: int
    last: int
    retired: int
    checkpoints: int
    unsigned: int


class AuditKey(Model):
    """The public key that checkpoints are signed for, as PEM."""

    key: str


async def search_audit(api: Api, call: Call) -> Answer:
    """Look for records, the newest first."""
    wanted: Search = call.query
    found = await api.audit.page(wanted.query(wanted.text), wanted.before, wanted.limit)
    return {"records": found.records, "next": found.next}


async def export_audit(api: Api, call: Call) -> Answer:
    """Give all records that fit, the oldest first, one a line."""
    wanted: Export = call.query
    headers = {"Content-Type": EXPORTS[Form(wanted.form)], "Cache-Control": "no-store"}
    return Response(headers=headers, stream=_exported(api, call, wanted))


async def _exported(api: Api, call: Call, wanted: Export) -> AsyncIterator[bytes]:
    host, process, query, form = socket.gethostname(), os.getpid(), wanted.query(), Form(wanted.form)
    async for lines in api.audit.records(wanted.after):
        yield b"".join(exported(each, form, query, host, process) for each in lines)
        if not await api.still_known(call):
            return


async def verify_audit(api: Api, call: Call) -> Answer:
    """Begin to check the whole audit; how it stands is asked for with GET."""
    return _check(api.audit.verify())


async def show_audit_check(api: Api, call: Call) -> Answer:
    """Tell how the last check stands."""
    if api.audit.verification is None:
        raise ApiError(404, "not_checked", "The audit was not checked since the gateway was started.")
    return _check(api.audit.verification)


async def show_audit_key(api: Api, call: Call) -> Answer:
    """Give the public key; kept elsewhere, it shows whether the audit was made anew with another one."""
    try:
        return AuditKey(key=await api.files(api.audit.public_key))
    except (OSError, KeyProblem):
        raise ApiError(503, "no_key", "The audit has no key yet; the log says why.") from None


def _check(check: Verification) -> AuditCheck:
    report = check.report
    state = "running" if check.is_running else "failed" if report is None else "damaged"
    if report is not None and report.is_good:
        state = "good"
    findings = [] if report is None else report.findings
    return AuditCheck(
        state=state,
        began=check.began,
        lines=check.lines,
        failed=check.failed,
        findings=[AuditFinding(**{**each._asdict(), "what": each.what.value}) for each in findings],
        more=0 if report is None else report.more,
        first=0 if report is None else report.first,
        last=0 if report is None else report.last,
        retired=0 if report is None else report.retired,
        checkpoints=0 if report is None else report.checkpoints,
        unsigned=0 if report is None else report.unsigned,
    )


_MAY = May(Action.SEE_AUDIT, on_gateway)
ROUTES = (
    Route(
        "GET", "/api/v1/audit", search_audit, "Search the audit", _MAY, query=Search, answer=AuditPage,
    ),
    Route(
        "GET", "/api/v1/audit/export", export_audit, "Export the audit", _MAY, query=Export,
        stream="application/jsonl",
    ),
    Route("POST", "/api/v1/audit/verify", verify_audit, "Check the audit", _MAY, answer=AuditCheck),
    Route(
        "GET", "/api/v1/audit/verify", show_audit_check, "Tell how the audit's check stands", _MAY,
        answer=AuditCheck,
    ),
    Route("GET", "/api/v1/audit/key", show_audit_key, "Give the audit's public key", _MAY, answer=AuditKey),
)  # fmt: skip
