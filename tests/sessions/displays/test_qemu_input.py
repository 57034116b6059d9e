"""Our input events as QEMU's."""

import pytest

from sessions.displays.qemu_input import QemuInput
from sessions.input.events import Button, Key, Pointer, Wheel
from sessions.pixels.geometry import Size

SCREEN = Size(1920, 1080)


def encoded(*events, size=SCREEN):
    encoder = QemuInput()
    return [short(event) for one in events for event in encoder.encode(one, size)]


def short(event):
    data = event["data"]
    match event["type"]:
        case "key":
            return ("down" if data["down"] else "up", data["key"]["data"])
        case "btn":
            return ("press" if data["down"] else "release", data["button"])
        case "abs":
            return (data["axis"], data["value"])


@pytest.mark.parametrize("width", [1, 640, 800, 1024, 1280, 1366, 1920, 3840, 8192])
def test_every_pixel_is_met_however_the_guest_rounds(width):
    for x in range(width):
        ((_, value), _) = encoded(Pointer(x, 0, Button(0)), size=Size(width, 1))
        assert 0 <= value <= 0x7FFF
        assert value * width // 0x8000 == x
        assert int(value * width / 0x8000 * (0xFFFF / 0x10000)) == x  # Xorg's detour over 16 bits
        assert (value * width * 2 + 0x7FFF) // (2 * 0x7FFF) == x or x == width - 1  # to the nearest


def test_positions_beside_the_screen_are_brought_onto_it():
    assert encoded(Pointer(-5, 99999, Button(0))) == encoded(Pointer(0, 1079, Button(0)))
    assert encoded(Pointer(3, 3, Button(0)), size=Size(0, 0)) == [("x", 8192), ("y", 8192)]


def test_buttons_are_told_when_they_change():
    held = Button.LEFT | Button.FORWARD
    events = encoded(Pointer(0, 0, held), Pointer(0, 0, held), Pointer(0, 0, Button.RIGHT))
    assert [event for event in events if event[0] not in "xy"] == [
        ("press", "left"), ("press", "extra"), ("release", "left"), ("press", "right"), ("release", "extra"),
    ]  # fmt: skip


def test_the_wheel_turns_in_whole_notches_and_keeps_the_rest():
    down = [("press", "wheel-down"), ("release", "wheel-down")]
    assert encoded(Wheel(0, 50), Wheel(0, 50)) == []
    assert encoded(Wheel(0, 50), Wheel(0, 50), Wheel(0, 20)) == down
    assert encoded(Wheel(0, 240)) == down * 2
    assert encoded(Wheel(-120, -120)) == [
        ("press", "wheel-left"), ("release", "wheel-left"), ("press", "wheel-up"), ("release", "wheel-up"),
    ]  # fmt: skip
    assert len(encoded(Wheel(0, 1 << 40))) == 40


def test_keys():
    assert encoded(Key(True, 0x9D, 0), Key(False, 0x9D, 0)) == [("down", 0x9D), ("up", 0x9D)]
    assert encoded(Key(True, 0, 0), Key(True, 0, 0xFFFFFFFF)) == []


def test_keysyms_become_keys_of_a_us_keyboard_and_borrow_shift():
    assert encoded(Key(True, 0, ord("a")), Key(False, 0, ord("a"))) == [("down", 0x1E), ("up", 0x1E)]
    assert encoded(Key(True, 0, ord("?")), Key(False, 0, ord("?"))) == [
        ("down", 0x2A), ("down", 0x35), ("up", 0x2A), ("up", 0x35),
    ]  # fmt: skip
    held = encoded(
        Key(True, 0x36, 0xFFE2), Key(True, 0, ord("A")), Key(False, 0x36, 0), Key(True, 0, ord("A"))
    )
    assert held == [
        ("down", 0x36),
        ("down", 0x1E),
        ("up", 0x36),
        ("down", 0x2A),
        ("down", 0x1E),
        ("up", 0x2A),
    ]
    held = encoded(Key(True, 0, 0xFFE1), Key(True, 0, ord("A")), Key(False, 0, 0xFFE1))
    assert held == [("down", 0x2A), ("down", 0x1E), ("up", 0x2A)]
    assert encoded(Key(True, 0, 0xFFBE), Key(True, 0, 0xFFC9), Key(True, 0, 0xFF52)) == [
        ("down", 0x3B), ("down", 0x58), ("down", 0xC8),
    ]  # fmt: skip


def test_f13_to_f24_go_by_the_numbers_that_qemu_has_for_them():
    """By the keyboards' own numbers QEMU takes F13 for a key "Open" and F14 for "Paste"."""
    keyboards = [0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x76]
    codes = [encoded(Key(True, code, 0))[0][1] for code in keyboards]
    assert codes == [0x5D, 0x5E, 0x5F, 0x55, 0x83, 0xF7, 0x84, 0x5A, 0x74, 0xF9, 0x6D, 0x6F]
    assert encoded(Key(True, 0x1E, 0)) == [("down", 0x1E)]
