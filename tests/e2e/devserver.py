"""A stand-in for the gateway, for tests of the browser client alone.

It answers the JSON interface with canned desktops and speaks tsg with scripted pictures, and it can do what
a real gateway hopefully never does: cut the line, refuse, send rubbish, fall silent. Threads and blocking
sockets keep a test readable from top to bottom. Run it by hand with `python -m tests.e2e.devserver`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import queue
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from websockets.exceptions import InvalidState
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from sessions.wire import tsg

ROOT = Path(__file__).resolve().parents[2]
WEBCLIENT = ROOT / "webclient"
WINDOW_LOG = 24
PATIENCE = 120.0
"""Seconds; on a busy machine nothing takes a known time."""
TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript",
    ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json",
    ".png": "image/png", ".webmanifest": "application/manifest+json",
}  # fmt: skip
HEADERS = (
    "Content-Security-Policy: default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' blob: data:; frame-ancestors 'none'\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Embedder-Policy: require-corp\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\nX-Content-Type-Options: nosniff\r\n"
)


class Painter:
    """A screen and the zstd stream that carries it: whole pictures in, frames out.

    pixels: height × width × 4 bytes of B, G, R, 0.
    """

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.zeros((height, width, 4), np.uint8)
        self.number = 0
        self.restart()

    def restart(self) -> None:
        parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=WINDOW_LOG)
        self._stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        self._new = True

    def resize(self, width: int, height: int) -> None:
        self.pixels = np.zeros((height, width, 4), np.uint8)

    def frame(self, *rectangles: tuple[int, int, int, int], last: bool = True) -> tsg.Frame:
        """The rectangles (x, y, width, height) as they are now; all of the screen without any."""
        height, width = self.pixels.shape[:2]
        rectangles = rectangles or ((0, 0, width, height),)
        history = b""
        for x, y, w, h in rectangles:
            history += self._stream.compress(self.pixels[y : y + h, x : x + w].tobytes())
        history += self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        flags = (tsg.FrameFlag.NEW_STREAM if self._new else 0) | (tsg.FrameFlag.LAST if last else 0)
        self._new = False
        self.number += 1
        operations = tuple(tsg.Operation(tsg.Encoding.HISTORY, *rectangle) for rectangle in rectangles)
        return tsg.Frame(self.number, flags, operations, history)

    def random(self, seed: int) -> None:
        """Fill the screen with noise that no scaling or colour conversion survives unseen."""
        generator = np.random.default_rng(seed)
        self.pixels[:, :, :3] = generator.integers(0, 256, self.pixels[:, :, :3].shape, np.uint8)


class Viewer:
    """One attached browser. `received` holds its messages in order, `heard` waits for one."""

    def __init__(self, connection: Connection, session: dict[str, Any], hello: tsg.ClientHello) -> None:
        self._connection = connection
        self.session = session
        self.hello = hello
        self.received: list[tsg.Message] = []
        self._news = threading.Condition()
        self.gone = threading.Event()
        self.painter = Painter(hello.width, hello.height)

    def send(self, *messages: tsg.Message) -> None:
        for message in messages:
            self._connection.send(message.encode())

    def send_bytes(self, data: bytes) -> None:
        self._connection.send(data)

    def greet(self, state: tsg.State | None = None, **changes: Any) -> None:
        values = {
            "version": tsg.VERSION, "session": self.session["id"], "desktop": self.session["title"],
            "control": 1, "window_log": WINDOW_LOG, "capabilities": (1, 2, 3, 4), **changes,
        }  # fmt: skip
        self.send(tsg.ServerHello(**values), state or tsg.State(tsg.SessionState.ACTIVE, 255, ""))

    def show(self) -> None:
        """Send the size and the whole picture of the painter."""
        height, width = self.painter.pixels.shape[:2]
        self.send(tsg.ScreenSize(width, height), self.painter.frame())

    def take(self, message: tsg.Message) -> None:
        with self._news:
            self.received.append(message)
            self._news.notify_all()

    def heard(self, wanted: Callable[[tsg.Message], bool], timeout: float = PATIENCE) -> tsg.Message:
        """The first received message that fits, waiting for it. Raises TimeoutError."""
        with self._news:
            found = self._news.wait_for(lambda: next((m for m in self.received if wanted(m)), None), timeout)
        if found is None:
            raise TimeoutError(f"not heard; received: {self.received[-20:]}")
        return found

    def of(self, *kinds: type[tsg.Message]) -> list[tsg.Message]:
        return [message for message in self.received if isinstance(message, kinds)]

    def shown(self, number: int) -> tsg.Message:
        """Wait until frame `number` is on the viewer's screen."""
        return self.heard(lambda m: isinstance(m, tsg.Ack) and m.number >= number)

    def close(self, code: tsg.CloseCode, reason: str = "") -> None:
        self.send(tsg.Close(code, reason))
        self._connection.close(4000 + code, reason)

    def cut(self) -> None:
        """Break the connection without a word."""
        self._connection.abort()


