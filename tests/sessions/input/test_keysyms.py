"""Keysyms of characters, against values from X's keysymdef.h."""

import pytest

from sessions.input.keysyms import keysym_of


@pytest.mark.parametrize(
    ("character", "keysym"),
    [
        ("a", 0x61), (" ", 0x20), ("~", 0x7E), ("é", 0xE9), ("\xa0", 0xA0), ("ÿ", 0xFF),
        ("€", 0x010020AC), ("漢", 0x01006F22), ("\U0001f600", 0x0101F600),
        ("\n", 0xFF0D), ("\t", 0xFF09), ("\b", 0xFF08), ("\x1b", 0xFF1B), ("\x7f", 0xFFFF),
        ("\0", 0), ("\x85", 0),
    ],
)  # fmt: skip
def test_keysym(character, keysym):
    assert keysym_of(character) == keysym
