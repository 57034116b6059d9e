"""The beginning of a seat's stream, on real sockets; the guest's end is played by the test."""

import contextlib
import socket

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from sessions.displays.base import DisplayError
from sessions.guests.base import GuestError
from sessions.guests.qemu import state
from sessions.guests.qemu_shared import stream
from sessions.guests.qemu_shared.stream import open_stream

PORT = "org.tsgateway.seat.0"


class Port:
    """QEMU's end of a port. `asked`: the nonces that the guest was told to wait for."""

    def __init__(self, folder):
        self.listening = state.listen(folder, f"{PORT}.sock")
        self.listening.settimeout(120)
        self.asked = []
        self.connected = None

    async def begin(self, nonce):
        self.asked.append(nonce)
        self.connected, _ = self.listening.accept()
        self.connected.settimeout(120)

    async def heard(self, count):
        """What the host has said on the port."""
        said = b""
        while len(said) < count:
            with contextlib.suppress(BlockingIOError):
                said += self.connected.recv(count - len(said), socket.MSG_DONTWAIT)
            await deferLater(reactor, 0.01)
        return said

    def close(self):
        self.listening.close()
        if self.connected is not None:
            self.connected.close()


@pytest.fixture
def port(tmp_path):
    made = Port(tmp_path)
    yield made
    made.close()


@pytest.fixture
def waits():
    """How long the answer may take, each time it is tried."""
    return (10,)


@pytest.fixture
def opening(tmp_path, port, waits, monkeypatch):
    monkeypatch.setattr(stream, "ANSWER_SECONDS", waits)
    return Deferred.fromCoroutine(open_stream(reactor, tmp_path, PORT, port.begin))


async def until(test):
    while not test():
        await deferLater(reactor, 0.01)


@pytest_twisted.ensureDeferred
async def test_what_an_earlier_connection_left_is_dropped_and_not_a_byte_more(port, opening):
    await until(lambda: port.connected)
    nonce = await port.heard(32)
    assert nonce.decode() == port.asked[0]
    port.connected.sendall(b"\0" * 150_000 + nonce[:31])  # half a nonce is none
    for piece in (b"left over" + nonce[:10], nonce[10:] + b"RFB 003.008\n"):
        await deferLater(reactor, 0.05)
        port.connected.sendall(piece)
    connected = await opening
    assert connected.recv(100) == b"RFB 003.008\n"
    connected.close()


@pytest.mark.parametrize("waits", [(0.1, 10)])
@pytest_twisted.ensureDeferred
async def test_it_is_tried_again_with_another_nonce(port, opening):
    await until(lambda: len(port.asked) == 2)
    port.connected.sendall(await port.heard(32))
    connected = await opening
    assert port.asked[0] != port.asked[1]
    connected.close()


@pytest.mark.parametrize("waits", [(0.05, 0.05)])
@pytest_twisted.ensureDeferred
async def test_a_guest_that_never_answers_is_given_up(port, opening):
    with pytest.raises(DisplayError, match="does not answer"):
        await opening
    assert len(port.asked) == 2


@pytest_twisted.ensureDeferred
async def test_a_machine_that_ends_meanwhile_is_told_at_once(port, opening):
    await until(lambda: port.connected)
    port.connected.close()
    with pytest.raises(DisplayError, match="cut off"):
        await opening


@pytest_twisted.ensureDeferred
async def test_a_guest_that_talks_on_and_on_is_given_up(port, opening, monkeypatch):
    monkeypatch.setattr(stream, "MAX_STALE", 100_000)
    await until(lambda: port.connected)
    with contextlib.suppress(OSError):
        while not opening.called:
            with contextlib.suppress(BlockingIOError):
                port.connected.send(b"x" * 65536, socket.MSG_DONTWAIT)
            await deferLater(reactor, 0.001)
    with pytest.raises(DisplayError, match="cut off"):
        await opening


@pytest_twisted.ensureDeferred
async def test_a_refusal_passes_and_leaves_no_socket(tmp_path, port):
    async def refuse(nonce):
        raise GuestError("This desktop has ended.")

    with pytest.raises(GuestError, match="has ended"):
        await open_stream(reactor, tmp_path, PORT, refuse)
    connected, _ = port.listening.accept()
    assert connected.recv(100) == b""
    connected.close()
