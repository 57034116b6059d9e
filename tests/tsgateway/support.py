"""A gateway in this process on a free port with the fake session host, and a TLS client to knock with."""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http.client import parse_headers
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.ssl import ClientContextFactory
from twisted.internet.task import deferLater
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from sessions.wire.lengths import LengthPrefixed
from sessions.wire.tsg import FROM_SERVER, SUBPROTOCOL, ClientHello, Close, Message, decode
from tests.fakes import host as fake_host
from tsgateway.auth.passwords import Passwords
from tsgateway.config import Config
from tsgateway.exchange import RAW
from tsgateway.hosts.placement import HostState
from tsgateway.hosts.supervisor import HostSupervisor
from tsgateway.service import Gateway
from tsgateway.store import open_store

PATIENCE = 120
"""Seconds until a test that waits gives up."""
ASLEEP = HostState.ASLEEP
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
HOST = (sys.executable, fake_host.__file__)
DESKTOPS = {
    "one": {"title": "One", "kind": "fake", "groups": ["users"]},
    "mine": {"title": "Ada's", "kind": "fake", "users": ["ada"]},
    "dying": {"title": "Dying", "kind": "fake", "users": ["ada"], "die": True},
    "refused": {"title": "Refused", "kind": "fake", "users": ["ada"], "refuse": True},
    "nobody": {"title": "Nobody's", "kind": "fake"},
}


async def sleep(seconds: float) -> None:
    await deferLater(reactor, seconds)


async def until(condition, what: str) -> None:
    """Wait for something to become true."""
    for _ in range(PATIENCE * 50):
        if condition():
            return
        await sleep(0.02)
    raise AssertionError(f"waited in vain for: {what}")


class World:
    """A running gateway with the accounts ada (administrator) and bob, and the fake host."""

    def __init__(self, host_command=HOST, **sections: Any) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tsg-")
        self.folder = Path(self._folder.name)
        table = {
            "server": {"port": 0},
            "data": {"directory": str(self.folder / "data")},
            "hosts": {"count": 1},
            "desktops": DESKTOPS,
            **sections,
        }
        self.config = Config.model_validate(table)
        self.gateway = Gateway(self.config, reactor, host_command=host_command, passwords=CHEAP, checked=True)

    async def start(self) -> World:
        layout = self.gateway.layout
        layout.prepare()
        store = open_store(self.config.data, layout.database)
        store.add_user("ada", CHEAP.hash("ada's password"), {"administrators"}, 0)
        store.add_user("bob", CHEAP.hash("bob's password"), set(), 0)
        store.close()
        await self.gateway.start()
        await self.host_up()
        return self

    async def host_up(self) -> None:
        """Wait for every host that is to run."""
        await until(lambda: all(host.up for host in self.hosts if host.state != ASLEEP), "the session host")

    @property
    def hosts(self) -> list[HostSupervisor]:
        return self.gateway._hosts.all

    async def stop(self) -> None:
        await self.gateway.stop()
        self._folder.cleanup()

    @property
    def port(self) -> int:
        return self.gateway._ports.tls.getHost().port

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.port}"

    def host_requests(self, method: str, number: int = 0) -> list[dict]:
        """What a fake host was asked."""
        path = self.gateway.layout.host(number) / "guests" / "requests.jsonl"
        calls = [json.loads(line) for line in path.read_text().splitlines()]
        return [call["params"] for call in calls if call["method"] == method]

    async def request(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """One request on a connection of its own. options: cookie, origin, headers."""
        line = await self.knock()
        line.write(http_request(self.origin, method, path, body, **options))
        return await line.answer()

    async def sign_in(self, name: str = "ada") -> Person:
        answer = await self.request("POST", "/api/v1/login", {"name": name, "password": f"{name}'s password"})
        assert answer.status == 200, answer
        return Person(self, answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0])

    async def knock(self, alpn: bytes | None = None) -> Line:
        """Open a TLS connection."""
        endpoint = SSL4ClientEndpoint(reactor, "127.0.0.1", self.port, _Context(alpn))
        return await connectProtocol(endpoint, Line())

    async def websocket(self, **options: Any) -> WebSocket:
        """Open a WebSocket. options: origin, subprotocols."""
        line = await self.knock()
        return await WebSocket.open(line, options.pop("origin", self.origin), self.port, **options)

    async def native(self) -> Native:
        return Native(await self.knock(SUBPROTOCOL.encode()))


@dataclass
class Answer:
    status: int
    phrase: str
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


@dataclass
class Person:
    """Somebody signed in."""

    world: World
    cookie: str

    async def get(self, path: str) -> Answer:
        return await self.world.request("GET", path, cookie=self.cookie)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.world.request("POST", path, body or {}, cookie=self.cookie, **options)

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        """Any other method."""
        return await self.world.request(method, path, body or {}, cookie=self.cookie, **options)

    async def ticket(self, desktop: str = "one") -> tuple[str, bytes]:
        """Connect to a desktop: the session and a ticket."""
        answer = await self.post(f"/api/v1/desktops/{desktop}/connect", {"width": 800, "height": 600})
        assert answer.status == 200, answer
        return answer.json["session"], base64.urlsafe_b64decode(answer.json["ticket"])


