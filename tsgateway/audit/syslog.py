"""Records as syslog messages (RFC 5424) with structured data. Pure.

The element is `tsgateway@32473`: 32473 is the number that RFC 5612 keeps for those that have none of their
own. Facility 13 is that of audits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tsgateway.audit.chain import canonical

FACILITY = 13
ELEMENT = "tsgateway@32473"
APPLICATION = "tsgateway"
FIELDS = ("seq", "prev", "kind", "who", "address", "target", "outcome")

CRITICAL, WARNING, NOTICE, INFO = 2, 4, 5, 6
_ALARMING = frozenset({"audit.broken", "audit.lost"})
_REFUSED = frozenset({"refused", "denied", "throttled", "failed"})


def severity(record: Mapping[str, Any]) -> int:
    """Return how grave a record is, as syslog counts."""
    kind = record["kind"]
    if kind in _ALARMING:
        return CRITICAL
    if record["outcome"] in _REFUSED or kind.rpartition(".")[2] in _REFUSED:
        return WARNING
    return NOTICE if kind.startswith(("admin.", "shadow.", "audit.", "guest.")) else INFO


def message(record: Mapping[str, Any], host: str, process: int) -> bytes:
    """Return the message of a record, without a line feed. host, process: of the gateway."""
    priority = FACILITY * 8 + severity(record)
    kind = _name(record["kind"], 32)
    head = f"<{priority}>1 {record['time']} {_name(host, 255)} {APPLICATION} {process} {kind}"
    values = {name: str(record[name]) for name in FIELDS if record[name] != ""}
    if record["details"]:
        values["details"] = canonical(record["details"]).decode()
    told = " ".join(f'{name}="{_value(value)}"' for name, value in values.items())
    return f"{head} [{ELEMENT} {told}] \ufeff{_text(sentence(record))}".encode()


def sentence(record: Mapping[str, Any]) -> str:
    """Return a record as people read it in a list."""
    who = record["who"] or "somebody"
    where = f" from {record['address']}" if record["address"] else ""
    parts = [f"{record['kind']}: {who}{where}" if record["who"] or where else record["kind"]]
    parts += [record[name] for name in ("target", "outcome") if record[name]]
    return ", ".join(parts)


def _name(text: str, most: int) -> str:
    """Return a text as a header field: visible ASCII."""
    return "".join(sign if "!" <= sign <= "~" else "?" for sign in text[:most]) or "-"


def _value(text: str) -> str:
    """Escape a parameter's value (RFC 5424, 6.3.3); control characters would end lines elsewhere."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
    return _text(escaped)


def _text(text: str) -> str:
    return "".join(sign if sign >= " " and sign != "\x7f" else " " for sign in text)
