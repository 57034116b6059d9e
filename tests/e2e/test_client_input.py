"""The session view in real browsers: keys, text, pointer, fingers, and the toolbar's part in it."""

from __future__ import annotations

import pytest

from sessions.wire import tsg
from sessions.wire.tsg import Capability
from tests.e2e.browser import Browser
from tests.e2e.devserver import DevServer, Viewer
from tests.e2e.marks import ONLY_CHROMIUM
from tests.e2e.pages import choose, until

pytestmark = pytest.mark.browser


def keys(viewer: Viewer) -> list[tuple[int, int, int]]:
    return [(key.down, key.scancode, key.keysym) for key in viewer.of(tsg.Key)]


def test_keys_go_by_place_and_in_order(browser: Browser, viewer: Viewer) -> None:
    browser.key("a")
    browser.down("Shift")
    browser.key("B")
    browser.up("Shift")
    browser.key("ArrowLeft")
    viewer.heard(lambda m: m == tsg.Key(0, 0xCB, 0xFF51))
    assert keys(viewer) == [
        (1, 0x1E, 0x61), (0, 0x1E, 0x61), (1, 0x2A, 0xFFE1), (1, 0x30, 0x42), (0, 0x30, 0x42),
        (0, 0x2A, 0xFFE1), (1, 0xCB, 0xFF51), (0, 0xCB, 0xFF51),
    ]  # fmt: skip


def test_keys_are_let_go_on_the_way_to_the_toolbar(browser: Browser, viewer: Viewer) -> None:
    browser.evaluate(until("document.querySelector('.toolbar.is-hidden')"))
    for key in ("Control", "Alt", "Shift"):
        browser.down(key)
    viewer.heard(lambda m: isinstance(m, tsg.ReleaseKeys))
    for key in ("Control", "Alt", "Shift"):
        browser.up(key)
    assert browser.evaluate("document.activeElement.closest('.toolbar-bar') !== null")
    move_and_hear(browser, viewer)
    assert all(down for down, *_ in keys(viewer)), "nothing but ReleaseKeys after the three presses"


def move_and_hear(browser: Browser, viewer: Viewer) -> None:
    """Move the pointer and wait until that is heard, and with it all that was sent before."""
    browser.move(300, 300)
    viewer.heard(lambda m: m == tsg.Pointer(300, 300, 0))


HIDDEN = "getComputedStyle(document.querySelector('.toolbar-bar')).visibility === 'hidden'"


def test_the_hidden_toolbar_leaves_the_guest_free(browser: Browser, viewer: Viewer) -> None:
    browser.evaluate(until(HIDDEN))
    browser.move(420, 20)
    viewer.heard(lambda m: m == tsg.Pointer(420, 20, 0))
    assert browser.evaluate(HIDDEN)


def test_pressing_the_handle_brings_the_toolbar_and_does_nothing_else(
    browser: Browser, viewer: Viewer
) -> None:
    browser.evaluate(until(HIDDEN))
    browser.move(500, 8)  # the bar begins to slide in below the pointer
    browser.press()
    browser.release()
    browser.evaluate(until("document.activeElement.closest('.toolbar-bar')"))
    browser.key("Tab")
    assert browser.evaluate("document.querySelector('.menu:popover-open') === null")
    assert not browser.evaluate("Boolean(document.fullscreenElement)")
    move_and_hear(browser, viewer)
    assert not [m for m in viewer.of(tsg.Pointer) if m.buttons]


@ONLY_CHROMIUM
def test_the_keyboard_comes_back_from_the_toolbar(browser: Browser, viewer: Viewer) -> None:
    for key in ("Control", "Alt", "Shift"):
        browser.down(key)
    for key in ("Control", "Alt", "Shift"):
        browser.up(key)
    browser.evaluate(until("document.activeElement.closest('.toolbar-bar')"))
    browser.key("Tab")
    browser.key(" ")  # opens a menu
    browser.wait(".menu:popover-open")
    browser.key("Escape")
    browser.wait(".menu:popover-open", gone=True)
    browser.key("Escape")
    browser.key("q")
    viewer.heard(lambda m: m == tsg.Key(0, 0x10, 0x71))
    assert {code for _, code, _ in keys(viewer)} <= {0x10, 0x1D, 0x38, 0x2A}, "only what was meant for it"


def test_pointer_buttons_and_wheel_in_order(browser: Browser, viewer: Viewer) -> None:
    browser.move(300, 300)
    browser.press()
    browser.move(420, 310, steps=3)
    browser.release()
    browser.press("right")
    browser.release("right")
    browser.wheel(200)
    viewer.heard(lambda m: sum(wheel.dy for wheel in viewer.of(tsg.Wheel)) >= 240)
    events = [m for m in viewer.received if isinstance(m, tsg.Pointer | tsg.Wheel)]
    while events[0] != tsg.Pointer(300, 300, 0):  # the pointer's way here
        events.pop(0)
    drag = [m for m in events if isinstance(m, tsg.Pointer) and m.buttons == 1]
    assert events[1] == tsg.Pointer(300, 300, 1)
    assert drag[-1] == tsg.Pointer(420, 310, 1)
    after = events[events.index(drag[-1]) + 1 :]
    assert after[:3] == [tsg.Pointer(420, 310, 0), tsg.Pointer(420, 310, 4), tsg.Pointer(420, 310, 0)]
    wheel = [m for m in after[3:] if isinstance(m, tsg.Wheel)]
    assert sum(m.dy for m in wheel) == 240
    assert all(m.dx == 0 for m in wheel)