def http_request(
    default_origin: str,
    method: str,
    path: str,
    body: Any = None,
    *,
    cookie: str | None = None,
    origin: str | None = "",
    headers: dict[str, str] | None = None,
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    fields = {"Content-Length": str(len(data))}
    if method not in ("GET", "HEAD"):
        fields["Content-Type"] = "application/json"
        if origin is not None:
            fields["Origin"] = origin or default_origin
    if cookie is not None:
        fields["Cookie"] = f"__Host-tsgateway={cookie}"
    fields.update(headers or {})
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def type_of(route: Any) -> dict[str, str]:
    """The header that a request to a route needs beyond the usual ones."""
    return {"Content-Type": RAW} if route.raw else {}


def hello(ticket: bytes, version: int = 1) -> bytes:
    return ClientHello(version, ticket, "test", 800, 600, (1, 2)).encode()


class _Context(ClientContextFactory):
    """Trusts anything: the certificate is the gateway's own, made a moment ago."""

    def __init__(self, alpn: bytes | None) -> None:
        self._alpn = alpn

    def getContext(self) -> SSL.Context:
        context = SSL.Context(SSL.TLS_METHOD)
        if self._alpn:
            context.set_alpn_protos([self._alpn])
        return context


class Line(Protocol):
    """A connection whose bytes are kept until somebody wants them."""

    def __init__(self) -> None:
        self.buffer = b""
        self.lost = False
        self._waiting: list[Deferred] = []

    def dataReceived(self, data: bytes) -> None:
        self.buffer += data
        self._wake()

    def connectionLost(self, reason=None) -> None:
        self.lost = True
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def cut(self) -> None:
        """End the connection without a word."""
        if not self.lost:
            self.transport.abortConnection()

    async def more(self) -> None:
        """Wait until bytes have come or the connection is gone."""
        deferred: Deferred = Deferred()
        self._waiting.append(deferred)
        deferred.addTimeout(PATIENCE, reactor)
        await deferred

    async def to_end(self) -> bytes:
        while not self.lost:
            await self.more()
        return self.buffer

    async def answer(self) -> Answer:
        """Read one HTTP response: its head, and its body up to Content-Length or the end."""
        while b"\r\n\r\n" not in self.buffer:
            if self.lost:
                raise ConnectionError(f"no response, only {self.buffer!r}")
            await self.more()
        head, _, rest = self.buffer.partition(b"\r\n\r\n")
        first, _, fields = head.partition(b"\r\n")
        headers = parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
        length = int(headers.get("Content-Length", 0))
        while len(rest) < length and not self.lost:
            await self.more()
            rest = self.buffer.partition(b"\r\n\r\n")[2]
        self.transport.loseConnection()
        _, status, phrase = first.decode().split(" ", 2)
        return Answer(int(status), phrase, headers, rest[:length])


class Messages:
    """tsg messages of one viewer; Pings of the gateway are answered in passing."""

    line: Line
    arrived: list[bytes]
    pongs = True

    async def message(self) -> bytes | None:
        """The next message that is no Ping; None when the connection is over."""
        while True:
            while self.arrived:
                found = self.arrived.pop(0)
                if found[:1] != b"\x01":
                    return found
                if self.pongs:
                    self.send(b"\x02" + found[1:])
            if self.line.lost and not self.line.buffer:
                return None
            if not self.line.buffer:
                await self.line.more()
            data, self.line.buffer = self.line.buffer, b""
            self.take(data)

    async def expect(self, kind: type[Message]) -> Any:
        found = await self.message()
        assert found is not None, f"the end instead of {kind.__name__}"
        message = decode(found, FROM_SERVER)
        assert isinstance(message, kind), message
        return message

    async def closing(self) -> Close:
        """Skip to the Close message."""
        while True:
            found = await self.message()
            assert found is not None, "the end without a Close"
            if found[0] == Close.TYPE:
                return decode(found, FROM_SERVER)

    async def welcome(self, ticket: bytes) -> list[bytes]:
        """Attach; return the first messages (the fake host sends four)."""
        self.send(hello(ticket))
        return [await self.message() for _ in range(4)]


@dataclass
class Native(Messages):
    line: Line
    cutter: LengthPrefixed = field(default_factory=lambda: LengthPrefixed(1 << 24))
    arrived: list[bytes] = field(default_factory=list)

    def send(self, message: bytes) -> None:
        self.line.write(LengthPrefixed.frame(message))

    def take(self, data: bytes) -> None:
        self.arrived += self.cutter.receive(data)


class WebSocket(Messages):
    def __init__(self, line: Line, protocol: ClientProtocol) -> None:
        self.line = line
        self.protocol = protocol
        self.arrived = []
        self.closed: int | None = None
        self.response: Any = None

    @classmethod
    async def open(
        cls, line: Line, origin: str | None, port: int, *, subprotocols=(SUBPROTOCOL,)
    ) -> WebSocket:
        """Shake hands. origin: None for no such header."""
        protocol = ClientProtocol(
            parse_uri(f"wss://localhost:{port}/ws"),
            origin=origin,
            subprotocols=list(subprotocols) or None,
            max_size=None,
        )
        self = cls(line, protocol)
        protocol.send_request(protocol.connect())
        self.flush()
        while self.response is None:
            if line.lost:
                raise ConnectionError("no handshake")
            await line.more()
            data, line.buffer = line.buffer, b""
            self.take(data)
        return self

    @property
    def is_open(self) -> bool:
        return self.protocol.state is OPEN

    def flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.line.write(data)

    def send(self, message: bytes) -> None:
        if self.is_open:
            self.protocol.send_binary(message)
            self.flush()

    def take(self, data: bytes) -> None:
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Frame):
                if event.opcode is Opcode.CLOSE:
                    self.closed = int.from_bytes(event.data[:2], "big")
                else:
                    self.arrived.append(bytes(event.data))
            else:
                self.response = event
        self.flush()


async def running(**settings: Any) -> AsyncIterator[World]:
    """A fixture's world whose gateway runs, with real session hosts."""
    made = World(host_command=(sys.executable, "-m", "sessions.host"), **settings)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()
