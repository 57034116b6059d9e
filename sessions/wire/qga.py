"""The QEMU guest agent's protocol, the client's side, without I/O.

JSON objects, one a line. The agent speaks when it is asked only, answers in the order it was asked, and may
be asked while an earlier client's answers, or a part of one, still are on their way. So a client begins, and
begins again after an answer that did not come, with `guest-sync-delimited` and a number of its own: all that
comes before the byte 0xFF and that number is somebody else's. Source: "QEMU Guest Agent Protocol Reference",
docs/interop/qemu-ga-ref of QEMU.

    reader = QgaReader()
    reader.sync(7)                            # → what to send
    reader.receive(b'...\\xff{"return": 7}\\n')  # → [Synced(id=7)]
    command("guest-ping")                     # → b'{"execute": "guest-ping"}\\n'
    reader.receive(b'{"return": {}}\\n')        # → [Reply(value={})]

The agent runs in the guest: whatever comes is hostile.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sessions.wire.errors import LimitExceeded, ProtocolError

MAX_LINE = 3 * 1024 * 1024
"""Longest answer taken, bytes: 1 MiB of a program's output and 1 MiB of its errors, in base64, fit."""

MAX_SYNC_LINE = 256
"""Bytes of the line that may answer `guest-sync-delimited`; a longer one is another's."""

SENTINEL = b"\xff"
"""Comes before the answer, and makes the agent forget half a command when it is sent to it."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What comes from now on answers what is asked from now on."""

    id: int


@dataclass(frozen=True, slots=True)
class Reply:
    """A command succeeded."""

    value: Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command failed."""

    kind: str
    text: str


Message = Synced | Reply | Refusal


def command(name: str, arguments: Mapping[str, Any] | None = None) -> bytes:
    """Return one command, ready to be sent."""
    message: dict[str, Any] = {"execute": name}
    if arguments:
        message["arguments"] = arguments
    return json.dumps(message).encode() + b"\n"


class QgaReader:
    """Cuts what an agent sends into messages.

    Until the agent answers `sync` all is skipped, and next to nothing kept.
    """

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._data = bytearray()
        self._awaited: int | None = None
        self._in_step = False

    @property
    def at_rest(self) -> bool:
        """Whether nothing has come of a message that is not whole yet."""
        return not self._data

    def sync(self, id: int) -> bytes:
        """Return the command that begins a conversation; what came before is forgotten."""
        self._data.clear()
        self._awaited, self._in_step = id, False
        return SENTINEL + command("guest-sync-delimited", {"id": id})

    def receive(self, data: bytes | memoryview) -> list[Message]:
        """Take what arrived, return the messages now whole. Raises LimitExceeded, ProtocolError."""
        searched = len(self._data)
        self._data += data
        if self._in_step:
            return self._lines(searched)
        if self._awaited is None or not self._skip():
            return []
        self._in_step = True
        return [Synced(self._awaited), *self._lines(0)]

    def _skip(self) -> bool:
        """Drop what comes before the awaited answer; tell whether that was there."""
        while (start := self._data.find(SENTINEL)) >= 0:
            del self._data[:start]
            line, end, _ = self._data[1 : 1 + MAX_SYNC_LINE].partition(b"\n")
            if SENTINEL not in line:
                if not end and len(line) < MAX_SYNC_LINE:
                    return False  # the rest is yet to come
                if end and _answers(line, self._awaited):
                    del self._data[: len(line) + 2]
                    return True
            del self._data[:1]
        self._data.clear()
        return False

    def _lines(self, searched: int) -> list[Message]:
        """searched: so many bytes are known to hold no end of a line."""
        messages: list[Message] = []
        start = 0
        while (end := self._data.find(b"\n", max(start, searched))) >= 0:
            self._check_length(end - start)
            line = bytes(self._data[start:end]).strip()
            start = end + 1
            if line:
                messages.append(_message(line))
        del self._data[:start]
        self._check_length(len(self._data))
        return messages

    def _check_length(self, length: int) -> None:
        if length > self._limit:
            raise LimitExceeded(f"guest agent: a line of more than {self._limit} bytes")


def _answers(line: bytearray, id: int | None) -> bool:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and type(fields.get("return")) is int and fields["return"] == id


def _message(line: bytes) -> Message:
    try:
        fields = json.loads(line)
        if "error" in fields:
            return Refusal(str(fields["error"]["class"]), str(fields["error"]["desc"]))
        return Reply(fields["return"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProtocolError(f"guest agent: not a message: {line[:80]!r}") from error
