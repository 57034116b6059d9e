"""Keyboards of other countries: what a browser says of their keys, pressed one after the other."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.e2e.browser import Browser

PLAIN, SHIFT, ALTGR = range(3)
DEAD = "Dead"


@dataclass(frozen=True)
class Stroke:
    """A key by its place, what the browser says that it prints, and what is held with it."""

    code: str
    key: str
    level: int = PLAIN


_LETTERS = {letter: f"Key{letter.upper()}" for letter in "abcdefghijklmnopqrstuvwxyz"}
_DIGITS = {digit: f"Digit{digit}" for digit in "1234567890"}
_QWERTZ = {"y": "KeyZ", "z": "KeyY"}
_AZERTY = {"a": "KeyQ", "q": "KeyA", "z": "KeyW", "w": "KeyZ", "m": "Semicolon"}

# What each layout has at other places than letters and digits of the US, by X's names of layouts.
_PLAIN: dict[str, dict[str, str]] = {
    "us": {
        ";": "Semicolon",
        "'": "Quote",
        "[": "BracketLeft",
        "]": "BracketRight",
        "\\": "Backslash",
        "-": "Minus",
    },
    "gb": {"#": "Backslash", "'": "Quote", "\\": "IntlBackslash", "-": "Minus"},
    "de": _QWERTZ
    | {
        "ö": "Semicolon",
        "ä": "Quote",
        "ü": "BracketLeft",
        "ß": "Minus",
        "#": "Backslash",
        "<": "IntlBackslash",
    },
    "fr": _AZERTY
    | {"é": "Digit2", "ç": "Digit9", "à": "Digit0", ",": "KeyM", "!": "Slash", "<": "IntlBackslash"},
    "jp": {
        "@": "BracketLeft",
        "[": "BracketRight",
        "]": "Backslash",
        "^": "Equal",
        ":": "Quote",
        "\\": "IntlYen",
    },
    "br": {"ç": "Semicolon", "[": "BracketRight", "]": "Backslash", "/": "IntlRo", ";": "Slash"},
}
_SHIFT: dict[str, dict[str, str]] = {
    "us": {"?": "Slash", "#": "Digit3", "@": "Digit2", ":": "Semicolon", '"': "Quote", "|": "Backslash"},
    "gb": {"@": "Quote", "~": "Backslash", "|": "IntlBackslash", "£": "Digit3"},
    "de": {"?": "Minus", ":": "Period", '"': "Digit2", ">": "IntlBackslash", "=": "Digit0"},
    "fr": {"?": "KeyM", "1": "Digit1", "5": "Digit5", ">": "IntlBackslash", ".": "Comma"},
    "jp": {"_": "IntlRo", "|": "IntlYen", '"': "Digit2", "`": "BracketLeft", "=": "Minus", "+": "Semicolon"},
    "br": {"?": "IntlRo", ":": "Slash", "{": "BracketRight"},
}
_ALTGR: dict[str, dict[str, str]] = {
    "de": {"@": "KeyQ", "€": "KeyE", "{": "Digit7", "}": "Digit0", "\\": "Minus", "|": "IntlBackslash"},
    "fr": {"@": "Digit0", "{": "Digit4", "}": "Equal", "#": "Digit3", "€": "KeyE"},
}
_DEAD: dict[str, dict[str, tuple[Stroke, Stroke]]] = {
    "de": {"é": (Stroke("Equal", DEAD), Stroke("KeyE", "e"))},
    "fr": {"ê": (Stroke("BracketLeft", DEAD), Stroke("KeyE", "e"))},
    "br": {"ã": (Stroke("Quote", DEAD), Stroke("KeyA", "a"))},
}

SENTENCES = {
    "us": 'The quick fox; it\'s [5] #1? a\\b|c @ "x"',
    "gb": "It's £5 #1 a\\b|c ~ x@y",
    "de": 'Größe: zäh "Yoga"? 5€ {ich@de} a\\b|c <x> café',
    "fr": "ça va? été à Mazamet, 15 {moi@fr} <zw> forêt #q",
    "jp": 'nihongo@jp [x] ^ : a\\b_c|d "e" =1+2`',
    "br": "ação: n/a? [x]; mação {",
}
"""What is typed on each, with what the layout is known for."""


def strokes(layout: str, text: str) -> list[Stroke]:
    """The keys that type a text on a keyboard of this layout."""
    dead = _DEAD.get(layout, {})
    return [stroke for character in text for stroke in dead.get(character) or (_stroke(layout, character),)]


def _stroke(layout: str, character: str) -> Stroke:
    if character in _ALTGR.get(layout, {}):
        return Stroke(_ALTGR[layout][character], character, ALTGR)
    if character in _SHIFT[layout]:
        return Stroke(_SHIFT[layout][character], character, SHIFT)
    if character.isupper():
        return Stroke(_stroke(layout, character.lower()).code, character, SHIFT)
    common = _LETTERS | _DIGITS | {" ": "Space", "\n": "Enter", ",": "Comma", ".": "Period"}
    return Stroke((common | _PLAIN[layout])[character], {"\n": "Enter"}.get(character, character))


def press(browser: Browser, keys: list[Stroke]) -> None:
    """Press and release keys as browsers tell of them; no driver has a keyboard of another country."""
    listed = json.dumps([[stroke.code, stroke.key, stroke.level] for stroke in keys])
    browser.evaluate(f"""(() => {{
        const stage = document.querySelector(".stage");
        stage.focus();
        const tell = (type, code, key, held) => stage.dispatchEvent(new KeyboardEvent(type, {{
            code, key, bubbles: true, cancelable: true,
            shiftKey: held === {SHIFT}, modifierAltGraph: held === {ALTGR},
            location: /Left$/.test(code) ? 1 : /Right$/.test(code) ? 2 : 0,
        }}));
        const modifiers = {{ {SHIFT}: ["ShiftLeft", "Shift"], {ALTGR}: ["AltRight", "AltGraph"] }};
        for (const [code, key, level] of {listed}) {{
            const held = modifiers[level];
            if (held) tell("keydown", ...held, level);
            tell("keydown", code, key, level);
            tell("keyup", code, key, level);
            if (held) tell("keyup", ...held, 0);
        }}
    }})()""")
