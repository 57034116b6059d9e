"""What strangers may throw at the port."""

import random
import struct

import pytest
import pytest_twisted
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.logger import globalLogPublisher

from sessions.wire.tsg import MAX_CLIENT_MESSAGE, SUBPROTOCOL, CloseCode
from tests.tsgateway.support import World, hello, http_request, sleep

CLOSE = b"Connection: close\r\n"
UPGRADE = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)


async def well(world: World) -> None:
    """The gateway still answers others."""
    assert (await world.request("GET", "/api/v1/health")).json == {"status": "ok"}


async def served(world: World) -> bool:
    """Whether one more connection gets an answer."""
    try:
        await well(world)
    except (OSError, SSL.Error, ConnectionLost):
        return False
    return True


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
@pytest_twisted.ensureDeferred
async def test_a_websocket_from_elsewhere_is_refused(world: World, origin):
    viewer = await world.websocket(origin=origin)
    assert viewer.response.status_code == 403
    assert not viewer.is_open
    assert "Content-Security-Policy" in viewer.response.headers


@pytest_twisted.ensureDeferred
async def test_a_websocket_without_our_subprotocol_is_refused(world: World):
    assert (await world.websocket(subprotocols=())).response.status_code == 400
    assert (await world.websocket(subprotocols=("chat",))).response.status_code == 400


@pytest_twisted.ensureDeferred
async def test_frames_are_not_compressed(world: World):
    line = await world.knock()
    offer = f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
    line.write(f"{UPGRADE}{offer}Origin: {world.origin}\r\n\r\n".encode())
    while b"\r\n\r\n" not in line.buffer:
        await line.more()
    assert line.buffer.startswith(b"HTTP/1.1 101 ")
    assert b"permessage-deflate" not in line.buffer
    line.cut()


@pytest_twisted.ensureDeferred
async def test_text_is_refused_with_a_sentence(world: World):
    viewer = await world.websocket()
    viewer.protocol.send_text(b"hello")
    viewer.flush()
    close = await viewer.closing()
    assert close.code == CloseCode.PROTOCOL
    assert "binary" in close.reason
    assert await viewer.message() is None
    assert viewer.closed == 4001


@pytest_twisted.ensureDeferred
async def test_a_message_in_pieces_is_one_message(world: World):
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await world.websocket()
    data = hello(ticket)
    viewer.protocol.send_binary(data[:5], fin=False)
    viewer.protocol.send_continuation(data[5:9], fin=False)
    viewer.protocol.send_continuation(data[9:], fin=True)
    viewer.flush()
    assert await viewer.message() is not None
    viewer.send(b"\x18")
    viewer.line.cut()


@pytest_twisted.ensureDeferred
async def test_messages_that_are_too_long(world: World):
    viewer = await world.websocket()
    viewer.send(bytes(MAX_CLIENT_MESSAGE + 1))
    assert (await viewer.closing()).code == CloseCode.LIMIT
    assert await viewer.message() is None
    assert viewer.closed == 4000 + CloseCode.LIMIT
    native = await world.native()
    native.line.write(struct.pack(">I", MAX_CLIENT_MESSAGE + 1))
    assert (await native.closing()).code == CloseCode.LIMIT
    await native.line.to_end()
    await well(world)


