"""A viewer that comes back by itself, by the rules of the browser client (webclient/session/connection.js).

It runs on a thread of its own, with the reference decoder, and notes what happened to it and when.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sessions.wire import tsg
from sessions.wire.lengths import LengthPrefixed
from tests.e2e.gateway import PASSWORD
from tests.reference.picture import Picture

DELAYS = (0.3, 0.7, 1.0, 1.0, 2.0)
HANDSHAKE = 10.0
BEGINNING = 130.0
PING = 2.0
SILENCE = 7.0
FINAL = {
    tsg.CloseCode.VERSION, tsg.CloseCode.SESSION_ENDED, tsg.CloseCode.TAKEN_OVER, tsg.CloseCode.SIGNED_OUT,
    *(code for code in tsg.CloseCode if code.name in ("DISCONNECTED", "IN_USE")),
}  # fmt: skip
REFUSALS = {
    401: tsg.CloseCode.SIGNED_OUT, 403: tsg.CloseCode.TICKET,
    404: tsg.CloseCode.TICKET, 410: tsg.CloseCode.SESSION_ENDED,
}  # fmt: skip
PATIENCE = 180.0
AGAIN = 0.5
"""Seconds between two tries to open a session."""


class Event(NamedTuple):
    """What happened: at (monotonic seconds), what (connected, picture, lost, over), why."""

    at: float
    what: str
    why: str = ""
    code: int | None = None


class Over(Exception):
    """It makes no sense to try again."""

    def __init__(self, why: str, code: int | None) -> None:
        super().__init__(why)
        self.code = code


class Lost(Exception):
    """The line is gone."""


class Account:
    """Somebody signed in. address: where the gateway listens."""

    def __init__(self, port: int, user: str = "ada", address: str = "127.0.0.1") -> None:
        self.port, self.user, self.address = port, user, address
        self._cookie = ""
        self.post("login", {"name": user, "password": PASSWORD})

    def get(self, path: str) -> dict[str, Any]:
        """Ask the API. Raises Over for an answer that is final, Lost, OSError and HTTPException."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Tell the API. Raises as `get` does."""
        # Viewers give up on a ticket soon, and try again; all else takes its time on a busy machine.
        return self._ask("POST", path, body or {}, HANDSHAKE if path.endswith("/ticket") else BEGINNING)

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None, patience: float = HANDSHAKE
    ) -> dict[str, Any]:
        context = ssl._create_unverified_context()  # its own certificate, on this machine
        line = http.client.HTTPSConnection(self.address, self.port, timeout=patience, context=context)
        headers = {"Content-Type": "application/json", "Origin": f"https://{self.address}:{self.port}"}
        try:
            text = None if body is None else json.dumps(body)
            line.request(method, f"/api/v1/{path}", text, headers | {"Cookie": self._cookie})
            answer = line.getresponse()
            said = json.loads(answer.read() or b"{}")
        finally:
            line.close()
        if path == "login" and answer.status == 200:
            self._cookie = str(answer.getheader("Set-Cookie")).partition(";")[0]
        if answer.status >= 300:
            message = str(said.get("error", {}).get("message", answer.status))
            if answer.status in REFUSALS:
                raise Over(message, REFUSALS[answer.status])
            raise Lost(f"{answer.status} {message}")
        return said

    def open(self, desktop: str, width: int = 800, height: int = 600, patience: float = PATIENCE) -> str:
        """Start a session, or find it; return its id. Waits for a turn, and for a host."""
        wanted: dict[str, Any] = {"width": width, "height": height}
        until = time.monotonic() + patience
        while True:
            try:
                answer = self.post(f"desktops/{desktop}/connect", wanted)
            except Lost:
                if time.monotonic() > until:
                    raise
                answer = {}
            if "session" in answer:
                return str(answer["session"])
            wanted["turn"] = answer.get("waiting", {}).get("turn", "")
            time.sleep(AGAIN)

    def end(self, session: str) -> None:
        """End a session and its guest at once."""
        self.post(f"sessions/{session}/reset")


