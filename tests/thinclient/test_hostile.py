"""The real program in front of servers that lie, send rubbish, fall silent or hang up.

Each time: one clear sentence, the documented exit code, no traceback, and no more memory than for a good one.
"""

from __future__ import annotations

import random
import re
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard
from click.testing import CliRunner

from sessions.wire import tsg
from sessions.wire.tsg import CloseCode, Encoding, FrameFlag, Operation
from tests.e2e.machine import wait_for
from tests.thinclient.display import Display
from tests.thinclient.hostile import (
    HELLO,
    TICKET,
    Act,
    Hostile,
    Program,
    Said,
    http,
    messages,
    saying,
    telling,
)
from thinclient.main import main

pytestmark = pytest.mark.slow
MEMORY = 200
"""MiB that a command may take in all; one that takes a picture of a small screen has some 75."""
WINDOW_MEMORY = 400
BOTH = FrameFlag.NEW_STREAM | FrameFlag.LAST
SIZE = tsg.ScreenSize(640, 400)


@pytest.fixture(scope="module")
def served() -> Iterator[Hostile]:
    made = Hostile()
    yield made
    made.stop()


@pytest.fixture
def hostile(served: Hostile) -> Iterator[Hostile]:
    before = dict(served.api)
    yield served
    served.api = before
    served.desk = lambda line: None


def words_of(hostile: Hostile, folder: Path) -> list[str]:
    output = ("-o", str(folder / "x.png"), "--settle", "0", "--patience", "5")
    return ["screenshot", hostile.url, "work", *output, "--ca-file", str(hostile.authority.file)]


def screenshot(hostile: Hostile, folder: Path, *words: str) -> Program:
    return Program(folder, *words_of(hostile, folder), *words)


