"""QEMU's machine protocol (QMP), the client's side, without I/O.

One JSON object a line. The server greets, the client answers with `qmp_capabilities`, then commands get
one reply each, in any order, told apart by their id; events come between them. Source: "QEMU Machine
Protocol Specification", docs/interop/qmp-spec of QEMU.

    reader = QmpReader()
    reader.receive(b'{"return": {}, "id": 1}\\r\\n')      # → [Reply(id=1, value={})]
    command(1, "query-status")                           # → b'{"execute": "query-status", "id": 1}\\n'
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sessions.wire.errors import LimitExceeded, ProtocolError

MAX_LINE = 1024 * 1024
"""Longest line taken, bytes; a `ringbuf-read` of 64 KiB and every query used here stay far below."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """The server's first message. version: (major, minor, micro)."""

    version: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Reply:
    """A command succeeded."""

    id: int
    value: Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command failed; id is None where the server could not read the command at all."""

    id: int | None
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened by itself."""

    name: str
    data: Mapping[str, Any]


Message = Greeting | Reply | Refusal | Event


def command(id: int, name: str, arguments: Mapping[str, Any] | None = None) -> bytes:
    """Return one command, ready to be sent."""
    message: dict[str, Any] = {"execute": name, "id": id}
    if arguments:
        message["arguments"] = arguments
    return json.dumps(message).encode() + b"\n"


class QmpReader:
    """Cuts what a QMP server sends into messages."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._line = bytearray()
        self._greeted = False

    def receive(self, data: bytes | memoryview) -> list[Message]:
        """Take what arrived, return the messages now whole. Raises LimitExceeded, ProtocolError."""
        searched = len(self._line)
        self._line += data
        messages = []
        start = 0
        while (end := self._line.find(b"\n", max(start, searched))) >= 0:
            self._check_length(end - start)
            line = bytes(self._line[start:end]).strip()
            start = end + 1
            if line:
                messages.append(self._message(line))
        del self._line[:start]
        self._check_length(len(self._line))
        return messages

    def _check_length(self, length: int) -> None:
        if length > self._limit:
            raise LimitExceeded(f"QMP: a line of more than {self._limit} bytes")

    def _message(self, line: bytes) -> Message:
        try:
            fields = json.loads(line)
            message = _parse(fields)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ProtocolError(f"QMP: not a message: {line[:80]!r}") from error
        if isinstance(message, Greeting) is self._greeted:
            raise ProtocolError("QMP: the greeting must be the first message, and come once")
        self._greeted = True
        return message


def _parse(fields: Mapping[str, Any]) -> Message:
    if "QMP" in fields:
        version = fields["QMP"]["version"]["qemu"]
        return Greeting((int(version["major"]), int(version["minor"]), int(version["micro"])))
    if "event" in fields:
        data = fields.get("data", {})
        if not isinstance(data, dict):
            raise TypeError("event data")
        return Event(str(fields["event"]), data)
    if "error" in fields:
        error = fields["error"]
        return Refusal(_id(fields.get("id")), str(error["class"]), str(error["desc"]))
    id = _id(fields["id"])
    if id is None:
        raise TypeError("id")
    return Reply(id, fields["return"])


def _id(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError("id")