class Connection:
    """One WebSocket, over `websockets`' protocol core."""

    def __init__(self, server: DevServer, sock: socket.socket) -> None:
        self._server = server
        self._socket = sock
        self._protocol = ServerProtocol(subprotocols=[tsg.SUBPROTOCOL], max_size=tsg.MAX_CLIENT_MESSAGE)
        self._lock = threading.Lock()
        self.viewer: Viewer | None = None

    def run(self, head: bytes) -> None:
        data = head
        with contextlib.suppress(OSError):
            while data:
                with self._lock:
                    self._protocol.receive_data(data)
                for event in self._protocol.events_received():
                    self._event(event)
                self._flush()
                if self._protocol.close_expected():
                    break
                data = self._socket.recv(65536)
        self._socket.close()
        if self.viewer:
            self.viewer.gone.set()

    def _event(self, event: Any) -> None:
        if isinstance(event, Request):
            with self._lock:
                self._protocol.send_response(self._protocol.accept(event))
        elif event.opcode is Opcode.BINARY:
            message = tsg.decode(event.data, tsg.FROM_VIEWER)
            if isinstance(message, tsg.ClientHello):
                self.viewer = self._server.attach(self, message)
            elif self.viewer and message is not None:
                if isinstance(message, tsg.Ping) and not self._server.silent:
                    self.send(tsg.Pong(message.nonce).encode())
                self.viewer.take(message)

    def _flush(self) -> None:
        with self._lock:
            for data in self._protocol.data_to_send():
                if data:
                    self._socket.sendall(data)

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError, InvalidState):  # the browser may be gone, or going
            with self._lock:
                self._protocol.send_binary(data)
            self._flush()

    def close(self, code: int, reason: str) -> None:
        with contextlib.suppress(OSError, InvalidState):
            with self._lock:
                self._protocol.send_close(code, reason)
            self._flush()

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class DevServer:
    """The server. `attached` is a queue of viewers; `on_attach`, when set, is called with each instead.

    connect_error: status and reason when no desktop can be connected to; before: how many people are said to
    come first, one number for each time that somebody asks; missing: paths without a file.
    """

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://localhost:{self.port}"
        self.users = {"ada": "lovelace"}
        self.signed_in = False
        self.silent = False
        self.refuse_connections = False
        self.throttle: int | None = None
        self.providers: list[dict[str, str]] = []
        self.steps: list[dict[str, str]] = []  # that a sign-in still needs; and what was answered to them
        self.answers: list[dict[str, str]] = []
        self.recovery_codes: list[str] = []
        self.ticket_status = 200
        self.before: list[int] = []
        self.connect_error: tuple[int, str] | None = None
        self.missing: set[str] = set()
        self.attached: queue.Queue[Viewer] = queue.Queue()
        self.on_attach: Callable[[Viewer], None] | None = None
        self.desktops: list[dict[str, Any]] = [
            {"id": "work", "title": "Work desktop", "description": "Debian with office programs, a browser "
             "and everything you need for the day.", "kind": "qemu", "session": None},
        ]  # fmt: skip
        self.sessions: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self._tickets: dict[bytes, str] = {}
        threading.Thread(target=self._accept, daemon=True).start()

    def viewer(self, timeout: float = PATIENCE) -> Viewer:
        """The next viewer that attaches. Raises queue.Empty."""
        return self.attached.get(timeout=timeout)

    def stop(self) -> None:
        """Listen no more; the port is free."""
        self._listener.shutdown(socket.SHUT_RDWR)  # a thread is in accept(), which would keep it open
        self._listener.close()

    def attach(self, connection: Connection, hello: tsg.ClientHello) -> Viewer | None:
        session = self._tickets.pop(hello.ticket, None)
        if session is None or session not in self.sessions:
            connection.send(tsg.Close(tsg.CloseCode.TICKET, "this ticket is not valid").encode())
            connection.close(4000 + tsg.CloseCode.TICKET, "")
            return None
        viewer = Viewer(connection, self.sessions[session], hello)
        if self.on_attach:
            threading.Thread(target=self.on_attach, args=(viewer,), daemon=True).start()
        else:
            self.attached.put(viewer)
        return viewer

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError):
            while b"\r\n\r\n" not in data:
                piece = sock.recv(65536)
                if not piece:
                    return
                data += piece
            if data.startswith(b"GET /ws"):
                if self.refuse_connections:
                    sock.close()
                    return
                Connection(self, sock).run(data)
                return
            head, _, body = data.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            method, path, _ = lines[0].split(" ")
            length = next((int(x.split(":")[1]) for x in lines if x.lower().startswith("content-length")), 0)
            while len(body) < length:
                body += sock.recv(65536)
            status, kind, answer = self._answer(method, path, body)
            sock.sendall(
                f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {len(answer)}\r\n"
                f"Connection: close\r\nCache-Control: no-store\r\n{HEADERS}\r\n".encode()
                + answer
            )
            sock.close()

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        path = path.partition("?")[0]
        if path.startswith("/api/v1/"):
            self.requests.append((method, path))
            if self.refuse_connections:
                return 503, "application/json", json.dumps(error("down", "The server is down.")).encode()
            parts = path.removeprefix("/api/v1/").split("/")
            status, value = self._api(method, parts, json.loads(body or b"{}"))
            return status, "application/json", b"" if value is None else json.dumps(value).encode()
        if path in self.missing:
            return 404, "text/plain", b"not found"
        if path.startswith("/static/vendor/"):
            file = WEBCLIENT / "node_modules/zstddec/dist" / path.removeprefix("/static/vendor/")
        elif path.startswith("/static/"):
            file = WEBCLIENT / path.removeprefix("/static/")
        else:
            file = WEBCLIENT / "index.html"
        if not file.resolve().is_relative_to(WEBCLIENT) or not file.is_file():
            return 404, "text/plain", b"not found"
        return 200, TYPES.get(file.suffix, "application/octet-stream"), file.read_bytes()

    def _api(self, method: str, path: list[str], body: Any) -> tuple[int, Any]:
        if path[0] == "login":
            return self._signing_in(path[1:], body)
        if (method, path) == ("GET", ["me"]):
            return 200, {"user": {"name": "ada", "groups": ["engineers"]} if self.signed_in else None}
        if not self.signed_in:
            return 401, error("unauthenticated", "Sign in first.")
        match method, path:
            case "POST", ["logout"]:
                self.signed_in = False
                return 204, None
            case "GET", ["desktops"]:
                return 200, {"desktops": self.desktops}
            case "PUT" | "DELETE", ["desktops", name, "favourite"]:
                if self.connect_error:
                    return self.connect_error[0], error("refused", self.connect_error[1])
                next(d for d in self.desktops if d["id"] == name)["favourite"] = method == "PUT"
                return 204, None
            case "POST", ["desktops", name, "connect"] if all(d["id"] != name for d in self.desktops):
                return 404, error("no_such_desktop", "There is no such desktop for you.")
            case "POST", ["desktops", _, "connect"] if self.connect_error:
                return self.connect_error[0], error("refused", self.connect_error[1], "5e1f0a7c")
            case "POST", ["desktops", desktop, "connect"]:
                return self._connect(desktop)
            case "POST", ["sessions", session, "ticket"]:
                if (status := self.ticket_status if session in self.sessions else 404) != 200:
                    return status, error("refused", "There is no such session.")
                return 200, {"ticket": self._ticket(session)}
            case "POST", ["sessions", session, "disconnect"]:
                return 204, None
            case "POST", ["sessions", session, "log-off" | "reset"]:
                self.sessions.pop(session, None)
                for desktop in self.desktops:
                    desktop["session"] = None
                return 204, None
        return 404, error("not_found", "There is nothing here.")

    def _login(self, body: Any) -> tuple[int, Any]:
        if self.throttle is not None:
            return 429, {**error("throttled", "Too many attempts."), "retry_after": self.throttle}
        if self.users.get(body["name"]) != body["password"]:
            return 401, error("wrong", "The name or the password is wrong.")
        return self._went_on(body["name"])

    def _signing_in(self, path: list[str], body: Any) -> tuple[int, Any]:
        match path:
            case []:
                return self._login(body)
            case ["methods"]:
                return 200, {"providers": self.providers}
            case ["second" | "step" as which]:
                if body["challenge"] != "a-challenge" or not self.steps:
                    return 410, error("challenge_over", "This sign-in has taken too long. Begin again.")
                if which == "step":
                    return self._went_on("ada")
                self.answers.append({key: value for key, value in body.items() if key != "challenge"})
                if "000000" in body.values():
                    return 401, error("wrong_code", "The code is wrong or was used before.")
                self.steps.pop(0)
                return self._went_on("ada")
        return 404, error("not_found", "There is nothing here.")

    def _went_on(self, name: str) -> tuple[int, Any]:
        """Name the next step, or let them in."""
        if self.steps:
            empty = {"challenge": "a-challenge", "secret": "", "uri": "", "qr": ""}
            return 200, {"user": None, "next": {**empty, **self.steps[0]}, "recovery_codes": []}
        self.signed_in = True
        user = {"name": name, "groups": ["engineers"]}
        return 200, {"user": user, "next": None, "recovery_codes": self.recovery_codes}

    def _connect(self, name: str) -> tuple[int, Any]:
        if self.before:
            return 202, {"waiting": {"turn": "mine", "before": self.before.pop(0)}}
        desktop = next(d for d in self.desktops if d["id"] == name)
        fresh = {"id": secrets.token_hex(16), "state": "active", "viewers": 1, "progress": 255, "text": ""}
        session = desktop["session"] or {**fresh, "started": int(time.time())}
        desktop["session"] = session
        self.sessions[session["id"]] = {"id": session["id"], "title": desktop["title"]}
        return 200, {"session": session["id"], "ticket": self._ticket(session["id"])}

    def _ticket(self, session: str) -> str:
        ticket = secrets.token_bytes(32)
        self._tickets[ticket] = session
        return base64.urlsafe_b64encode(ticket).decode().rstrip("=")