class Follower:
    """Watches a session until it is told to stop, or the session is over."""

    def __init__(self, account: Account, session: str, size: tuple[int, int] = (800, 600)) -> None:
        self.account = account
        self.session = session
        self.size = size
        self.events: list[Event] = []
        self.picture = Picture()
        self.frames = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._line: ssl.SSLSocket | None = None
        self._waiting: list[tsg.Message] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # ---- for tests

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """Wait until something is true of it."""
        until = time.monotonic() + seconds
        with self._changed:
            while not (found := condition()):
                left = until - time.monotonic()
                assert left > 0, f"waited in vain for {what}: {self.events[-6:]}"
                self._changed.wait(min(left, 0.2))
        return found

    def first(self, what: str, since: float) -> Event | None:
        """The first event of a kind that came later."""
        return next((event for event in list(self.events) if event.what == what and event.at >= since), None)

    def next(self, what: str, since: float = 0.0, seconds: float = PATIENCE) -> Event:
        """Wait for the first event of a kind that comes later."""
        found: Event = self.wait(lambda: self.first(what, since), what, seconds)
        return found

    def pixels(self) -> np.ndarray:
        """What it shows: height × width of 0xRRGGBB."""
        with self._changed:
            return self.picture.pixels & 0xFFFFFF

    def sees(self, truth: Callable[[], np.ndarray], seconds: float = PATIENCE) -> None:
        """Wait until it shows exactly this."""
        self.wait(
            lambda: np.array_equal(self.picture.pixels & 0xFFFFFF, truth()), "the very picture", seconds
        )

    def send(self, message: tsg.Message) -> None:
        """Send a message; dropped while there is no line."""
        with self._changed:
            if len(self._waiting) < 100:
                self._waiting.append(message)

    def cut(self) -> None:
        """Break the line, as a network does; it comes back."""
        line = self._line
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """Leave; the session goes on."""
        self._stopping = True
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    # ---- its thread

    def _note(self, what: str, why: str = "", code: int | None = None) -> None:
        with self._changed:
            self.events.append(Event(time.monotonic(), what, why, code))
            self._changed.notify_all()

    def _run(self) -> None:
        attempt = 0
        while not self._stopping:
            try:
                self._watch()
            except Over as over:
                self._note("over", str(over), over.code)
                return
            except (Lost, OSError, http.client.HTTPException, ValueError) as error:
                if self.events and self.events[-1].what in ("connected", "picture"):
                    attempt = 0
                code = error.args[1] if isinstance(error, Lost) and len(error.args) > 1 else None
                self._note("lost", str(error), code)
            finally:
                line, self._line = self._line, None
                if line is not None:
                    line.close()
            pause = DELAYS[min(attempt, len(DELAYS) - 1)] * random.uniform(0.8, 1.2)
            attempt += 1
            until = time.monotonic() + pause
            while time.monotonic() < until and not self._stopping:
                time.sleep(0.02)

    def _watch(self) -> None:
        ticket = self.account.post(f"sessions/{self.session}/ticket")["ticket"]
        context = ssl._create_unverified_context()
        context.set_alpn_protocols([tsg.SUBPROTOCOL])
        plain = socket.create_connection((self.account.address, self.account.port), HANDSHAKE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line = context.wrap_socket(plain)
        able = (int(tsg.Capability.HISTORY), int(tsg.Capability.JPEG), int(tsg.Capability.COPY))
        self._say(tsg.ClientHello(1, base64.urlsafe_b64decode(ticket + "=="), "follower", *self.size, able))
        self._follow(LengthPrefixed(tsg.MAX_SERVER_MESSAGE), Picture())

    def _follow(self, cutter: LengthPrefixed, picture: Picture) -> None:
        assert self._line is not None
        begun = heard = pinged = time.monotonic()
        greeted = shown = False
        self._line.settimeout(0.05)
        while not self._stopping:
            now = time.monotonic()
            if not greeted and now - begun > HANDSHAKE:
                raise Lost("no answer")
            if now - heard > SILENCE:
                raise Lost("the line is silent")
            if greeted and now - pinged > PING:
                pinged = now
                self._say(tsg.Ping(int(now) & 0xFFFF))
            if greeted:
                with self._changed:
                    waiting, self._waiting = self._waiting, []
                for message in waiting:
                    self._say(message)
            try:
                data = self._line.recv(1 << 18)
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            if not data:
                raise Lost("the connection was closed")
            heard = time.monotonic()
            for whole in cutter.receive(data):
                message = self._take(whole, picture)
                if isinstance(message, tsg.ServerHello):
                    greeted = True
                    with self._changed:
                        self.picture = picture
                    self._note("connected")
                if isinstance(message, tsg.Frame) and message.flags & tsg.FrameFlag.LAST and not shown:
                    shown = True
                    self._note("picture")
        self._say(tsg.Close(tsg.CloseCode.NORMAL, ""))

    def _take(self, whole: bytes, picture: Picture) -> tsg.Message | None:
        if whole[0] == tsg.Ping.TYPE:
            self._say(tsg.Pong(int.from_bytes(whole[1:5], "big")))
            return None
        with self._changed:
            message = picture.take(whole)
            if isinstance(message, tsg.Frame):
                self.frames += 1
            self._changed.notify_all()
        if isinstance(message, tsg.Frame):
            self._say(tsg.Ack(message.number, 1000, 1000))
        if isinstance(message, tsg.Close):
            if message.code in FINAL:
                raise Over(message.reason, message.code)
            raise Lost(message.reason, message.code)
        return message

    def _say(self, message: tsg.Message) -> None:
        assert self._line is not None
        self._line.sendall(LengthPrefixed.frame(message.encode()))
