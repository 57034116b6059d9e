"""The main job, end to end: a QEMU guest's desktop in a browser, through the real gateway and session host.

What the guest shows and hears is told by QEMU (screendump) and by the guest's serial port.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from sessions.guests.qemu.process import ProcessId
from tests.e2e.gateway import RealGateway
from tests.e2e.layouts import Stroke, press
from tests.e2e.machine import Machine, wait_for
from tests.e2e.pages import choose, until
from tests.e2e.person import Person
from tests.images_fixture import tiny_image

pytestmark = [pytest.mark.qemu, pytest.mark.browser, pytest.mark.slow]

CONFIGURATION = """
[guests.qemu]
accelerator = "tcg"
[desktops.linux]
title = "Linux desktop"
kind = "qemu"
start = "boot"
template = "tiny"
groups = ["users"]
[desktops.card]
title = "Test card"
kind = "testcard"
fps = 10
groups = ["users"]
"""
BARS = [0xFFFFFF, 0xFFFF00, 0x00FFFF, 0x00FF00, 0xFF00FF, 0xFF0000, 0x0000FF, 0x000000]


@pytest.fixture(scope="module")
def gateway() -> Iterator[RealGateway]:
    made = RealGateway(CONFIGURATION, users=("ada", "bob"), images=tiny_image().folder.parent)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ada_at_work(gateway: RealGateway) -> Iterator[Person]:
    person = Person(gateway, "ada")
    yield person
    person.stop()


@pytest.fixture
def ada(ada_at_work: Person) -> Person:
    """Ada, who sees her guest. It is the same one from test to test, unless a test ends it."""
    ada_at_work.gateway.line.mend()
    ada_at_work.browser.viewport(1000, 700)
    ada_at_work.open("linux")
    return ada_at_work


@pytest.fixture
def guest(ada: Person) -> Iterator[Machine]:
    with ada.machine() as machine:
        ada.sees(lambda: whole(machine, 1000, 700))
        machine.forget()
        yield machine


def whole(machine: Machine, width: int, height: int) -> np.ndarray:
    """The guest's picture once it has this size; until then something that is no picture."""
    screen = machine.screen()
    return screen if screen.shape == (height, width) else np.zeros((1, 1))


def test_every_pixel_arrives(ada: Person, guest: Machine) -> None:
    picture = ada.sees(guest.screen)
    assert picture.shape == (700, 1000), "the guest's screen fills the window"
    bars = picture[20, 62::125]
    assert bars.tolist() == BARS


def test_typed_text_appears_in_the_guest(ada: Person, guest: Machine) -> None:
    before = ada.sees(guest.screen)
    ada.browser.type("Hi 7")
    guest.says(
        *("key 42 down", "key 35 down", "key 35 up", "key 42 up"),
        *("key 23 down", "key 23 up", "key 57 down", "key 57 up", "key 8 down", "key 8 up"),
    )
    after = ada.sees(guest.screen)
    assert (after != before).any(), "the letters are to be seen"


KEYS_ELSEWHERE = {
    "IntlBackslash": 86, "IntlRo": 89, "IntlYen": 124, "Convert": 92, "NonConvert": 94, "KanaMode": 93,
    "Lang1": 122, "Lang2": 123, "NumpadComma": 121, "NumpadEqual": 117, "NumpadEnter": 96, "NumpadDivide": 98,
    "PrintScreen": 99, "Pause": 119, "ScrollLock": 70, "NumLock": 69, "ContextMenu": 127, "MetaLeft": 125,
    "AltRight": 100, "ControlRight": 97, "Insert": 110, "PageDown": 109, "ArrowUp": 103,
    "AudioVolumeMute": 113, "AudioVolumeDown": 114, "AudioVolumeUp": 115, "MediaPlayPause": 164,
    "MediaStop": 166,
    "MediaTrackNext": 163, "MediaTrackPrevious": 165, "BrowserBack": 158, "BrowserHome": 172,
    "LaunchMail": 155, "Copy": 133, "Paste": 135, "Undo": 131,
}  # fmt: skip
"""Keys beside those of a US typewriter, and Linux's numbers for them (input-event-codes.h)."""


def test_keys_of_japan_korea_brazil_and_of_media_reach_the_guest(ada: Person, guest: Machine) -> None:
    press(ada.browser, [Stroke(code, code) for code in KEYS_ELSEWHERE])
    guest.says(*(f"key {number} {way}" for number in KEYS_ELSEWHERE.values() for way in ("down", "up")))


def test_text_of_any_script_arrives(ada: Person, guest: Machine) -> None:
    choose(ada.browser, "Keyboard", "[role=menuitem]")
    ada.browser.type("é漢字🙂", ".textbox textarea")
    ada.browser.key("Enter")
    guest.says("text é漢字🙂")
    ada.sees(guest.screen)


