"""How an event becomes a line, and how lines hang together. Pure; docs/audit.md is the reference.

A line is one JSON object in canonical form (RFC 8785): keys in order, no spaces, UTF-8. Numbers are whole and
within ±2^53, keys of details are ASCII, so that Python's encoder and RFC 8785 agree on every byte. Each
line holds the SHA-256 of the line before it, its line feed left out, as `prev`.

BadLine    a line that no gateway has written
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from tsgateway.audit.base import Event

GENESIS = "0" * 64
"""What the first line of all follows."""
CHECKPOINT = "audit.checkpoint"
"""The kind of a record that holds a signature over all before it."""
FORMAT = "tsgateway-audit-1"

MAX_LINE = 16 * 1024
"""Bytes of a line."""
MAX_DETAILS = 6 * 1024
"""Bytes of encoded details; of more only the beginning is kept."""
LIMITS = {"kind": 64, "who": 256, "address": 64, "target": 256, "outcome": 64}
"""Characters."""
MAX_TEXT = 2000
MAX_ITEMS = 64
MAX_DEPTH = 4
MAX_WHOLE = 2**53

FIELDS = frozenset({"seq", "time", "prev", "details", *LIMITS})
_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


class BadLine(Exception):
    """A line that no gateway has written."""


class Point(NamedTuple):
    """A place in the chain: all up to record `seq`, whose line has this hash, as it stood at `time`."""

    seq: int
    hash: str
    time: str


class Signed(NamedTuple):
    """A point and who vouches for it. key: the fingerprint of the public key."""

    point: Point
    purpose: str
    key: str
    signature: bytes


def canonical(value: Mapping[str, Any]) -> bytes:
    """Return the one encoding of a value that `plain` has been through."""
    return _encoder.encode(value).encode()


def digest(line: bytes) -> str:
    """Return the hash of a line, without its line feed."""
    return hashlib.sha256(line).hexdigest()


def encode(seq: int, prev: str, time: str, event: Event) -> bytes:
    """Return the line of an event, without its line feed."""
    details = plain(event.details)
    record: dict[str, Any] = {name: _text(getattr(event, name), most) for name, most in LIMITS.items()}
    record.update(seq=seq, prev=prev, time=time, details=details)
    line = canonical(record)
    if len(line) > MAX_DETAILS:
        told = canonical(details)
        if len(told) > MAX_DETAILS:
            record["details"] = {"clipped": told[:MAX_TEXT].decode(errors="ignore")}
            line = canonical(record)
    return line


def decode(line: bytes) -> dict[str, Any]:
    """Return the record of a line. Raises BadLine."""
    if len(line) > MAX_LINE:
        raise BadLine(f"it has {len(line)} bytes, {MAX_LINE} are allowed")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise BadLine("it is not JSON") from None
    if not isinstance(record, dict) or record.keys() != FIELDS:
        raise BadLine("it is no record")
    seq = record["seq"]
    if type(seq) is not int or not isinstance(record["details"], dict):
        raise BadLine("it is no record")
    if not all(isinstance(record[name], str) for name in ("time", "prev", *LIMITS)):
        raise BadLine("it is no record")
    return record


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON can say it in one way, within the limits."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -MAX_WHOLE <= value <= MAX_WHOLE else _text(str(value), MAX_TEXT)
    if isinstance(value, str):
        return _text(value, MAX_TEXT)
    if depth < MAX_DEPTH:
        if isinstance(value, Mapping):
            items = list(value.items())[:MAX_ITEMS]
            return {_key(name): plain(each, depth + 1) for name, each in items}
        if isinstance(value, list | tuple | set | frozenset):
            return [plain(each, depth + 1) for each in list(value)[:MAX_ITEMS]]
    return _text(repr(value) if isinstance(value, float) else str(value), MAX_TEXT)


def _text(value: str, most: int) -> str:
    """Clip a text; what UTF-8 cannot say becomes a question mark."""
    text = str(value)[:most]
    return text if text.isascii() else text.encode(errors="replace").decode()


def _key(name: object) -> str:
    return str(name)[:64].encode("ascii", "replace").decode()


# ---- signed points


def signed_text(purpose: str, point: Point) -> bytes:
    """Return what is signed. purpose: `record`, `head` or `anchor`; one cannot stand in for another."""
    return canonical({"format": FORMAT, "purpose": purpose, **point._asdict()})


def checkpoint(seq: int, prev: str, time: str, key: str, signature: bytes) -> bytes:
    """Return the line of a checkpoint: record `seq`, which vouches for all before it."""
    details = {"key": key, "signature": base64.b64encode(signature).decode()}
    return encode(seq, prev, time, Event(CHECKPOINT, details=details))


def checkpoint_of(record: Mapping[str, Any]) -> Signed | None:
    """Return what a record vouches for; None when it does not look like a checkpoint."""
    point = Point(record["seq"] - 1, record["prev"], record["time"])
    return _signed("record", point, record["details"])


def encode_signed(signed: Signed) -> bytes:
    """Return the content of a file that holds a signed point."""
    signature = base64.b64encode(signed.signature).decode()
    fields = {"format": FORMAT, "purpose": signed.purpose, **signed.point._asdict()}
    return canonical({**fields, "key": signed.key, "signature": signature}) + b"\n"


def decode_signed(data: bytes, purpose: str) -> Signed | None:
    """Return the signed point that a file holds; None when it holds none for this purpose."""
    try:
        table = json.loads(data[:MAX_LINE])
        point = Point(int(table["seq"]), str(table["hash"]), str(table["time"]))
        return _signed(purpose, point, table) if table["purpose"] == purpose else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _signed(purpose: str, point: Point, table: Mapping[str, Any]) -> Signed | None:
    try:
        signature = base64.b64decode(table["signature"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None
    return Signed(point, purpose, str(table.get("key", "")), signature)
