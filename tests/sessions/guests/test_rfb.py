"""The rfb guest: its spec, and that it reaches servers the ways the spec says."""

import socket
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from sessions.displays.base import DisplayError
from sessions.guests.base import GuestError, Place
from sessions.guests.rfb import RfbGuest
from sessions.pixels.framebuffer import Framebuffer
from sessions.pixels.geometry import Size
from sessions.wire.rfb.messages import Encoding
from tests.contracts.display_contract import Recorder
from tests.sessions.displays.xvnc import Xvnc
from tests.sessions.wire import rfb_server as server


def guest(**spec):
    place = Place(Path("/nowhere"), Path("/nowhere"), lambda why: None, reactor, {})
    return RfbGuest({"kind": "rfb", **spec}, place)


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ({}, "either “host”"),
        ({"host": "here", "socket": "/there"}, "either “host”"),
        ({"host": "here", "port": 0}, "from 1 to 65535"),
        ({"host": "here", "port": "5901"}, "“port” .* wrong kind"),
        ({"host": "here", "port": True}, "“port” .* wrong kind"),
        ({"host": 5}, "“host” .* wrong kind"),
        ({"host": "here", "shared": 1}, "“shared” .* wrong kind"),
        ({"host": "here", "encodings": "tight"}, "not raw or zrle"),
        ({"host": "here", "awake": 1000}, "not from 0 to 120"),
    ],
)
def test_wrong_specs_are_told(spec, match):
    with pytest.raises(GuestError, match=match):
        guest(**spec)


@pytest_twisted.ensureDeferred
async def test_a_server_is_opened_twice_and_outlives_the_guest(tmp_path):
    xvnc = Xvnc(tmp_path, password="secret")
    try:
        it = guest(socket=xvnc.socket, password="secret")
        said = []
        await it.start(lambda done, text: said.append((done, text)))
        assert said[-1][0] == 100
        for _ in range(2):
            framebuffer = Framebuffer()
            events = Recorder(framebuffer)
            display = await it.open_display(framebuffer, events)
            await events.until(lambda events=events: events.updates)
            assert framebuffer.size == Size(640, 480)
        await it.stop()
        await it.stop()
        assert not display.is_open
        assert xvnc.process.poll() is None
    finally:
        xvnc.stop()


@pytest_twisted.ensureDeferred
async def test_a_server_by_host_and_port_and_what_it_is_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        for spec, wanted in (({}, Encoding.RAW), ({"encodings": "zrle"}, Encoding.ZRLE)):
            it = guest(host="localhost", port=port, shared=False, **spec)
            opened = Deferred.fromCoroutine(open_with(it))
            far, _ = await deferToThread(listener.accept)
            far.sendall(server.hello())
            display = await opened
            far.settimeout(120)
            data = b""
            while len(data) < 12 + 1 + 1 + 20 + 12:
                data += far.recv(1000)
            assert data[13] == 0  # not shared
            assert int.from_bytes(data[42:46], "big") == wanted  # after CopyRect
            display.close()
            far.close()


async def open_with(it):
    framebuffer = Framebuffer()
    return await it.open_display(framebuffer, Recorder(framebuffer))


@pytest.mark.parametrize("place", ["socket", "port", "name"])
@pytest_twisted.ensureDeferred
async def test_where_nobody_answers_is_told_to_the_operator_only(tmp_path, place):
    with socket.socket() as bound:  # and not listening: nobody answers
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        spec, where = {
            "socket": ({"socket": str(tmp_path / "none")}, str(tmp_path / "none")),
            "port": ({"host": "127.0.0.1", "port": port}, f"127.0.0.1 port {port}"),
            "name": ({"host": "no-such-host.invalid"}, "no-such-host.invalid"),
        }[place]
        with pytest.raises(DisplayError) as caught:
            await open_with(guest(**spec))
    assert str(caught.value) == "The VNC server of this desktop does not answer."
    assert where in caught.value.detail
