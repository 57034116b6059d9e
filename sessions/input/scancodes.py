"""Which key of a US keyboard has a keysym: for clients that know a key's meaning but not its place.

And how machines are told of the few keys whose numbers they count in their own way.
"""

from __future__ import annotations

LEFT_SHIFT, RIGHT_SHIFT = 0x2A, 0x36

_ROWS = (
    (0x02, "1234567890-=", "!@#$%^&*()_+"),
    (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
    (0x1E, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
)
_E0 = 0x80

_NAMED = {
    0x20: 0x39,  # space
    0xFF08: 0x0E,  # BackSpace
    0xFF09: 0x0F,  # Tab
    0xFF0D: 0x1C,  # Return
    0xFF13: _E0 | 0x46,  # Pause
    0xFF14: 0x46,  # Scroll_Lock
    0xFF1B: 0x01,  # Escape
    0xFF50: _E0 | 0x47,  # Home
    0xFF51: _E0 | 0x4B,  # Left
    0xFF52: _E0 | 0x48,  # Up
    0xFF53: _E0 | 0x4D,  # Right
    0xFF54: _E0 | 0x50,  # Down
    0xFF55: _E0 | 0x49,  # Prior
    0xFF56: _E0 | 0x51,  # Next
    0xFF57: _E0 | 0x4F,  # End
    0xFF61: _E0 | 0x37,  # Print
    0xFF63: _E0 | 0x52,  # Insert
    0xFF67: _E0 | 0x5D,  # Menu
    0xFF7F: 0x45,  # Num_Lock
    0xFF8D: _E0 | 0x1C,  # KP_Enter
    0xFFAA: 0x37,  # KP_Multiply
    0xFFAB: 0x4E,  # KP_Add
    0xFFAD: 0x4A,  # KP_Subtract
    0xFFAE: 0x53,  # KP_Decimal
    0xFFAF: _E0 | 0x35,  # KP_Divide
    0xFFE1: LEFT_SHIFT,
    0xFFE2: RIGHT_SHIFT,
    0xFFE3: 0x1D,  # Control_L
    0xFFE4: _E0 | 0x1D,  # Control_R
    0xFFE5: 0x3A,  # Caps_Lock
    0xFFE7: 0x38,  # Meta_L
    0xFFE8: _E0 | 0x38,  # Meta_R
    0xFFE9: 0x38,  # Alt_L
    0xFFEA: _E0 | 0x38,  # Alt_R
    0xFE03: _E0 | 0x38,  # ISO_Level3_Shift
    0xFFEB: _E0 | 0x5B,  # Super_L
    0xFFEC: _E0 | 0x5C,  # Super_R
    0xFFFF: _E0 | 0x53,  # Delete
}
_KEYPAD_DIGITS = (0x52, 0x4F, 0x50, 0x51, 0x4B, 0x4C, 0x4D, 0x47, 0x48, 0x49)
_FUNCTION_KEYS = (*range(0x3B, 0x45), 0x57, 0x58)


def _table() -> dict[int, tuple[int, bool]]:
    keys = {keysym: (scancode, False) for keysym, scancode in _NAMED.items()}
    for first, plain, shifted in _ROWS:
        for place, (one, other) in enumerate(zip(plain, shifted, strict=True)):
            keys[ord(one)] = (first + place, False)
            keys[ord(other)] = (first + place, True)
    keys.update({0xFFB0 + digit: (code, False) for digit, code in enumerate(_KEYPAD_DIGITS)})
    keys.update({0xFFBE + number: (code, False) for number, code in enumerate(_FUNCTION_KEYS)})
    return keys


_KEYS = _table()


def key_of(keysym: int) -> tuple[int, bool]:
    """Return (scan code, whether Shift goes with it) for a keysym; (0, False) where there is none.

    >>> key_of(ord("A"))
    (30, True)
    """
    return _KEYS.get(keysym, (0, False))


_MACHINES = {
    0x64: 0x5D,  # F13
    0x65: 0x5E,
    0x66: 0x5F,
    0x67: 0x55,  # F16
    0x68: _E0 | 0x03,
    0x69: _E0 | 0x77,
    0x6A: _E0 | 0x04,
    0x6B: 0x5A,  # F20
    0x6C: 0x74,
    0x6D: _E0 | 0x79,
    0x6E: 0x6D,
    0x76: 0x6F,  # F24
}


def machine_code(scancode: int) -> int:
    """Return the number that QEMU and VNC servers have for a key, which for F13…F24 is not the keyboards'.

    >>> hex(machine_code(0x64))
    '0x5d'
    """
    return _MACHINES.get(scancode, scancode)
