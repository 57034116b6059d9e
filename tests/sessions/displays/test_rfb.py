"""The RFB display against a real Xvnc, and against servers that misbehave."""

import gc
import os
import socket
import struct

import numpy as np
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import Clock, deferLater

from sessions.displays import rfb
from sessions.displays.base import DisplayError
from sessions.displays.rfb import RfbDisplay, open_rfb
from sessions.displays.sockets import connect_unix
from sessions.input.events import Button, Key, Locks, Move, Pointer, Text, Wheel
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from sessions.wire.rfb import RfbClient, messages
from sessions.wire.rfb.client import COMPACT, RAW
from sessions.wire.rfb.messages import Encoding
from tests.contracts.display_contract import DisplayContract, Recorder
from tests.sessions.displays.xvnc import Xvnc
from tests.sessions.wire import rfb_server as server

HEXTILE = (Encoding.COPY_RECT, Encoding.HEXTILE)


@pytest.fixture
def xvnc(tmp_path):
    server = Xvnc(tmp_path)
    yield server
    server.stop()


async def connect(xvnc, framebuffer, events, password=None, encodings=RAW):
    connected = await connect_unix(reactor, xvnc.socket, 10)
    return await open_rfb(reactor, connected, RfbClient(password, encodings=encodings), framebuffer, events)


class TestXvncKeepsTheContract(DisplayContract):
    @pytest.fixture
    def guest(self, xvnc):
        xvnc.run("xterm", "-geometry", "100x40+0+0", "-bg", "navy", "-fg", "white", "+sb", "-e", "cat")
        xvnc.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm")

        class Guest:
            async def open(self, framebuffer, events):
                return await connect(xvnc, framebuffer, events)

            async def change(self, display):
                display.send(Pointer(100, 100, Button(0)))  # without a window manager it has the focus
                display.send(Text("x"))

            async def cut(self):
                xvnc.kill()

        return Guest()


# Pictures

COLOURFUL = r"""
for n in $(seq 0 255); do printf '\033[48;5;%dm\033[38;5;%dm%d ' $n $((255 - n)) $n; done
cat
"""


async def until_equal(xvnc, framebuffer):
    """Wait until our picture is the X server's, with all its colours; returns it."""
    for _ in range(300):
        shown = xvnc.screen()
        if np.array_equal(shown, framebuffer.pixels) and len(np.unique(shown)) > 100:
            return shown
        await deferLater(reactor, 0.1)
    raise AssertionError("the picture never became what xwd sees")


@pytest.mark.parametrize("encodings", [RAW, COMPACT, HEXTILE], ids=["raw", "zrle", "hextile"])
@pytest_twisted.ensureDeferred
async def test_the_picture_is_what_xwd_sees(xvnc, encodings):
    xvnc.run("xlogo", "-geometry", "300x301+317+150", "-fg", "red")
    xvnc.run("xterm", "-geometry", "60x20+3+5", "-e", "sh", "-c", COLOURFUL)
    framebuffer = Framebuffer()
    events = Recorder(framebuffer)
    display = await connect(xvnc, framebuffer, events, encodings=encodings)
    used = spy_on_encodings(display)
    # Xvnc paints the pointer into the picture until we have said where it is.
    display.send(Pointer(100, 100, Button(0)))
    xvnc.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm")
    xvnc.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xlogo")
    first = await until_equal(xvnc, framebuffer)
    display.send(Text("scroll\n" * 4))  # copies of what is on the screen
    await deferLater(reactor, 1)
    assert not np.array_equal(await until_equal(xvnc, framebuffer), first)
    display.close()
    assert events.faults == []
    assert encodings[1] in used


def spy_on_encodings(display):
    """Return a set that fills with the encodings the server uses."""
    used = set()
    parse = display._client.server._pixels
    display._client.server._pixels = lambda box, encoding: (used.add(encoding), parse(box, encoding))[1]
    return used


@pytest_twisted.ensureDeferred
async def test_the_cursor_comes_with_alpha(xvnc):
    framebuffer = Framebuffer()
    events = Recorder(framebuffer)
    display = await connect(xvnc, framebuffer, events)
    xvnc.run("xterm", "-geometry", "100x40+0+0", "-xrm", "XTerm*pointerShape: crosshair")
    xvnc.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm")
    before = len(events.cursors)
    display.send(Pointer(100, 100, Button(0)))
    await events.until(lambda: len(events.cursors) > before and events.cursors[-1].size.width > 1)
    cursor = events.cursors[-1]
    alpha = np.frombuffer(cursor.pixels, np.uint8)[3::4]
    assert {0, 255} <= set(alpha.tolist())
    assert 0 < cursor.hot_x < cursor.size.width
    display.close()


