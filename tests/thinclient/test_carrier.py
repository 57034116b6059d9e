"""The way to a gateway through what stands in between: a proxy that ends TLS (haproxy), one that tunnels."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sessions.pixels import testcard
from sessions.pixels.geometry import Size
from tests.certificates import Authority
from tests.e2e.gateway import PASSWORD, STILL, RealGateway
from tests.e2e.machine import wait_for
from tests.tsgateway.client.test_viewer import pin
from tsgateway.client import ServerAway, signed_in
from tsgateway.client.address import Address
from tsgateway.client.proxy import Proxy, proxy_for
from tsgateway.client.viewer import Viewer
from tsgateway.client.viewer.carrier import Carrier
from tsgateway.client.viewer.line import Line, NotCarried
from tsgateway.client.viewer.websocket import WebSocketLine

pytestmark = pytest.mark.slow
HAPROXY = """
defaults
    mode http
    timeout connect 20s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
frontend outside
    bind 127.0.0.1:{port} ssl crt {pem} alpn http/1.1
    {rule}
    default_backend gateway
backend gateway
    server one 127.0.0.1:{gateway} ssl verify none alpn http/1.1
"""
SIZE = (640, 400)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def outside() -> int:
    """The port that people reach the gateway by: its origin is known to it."""
    return free_port()


@pytest.fixture(scope="module")
def real(outside: int) -> Iterator[RealGateway]:
    made = RealGateway(STILL)
    config = made._config.read_text().replace('origins = ["', f'origins = ["https://localhost:{outside}", "')
    made._config.write_text(config)
    made.kill()
    made.start()
    yield made
    made.stop()


class Haproxy:
    """A proxy that ends TLS with a certificate of its own."""

    def __init__(self, folder: Path, gateway: int, port: int, rule: str = "") -> None:
        self.authority = Authority(folder)
        pem = folder / "both.pem"
        pem.write_bytes(b"".join(path.read_bytes() for path in self.authority.server("localhost")))
        config = folder / "haproxy.cfg"
        config.write_text(HAPROXY.format(port=port, pem=pem, gateway=gateway, rule=rule))
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "haproxy is not installed: run scripts/setup.sh test"
        self.process = subprocess.Popen([program, "-db", "-q", "-f", str(config)])
        self.url = f"https://localhost:{port}"
        wait_for(lambda: _listens(port), "haproxy")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture(scope="module")
def haproxy(real: RealGateway, outside: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Haproxy]:
    made = Haproxy(tmp_path_factory.mktemp("haproxy"), real.port, outside)
    yield made
    made.stop()


def card_at(viewer: Viewer, text: str) -> bool:
    layout = testcard.Layout(Size(*SIZE))
    expected = testcard.frame(0, Size(*SIZE))
    expected[layout.text.part] = testcard.paragraph(text, layout)
    seen = viewer.pixels().view("<u4").reshape(SIZE[1], SIZE[0])
    return np.array_equal(seen & 0xFFFFFF, expected & 0xFFFFFF)


def test_where_tls_ends_in_between_it_goes_on_by_a_websocket(haproxy: Haproxy) -> None:
    with (
        signed_in(haproxy.url, "ada", PASSWORD, authority=str(haproxy.authority.file)) as gateway,
        Viewer(gateway, "still", size=SIZE) as viewer,
    ):
        viewer.wait_for_picture()
        viewer.type("hello")
        wait_for(lambda: card_at(viewer, "HELLO"), "what was typed, over a WebSocket")
        assert isinstance(viewer.viewer._connections.line, WebSocketLine)
        assert viewer.viewer._connections.carrier.choice == "websocket"  # it is known from then on
        with pytest.raises(NotCarried, match=r"either it is no gateway, or a proxy ends TLS\."):
            Viewer(gateway, "still", carrier="tls").open()


def test_where_nothing_is_in_between_it_is_plain_tls_unless_one_wants_otherwise(real: RealGateway) -> None:
    with signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as gateway:
        for carrier, kind in (("auto", Line), ("tls", Line), ("websocket", WebSocketLine)):
            with Viewer(gateway, "still", size=SIZE, carrier=carrier) as viewer:
                viewer.wait_for_picture()
                assert type(viewer.viewer._connections.line) is kind
    with pytest.raises(ValueError, match="is no carrier"):
        Carrier("pigeon")


def test_a_proxy_that_lets_no_websocket_through_is_a_sentence(real: RealGateway, tmp_path: Path) -> None:
    made = Haproxy(tmp_path, real.port, free_port(), "http-request deny deny_status 403 if { path /ws }")
    try:
        with signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as gateway:
            gateway.address = Address.parse(made.url, str(made.authority.file))
            with pytest.raises(ServerAway, match=r"no WebSocket for .* with the status 403"):
                Viewer(gateway, "still").open()
    finally:
        made.stop()


def test_the_pinned_certificate_is_looked_at_before_a_word_is_said(haproxy: Haproxy) -> None:
    address = Address.parse(haproxy.url, fingerprint="ab" * 32)
    with pytest.raises(ServerAway, match="not the one that was expected"):
        asyncio.run(WebSocketLine.open(address))


# ---- a proxy that tunnels


class Tunnels:
    """A proxy that knows CONNECT and a password, and counts."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 Go on\r\n\r\n") -> None:
        self.asked: list[str] = []
        self.answer = answer
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.run_forever()

    async def _serve(self) -> None:
        self._server = await asyncio.start_server(self._serve_one, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._ready.set()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        verb, where, _ = head.split(" ", 2)
        self.asked.append(where if verb == "CONNECT" else head)
        secret = base64.b64encode(b"ruth:p@ss").decode()
        if f"Proxy-Authorization: Basic {secret}\r\n" not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            writer.close()
            return
        writer.write(self.answer)
        if b" 200 " not in self.answer:
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", int(where.rpartition(":")[2]))
        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


@pytest.fixture
def tunnels(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tunnels]:
    made = Tunnels()
    for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", f"http://ruth:p%40ss@127.0.0.1:{made.port}")
    yield made
    made.stop()


@pytest.mark.parametrize("carrier", ["tls", "websocket"])
def test_everything_goes_by_the_systems_proxy(real: RealGateway, tunnels: Tunnels, carrier: str) -> None:
    with (
        signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)) as gateway,
        Viewer(gateway, "still", size=SIZE, carrier=carrier) as viewer,
    ):
        viewer.wait_for_picture()
    assert len(tunnels.asked) >= 3  # the sign-in, the viewer's own questions, the desktop
    assert set(tunnels.asked) == {real.url.removeprefix("https://")}


