"""A desktop that somebody else runs: a real Xvnc behind the real gateway, in a browser."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.gateway import RealGateway
from tests.e2e.machine import wait_for
from tests.e2e.pages import choose
from tests.e2e.person import Person
from tests.sessions.displays.xvnc import Xvnc
from tests.sessions.wire import rfb_server

pytestmark = pytest.mark.browser

CONFIGURATION = """
[desktops.office]
title = "Office PC"
kind = "rfb"
socket = "{office}/vnc"
password_file = "{folder}/password"
groups = ["users"]
[desktops.locked]
title = "Locked PC"
kind = "rfb"
socket = "{office}/vnc"
password_file = "{folder}/wrong"
groups = ["users"]
[desktops.rubbish]
title = "Rubbish"
kind = "rfb"
socket = "{folder}/rubbish"
groups = ["users"]
[desktops.huge]
title = "Huge"
kind = "rfb"
socket = "{folder}/huge"
groups = ["users"]
[desktops.later]
title = "Rubbish later"
kind = "rfb"
socket = "{folder}/later"
groups = ["users"]
[desktops.nobody]
title = "Nobody there"
kind = "rfb"
socket = "{folder}/nobody"
groups = ["users"]
[desktops.card]
title = "Card"
kind = "testcard"
fps = 10
groups = ["users"]
"""
PASSWORD = "secret99"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("rfb")
    (made / "password").write_text(f"{PASSWORD}\n")
    (made / "wrong").write_text("secret98\n")
    (made / "office").mkdir()
    return made


@pytest.fixture(scope="module")
def gateway(folder: Path) -> Iterator[RealGateway]:
    made = RealGateway(CONFIGURATION.format(folder=folder, office=folder / "office"), users=("ada", "bob"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ada(gateway: RealGateway) -> Iterator[Person]:
    person = Person(gateway, "ada")
    yield person
    person.stop()


@pytest.fixture
def office(folder: Path) -> Iterator[Xvnc]:
    xvnc = Xvnc(folder / "office", (800, 600), PASSWORD)
    yield xvnc
    xvnc.stop()


@pytest.fixture
def at_work(ada: Person, office: Xvnc) -> Iterator[Person]:
    """Ada, who sees the office's screen; her session is ended after the test."""
    ada.browser.viewport(1000, 700)
    ada.open("office")
    wait_for(lambda: office.screen().shape == (700, 1000), "Xvnc takes the window's size")
    ada.browser.move(500, 350)  # until it is told, Xvnc paints its pointer into the picture
    yield ada
    if ada.gateway.sessions():
        ada.open("office")
        ada.end()
        wait_for(lambda: not ada.gateway.sessions(), "the session is over")


def terminal(office: Xvnc, script: str) -> None:
    office.run("xterm", "-u8", "-geometry", "80x24+20+150", "-e", "sh", "-c", script)
    office.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xterm")


def test_every_pixel_is_what_the_server_shows(at_work: Person, office: Xvnc) -> None:
    terminal(office, r"for n in $(seq 0 255); do printf '\033[48;5;%dm%d ' $n $n; done; sleep 1000")
    wait_for(lambda: len(np.unique(office.screen())) > 200, "the terminal shows its colours")
    at_work.sees(office.screen)


def test_on_a_slow_line_too_the_picture_becomes_exact(at_work: Person, office: Xvnc, tmp_path: Path) -> None:
    """Text scrolls by faster than the line carries it; the newest is shown, and at last all of it."""
    done = tmp_path / "done"
    at_work.gateway.line.rate = 60_000
    try:
        noise = "for n in $(seq 150); do head -c 900 /dev/urandom | base64; sleep 0.02; done"
        terminal(office, f"{noise}; touch {done}; sleep 1000")
        wait_for(done.exists, "all of it has scrolled by")
        at_work.sees(office.screen)
    finally:
        at_work.gateway.line.rate = None


def test_typed_text_arrives(at_work: Person, office: Xvnc, tmp_path: Path) -> None:
    typed = tmp_path / "typed"
    terminal(office, f"exec cat > {typed}")
    wait_for(typed.exists, "the terminal runs its program")
    browser = at_work.browser
    browser.move(200, 250)
    wait_for(lambda: b"x:200 y:250 " in office.ask("xdotool", "getmouselocation"), "the pointer is there")
    browser.type("Hello, World! 42 ~#@")
    browser.key("Enter")
    wait_for(lambda: typed.read_text() == "Hello, World! 42 ~#@\n", "the keys are typed", typed.read_text)
    choose(browser, "Keyboard", "[role=menuitemradio]:nth-child(2)")  # text mode
    browser.move(200, 250)
    browser.type("é漢字")
    browser.key("Enter")
    wait_for(lambda: typed.read_text().endswith("\né漢字\n"), "text mode types them", typed.read_text)
    choose(browser, "Keyboard", "[role=menuitem]")  # the text box
    browser.type("Größe こんにちは", ".textbox textarea")
    browser.key("Enter")
    browser.move(200, 260)
    browser.press()
    browser.release()
    browser.key("Enter")
    wait_for(lambda: typed.read_text().endswith("\nGröße こんにちは\n"), "so does the box", typed.read_text)
    at_work.sees(office.screen)


