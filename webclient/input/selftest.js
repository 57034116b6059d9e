// What a keyboard, the browser and the system let a page know: found out by watching events while a person presses what
// they are asked to. No page is told that a key was swallowed; but what is swallowed has effects, and those are told.

import { isComposing } from "./keyboard.js";
import { scancode } from "./scancodes.js";

const ALTGR_TIME = 50; // ms; see keyboard.js

const shortcut = (label, code, ...modifiers) => ({ label, code, modifiers });

// What people press and systems or browsers like to keep. platform: as platformOf() says.
export function shortcutsOf(platform) {
  const common = [
    shortcut("Esc", "Escape"), shortcut("F1", "F1"), shortcut("F5", "F5"), shortcut("F11", "F11"), shortcut("F12", "F12"),
    shortcut("Ctrl+Tab", "Tab", "Control"), shortcut("Ctrl+W", "KeyW", "Control"), shortcut("Ctrl+T", "KeyT", "Control"),
    shortcut("Ctrl+N", "KeyN", "Control"),
  ];
  if (platform === "mac") {
    return [...common, shortcut("⌘W", "KeyW", "Meta"), shortcut("⌘Q", "KeyQ", "Meta"), shortcut("⌘Tab", "Tab", "Meta"),
      shortcut("⌘Space", "Space", "Meta")];
  }
  return [...common, shortcut("Alt+Tab", "Tab", "Alt"), shortcut("Alt+F4", "F4", "Alt"), shortcut("Super", "MetaLeft"),
    shortcut("Ctrl+Alt+Del", "Delete", "Control", "Alt"), shortcut("Print Screen", "PrintScreen")];
}

// Asks for one shortcut after the other. Each ends as one of
//   "arrives"    a page gets it, and so does a guest
//   "swallowed"  with the reason: "away" (another window or tab came), "closing" (the page was to be closed), "full"
//                (full screen began or ended), "silent" (nothing but the modifiers), "release" (only its end was told),
//                "said" (the person says so)
export class ShortcutTest {
  results = new Map(); // label → {result, reason}
  #shortcuts;
  #at = 0;
  #begun = false;

  constructor(shortcuts) {
    this.#shortcuts = shortcuts;
  }

  // The one that is asked for, or null when all are done.
  get current() {
    return this.#shortcuts[this.#at] ?? null;
  }

  // Takes a keydown or keyup.
  feed(event) {
    const asked = this.current;
    if (!asked) return;
    const { code, type } = event;
    if (code === asked.code) {
      if (type === "keydown" && hasModifiers(event, asked.modifiers)) this.#end("arrives", null);
      else if (type === "keyup" && !asked.modifiers.length) this.#end("swallowed", "release");
      return;
    }
    const isModifier = asked.modifiers.some((name) => code.startsWith(name));
    if (isModifier && type === "keydown") this.#begun = true;
    // All modifiers are up again, and what they were held for never came.
    if (isModifier && type === "keyup" && this.#begun && !asked.modifiers.some((name) => event[FLAGS[name]])) {
      this.#end("swallowed", "silent");
    }
  }

  // reason: as above.
  lost(reason) {
    if (this.current) this.#end("swallowed", reason);
  }

  #end(result, reason) {
    this.results.set(this.current.label, { result, reason });
    this.#at += 1;
    this.#begun = false;
  }
}

const FLAGS = { Control: "ctrlKey", Alt: "altKey", Shift: "shiftKey", Meta: "metaKey" };

function hasModifiers(event, modifiers) {
  return modifiers.every((name) => event[FLAGS[name]]);
}

// What has been seen of the keyboard itself.
export class Findings {
  seen = new Map(); // code → the first character or name that came with it
  unknown = new Set(); // codes, or names of keys without one, that no guest can be told of by place
  dead = new Set(); // codes of dead keys
  repeats = false;
  composed = ""; // the last text that an input method made
  altGr = null; // "key": as a key of its own; "control": as Control and Alt; "alt": the right Alt is only an Alt
  #control = -Infinity;

