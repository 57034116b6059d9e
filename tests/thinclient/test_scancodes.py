"""The same key, as each window system numbers it, is one scan code."""

import re
from pathlib import Path

import pytest

from sessions.input.scancodes import key_of
from thinclient.scancodes import from_mac, from_windows, from_x11

ROOT = Path(__file__).resolve().parents[2]
# What is written on the key of a US keyboard: X11's key code, Windows' scan code, macOS' virtual key, set 1.
KEYS = [
    ("Escape", 9, 0x001, 0x35, 0x01), ("1", 10, 0x002, 0x12, 0x02), ("a", 38, 0x01E, 0x00, 0x1E),
    ("z", 52, 0x02C, 0x06, 0x2C), ("Enter", 36, 0x01C, 0x24, 0x1C), ("Space", 65, 0x039, 0x31, 0x39),
    ("left Shift", 50, 0x02A, 0x38, 0x2A), ("right Shift", 62, 0x036, 0x3C, 0x36),
    ("left Ctrl", 37, 0x01D, 0x3B, 0x1D), ("right Ctrl", 105, 0x11D, 0x3E, 0x9D),
    ("left Alt", 64, 0x038, 0x3A, 0x38), ("right Alt", 108, 0x138, 0x3D, 0xB8),
    ("left Windows", 133, 0x15B, 0x37, 0xDB), ("right Windows", 134, 0x15C, 0x36, 0xDC),
    ("Menu", 135, 0x15D, 0x6E, 0xDD), ("F1", 67, 0x03B, 0x7A, 0x3B), ("F11", 95, 0x057, 0x67, 0x57),
    ("F12", 96, 0x058, 0x6F, 0x58), ("Up", 111, 0x148, 0x7E, 0xC8), ("Left", 113, 0x14B, 0x7B, 0xCB),
    ("Right", 114, 0x14D, 0x7C, 0xCD), ("Down", 116, 0x150, 0x7D, 0xD0), ("Home", 110, 0x147, 0x73, 0xC7),
    ("End", 115, 0x14F, 0x77, 0xCF), ("PageUp", 112, 0x149, 0x74, 0xC9), ("PageDown", 117, 0x151, 0x79, 0xD1),
    ("Insert", 118, 0x152, 0x72, 0xD2), ("Delete", 119, 0x153, 0x75, 0xD3), ("Print", 107, 0x137, 0x69, 0xB7),
    ("Pause", 127, 0x045, 0x71, 0xC6), ("Num Lock", 77, 0x145, 0x47, 0x45),
    ("keypad Enter", 104, 0x11C, 0x4C, 0x9C), ("keypad /", 106, 0x135, 0x4B, 0xB5),
    ("keypad 7", 79, 0x047, 0x59, 0x47), ("keypad +", 86, 0x04E, 0x45, 0x4E),
    ("key beside left Shift", 94, 0x056, 0x0A, 0x56), ("yen", 132, 0x07D, 0x5D, 0x7D),
    ("ro", 97, 0x073, 0x5E, 0x73), ("mute", 121, 0x120, 0x4A, 0xA0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x11", "windows", "mac", "code"), KEYS)
def test_a_key(name: str, x11: int, windows: int, mac: int, code: int) -> None:
    assert (from_x11(x11), from_windows(windows), from_mac(mac)) == (code, code, code), name
    if windows & 0x100:
        assert from_windows(0xE000 | windows & 0xFF) == code


def test_no_two_keys_are_one() -> None:
    for of, numbers, doubles in (
        (from_x11, range(8, 256), {0x7E}),  # the keypad's comma, of Japan and of Brazil
        (from_mac, range(128), set()),
        (from_windows, (*range(0x80), *range(0x100, 0x180)), {0xC6, 0xB7, 0x36}),
    ):
        found = [code for code in map(of, numbers) if code]
        assert {code for code in found if found.count(code) > 1} <= doubles


def test_every_code_is_one_that_the_browser_client_sends_too() -> None:
    """So whatever a guest understands of one it understands of the other."""
    source = (ROOT / "webclient/input/scancodes.js").read_text()
    plain, extended = source.split("const EXTENDED")
    sent = {int(code, 16) for code in re.findall(r"\w+: 0x([0-9a-f]{2})", plain)}
    sent |= {0x80 | int(code, 16) for code in re.findall(r"\w+: 0x([0-9a-f]{2})", extended)}
    sent |= {0x45, 0x6C, 0x54}
    assert {from_x11(code) for code in range(256)} - {0} <= sent
    assert {from_mac(code) for code in range(128)} - {0} <= sent


def test_letters_are_where_a_us_keyboard_has_them() -> None:
    rows = {24: "qwertyuiop[]", 38: "asdfghjkl;'`", 51: "\\zxcvbnm,./", 10: "1234567890-="}
    for first, row in rows.items():
        for place, character in enumerate(row):
            assert from_x11(first + place) == key_of(ord(character))[0], character


@pytest.mark.parametrize("number", [0, -1, 8, 7, 256, 0x10000, 1 << 40])
def test_numbers_of_no_key(number: int) -> None:
    assert from_x11(number) == 0
    assert from_mac(number | 0x100) == 0
    assert from_windows(number & 0xFF00) == 0
