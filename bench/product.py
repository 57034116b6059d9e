"""The product under measurement: a gateway with its session hosts, in a folder of its own, and a viewer."""

from __future__ import annotations

import base64
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sessions.wire import tsg
from sessions.wire.lengths import LengthPrefixed

_PASSWORD = "a password of the bench"
_SECONDS = 30.0
VIEWER_CAPABILITIES = (
    tsg.Capability.HISTORY,
    tsg.Capability.JPEG,
    tsg.Capability.COPY,
    tsg.Capability.H264,
    tsg.Capability.VP8,
    tsg.Capability.VP9,
    tsg.Capability.AV1,
)


class Product:
    """A running gateway that publishes one desktop, `bench`, and what `more` says.

    desktop: the desktop's own keys, as a TOML table's lines. more: further lines of the configuration.
    people: how many accounts; one person has only so many connections (transports/admission).
    images: the image store, where desktops are made from images.
    """

    def __init__(self, desktop: str, more: str = "", people: int = 1, images: Path | None = None) -> None:
        self._people = [f"bench-{number}" for number in range(people)]
        self._folder = tempfile.TemporaryDirectory(prefix="tsg-bench-")
        folder = Path(self._folder.name)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.data = folder / "data"
        store = f'images = "{images}"\n' if images else ""
        self._config = folder / "tsgateway.toml"
        self._config.write_text(
            f'[server]\nport = {self.port}\n[data]\ndirectory = "{self.data}"\n{store}'
            f'[desktops.bench]\ntitle = "Bench"\ngroups = ["users"]\n{desktop}\n{more}\n'
        )
        self._log = (folder / "gateway.log").open("w+")

    def __enter__(self) -> Self:
        self._command("init")
        for name in self._people:
            self._command("user", "add", name, "--password-stdin", feed=_PASSWORD)
        self._gateway = subprocess.Popen(
            [sys.executable, "-m", "tsgateway.cli.main", "serve", "--config", str(self._config)],
            stdout=self._log,
            stderr=self._log,
        )
        try:
            self._cookies = [self._sign_in(name) for name in self._people]
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._log.seek(0)
            sys.stderr.write(self._log.read()[-4000:])
        self._gateway.send_signal(signal.SIGTERM)
        self._gateway.wait(20)
        self._command("end-sessions")
        self._log.close()
        self._folder.cleanup()

    def _command(self, *words: str, feed: str = "") -> None:
        command = [sys.executable, "-m", "tsgateway.cli.main", *words, "--config", str(self._config)]
        subprocess.run(command, input=feed, text=True, check=True, stdout=self._log, stderr=self._log)

    def _sign_in(self, name: str) -> str:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                answer, _ = self._post("/api/v1/login", {"name": name, "password": _PASSWORD}, "")
                return str(answer.getheader("Set-Cookie")).partition(";")[0]
            except ConnectionError:
                if time.monotonic() > deadline or self._gateway.poll() is not None:
                    raise
                time.sleep(0.1)

    def _post(self, path: str, body: dict[str, Any], cookie: str) -> tuple[http.client.HTTPResponse, Any]:
        context = ssl._create_unverified_context()  # its own certificate, on this machine
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=_SECONDS, context=context)
        headers = {"Content-Type": "application/json", "Origin": f"https://127.0.0.1:{self.port}"}
        connection.request("POST", path, json.dumps(body), headers | ({"Cookie": cookie} if cookie else {}))
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {text!r}")
        return answer, json.loads(text or b"null")

    def connect(
        self,
        width: int = 1920,
        height: int = 1080,
        without: Sequence[tsg.Capability] = (),
        desktop: str = "bench",
        person: int = 0,
        also: Sequence[tsg.Capability] = (),
    ) -> Connection:
        """Open a desktop as a native viewer does: TLS, messages behind their lengths.

        without: what this viewer is not to be able to do; also: what it can beyond the usual.
        """
        able = tuple(int(each) for each in (*VIEWER_CAPABILITIES, *also) if each not in without)
        opened = self._opened(desktop, {"width": width, "height": height}, self._cookies[person])
        ticket = base64.urlsafe_b64decode(opened["ticket"] + "==")
        hello = tsg.ClientHello(1, ticket, "bench", width, height, able)
        return Connection(self.port, hello, opened["session"])

    def end(self, session: str, person: int = 0) -> None:
        """End a person's session at once."""
        self._post(f"/api/v1/sessions/{session}/reset", {}, self._cookies[person])

    def _opened(self, desktop: str, screen: dict[str, Any], cookie: str) -> Any:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                opened = self._post(f"/api/v1/desktops/{desktop}/connect", screen, cookie)[1]
                if "waiting" not in opened:
                    return opened
                screen = {**screen, "turn": opened["waiting"]["turn"]}  # others come first
            except RuntimeError:  # the session host is still starting
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def processes(self) -> dict[str, int]:
        """Return the pids of the gateway and of its session hosts: the first has no number in its name."""
        found = {"gateway": self._gateway.pid}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    command = (entry / "cmdline").read_bytes()
                except OSError:
                    continue
                if b"sessions.host" in command and self._folder.name.encode() in command:
                    number = Path(command.split(b"\0")[-2].decode()).parent.name
                    found["session host" if number == "0" else f"session host {number}"] = int(entry.name)
        return found


class Connection:
    """A viewer's TLS connection.

    received: bytes of protocol so far, lengths included. attached: the monotonic time of its ClientHello.
    session: the id of the session that it shows.
    """

    def __init__(self, port: int, hello: tsg.ClientHello, session: str = "") -> None:
        self.session = session
        context = ssl._create_unverified_context()
        context.set_alpn_protocols([tsg.SUBPROTOCOL])
        plain = socket.create_connection(("127.0.0.1", port), _SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain)
        self.received = 0
        self._cutter = LengthPrefixed(tsg.MAX_SERVER_MESSAGE)
        self.attached = time.monotonic()
        self.send(hello)

    def send(self, message: tsg.Message) -> None:
        """Send one message."""
        self.socket.sendall(LengthPrefixed.frame(message.encode()))

    def messages(self, seconds: float) -> list[bytes]:
        """Return the messages that arrive next, none after `seconds` of silence. Answers pings."""
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(1 << 20)
        except TimeoutError:
            return []
        if not data:
            raise EOFError("the gateway has closed the connection")
        self.received += len(data)
        whole = self._cutter.receive(data)
        for message in whole:
            if message[0] == tsg.Ping.TYPE:
                self.send(tsg.Pong(int.from_bytes(message[1:5], "big")))
            elif message[0] == tsg.Close.TYPE:
                raise EOFError(str(tsg.decode(message, tsg.FROM_SERVER)))
        return whole

    def close(self) -> None:
        """Leave."""
        self.socket.close()


def cpu_seconds(pid: int) -> float:
    """Return what a process has used: user and system, all its threads (proc(5): ns, not ticks)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_mb(pid: int) -> float:
    """Return a process's resident memory, MB (10⁶ bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"process {pid} has no memory")