def test_pointer_lands_on_the_very_pixel(at_work: Person, office: Xvnc) -> None:
    at_work.sees(office.screen)  # before, the pointer is where the old picture has it
    for x, y in [(333, 444), (999, 699), (0, 699), (1, 121)]:
        at_work.browser.move(x, y)
        place = f"x:{x} y:{y} ".encode()
        wait_for(lambda place=place: place in office.ask("xdotool", "getmouselocation"), f"pointer {x}, {y}")


def test_the_server_follows_the_window(at_work: Person, office: Xvnc) -> None:
    office.run("xlogo", "-geometry", "300x301+317+150", "-fg", "red")
    office.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xlogo")
    at_work.browser.viewport(1203, 801)
    wait_for(lambda: office.screen().shape == (801, 1203), "Xvnc takes the window's size")
    at_work.sees(office.screen)


def test_a_server_that_goes_and_comes_back(at_work: Person, office: Xvnc, folder: Path) -> None:
    office.kill()
    said = at_work.notice("paused")
    assert "VNC server" in said
    assert "Trying again" in said
    again = Xvnc(folder / "office", (640, 480), PASSWORD)
    try:
        again.run("xlogo", "-geometry", "300x301+17+50", "-fg", "blue")
        again.ask("xdotool", "search", "--sync", "--onlyvisible", "--class", "xlogo")
        at_work.picture()
        wait_for(lambda: again.screen().shape == (700, 1000), "the new one takes the window's size")
        at_work.browser.move(480, 360)
        at_work.sees(again.screen)
        at_work.end()
        wait_for(lambda: not at_work.gateway.sessions(), "the session is over")
    finally:
        again.stop()


def test_a_wrong_password_is_said(ada: Person, office: Xvnc) -> None:
    ada.list()
    ada.browser.click("[data-key=open-locked]")
    assert "does not accept the password" in ada.notice("ended")


def test_nobody_there_is_said(ada: Person) -> None:
    ada.list()
    ada.browser.click("[data-key=open-nobody]")
    said = ada.notice("ended")
    assert "The VNC server of this desktop does not answer." in said
    assert "/" not in said, "no path of the server's"


# ---- servers that misbehave


class Misbehaving:
    """A VNC server that says the same to everybody and then keeps the line open."""

    def __init__(self, path: Path, words: bytes) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        self._listener.listen()
        self._words = words
        self._lines: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            while True:
                line, _ = self._listener.accept()
                line.sendall(self._words)
                self._lines.append(line)
        except OSError:
            pass

    def __enter__(self) -> Misbehaving:
        return self

    def __exit__(self, *_: object) -> None:
        for line in [self._listener, *self._lines]:
            line.close()


@pytest.fixture
def bob_at_the_card(gateway: RealGateway) -> Iterator[Person]:
    """Bob watches a moving picture on the same session host."""
    bob = Person(gateway, "bob")
    bob.open("card")
    yield bob
    bob.stop()


def test_rubbish_is_said_and_disturbs_nobody(
    ada: Person, bob_at_the_card: Person, gateway: RealGateway, folder: Path
) -> None:
    host = gateway.host_pid
    later = rfb_server.hello() + rfb_server.update(rfb_server.raw(0, 0, 1, 1, b"abcd")) + b"\xff" * 4096
    for name, words, sentence in [
        ("rubbish", b"SSH-2.0-OpenSSH_9.2\r\n", "not a VNC server"),
        ("huge", rfb_server.hello(65535, 65535), "65535×65535"),
        ("later", later, "unknown type 255"),
    ]:
        with Misbehaving(folder / name, words):
            ada.list()
            ada.browser.click(f"[data-key=open-{name}]")
            key = "paused" if name == "later" else "ended"
            assert sentence in ada.notice(key)
            if name == "later":
                ada.end()
    moves(bob_at_the_card)
    assert gateway.host_pid == host
    assert not bob_at_the_card.browser.evaluate("document.querySelector('.notice')")


def moves(person: Person) -> None:
    before = person.shown()
    wait_for(lambda: not np.array_equal(person.shown(), before), "the picture moves")
