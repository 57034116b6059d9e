"""What a session host and a machine that many people share say to each other, without I/O.

Lines of JSON on a virtio port. Each request gets one answer, told apart by its id; events come between them.
The other end is /usr/lib/tsgateway/seats of the image, whose head says what may be asked.

    reader = SeatsReader()
    reader.receive(b'{"id": "a1", "result": {"account": "ada"}}\\n')     # → [Reply("a1", {"account": "ada"})]
    request("a1", "log-off", {"seat": 3})              # → b'{"id": "a1", "do": "log-off", "seat": 3}\\n'

A port keeps what an earlier connection has left in it, half a line at worst, so lines that say nothing are
passed over. So is what a guest invents: it can only answer what it is asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_LINE = 64 * 1024
"""Longest line taken, bytes; longer ones are passed over."""
_ACCOUNT = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)
MAX_TEXT = 500
"""Longest sentence taken from a guest, characters; the rest is cut off."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A request was met."""

    id: str
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request was not met; the text is a sentence."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A person's desktop has ended by itself."""

    seat: int
    session: str


@dataclass(frozen=True, slots=True)
class HungUp:
    """A seat's stream was cut in the guest; the desktop may go on."""

    seat: int
    session: str


Message = Reply | Refusal | Ended | HungUp


def request(id: str, do: str, fields: Mapping[str, Any]) -> bytes:
    """Return one request, ready to be sent."""
    return json.dumps({"id": id, "do": do, **fields}).encode() + b"\n"


def taken(hello: Mapping[str, Any]) -> dict[int, str]:
    """Return who sits where, by the result of "hello": sessions by the numbers of their seats."""
    seats = hello.get("seats")
    found = seats.items() if isinstance(seats, dict) else ()
    return {int(number): str(session) for number, session in found if number.isdecimal() and len(number) < 4}


def account(table: object) -> str:
    """Return the account that the result of "log-on" names; "" for none that a person could have."""
    name = table.get("account") if isinstance(table, dict) else None
    is_one = isinstance(name, str) and _ACCOUNT.fullmatch(name) and name != "root"
    return str(name) if is_one else ""


class SeatsReader:
    """Cuts what the guest sends into messages."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._line = bytearray()
        self._overlong = False

    def receive(self, data: bytes | memoryview) -> list[Message]:
        """Take what arrived, return the messages now whole. Never raises."""
        *ends, rest = bytes(data).split(b"\n")
        messages = []
        for end in ends:
            self._take(end)
            if not self._overlong:
                message = _message(bytes(self._line))
                messages += [] if message is None else [message]
            self._line.clear()
            self._overlong = False
        self._take(rest)
        return messages

    def _take(self, part: bytes) -> None:
        self._overlong = self._overlong or len(self._line) + len(part) > self._limit
        if self._overlong:
            self._line.clear()
        else:
            self._line += part


def _message(line: bytes) -> Message | None:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match fields:
        case {"event": "ended", "seat": int(seat), "session": str(session)}:
            return Ended(seat, session)
        case {"event": "hung-up", "seat": int(seat), "session": str(session)}:
            return HungUp(seat, session)
        case {"id": str(id), "result": dict(result)}:
            return Reply(id, result)
        case {"id": str(id), "error": str(text)}:
            return Refusal(id, text[:MAX_TEXT])
    return None