# Input


@pytest_twisted.ensureDeferred
async def test_what_is_typed_and_pointed_at_arrives(xvnc, tmp_path):
    typed = tmp_path / "typed"
    xvnc.run("xterm", "-u8", "-geometry", "100x40+0+0", "-e", f"cat > {typed}")
    xvnc.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm")
    framebuffer = Framebuffer()
    display = await connect(xvnc, framebuffer, Recorder(framebuffer))
    await until(lambda: display._server.extended_keys)
    display.send(Pointer(123, 45, Button(0)))
    await until(lambda: b"x:123 y:45 " in xvnc.ask("xdotool", "getmouselocation"))
    await deferLater(reactor, 0.5)  # the terminal starts its program after it is seen
    for scancode, keysym in ((0x23, 0x48), (0x12, 0x65)):  # H, e
        for down in (True, False):
            display.send(Key(down, scancode, keysym))
    for down in (True, False):
        display.send(Key(down, 0, 0x6C))  # l, of no known key
    display.send(Text("lo, Größe 漢字\n"))
    await until(lambda: typed.exists() and typed.read_text() == "Hello, Größe 漢字\n")
    display.close()


async def until(test):
    for _ in range(1200):
        if test():
            return
        await deferLater(reactor, 0.1)
    raise AssertionError("it never came true")


@pytest_twisted.ensureDeferred
async def test_passwords(tmp_path):
    xvnc = Xvnc(tmp_path, password="secret99")
    try:
        framebuffer = Framebuffer()
        events = Recorder(framebuffer)
        with pytest.raises(DisplayError, match="asks for a password"):
            await connect(xvnc, framebuffer, events)
        with pytest.raises(DisplayError, match="does not accept the password"):
            await connect(xvnc, framebuffer, events, password=b"wrong")
        assert events.told == 0
        display = await connect(xvnc, framebuffer, events, password=b"secret99")
        await events.until(lambda: events.updates)
        display.close()
    finally:
        xvnc.stop()


# Servers that misbehave: what they say is put on a socket in advance, since it answers to nothing.


@pytest.fixture
def ends():
    near, far = socket.socketpair()
    far.settimeout(120)
    yield near, far
    near.close()
    far.close()


async def open_on(near, password=None):
    framebuffer = Framebuffer()
    events = Recorder(framebuffer)
    display = await open_rfb(reactor, near, RfbClient(password, encodings=COMPACT), framebuffer, events)
    return display, framebuffer, events


