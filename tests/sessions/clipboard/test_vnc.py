"""The clipboard of a real Xvnc, extended and plain."""

import hashlib

import pytest
import pytest_twisted
from twisted.internet import reactor

from sessions.clipboard.base import ClipboardError, TooLarge
from sessions.clipboard.vnc import VncClipboard
from sessions.displays.rfb import open_rfb
from sessions.displays.sockets import connect_unix
from sessions.pixels.framebuffer import Framebuffer
from sessions.wire.rfb import RfbClient, messages
from sessions.wire.rfb.messages import Encoding
from sessions.wire.tsg import ClipboardFormat as Format
from tests.contracts.display_contract import Recorder
from tests.sessions.clipboard.desk import Heard, Programs, until
from tests.sessions.displays.xvnc import Xvnc

TEXT = "Grüße — 日本語 🙂\n\tzwei\n".encode()


class Server(Programs):
    """An Xvnc and our display of it."""

    def __init__(self, folder, maximum=32 << 20):
        self.folder = folder
        self.xvnc = Xvnc(folder, options=["-MaxCutText", "33554432"])
        self.heard = Heard()
        self.clipboard = self.heard.clipboard = VncClipboard(reactor, maximum)
        self.clipboard.follow(self.heard)
        self.display = None

    async def open(self):
        framebuffer = Framebuffer()
        connected = await connect_unix(reactor, self.xvnc.socket, 10)
        events = Recorder(framebuffer)
        self.display = await open_rfb(
            reactor, connected, RfbClient(), framebuffer, events, clipboard=self.clipboard
        )
        await events.until(lambda: events.updates)

    async def offer(self, contents):
        self.heard.contents = contents
        before = self.heard.takes
        self.clipboard.offer(contents)
        await until(lambda: self.heard.takes > before, "that the server knows")

    def stop(self):
        if self.display is not None:
            self.display.close()
        self.xvnc.stop()


def lines(size):
    return "".join(f"{number:015x}\n" for number in range(size // 16)).encode()


def digest(text):
    return hashlib.sha256(text).hexdigest()


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def narrow(tmp_path):
    made = Server(tmp_path, maximum=1000)
    yield made
    made.stop()


@pytest_twisted.ensureDeferred
async def test_text_passes_both_ways_large_or_small(server):
    await server.open()
    assert server.heard.formats == {Format.TEXT}
    for out, into in ((TEXT, TEXT), (lines(600_000), lines(10 << 20))):  # Xvnc gives out no more than 1 MB
        assert await server.copy(out) == (Format.TEXT,)
        assert digest(await server.clipboard.fetch(Format.TEXT)) == digest(out)
        await server.offer({Format.TEXT: into.replace(b"\n", b"\r\n")})
        assert digest(await server.paste()) == digest(into)


@pytest_twisted.ensureDeferred
async def test_a_server_without_the_extension_has_latin_1(server, monkeypatch):
    usual = tuple(each for each in messages.PSEUDO_ENCODINGS if each != Encoding.EXTENDED_CLIPBOARD)
    monkeypatch.setattr(messages, "PSEUDO_ENCODINGS", usual)
    monkeypatch.setattr("sessions.wire.rfb.client.PSEUDO_ENCODINGS", usual)
    await server.open()
    await server.copy("Grüße\n".encode())
    assert await server.clipboard.fetch(Format.TEXT) == "Grüße\n".encode()
    await server.offer({Format.TEXT: "é — 日\r\n".encode()})
    assert await server.paste() == "é ? ?\n".encode()


@pytest_twisted.ensureDeferred
async def test_what_is_too_large_is_told_and_no_more(narrow):
    await narrow.open()
    await narrow.copy(b"x" * 100_000)
    with pytest.raises(TooLarge, match="too large"):
        await narrow.clipboard.fetch(Format.TEXT)
    await narrow.copy(b"small")
    assert await narrow.clipboard.fetch(Format.TEXT) == b"small"


@pytest_twisted.ensureDeferred
async def test_it_is_gone_with_the_display(server):
    await server.open()
    await server.copy(TEXT)
    server.display.close()
    assert server.heard.formats == frozenset()
    assert server.heard.copies[-1] == ()
    with pytest.raises(ClipboardError):
        await server.clipboard.fetch(Format.TEXT)
