"""A server that is no good gateway: it signs anybody in, gives tickets, and then does what a test wants.

The program under test runs in a process of its own; what it took of memory is told with what it said.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sessions.wire import tsg
from sessions.wire.lengths import LengthPrefixed
from tests.certificates import Authority

PATIENCE = 120.0
PERSON = {"name": "ada", "groups": [], "roles": []}
DESKTOP = {
    "id": "work", "title": "Work", "description": "", "kind": "testcard", "session": None, "sessions": [],
    "single": True, "favourite": False, "used": None,
}  # fmt: skip
TICKET = base64.urlsafe_b64encode(bytes(32)).decode()
API: Mapping[str, Any] = {
    "GET /api/v1/login/methods": {"providers": []},
    "POST /api/v1/login": {"user": PERSON, "next": None, "recovery_codes": []},
    "GET /api/v1/me": {"user": PERSON},
    "GET /api/v1/desktops": {"desktops": [DESKTOP]},
    "POST /api/v1/desktops/work/connect": {"session": "s1", "ticket": TICKET, "waiting": None},
    "POST /api/v1/sessions/s1/ticket": {"ticket": TICKET},
}
HELLO = tsg.ServerHello(1, "s1", "Work", 1, 24, (tsg.Capability.HISTORY,))

Act = Callable[[socket.socket], None]


class Hostile:
    """The server. api: answers by method and path: JSON, or the bytes of a whole answer; desk: what it does

    with a line for a desktop, after the viewer's hello. Connections end when their act does.
    """

    def __init__(self, *names: str, days: int = 1) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tsh-")
        self.authority = Authority(Path(self._folder.name))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*self.authority.server(*(names or ("localhost",)), days=days))
        self._context.set_alpn_protocols([tsg.SUBPROTOCOL, "http/1.1"])
        self.api: dict[str, Any] = dict(API)
        self.desk: Act = lambda line: None
        self.lines = 0
        """Lines for a desktop so far."""
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"https://localhost:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listening.close()
        self._folder.cleanup()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        secure = self._context.wrap_socket
        with contextlib.suppress(OSError, ValueError), secure(plain, server_side=True) as line:
            line.settimeout(PATIENCE)
            if line.selected_alpn_protocol() == tsg.SUBPROTOCOL:
                self.lines += 1
                _exactly(line, int.from_bytes(_exactly(line, 4), "big"))
                self.desk(line)
            else:
                self._answer(line)

    def _answer(self, line: socket.socket) -> None:
        stream = line.makefile("rb")
        while words := stream.readline().split():
            length = 0
            while header := stream.readline().strip().lower():
                if header.startswith(b"content-length:"):
                    length = int(header.partition(b":")[2])
            stream.read(length)
            answer = self.api.get(f"{words[0].decode()} {words[1].decode()}", b"")
            if callable(answer):
                answer(line)
                return
            line.sendall(answer if isinstance(answer, bytes) else http(answer))


def http(answer: Any, *headers: str, status: str = "200 OK") -> bytes:
    """An answer of HTTP."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def messages(*all_of_them: tsg.Message | bytes) -> bytes:
    """Messages as the line carries them."""
    raw = [each if isinstance(each, bytes) else each.encode() for each in all_of_them]
    return b"".join(LengthPrefixed.frame(each) for each in raw)


def saying(*pieces: tsg.Message | bytes, stays: bool = True) -> Act:
    """Say messages and wait for what the viewer answers, until it hangs up; or hang up."""
    return telling(messages(*pieces), stays=stays)


def telling(data: bytes, *, stays: bool = True) -> Act:
    """The same, with bytes as they go over the line."""

    def act(line: socket.socket) -> None:
        line.sendall(data)
        while stays and line.recv(1 << 16):
            pass

    return act


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = line.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


class Said(NamedTuple):
    """How a program has ended. memory: the most it had, MiB."""

    code: int
    out: str
    err: str
    memory: float


class Program:
    """tsclient in a process of its own."""

    def __init__(self, folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> None:
        outside = {
            key: value for key, value in os.environ.items()
            if not key.startswith(("TSCLIENT_", "DISPLAY", "WAYLAND", "QT_")) and "proxy" not in key.lower()
        }  # fmt: skip
        own = {"TSCLIENT_FOLDER": str(folder / "own"), "TSCLIENT_PASSWORD": "secret", "TSCLIENT_NAME": "ada"}
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "thinclient.start", *words], stdin=subprocess.DEVNULL, stdout=out,
                stderr=err, env=outside | own | (environment or {}), cwd=Path(__file__).parents[2],
            )  # fmt: skip

    @property
    def err(self) -> str:
        """What it has complained of so far."""
        return self._err.read_text()

    def interrupt(self) -> None:
        """As Ctrl-C does."""
        os.kill(self.process.pid, signal.SIGINT)  # send_signal would take its exit code

    def end(self) -> Said:
        """Wait for its end."""
        limit, memory = time.monotonic() + PATIENCE, 0.0
        while self.process.poll() is None:
            memory = max(memory, self._memory())
            if time.monotonic() > limit:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"it does not end: {self.err}")
            time.sleep(0.01)
        return Said(self.process.returncode, self._out.read_text(), self.err, memory)

    def _memory(self) -> float:
        """The most that was resident so far, MiB; wait4 would count the tests' own process, too."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
        return 0.0