def error(code: str, message: str, reference: str | None = None) -> dict[str, Any]:
    more = {} if reference is None else {"reference": reference}
    return {"error": {"code": code, "message": message, **more}}


def animate(viewer: Viewer) -> None:
    """A moving desktop, for looking at the client by hand."""
    painter = viewer.painter
    viewer.greet()
    height, width = painter.pixels.shape[:2]
    yy, xx = np.mgrid[0:height, 0:width]
    painter.pixels[:, :, 0] = 90 + 100 * yy / height
    painter.pixels[:, :, 1] = 50 + 60 * xx / width
    painter.pixels[:, :, 2] = 40 + 50 * yy / height
    base = painter.pixels.copy()
    viewer.show()
    step = 0
    while not viewer.gone.is_set():
        size = next((m for m in reversed(viewer.received) if isinstance(m, tsg.RequestSize)), None)
        if size and (size.width, size.height) != (width, height):
            viewer.hello = tsg.ClientHello(1, b"", "", size.width, size.height, ())
            viewer.painter.resize(size.width, size.height)
            width, height = size.width, size.height
            base = viewer.painter.pixels.copy()
            viewer.show()
        x = int((width - 220) * (0.5 + 0.5 * np.sin(step / 40)))
        painter.pixels[100:260] = base[100:260]
        painter.pixels[100:260, x : x + 220, :3] = (240, 240, 245)
        viewer.send(painter.frame((0, 100, width, 160)))
        viewer.shown(painter.number)
        step += 1
        time.sleep(1 / 60)


if __name__ == "__main__":
    server = DevServer(int(sys.argv[1]) if len(sys.argv) > 1 else 8088)
    server.on_attach = animate
    print(server.url, "- sign in as ada, lovelace", flush=True)
    threading.Event().wait()
