"""Records for other programs: JSON lines, or syslog messages one a line. Pure but for who hands them in."""

from __future__ import annotations

import enum

from tsgateway.audit.chain import decode
from tsgateway.audit.follow import Line
from tsgateway.audit.index import Query
from tsgateway.audit.syslog import message


class Form(enum.Enum):
    """How records are written out."""

    JSONL = "jsonl"
    SYSLOG = "syslog"


def exported(line: Line, form: Form, query: Query, host: str, process: int) -> bytes:
    """Return a record in a form, with its line feed; b"" when the query does not want it.

    query.text has no say here; host, process: of the gateway, for syslog. JSON lines are as they stand in the
    file: their hashes can be checked.
    """
    record = decode(line.data)
    if not _wanted(record, query):
        return b""
    data = line.data if form is Form.JSONL else message(record, host, process)
    return data + b"\n"


def _wanted(record: dict[str, object], query: Query) -> bool:
    for name in ("who", "target", "outcome"):
        if getattr(query, name) not in ("", record[name]):
            return False
    kind, time = str(record["kind"]), str(record["time"])
    if query.kind and kind != query.kind and not kind.startswith(f"{query.kind}."):
        return False
    return not (query.since and time < query.since) and not (query.until and time > query.until)