def test_what_is_said_not_to_go_by_it_does_not(
    real: RealGateway, tunnels: Tunnels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "localhost,example.org")
    with signed_in(real.url, "ada", PASSWORD, fingerprint=pin(real)):
        assert tunnels.asked == []
    assert proxy_for("desk.example.org", 443) is None
    assert proxy_for("desk.example.com", 443) is not None


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("http://127.0.0.1:{port}", "407 Proxy Authentication Required"),
        ("http://127.0.0.1:1", r"the proxy 127\.0\.0\.1:1 does not listen"),
        ("socks5://127.0.0.1:1", "a proxy like socks5://127.0.0.1 is not known here, only http://"),
        ("http://127.0.0.1:x", "is no address like http://proxy.example.org:3128"),
    ],
)
def test_proxies_that_do_not_help(
    real: RealGateway, tunnels: Tunnels, monkeypatch: pytest.MonkeyPatch, told: str, why: str, tmp_path: Path
) -> None:
    """The program itself says so, and leaves with the code for a gateway that cannot be reached."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TSCLIENT_")}
    (tmp_path / "password").write_text(PASSWORD)
    done = subprocess.run(
        [sys.executable, "-m", "thinclient.start", "screenshot", real.url, "still", "-o", "x.png", "--name",
         "ada", "--password-file", str(tmp_path / "password"), "--pin", pin(real)],
        env=clean | {"https_proxy": told.format(port=tunnels.port)}, cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (4, ""), done.stderr
    assert done.stderr.count("\n") == 1
    assert re.search(why, done.stderr), done.stderr


def test_what_a_proxys_address_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("https_proxy", "proxy.example.org:3128")
    assert proxy_for("desk", 443) == Proxy("proxy.example.org", 3128, {})