def said_here(hostile: Hostile, folder: Path) -> Said:
    """The same in this process, which takes a tenth of the time: its start and its memory are left out."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("https_proxy", "HTTPS_PROXY", "TSCLIENT_TOKEN"):
            patch.delenv(name, raising=False)
        own = {"TSCLIENT_NAME": "ada", "TSCLIENT_PASSWORD": "secret"}
        done = CliRunner().invoke(main, words_of(hostile, folder), env=own)
    return Said(done.exit_code, done.stdout, done.stderr, 0)


def cases(of: Iterable[str], always: set[str]) -> list[Any]:
    """Each in this process, some of them in one of their own; with the long tests all of them."""
    there = [pytest.param(name, True, marks=() if name in always else pytest.mark.long) for name in of]
    return [*((name, False) for name in of), *there]


def is_told(said: Said, code: int, sentence: str) -> None:
    assert said.code == code, said
    assert said.out == ""
    assert re.fullmatch(rf"(?=Error: )[^\n]*{sentence}[^\n]*\n", said.err), said.err
    assert said.memory < MEMORY


def history(data: bytes) -> bytes:
    """A chunk of a stream: whole blocks, not its end."""
    packer = zstandard.ZstdCompressor(level=1, write_content_size=False).compressobj()
    return packer.compress(data) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


def exact(x: int, y: int, width: int, height: int) -> Operation:
    return Operation(Encoding.HISTORY, x, y, width, height, b"")


def frame(*operations: Operation, data: bytes = b"") -> bytes:
    return tsg.Frame(1, BOTH, operations, data).encode()


def drawing(*operations: Operation, data: bytes = b"") -> Act:
    """A picture that is wrong, and once more when it is asked for again."""
    return saying(HELLO, SIZE, *[frame(*operations, data=data)] * 2)


JPEG = bytes.fromhex("ffd8ffc0001108ffffffff03012200021101031101ffda000c03010002110311003f00") + bytes(200)
NOT = "do not understand each other"
LIES: dict[str, tuple[Act, str]] = {
    "a message of 4 GiB": (telling(messages(HELLO) + b"\xff\xff\xff\xff"), f"{NOT}: a message of"),
    "no length": (telling(messages(HELLO) + b"\0\0\0\0"), "an empty message"),
    "a huge screen": (saying(HELLO, b"\x21\xff\xff\xff\xff"), NOT),
    "no screen": (saying(HELLO, b"\x21\0\0\0\0"), NOT),
    "a huge window": (saying(tsg.ServerHello(1, "s", "W", 1, 31, (1,))), NOT),
    "a rectangle outside": (drawing(exact(600, 0, 100, 1), data=history(bytes(400))), NOT),
    "a rectangle of nothing": (drawing(exact(0, 0, 0, 1), data=history(b"")), NOT),
    "a copy from outside": (drawing(Operation(Encoding.COPY, 0, 0, 9, 9, b"\xff\xf0\xff\xf0")), NOT),
    "less than said": (drawing(exact(0, 0, 9, 9), data=history(b"x")), "less history than"),
    "a bomb": (drawing(exact(0, 0, 4, 2), data=history(bytes(1 << 30))), NOT),
    "a huge JPEG": (drawing(Operation(Encoding.JPEG, 0, 0, 16, 16, JPEG)), NOT),
    "a count without end": (saying(HELLO, SIZE, b"\x24\0\0\0\1\3\xff\xff" + bytes(64)), NOT),
    "a frame before the hello": (saying(SIZE), "ScreenSize before ServerHello"),
    "two hellos": (saying(HELLO, HELLO), "a second ServerHello"),
    "what viewers say": (saying(HELLO, b"\x11" + bytes(20)), NOT),
    "an unknown message": (saying(HELLO, b"\x3f12345"), NOT),
    "rubbish": (saying(b"\x20" + random.Random(1).randbytes(4000)), NOT),
    "HTTP": (telling(b"HTTP/1.1 400 Bad Request\r\n\r\n"), f"{NOT}: a message of"),
    "another version": (saying(tsg.ServerHello(2, "s", "W", 1, 24, (1,))), "speaks version 2"),
    "a refusal": (saying(tsg.Close(CloseCode.TICKET, "That ticket is no good.")), "That ticket is no good"),
    "what steers terminals": (saying(tsg.Close(CloseCode.TICKET, "a\x1b[2Jb\nc")), r"Error: a \[2Jb c"),
    "a cut at once": (saying(stays=False), "The connection was cut"),
    "a cut after the hello": (saying(HELLO, stays=False), "The connection was cut"),
    "a cut in a frame": (
        telling(messages(HELLO, SIZE, frame(exact(0, 0, 9, 9)))[:-3], stays=False), "The connection was cut"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("lie", "alone"), cases(LIES, {"a bomb", "a huge JPEG", "a count without end"}))
def test_what_a_desktop_may_not_say(hostile: Hostile, tmp_path: Path, lie: str, alone: bool) -> None:
    hostile.desk, sentence = LIES[lie]
    is_told(screenshot(hostile, tmp_path).end() if alone else said_here(hostile, tmp_path), 1, sentence)
    assert not (tmp_path / "x.png").exists()


def flood(line: socket.socket) -> None:
    """As much as goes through of what a viewer keeps nothing of."""
    line.sendall(messages(HELLO, SIZE))
    cursor = tsg.Cursor(256, 256, 0, 0, bytes(256 * 256 * 4)).encode()
    piece = messages(*[cursor] * 8, *[tsg.State(1, 1, "x" * 900)] * 500, *[tsg.Ping(1)] * 500)
    for _ in range(60):
        line.sendall(piece)


def test_a_flood_leaves_no_puddle(hostile: Hostile, tmp_path: Path) -> None:
    hostile.desk = flood
    is_told(screenshot(hostile, tmp_path).end(), 1, "(?:was cut|Within 5 s there was not a picture)")


def endless(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    for _ in range(200):
        line.sendall(bytes(1 << 20))


def hang_up(line: socket.socket) -> None:
    """Say nothing, and go."""


def header_flood(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n")


LOGIN, LIST, CONNECT = "POST /api/v1/login", "GET /api/v1/desktops", "POST /api/v1/desktops/work/connect"
FAULT = "Either the gateway answers what it should not"
ANSWERS: dict[str, tuple[str, Any, int, str]] = {
    "no JSON": (LOGIN, http(b"<html>"), 4, "is not a gateway"),
    "nothing": (LOGIN, hang_up, 4, "hung up"),
    "SSH": (LOGIN, b"SSH-2.0-OpenSSH_9.2\r\n", 4, "localhost"),
    "a number": (LOGIN, http(7), 1, FAULT),
    "an empty object": (LOGIN, http({}), 1, FAULT),
    "a step of no kind": (LOGIN, http({"user": None, "next": {"step": "dance", "challenge": 1}}), 1, FAULT),
    "a depth": (LOGIN, http(b"[" * 100_000), 4, "is not a gateway"),
    "without end": (LOGIN, endless, 4, "sends more than 64 MiB"),
    "headers without end": (LOGIN, header_flood, 4, "localhost"),
    "half a body": (LOGIN, telling(http({"user": None})[:-4], stays=False), 4, "is not a gateway"),
    "an error of no shape": (LOGIN, http({"error": [1]}, status="500 No"), 1, "answered with the status 500"),
    "a list of no desktops": (LIST, http({"desktops": "work"}), 1, FAULT),
    "desktops without names": (LIST, http({"desktops": [{}, None]}), 1, FAULT),
    "a ticket of nothing": (CONNECT, {"session": "s", "ticket": "?", "waiting": None}, 1, "was cut"),
    "a ticket that is too long": (CONNECT, {"session": "s", "ticket": TICKET * 3000, "waiting": 0}, 1, "cut"),
    "a session of no kind": (CONNECT, {"session": 7, "ticket": [1], "waiting": None}, 1, FAULT),
    "another place": (LOGIN, http(b"", "Location: https://x.example/", status="302 Found"), 1, "status 302"),
}


@pytest.mark.parametrize(("lie", "alone"), cases(ANSWERS, {"without end", "an empty object"}))
def test_what_the_api_may_not_answer(hostile: Hostile, tmp_path: Path, lie: str, alone: bool) -> None:
    path, answer, code, sentence = ANSWERS[lie]
    hostile.api[path] = answer
    is_told(screenshot(hostile, tmp_path).end() if alone else said_here(hostile, tmp_path), code, sentence)


@pytest.mark.parametrize(
    ("names", "days", "sentence"),
    [
        (("localhost",), -1, "its certificate has expired"),
        (("elsewhere.example",), 1, "its certificate is for another name"),
    ],
)
def test_certificates_that_are_wrong(
    tmp_path: Path, names: tuple[str, ...], days: int, sentence: str
) -> None:
    made = Hostile(*names, days=days)
    try:
        is_told(screenshot(made, tmp_path).end(), 4, sentence)
        pinned = screenshot(made, tmp_path, "--pin", "ab" * 32).end()
        is_told(pinned, 4, "its certificate is not the one that was expected")
    finally:
        made.stop()


def test_where_nobody_is(tmp_path: Path) -> None:
    said = Program(tmp_path, "screenshot", "https://localhost:1", "-o", "x.png").end()
    is_told(said, 4, "nobody listens there")


# ---- fuzz: a good transcript, with mistakes


def transcript() -> bytes:
    """What a good gateway says: a screen with a picture that changes, a pointer, words."""
    packer = zstandard.ZstdCompressor(level=1, write_content_size=False).compressobj()
    said: list[tsg.Message | bytes] = [HELLO, tsg.State(1, 50, "It starts."), tsg.ScreenSize(32, 16)]
    for number in range(1, 7):
        pixels = random.Random(number).randbytes(32 * 16 * 4)
        data = packer.compress(pixels) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        flags = BOTH if number == 1 else FrameFlag.LAST
        said.append(tsg.Frame(number, flags, (exact(0, 0, 32, 16),), data))
        said.append(tsg.Ping(number))
    said += [
        tsg.Cursor(2, 2, 0, 0, bytes(16)),
        tsg.Notice(1, 5, "Soon."),
        tsg.Dialog(1, 1, 9, "Bob", "Hi", "x"),
    ]
    return messages(*said, tsg.Close(CloseCode.SESSION_ENDED, "The session has ended."))


def mistaken(good: bytes, chance: random.Random) -> bytes:
    """Change, drop, double or insert a few bytes."""
    data = bytearray(good)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at : at + chance.randint(1, 40)]
            case 3:
                data[at:at] = chance.randbytes(chance.randint(1, 40))
            case _:
                data[at:at] = data[at : at + chance.randint(1, 400)]
    return bytes(data)


def survives(hostile: Hostile, folder: Path, seeds: Iterable[int]) -> None:
    good = transcript()
    for seed in seeds:
        hostile.desk = telling(mistaken(good, random.Random(seed)), stays=False)
        said = said_here(hostile, folder)
        assert said.code in (0, 1), (seed, said)
        assert FAULT not in said.err, seed
        assert said.err.count("\n") == said.code, (seed, said)


def test_the_transcript_is_good(hostile: Hostile, tmp_path: Path) -> None:
    hostile.desk = telling(transcript(), stays=False)
    assert said_here(hostile, tmp_path).code in (0, 1)


def test_mistakes_are_survived(hostile: Hostile, tmp_path: Path) -> None:
    survives(hostile, tmp_path, range(25))


@pytest.mark.long
def test_many_mistakes_are_survived(hostile: Hostile, tmp_path: Path) -> None:
    survives(hostile, tmp_path, range(1000, 2000))


# ---- silence, and Ctrl-C in it


def mute(line: socket.socket) -> None:
    """Say nothing until the other side leaves."""
    while line.recv(1 << 16):
        pass


@pytest.mark.long
def test_a_desktop_that_says_nothing(hostile: Hostile, tmp_path: Path) -> None:
    hostile.desk = mute
    is_told(screenshot(hostile, tmp_path).end(), 1, "The gateway does not answer")
    hostile.api[LOGIN] = mute
    is_told(screenshot(hostile, tmp_path).end(), 4, "does not answer")


PLACES = [("screenshot", where) for where in ("sign-in", "desktop", "hello", "picture")]


@pytest.mark.parametrize(("command", "where"), [*PLACES, ("probe", "picture")])
def test_an_interruption_is_the_end_without_a_word(
    hostile: Hostile, tmp_path: Path, command: str, where: str
) -> None:
    reached: list[str] = []

    def stuck(line: socket.socket) -> None:
        reached.append(where)
        mute(line)

    def stuck_later(line: socket.socket) -> None:
        line.sendall(messages(HELLO, SIZE))
        stuck(line)

    match where:
        case "sign-in":
            hostile.api[LOGIN] = stuck
        case "desktop":
            hostile.api[CONNECT] = stuck
        case "hello":
            hostile.desk = stuck
        case _:
            hostile.desk = stuck_later
    words = words_of(hostile, tmp_path)
    if command == "probe":
        words = ["probe", hostile.url, "work", "--ca-file", str(hostile.authority.file)]
    program = Program(tmp_path, *words)
    wait_for(lambda: reached, "the program to be stuck", lambda: program.err)
    program.interrupt()
    said = program.end()
    assert (said.code, said.out, said.err) == (130, "", "")


@pytest.mark.parametrize("delay", [0.05, 0.15, 0.3])
def test_an_interruption_in_the_beginning(tmp_path: Path, delay: float) -> None:
    program = Program(tmp_path, "--help")
    time.sleep(delay)
    program.interrupt()
    said = program.end()
    assert said.code in (0, 1, 130, -2)
    assert "thinclient" not in said.err  # what comes before it is Python's own


# ---- the window


@pytest.fixture(scope="module")
def display() -> Iterator[Display]:
    made = Display(1024, 768)
    yield made
    made.stop()


def window(hostile: Hostile, display: Display, folder: Path, *words: str) -> Program:
    line = (hostile.url, *words, "--ca-file", str(hostile.authority.file))
    return Program(folder, *line, environment=display.environment)


RARELY = (
    "a message of 4 GiB",
    "a huge screen",
    "rubbish",
    "two hellos",
    "a huge JPEG",
    "a copy from outside",
)


@pytest.mark.parametrize(
    "lie", ["a bomb", "another version", *(pytest.param(each, marks=pytest.mark.long) for each in RARELY)]
)
def test_a_window_says_what_is_wrong_and_is_closed(
    hostile: Hostile, display: Display, tmp_path: Path, lie: str
) -> None:
    hostile.desk, sentence = LIES[lie]
    program = window(hostile, display, tmp_path, "work")
    tries = 1 if lie == "another version" else 2  # as docs/protocol.md says: once more
    wait_for(
        lambda: hostile.lines >= tries and "work" in display.active().lower(), "a window", lambda: program.err
    )
    time.sleep(1)
    display.press("alt+F4")
    said = program.end()
    assert said.code in (0, 1), said
    assert said.out == ""
    assert said.err == "" or re.fullmatch(rf"(?=Error: )[^\n]*{sentence}[^\n]*\n", said.err), said.err
    assert said.memory < WINDOW_MEMORY
    hostile.lines = 0


def test_a_window_outlives_lists_that_are_none(hostile: Hostile, display: Display, tmp_path: Path) -> None:
    hostile.api[LIST] = {"desktops": [{"id": 7}]}
    program = window(hostile, display, tmp_path)
    display.wait_for_window("There is no connection")
    display.press("alt+F4")
    said = program.end()
    assert (said.code, said.out, said.err) == (0, "", "")


def test_a_window_is_interrupted_without_a_word(hostile: Hostile, display: Display, tmp_path: Path) -> None:
    hostile.api[LIST] = mute
    program = window(hostile, display, tmp_path)
    display.wait_for_window("Signing in")
    program.interrupt()
    said = program.end()
    assert (said.out, said.err) == ("", "")
    assert said.code in (0, 130)
