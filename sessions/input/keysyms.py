"""X11 keysyms of characters."""

from __future__ import annotations

_CONTROLS = {"\b": 0xFF08, "\t": 0xFF09, "\n": 0xFF0D, "\r": 0xFF0D, "\x1b": 0xFF1B, "\x7f": 0xFFFF}
_UNICODE = 0x01000000


def keysym_of(character: str) -> int:
    """Return the keysym that types `character`; 0 for a control character no key types.

    X Window System Protocol, appendix A: Latin-1 stands for itself, all else is Unicode plus 0x01000000.
    """
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return _CONTROLS.get(character, 0)
    return code if code < 0x100 else _UNICODE + code