def test_pointer_finds_its_pixel_on_a_scaled_screen(browser: Browser, viewer: Viewer) -> None:
    viewer.send(tsg.ScreenSize(2000, 700))  # shown at half its size, 175 pixels from the top
    viewer.painter.resize(2000, 700)
    viewer.send(viewer.painter.frame())
    viewer.shown(viewer.painter.number)
    browser.evaluate(until("document.querySelector('canvas').getBoundingClientRect().top === 175"))
    browser.move(250, 275)
    viewer.heard(lambda m: m == tsg.Pointer(500, 200, 0))
    browser.move(250, 650)
    viewer.heard(lambda m: m == tsg.Pointer(500, 699, 0))


def test_text_mode_types_characters(browser: Browser, viewer: Viewer) -> None:
    choose(browser, "Keyboard", "[role=menuitemradio]:nth-child(2)")
    browser.type("Grüße, 世界")
    browser.key("Enter")
    browser.down("Control")
    browser.key("c")
    browser.up("Control")
    viewer.heard(lambda m: m == tsg.Key(0, 0x1D, 0xFFE3))
    assert "".join(m.text for m in viewer.of(tsg.TypeText)) == "Grüße, 世界"
    assert keys(viewer) == [
        (1, 0x1C, 0xFF0D), (0, 0x1C, 0xFF0D),
        (1, 0x1D, 0xFFE3), (1, 0, 0x63), (0, 0, 0x63), (0, 0x1D, 0xFFE3),
    ]  # fmt: skip


@ONLY_CHROMIUM
def test_input_methods_and_dead_keys_send_what_they_made_once(browser: Browser, viewer: Viewer) -> None:
    choose(browser, "Keyboard", "[role=menuitemradio]:nth-child(2)")
    browser.compose("n", "に", "にほn", "にほん", text="日本")
    browser.compose("´", text="é")
    browser.type("x")
    viewer.heard(lambda m: m == tsg.TypeText("x"))
    assert [m.text for m in viewer.of(tsg.TypeText)] == ["日本", "é", "x"]
    assert keys(viewer) == []


@ONLY_CHROMIUM
def test_fingers_are_a_pointer(browser: Browser, server: DevServer) -> None:
    browser.viewport(1000, 700, mobile=True)
    server.signed_in = True
    browser.open(server.url)
    browser.click(".card .primary")
    viewer = server.viewer()
    viewer.greet()
    viewer.show()
    viewer.shown(1)
    browser.tap(300, 400)
    viewer.heard(lambda m: isinstance(m, tsg.Pointer) and m.buttons == 1)
    viewer.heard(lambda m: viewer.of(tsg.Pointer)[-1].buttons == 0)
    assert {(m.x, m.y) for m in viewer.of(tsg.Pointer)} == {(300, 400)}
    browser.evaluate(until(HIDDEN))
    browser.tap(500, 6)
    browser.evaluate(until("document.activeElement.closest('.toolbar-bar')"))
    browser.click(".toolbar-bar [aria-label=More]")
    browser.wait(".menu:popover-open")


def test_text_box_sends_its_text(browser: Browser, viewer: Viewer) -> None:
    choose(browser, "Keyboard", "[role=menuitem]")
    browser.type("こんにちは", ".textbox textarea")
    browser.key("Enter")
    viewer.heard(lambda m: m == tsg.TypeText("こんにちは"))


def test_key_combination_from_the_menu(browser: Browser, viewer: Viewer) -> None:
    choose(browser, "Key combinations", "[role=menuitem]")
    viewer.heard(lambda m: m == tsg.Key(0, 0x1D, 0))
    assert [(down, code) for down, code, _ in keys(viewer)] == [
        (1, 0x1D), (1, 0x38), (1, 0xD3), (0, 0xD3), (0, 0x38), (0, 0x1D),
    ]  # fmt: skip


@ONLY_CHROMIUM
def test_the_pointer_is_captured_where_the_guest_asks_and_locks_are_told(
    browser: Browser, attached: Viewer
) -> None:
    viewer = attached
    viewer.greet(capabilities=(1, 2, 3, 4, int(Capability.RELATIVE), int(Capability.LOCKS)))
    viewer.painter.random(1)
    viewer.show()
    viewer.shown(1)
    browser.key("a")
    viewer.heard(lambda m: isinstance(m, tsg.Key))
    first = next(m for m in viewer.received if isinstance(m, tsg.Locks | tsg.Key))
    assert first == tsg.Locks(0)
    viewer.send(tsg.PointerMode(1))
    browser.move(300, 300)
    browser.press()
    browser.release()
    browser.evaluate(until("document.pointerLockElement !== null"))
    browser.move(340, 290)
    viewer.heard(lambda m: isinstance(m, tsg.Move))
    assert not [m for m in viewer.of(tsg.Pointer) if m.buttons]
    browser.down("Control")
    browser.down("Alt")
    browser.evaluate(until("document.pointerLockElement === null"))
    browser.up("Alt")
    browser.up("Control")
    browser.press()
    browser.release()
    browser.evaluate(until("document.pointerLockElement !== null"))
    viewer.send(tsg.PointerMode(0))
    browser.evaluate(until("document.pointerLockElement === null"))


def test_guest_follows_the_window(browser: Browser, viewer: Viewer) -> None:
    browser.viewport(900, 640)
    viewer.heard(lambda m: m == tsg.RequestSize(900, 640))