  // Takes a keydown.
  feed(event) {
    const { code, key, repeat, timeStamp } = event;
    if (repeat) {
      this.repeats = true;
      return;
    }
    if (isComposing(event)) return;
    if (!this.seen.has(code || key)) this.seen.set(code || key, key);
    if (!scancode(code)) this.unknown.add(code || key);
    if (key === "Dead") this.dead.add(code);
    if (code === "ControlLeft") this.#control = timeStamp;
    if (code === "AltRight" && key === "AltGraph") this.altGr = timeStamp - this.#control < ALTGR_TIME ? "control" : "key";
    else if (code === "AltRight") this.altGr = "alt";
  }
}

// What some keys print, by layout. Names of layouts are those of XKB, which people have in their guests.
const LAYOUTS = {
  us: { KeyQ: "q", KeyY: "y", Semicolon: ";", Quote: "'", BracketLeft: "[", Backslash: "\\", Minus: "-", KeyM: "m" },
  gb: { KeyQ: "q", KeyY: "y", Semicolon: ";", Quote: "'", BracketLeft: "[", Backslash: "#", IntlBackslash: "\\", Minus: "-" },
  de: { KeyQ: "q", KeyY: "z", KeyZ: "y", Semicolon: "ö", Quote: "ä", BracketLeft: "ü", Minus: "ß", Backslash: "#" },
  ch: { KeyY: "z", KeyZ: "y", Minus: "'", Backslash: "$", BracketLeft: "ü", Semicolon: "ö" },
  fr: { KeyQ: "a", KeyA: "q", KeyW: "z", KeyZ: "w", Semicolon: "m", KeyM: ",", Digit1: "&", Minus: ")" },
  be: { KeyQ: "a", KeyA: "q", KeyW: "z", Semicolon: "m", Minus: ")", Equal: "-", Backslash: "µ" },
  jp: { KeyQ: "q", KeyY: "y", BracketLeft: "@", BracketRight: "[", Backslash: "]", Quote: ":", Equal: "^", IntlRo: "\\" },
  es: { KeyQ: "q", Semicolon: "ñ", Minus: "'", Equal: "¡", Backslash: "ç" },
  it: { KeyQ: "q", Semicolon: "ò", Quote: "à", BracketLeft: "è", Minus: "'", Equal: "ì" },
  pt: { KeyQ: "q", Semicolon: "ç", Quote: "º", Minus: "'", Equal: "«" },
  br: { KeyQ: "q", Semicolon: "ç", Quote: "~", BracketRight: "[", Backslash: "]", IntlRo: "/", Minus: "-" },
  se: { KeyQ: "q", Semicolon: "ö", Quote: "ä", BracketLeft: "å", Minus: "+", Backslash: "'" },
  dk: { Semicolon: "æ", Quote: "ø", BracketLeft: "å", Minus: "+" },
  no: { Semicolon: "ø", Quote: "æ", BracketLeft: "å", Minus: "+" },
  pl: { KeyQ: "q", Semicolon: "ł", Quote: "ą", BracketLeft: "ż" },
  ru: { KeyQ: "й", KeyY: "н", Semicolon: "ж", Quote: "э", BracketLeft: "х" },
  kr: { KeyQ: "ㅂ", KeyY: "ㅛ", KeyM: "ㅡ", Semicolon: ";" },
  "us(dvorak)": { KeyQ: "'", KeyW: ",", KeyE: ".", KeyS: "o", Semicolon: "s" },
  "us(colemak)": { KeyE: "f", KeyS: "r", KeyD: "s", KeyK: "e", Semicolon: "o" },
};

// The layout whose keys these are, by XKB's name; null when too little is known or nothing fits. printed: a Map of codes
// to what they print without modifiers.
export function layoutOf(printed) {
  let [best, most] = [null, 0];
  for (const [name, keys] of Object.entries(LAYOUTS)) {
    const known = Object.entries(keys).filter(([code]) => printed.has(code));
    const right = known.filter(([code, character]) => printed.get(code).toLowerCase() === character).length;
    // A key that prints something else rules a layout out, but for dead keys, of which some browsers say nothing.
    const wrong = known.filter(([code, character]) => ![character, "dead", ""].includes(printed.get(code).toLowerCase())).length;
    const score = right - 3 * wrong;
    if (right >= 3 && score > most) [best, most] = [name, score];
  }
  return best;
}