@pytest_twisted.ensureDeferred
async def test_empty_messages(world: World):
    viewer = await world.websocket()
    viewer.send(b"")
    assert (await viewer.closing()).code == CloseCode.PROTOCOL
    native = await world.native()
    native.line.write(bytes(4))
    assert (await native.closing()).code in (CloseCode.PROTOCOL, CloseCode.LIMIT)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x82\x05hello", id="not masked"),
        pytest.param(b"\xf2\x80\0\0\0\0", id="reserved bits"),
        pytest.param(b"\x83\x80\0\0\0\0", id="reserved opcode"),
        pytest.param(b"\x80\x80\0\0\0\0", id="continuation of nothing"),
        pytest.param(b"\x82\xff" + b"\xff" * 8 + b"\0\0\0\0", id="2^64 bytes"),
        pytest.param(b"\x89\xfe\x01\x00" + bytes(4 + 256), id="ping of 256 bytes"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_broken_websocket_frames_are_answered(world: World, frame):
    viewer = await world.websocket()
    viewer.line.write(frame)
    assert (await viewer.closing()).code in (CloseCode.PROTOCOL, CloseCode.LIMIT)
    assert await viewer.message() is None
    assert viewer.closed in (4001, 4005)
    await well(world)


@pytest_twisted.ensureDeferred
async def test_rubbish_instead_of_frames_disturbs_nobody(world: World):
    choose = random.Random(1)
    for _ in range(30):
        viewer = await world.websocket()
        viewer.line.write(choose.randbytes(choose.randint(1, 300)))
        await sleep(0.01)
        viewer.line.cut()
    await well(world)


@pytest_twisted.ensureDeferred
async def test_broken_heads(world: World):
    choose = random.Random(2)
    whole = http_request(world.origin, "GET", "/api/v1/health", cookie="x" * 43)
    for _ in range(40):
        head = bytearray(whole)
        for _ in range(choose.randint(1, 6)):
            head[choose.randrange(len(head) - 4)] = choose.randrange(256)
        line = await world.knock()
        line.write(bytes(head))
        line.write(b"\r\n\r\n")
        while not line.buffer and not line.lost:
            await line.more()
        assert line.lost or line.buffer.startswith(b"HTTP/1.1 ")
        if b" 400 " in line.buffer[:20]:
            assert b"Content-Security-Policy" in line.buffer
        line.cut()
    await well(world)


@pytest_twisted.ensureDeferred
async def test_heads_that_are_too_long(world: World):
    line = await world.knock()
    line.write(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000)
    answer = await line.answer()
    assert answer.status == 431
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    many = "".join(f"X{number}: y\r\n" for number in range(300))
    line = await world.knock()
    line.write(f"GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n".encode())
    assert (await line.answer()).status == 400


@pytest_twisted.ensureDeferred
async def test_bodies_that_are_too_long(world: World):
    answer = await world.request("POST", "/api/v1/login", b"x" * (64 * 1024 + 1))
    assert answer.status == 413
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    line = await world.knock()
    line.write(b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(5):
        line.write(b"4000\r\n" + bytes(0x4000) + b"\r\n")
    assert (await line.answer()).status == 413
    await well(world)


@pytest_twisted.ensureDeferred
async def test_who_says_nothing_is_cut(world: World, monkeypatch):
    monkeypatch.setattr("tsgateway.transports.door.HEAD_WITHIN", 0.5)
    silent = await world.knock()
    await silent.to_end()
    slow = await world.knock()
    slow.write(b"GET / HT")
    await slow.to_end()


@pytest_twisted.ensureDeferred
async def test_who_never_signs_in_is_cut(world: World, monkeypatch):
    monkeypatch.setattr("tsgateway.transports.door.KNOWN_WITHIN", 0.5)
    line = await world.knock()
    line.write(b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
    await line.to_end()


@pytest_twisted.ensureDeferred
async def test_a_silent_viewer_is_cut_and_an_answering_one_is_not(world: World, monkeypatch):
    monkeypatch.setattr("tsgateway.protocols.tsg.connection.PING_EVERY", 0.5)
    monkeypatch.setattr("tsgateway.protocols.tsg.connection.SILENCE", 2.0)
    ada = await world.sign_in()
    _, first = await ada.ticket()
    _, second = await ada.ticket()
    silent, lively = await world.websocket(), await world.native()
    silent.pongs = False
    await lively.welcome(second)
    await silent.welcome(first)
    talk = Deferred.fromCoroutine(lively.message())  # answers pings until something else comes
    assert (await silent.closing()).code == CloseCode.TIMEOUT
    await sleep(1)
    assert not talk.called
    lively.send(b"\x18")
    assert await talk == b"\xf0\x18"


@pytest_twisted.ensureDeferred
async def test_too_many_strangers():
    world = World(server={"port": 0, "max_connections_per_address": 4})
    faults = []

    def note(event):
        if "failure" in event or "log_failure" in event:
            faults.append(event)

    globalLogPublisher.addObserver(note)
    try:
        await world.start()
        ada = await world.sign_in()
        _, ticket = await ada.ticket()
        viewer = await world.native()
        await viewer.welcome(ticket)  # known: does not count
        lines = [await world.knock() for _ in range(4)]
        for line in lines:
            line.write(b"GET")
        assert not await served(world)
        lines[0].cut()
        await lines[0].to_end()
        while not await served(world):
            await sleep(0.05)
        viewer.send(b"\x18")
        assert await viewer.message() == b"\xf0\x18"
        assert not faults, "whoever is turned away leaves no traceback"
    finally:
        globalLogPublisher.removeObserver(note)
        await world.stop()


@pytest_twisted.ensureDeferred
async def test_one_person_cannot_hold_all_connections(world: World, monkeypatch):
    """Whoever has signed in is no stranger; still there is an end to it."""
    monkeypatch.setattr("tsgateway.transports.admission.MAX_PER_PERSON", 3)
    monkeypatch.setattr("tsgateway.transports.door.KNOWN_WITHIN", 5.0)
    ada = await world.sign_in()
    lines = [await world.knock() for _ in range(5)]
    for line in lines:
        line.write(http_request(world.origin, "GET", "/api/v1/me", cookie=ada.cookie).replace(CLOSE, b""))
        while b"HTTP/1.1 200" not in line.buffer:
            await line.more()
    for line in lines[3:]:
        await line.to_end()
    assert [line.lost for line in lines] == [False] * 3 + [True] * 2
    for line in lines[:3]:
        line.cut()


@pytest_twisted.ensureDeferred
async def test_stopping_says_goodbye():
    world = World()
    await world.start()
    ada = await world.sign_in()
    _, ticket = await ada.ticket()
    viewer = await world.websocket()
    await viewer.welcome(ticket)
    await world.stop()
    assert (await viewer.closing()).code == CloseCode.SHUTDOWN