def is_closed(far):
    """Read to the end, which comes only when the other side has closed."""
    try:
        while far.recv(65536):
            pass
    except ConnectionResetError:
        pass
    return True


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not a VNC server"),
        (server.hello(65535, 65535), "65535×65535"),
        (b"RFB 003.008\n\1\x13", "VeNCrypt"),
        (b"RFB 003.0", "closed the connection"),
        (b"", "closed the connection"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_is_wrong_before_the_display_is_open_is_raised(ends, said, match):
    near, far = ends
    far.sendall(said)
    far.shutdown(socket.SHUT_WR)
    with pytest.raises(DisplayError, match=match):
        await open_on(near)
    assert near.fileno() == -1
    assert is_closed(far)


@pytest.mark.parametrize(
    ("said", "match"),
    [
        (server.update(server.raw(0, 0, 65, 1, bytes(260))), "not on its screen"),
        (server.update(server.rectangle(0, 0, 9000, 9000, -223)), "9000×9000"),
        (b"\xff" * 100, "unknown type 255"),
        (server.update(count=5), "closed the connection"),
        (server.update(server.rectangle(0, 0, 9, 9, 16, struct.pack(">I", 4) + b"rubb")), "broken ZRLE"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_goes_wrong_later_is_told_once_and_the_socket_closed(ends, said, match):
    near, far = ends
    far.sendall(server.hello() + server.update(server.raw(0, 0, 1, 1, b"abcd")) + said)
    far.shutdown(socket.SHUT_WR)
    _display, framebuffer, events = await open_on(near)
    await events.until(lambda: events.losses)
    assert match in str(events.losses[0])
    assert events.updates == 1
    assert framebuffer.pixels[0, 0] == 0x636261
    assert is_closed(far)
    await deferLater(reactor, 0.05)
    assert events.faults == []


@pytest_twisted.ensureDeferred
async def test_a_server_that_says_nothing_is_given_up(ends, monkeypatch):
    near, far = ends
    monkeypatch.setattr(rfb, "HANDSHAKE_SECONDS", 0.1)
    far.sendall(b"RFB 003.008\n")
    with pytest.raises(DisplayError, match="silent"):
        await open_on(near)
    assert is_closed(far)


@pytest_twisted.ensureDeferred
async def test_an_update_without_pixels_is_not_told_but_answered(ends):
    near, far = ends
    far.sendall(server.hello())
    display, _, events = await open_on(near)
    skip_handshake(far)
    assert far.recv(10) == messages.update_request(False, 64, 48)
    far.sendall(server.update() + server.update(server.extended_desktop_size(0, 0, 64, 48)))
    await until(lambda: display.resizable)
    assert read(far, 20) == messages.update_request(True, 64, 48) * 2
    assert events.updates == 0
    display.close()


@pytest_twisted.ensureDeferred
async def test_after_a_resize_the_whole_screen_is_asked_for(ends):
    near, far = ends
    far.sendall(server.hello())
    display, framebuffer, events = await open_on(near)
    skip_handshake(far)
    read(far, 10)
    far.sendall(server.update(server.rectangle(0, 0, 100, 50, -223)))
    await events.until(lambda: len(events.sizes) == 2)
    assert framebuffer.size == Size(100, 50)
    await deferLater(reactor, 0.05)
    assert read(far, 10) == messages.update_request(False, 100, 50)
    display.close()


def read(far, count):
    data = b""
    while len(data) < count:
        data += far.recv(count - len(data))
    return data


def skip_handshake(far):
    settings = messages.set_pixel_format() + messages.set_encodings((*COMPACT, *messages.PSEUDO_ENCODINGS))
    assert read(far, 12 + 1 + 1 + len(settings))[14:] == settings


@pytest_twisted.ensureDeferred
async def test_no_descriptor_is_left_open(ends):
    def count():
        return len(os.listdir("/proc/self/fd"))

    gc.collect()  # what earlier tests let go of
    before = count()
    for said in (server.hello() + b"\xff", b"rubbish, and more of it", server.hello(9999, 1)):
        near, far = socket.socketpair()
        far.sendall(said)
        try:
            _, _, events = await open_on(near)
            await events.until(lambda events=events: events.losses)
        except DisplayError:
            pass
        far.close()
    assert count() <= before


# What is sent, to the byte


class Wire:
    """An RfbDisplay on a socketpair, driven by hand."""

    def __init__(self, ends, hello=None, *updates, awake=30):
        near, self.far = ends
        self.clock = ReactorWithClock()
        framebuffer = Framebuffer()
        client = RfbClient()
        self.told = Recorder(framebuffer)
        self.display = RfbDisplay(self.clock, near, client, framebuffer, self.told, awake=awake)
        self.tell(hello or server.hello(), *updates)
        self.sent()

    def tell(self, *data):
        self.far.sendall(b"".join(data))
        self.display._link.doRead()

    def sent(self):
        self.far.setblocking(False)
        try:
            return self.far.recv(1 << 20)
        except BlockingIOError:
            return b""


class ReactorWithClock(Clock):
    """A clock that pretends to watch sockets."""

    def addReader(self, reader):
        pass

    addWriter = removeReader = removeWriter = addReader


def test_keys(ends):
    wire = Wire(ends)
    wire.display.send(Key(True, 0x1E, 0x61))
    wire.display.send(Key(True, 0x1E, 0))
    assert wire.sent() == messages.key_event(True, 0x61)
    wire.tell(server.update(server.EXTENDED_KEYS))
    wire.sent()
    wire.display.send(Key(True, 0x9D, 0xFFE4))
    wire.display.send(Key(False, 0, 0x61))
    assert wire.sent() == messages.extended_key_event(True, 0xFFE4, 0x9D) + messages.key_event(False, 0x61)


def test_pointer_buttons_and_wheel(ends):
    wire = Wire(ends)
    point = messages.pointer_event
    wire.display.send(Pointer(70, -1, Button.RIGHT | Button.BACK))
    assert wire.sent() == point(4, 63, 0)
    wire.display.send(Wheel(0, 60))
    assert wire.sent() == b""
    wire.display.send(Wheel(-120, 60))
    assert wire.sent() == point(4 | 32, 63, 0) + point(4, 63, 0) + point(4 | 16, 63, 0) + point(4, 63, 0)
    wire.display.send(Wheel(0, -240))
    assert wire.sent() == (point(4 | 8, 63, 0) + point(4, 63, 0)) * 2
    wire.display.send(Wheel(1 << 40, 0))
    assert len(wire.sent()) == 20 * 12
    wire.tell(server.update(server.EXTENDED_BUTTONS))
    wire.sent()
    wire.display.send(Pointer(1, 2, Button.LEFT | Button.FORWARD))
    assert wire.sent() == point(0x101, 1, 2, extended=True)


def test_relative_pointer(ends):
    wire = Wire(ends)
    wire.display.send(Pointer(10, 10, Button(0)))
    wire.tell(server.update(server.rectangle(0, 0, 64, 48, -257)))
    wire.sent()
    wire.display.send(Pointer(15, 8, Button.LEFT))
    wire.display.send(Wheel(0, 120))
    moved, still = (0x7FFF + 5, 0x7FFF - 2), (0x7FFF, 0x7FFF)
    expected = [(1, *moved), (17, *still), (1, *still)]
    assert wire.sent() == b"".join(messages.pointer_event(*each) for each in expected)


def test_a_pointer_that_is_moved_goes_on_from_where_it_is(ends):
    wire = Wire(ends)
    wire.display.send(Pointer(10, 10, Button(0)))
    wire.sent()
    wire.display.send(Move(-20, 5, Button.LEFT))
    wire.display.send(Locks(True, True))
    assert wire.sent() == messages.pointer_event(1, 0, 15)
    wire.tell(server.update(server.rectangle(0, 0, 64, 48, -257)))
    wire.sent()
    wire.display.send(Move(-20, 5, Button(0)))
    assert wire.sent() == messages.pointer_event(0, 0x7FFF - 20, 0x7FFF + 5)
    wire.tell(server.update(server.rectangle(1, 0, 64, 48, -257)))
    assert wire.told.modes == [True, False]


def test_size_requests(ends):
    wire = Wire(ends)
    wire.display.request_size(Size(800, 600))
    assert not wire.display.resizable
    assert wire.sent() == b""
    wire.tell(server.update(server.extended_desktop_size(0, 0, 64, 48)))
    assert wire.display.resizable
    assert wire.sent().endswith(messages.set_desktop_size(800, 600, 7, 3)), "the wish was kept"
    wire.tell(server.update())
    assert messages.set_desktop_size(800, 600, 7, 3) not in wire.sent(), "and is said once"
    wire.display.request_size(Size(0, 99999))
    assert wire.sent() == messages.set_desktop_size(1, 8192, 7, 3)
    wire.tell(server.update(server.extended_desktop_size(1, 3, 1, 8192)))
    assert wire.display.resizable  # this size will not do; another may
    wire.tell(server.update(server.extended_desktop_size(1, 1, 1, 8192)))
    assert not wire.display.resizable


AWAKE = messages.key_event(False, 0xFFFFFF)


def test_qemu_is_kept_awake_while_watched(ends):
    wire = Wire(ends, server.hello(name=b"QEMU (guest)"), server.update())
    wire.clock.advance(0)
    wire.sent()
    wire.clock.pump([1 / 30] * 30)
    assert AWAKE * 29 in wire.sent()
    wire.display.watch(False)
    wire.clock.pump([1 / 30] * 30)
    assert wire.sent() == b""
    wire.display.watch(True)
    wire.clock.pump([1 / 30] * 3)
    assert AWAKE * 3 in wire.sent()
    wire.display.close()
    assert wire.clock.getDelayedCalls() == []


def test_only_qemu_is_kept_awake(ends):
    wire = Wire(ends, server.hello(), server.update(server.EXTENDED_KEYS))
    wire.clock.pump([1 / 30] * 30)
    assert wire.sent() == b""
    wire.tell(server.update(server.rectangle(1, 0, 64, 48, -257)))
    wire.clock.pump([1 / 30] * 30)
    assert AWAKE * 10 in wire.sent()


def test_awake_can_be_turned_off(ends):
    wire = Wire(ends, server.hello(name=b"QEMU"), server.update(), awake=0)
    assert wire.clock.getDelayedCalls() == []


def test_a_server_that_does_not_read_gets_no_more_input_but_releases(ends):
    wire = Wire(ends)
    for n in range(100_000):
        wire.display.send(Pointer(n % 64, 0, Button(0)))
    held = wire.display._link.unsent
    assert held <= rfb.MAX_INPUT_UNSENT + 10
    wire.display.send(Key(True, 0, 0x61))
    assert wire.display._link.unsent == held
    wire.display.send(Key(False, 0, 0x61))
    assert wire.display._link.unsent == held + 8
    assert wire.display.is_open
