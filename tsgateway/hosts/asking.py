"""Asking the session hosts that run, from a command: a link that blocks, beside the gateway's own."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

from sessions.wire.errors import ProtocolError
from sessions.wire.link import VERSION, Kind, LinkReader, encode
from tsgateway.hosts.link import HostError, HostRefused
from tsgateway.layout import Layout

PATIENCE = 10.0
"""Seconds a host may take for an answer."""


class AskedHost:
    """A session host that runs. sessions: what it has (SessionInfo of the link). pid: its process.

    load: its Load, if it told.

    Opening it raises FileNotFoundError or ConnectionRefusedError when none runs there, else HostError.
    """

    def __init__(self, number: int, path: os.PathLike[str]) -> None:
        self.number = number
        self._numbers = itertools.count(1)
        self._reader = LinkReader()
        self.load: dict[str, Any] | None = None
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.connect(os.fspath(path))
            hello = self.ask("hello", {"version": VERSION})
            self.sessions: list[dict[str, Any]] = hello["sessions"]
            self.pid: int = hello["pid"]
        except BaseException:
            self._socket.close()
            raise

    def ask(self, method: str, params: dict[str, Any], within: float = PATIENCE) -> dict[str, Any]:
        """Return the answer to a request. within: seconds it may take. Raises HostRefused, HostError."""
        number = next(self._numbers)
        deadline = time.monotonic() + within  # for all: what the host tells of by itself is no answer
        self._socket.settimeout(within)
        try:
            self._socket.sendall(encode(Kind.REQUEST, 0, {"id": number, "method": method, "params": params}))
            while data := self._receive(deadline):
                for message in self._reader.receive(data):
                    if message.kind is Kind.EVENT and message.body.get("event") == "load":
                        self.load = message.body["params"]
                    if message.kind is Kind.REPLY and message.body.get("id") == number:
                        return _result(message.body)
        except (OSError, ProtocolError) as error:
            raise HostError(f"Session host {self.number} does not answer: {error}.") from None
        raise HostError(f"Session host {self.number} has stopped.")

    def _receive(self, deadline: float) -> bytes:
        self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
        return self._socket.recv(65536)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def running_hosts(layout: Layout) -> Iterator[AskedHost]:
    """Open every session host of this data directory that runs. Raises HostError, StartError."""
    for number in layout.hosts():
        try:
            yield AskedHost(number, layout.socket(number))
        except (FileNotFoundError, ConnectionRefusedError):
            continue
        except PermissionError:
            raise HostError(
                "These session hosts belong to another user: ask as the gateway's user."
            ) from None


def _result(body: dict[str, Any]) -> dict[str, Any]:
    if "error" in body:
        raise HostRefused(str(body["error"]))
    return dict(body.get("result") or {})
