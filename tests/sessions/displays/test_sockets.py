"""SocketLink over real sockets, on the real reactor."""

import array
import os
import socket

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone

from sessions.displays.base import DisplayError
from sessions.displays.sockets import MAX_UNSENT, SocketLink, connect_tcp, connect_unix
from sessions.wire.errors import ProtocolError


class Collector:
    """A core with a tiny buffer that keeps everything."""

    def __init__(self, size=5):
        self.space = bytearray(size)
        self.data = b""
        self.waits = []  # (test, Deferred)
        self.end = Deferred()

    def buffer(self):
        return memoryview(self.space)

    def received(self, count):
        self.data += self.space[:count]
        for test, done in self.waits[:]:
            if test():
                self.waits.remove((test, done))
                done.callback(None)

    def closed(self, reason):
        self.end.callback(reason)

    def until(self, test):
        done = Deferred()
        self.waits.append((test, done))
        return done.addTimeout(120, reactor)


@pytest.fixture
def pair():
    near, far = socket.socketpair()
    yield near, far
    near.close()
    far.close()


@pytest_twisted.ensureDeferred
async def test_receives_all_through_a_small_buffer_then_the_end(pair):
    near, far = pair
    core = Collector()
    SocketLink(reactor, near, core)
    far.sendall(bytes(range(200)))
    far.close()
    assert isinstance(await core.end.addTimeout(120, reactor), ConnectionDone)
    assert core.data == bytes(range(200))
    assert near.fileno() == -1


@pytest_twisted.ensureDeferred
async def test_written_bytes_arrive_in_order_when_the_peer_is_slow(pair):
    near, far = pair
    link = SocketLink(reactor, near, Collector())
    pieces = [bytes([n]) * 50_000 for n in range(16)]
    for piece in pieces:
        link.write(piece)
    assert link.unsent > 0
    core = Collector(65536)
    other = SocketLink(reactor, far, core)
    await core.until(lambda: len(core.data) == 800_000)
    assert core.data == b"".join(pieces)
    assert link.unsent == 0
    link.close()
    other.close()


@pytest_twisted.ensureDeferred
async def test_a_peer_that_never_reads_is_given_up(pair):
    near, _far = pair
    core = Collector()
    link = SocketLink(reactor, near, core)
    for _ in range(20):
        link.write(bytes(MAX_UNSENT // 10))
    assert link.unsent <= MAX_UNSENT
    reason = await core.end.addTimeout(120, reactor)
    assert "does not read" in str(reason)
    link.write(b"dropped")
    assert link.unsent == 0


@pytest_twisted.ensureDeferred
async def test_a_protocol_error_closes_and_is_told(pair):
    near, far = pair
    core = Collector()

    def received(_count):
        raise ProtocolError("rubbish")

    core.received = received
    link = SocketLink(reactor, near, core)
    far.sendall(b"x")
    assert str(await core.end.addTimeout(120, reactor)) == "rubbish"
    assert not link.open
    far.settimeout(120)
    assert far.recv(1) == b""


@pytest_twisted.ensureDeferred
async def test_close_is_silent_and_idempotent(pair):
    near, far = pair
    core = Collector()
    link = SocketLink(reactor, near, core)
    link.write(b"bye")
    link.close()
    link.close()
    far.settimeout(120)
    assert far.recv(10) == b"bye"
    assert far.recv(10) == b""
    assert not core.end.called


@pytest_twisted.ensureDeferred
async def test_descriptors_travel_with_their_byte(pair):
    near, far = pair
    read_end, write_end = os.pipe()
    got = []
    core = Collector(64)
    link = SocketLink(reactor, near, Collector())
    other = SocketLink(reactor, far, core, descriptors=lambda fds: got.append((len(core.data), list(fds))))
    link.write(b"before")
    link.write(b"with", descriptors=[write_end])
    os.close(write_end)
    link.write(b"after")
    await core.until(lambda: core.data == b"beforewithafter")
    [(position, [fd])] = got
    assert position <= len("before")
    os.write(fd, b"through")
    os.close(fd)
    assert os.read(read_end, 20) == b"through"
    assert os.read(read_end, 1) == b""  # no copy of the descriptor is left open
    os.close(read_end)
    link.close()
    other.close()


@pytest_twisted.ensureDeferred
async def test_descriptors_that_come_uninvited_are_not_kept(pair):
    near, far = pair
    read_end, write_end = os.pipe()
    core = Collector()
    link = SocketLink(reactor, near, core)
    far.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [write_end]))])
    os.close(write_end)
    await core.until(lambda: core.data == b"x")
    assert os.read(read_end, 1) == b""
    os.close(read_end)
    link.close()


@pytest_twisted.ensureDeferred
async def test_connects_by_tcp_name_and_by_unix_path(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        tcp = await connect_tcp(reactor, "localhost", server.getsockname()[1], 10)
        assert tcp.getpeername() == server.getsockname()
        tcp.close()
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        unix = await connect_unix(reactor, path, 10)
        assert unix.getpeername() == path
        unix.close()


@pytest_twisted.ensureDeferred
async def test_connecting_to_nothing_says_so(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DisplayError, match=rf"port {port}: connection refused"):
        await connect_tcp(reactor, "127.0.0.1", port, 10)
    with pytest.raises(DisplayError, match="no such file"):
        await connect_unix(reactor, str(tmp_path / "missing"), 10)
    with pytest.raises(DisplayError, match="too long"):
        await connect_unix(reactor, "/" + "x" * 200, 10)
    with pytest.raises(DisplayError, match="cannot be resolved"):
        await connect_tcp(reactor, "no-such-host.invalid", 5900, 30)


@pytest_twisted.ensureDeferred
async def test_connecting_gives_up_after_the_time_given():
    # A listener whose queue is full leaves further connections hanging.
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
            fillers.append(filler)
        with pytest.raises(DisplayError, match="no answer in time"):
            await connect_tcp(reactor, "127.0.0.1", server.getsockname()[1], 0.3)
        for filler in fillers:
            filler.close()