def test_pointer_lands_on_the_very_pixel(ada: Person, guest: Machine) -> None:
    browser = ada.browser
    for x, y in [(500, 300), (999, 699), (0, 699), (999, 120), (333, 457), (1, 121)]:
        browser.move(x, y)
        browser.press()
        guest.says(f"pointer {x} {y} buttons 1")
        browser.release()
        guest.says(f"pointer {x} {y} buttons 0")
    browser.move(400, 400)
    browser.press("right")
    guest.says("pointer 400 400 buttons 4")
    browser.move(410, 420)
    guest.says("pointer 410 420 buttons 4")
    browser.release("right")
    guest.says("pointer 410 420 buttons 0")
    ada.sees(guest.screen)


def test_wheel_turns(ada: Person, guest: Machine) -> None:
    ada.browser.move(500, 400)
    ada.browser.wheel(100)
    guest.says("wheel -1")
    ada.browser.wheel(-100)
    guest.says("wheel 1")


@pytest.mark.parametrize("size", [(1280, 800), (903, 641)], ids=str)
def test_guest_follows_the_window(ada: Person, guest: Machine, size: tuple[int, int]) -> None:
    ada.browser.viewport(*size)
    guest.says(f"READY {size[0]}x{size[1]}")
    picture = ada.sees(lambda: whole(guest, *size))
    assert picture.shape == size[::-1]
    ada.browser.move(size[0] - 1, size[1] - 1)
    guest.says(f"pointer {size[0] - 1} {size[1] - 1} buttons 0")


def test_two_people_see_their_own_guests(ada: Person, guest: Machine, gateway: RealGateway) -> None:
    """The second one comes with Firefox."""
    with ExitStack() as watching:
        bob = Person(gateway, "bob", "firefox")
        watching.callback(bob.stop)
        bob.open("linux")
        his = watching.enter_context(bob.machine())
        assert his.process != guest.process
        bob.browser.type("bbb")
        his.says("key 48 down", "key 48 up", "key 48 down", "key 48 up", "key 48 down", "key 48 up")
        ada.browser.type("xx")
        guest.says("key 45 down", "key 45 up", "key 45 down", "key 45 up")
        bobs = bob.sees(his.screen)
        adas = ada.sees(guest.screen)
        assert bobs.shape == adas.shape
        assert (bobs != adas).any()
        assert "key 48" not in guest.said()
        assert "key 45" not in his.said()
        bob.end()
        wait_for(lambda: not his.process.alive, "Bob's guest ends")
        assert guest.process.alive


def test_a_cut_line_is_mended(ada: Person, guest: Machine, gateway: RealGateway) -> None:
    before = ada.sees(guest.screen)
    gateway.line.cut()
    ada.notice("lost", "silent", "gone")
    assert np.array_equal(ada.shown(), before), "the picture stays"
    gateway.line.mend()
    ada.picture()
    goes_on(ada, guest)


def test_a_killed_gateway_is_come_back_to(ada: Person, guest: Machine, gateway: RealGateway) -> None:
    host = gateway.host_pid
    gateway.kill()
    ada.notice("lost", "gone")
    gateway.start()
    ada.picture()  # nobody touches the page
    assert gateway.host_pid == host
    goes_on(ada, guest)


def test_a_killed_session_host_is_come_back_to(ada: Person, guest: Machine, gateway: RealGateway) -> None:
    host = gateway.host_pid
    os.kill(host, signal.SIGKILL)
    ada.notice("hostlost", "gone")
    ada.picture()
    assert gateway.host_pid != host
    goes_on(ada, guest)


def goes_on(ada: Person, guest: Machine) -> None:
    """The same machine, never booted again, takes input and shows what it does."""
    assert [folder.name for folder in ada.gateway.sessions()] == [guest.folder.name]
    assert guest.process.alive
    before = guest.screen()
    ada.browser.type("k")
    guest.says("key 37 down", "key 37 up")
    after = ada.sees(guest.screen)
    assert (after != before).any()


def test_a_killed_guest_is_explained_and_started_again(ada: Person, guest: Machine) -> None:
    os.kill(guest.process.pid, signal.SIGKILL)
    said = ada.notice("ended")
    assert "guest" in said
    assert "killed" in said or "ended unexpectedly" in said
    wait_for(lambda: not guest.folder.exists(), "its folder goes")
    ada.browser.click(".notice .primary")  # Start again
    ada.picture()
    with ada.machine() as again:
        assert again.process != guest.process
        ada.sees(again.screen)


def test_a_guest_that_shuts_down_is_explained(ada: Person, guest: Machine) -> None:
    guest.execute("system_powerdown")
    assert "was shut down" in ada.notice("ended")


def test_ending_a_session_ends_its_guest_and_leaves_nothing(ada: Person, guest: Machine) -> None:
    ada.end()
    wait_for(lambda: not guest.folder.exists(), "its folder goes")
    assert ProcessId.of(guest.process.pid) != guest.process
    ada.browser.evaluate(until("document.querySelector('[data-key=open-linux]').innerText === 'Connect'"))


def test_nothing_is_complained_of(ada_at_work: Person) -> None:
    """Only the tests' own cuts and kills may have left errors in the console."""
    strange = [line for line in ada_at_work.browser.log if "policy" in line.lower() or "TypeError" in line]
    assert strange == []
