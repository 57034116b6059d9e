"""What programs call keys, as the protocol's messages."""

from __future__ import annotations

from collections.abc import Iterator

from sessions.input.keysyms import keysym_of
from sessions.input.scancodes import key_of
from sessions.wire import tsg

_NAMES = {
    "BackSpace": 0xFF08, "Tab": 0xFF09, "Return": 0xFF0D, "Enter": 0xFF0D, "Pause": 0xFF13, "Escape": 0xFF1B,
    "Esc": 0xFF1B, "Home": 0xFF50, "Left": 0xFF51, "Up": 0xFF52, "Right": 0xFF53, "Down": 0xFF54,
    "PageUp": 0xFF55, "PageDown": 0xFF56, "End": 0xFF57, "Print": 0xFF61, "Insert": 0xFF63, "Menu": 0xFF67,
    "Shift": 0xFFE1, "Control": 0xFFE3, "Ctrl": 0xFFE3, "CapsLock": 0xFFE5, "Alt": 0xFFE9, "AltGr": 0xFE03,
    "Super": 0xFFEB, "Delete": 0xFFFF, "Del": 0xFFFF, "Space": 0x20, "Plus": 0x2B,
    **{f"F{number}": 0xFFBD + number for number in range(1, 13)},
}  # fmt: skip
_KEYSYMS = {name.lower(): keysym for name, keysym in _NAMES.items()}
BUTTONS = {"left": 1, "middle": 2, "right": 4, "back": 8, "forward": 16}
_TEXT_LIMIT = 4096


def pressed(combination: str) -> list[tsg.Key]:
    """Return what pressing keys says, as `a`, `Return`, `Ctrl+Alt+Delete`: all down, then up again.

    Raises ValueError for a key that nothing is called.
    """
    keys = [_keysym(name) for name in combination.split("+")]
    return [_key(True, keysym) for keysym in keys] + [_key(False, keysym) for keysym in reversed(keys)]


def typed(text: str, *, takes_text: bool) -> Iterator[tsg.Message]:
    """Yield what typing a text says.

    What a US keyboard has goes as keys. The rest goes as text where the guest takes that (takes_text), else
    as keys all the same: some guests know more of them.
    """
    waiting = ""
    for character in text.replace("\r\n", "\n"):
        keysym = keysym_of(character)
        if takes_text and keysym and not key_of(keysym)[0]:
            waiting += character
            continue
        yield from _texts(waiting)
        waiting = ""
        if keysym:
            yield from (_key(True, keysym), _key(False, keysym))
    yield from _texts(waiting)


def _texts(text: str) -> Iterator[tsg.TypeText]:
    step = _TEXT_LIMIT // 4  # characters, each of at most four bytes
    for at in range(0, len(text), step):
        yield tsg.TypeText(text[at : at + step])


def _keysym(name: str) -> int:
    found = _KEYSYMS.get(name.lower()) if len(name) != 1 else keysym_of(name)
    if not found:
        raise ValueError(f"no key is called “{name}”; {', '.join(_NAMES)} are, and every character")
    return found


def _key(down: bool, keysym: int) -> tsg.Key:
    return tsg.Key(int(down), 0, keysym)  # by its meaning: where the key is, the guest's side knows
