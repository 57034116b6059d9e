// That no key can be stuck: whatever happens on the way, the guest holds nothing that the person has let go of.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Keyboard } from "../../webclient/input/keyboard.js";
import { scancode, SCANCODES } from "../../webclient/input/scancodes.js";

const MODIFIERS = {
  ShiftLeft: "shiftKey", ShiftRight: "shiftKey", ControlLeft: "ctrlKey", ControlRight: "ctrlKey",
  AltLeft: "altKey", AltRight: "altKey", MetaLeft: "metaKey", MetaRight: "metaKey",
};
const NAMES = { Shift: "Shift", Control: "Control", Alt: "Alt", Meta: "Meta" };
const LETTERS = ["KeyA", "KeyC", "Digit1", "Enter", "ArrowLeft", "F5", "CapsLock", "IntlRo", "NumpadComma"];
const CODES = [...Object.keys(MODIFIERS), ...LETTERS];

// Numbers that look random and are the same every time (mulberry32).
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// A person's hands, what a browser tells of them, and a guest that hears what is sent.
class Room {
  hands = new Set(); // what is held on the real keyboard
  guest = new Set(); // what the guest holds, by scan code or keysym
  time = 0;
  timers = [];

  constructor(platform, mode) {
    const clock = {
      setTimeout: (action, delay) => {
        const timer = { action, at: this.time + delay };
        this.timers.push(timer);
        return timer;
      },
      clearTimeout: (timer) => {
        this.timers = this.timers.filter((other) => other !== timer);
      },
    };
    this.keyboard = new Keyboard((message) => this.#hear(message), platform, clock);
    this.keyboard.mode = mode;
  }

  #hear({ name, down, scancode: code, keysym }) {
    if (name === "ReleaseKeys") this.guest.clear();
    if (name !== "Key") return;
    const key = code || `keysym ${keysym}`;
    if (down) this.guest.add(key);
    else assert.ok(this.guest.delete(key), `the release of ${key} follows a press`);
  }

  event(code, more = {}) {
    const flags = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };
    for (const held of this.hands) if (MODIFIERS[held]) flags[MODIFIERS[held]] = true;
    const name = Object.keys(NAMES).find((one) => code.startsWith(one));
    const key = name ?? (/^Key/.test(code) ? code.at(-1).toLowerCase() : /^Digit/.test(code) ? code.at(-1) : code);
    return { code, key, location: /Right$/.test(code) ? 2 : 1, timeStamp: this.time, getModifierState: () => false, ...flags, ...more };
  }

  press(code) {
    this.hands.add(code);
    this.keyboard.down(this.event(code));
  }

  lift(code, isHeard = true) {
    this.hands.delete(code);
    if (isHeard) this.keyboard.up(this.event(code));
  }

  pass(milliseconds) {
    this.time += milliseconds;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { action } of due) action();
  }
}

const pick = (list, chance) => list[Math.floor(chance() * list.length)];

// One thing that can happen. Modifiers may be let go of unheard (another window had the keyboard, and the page was
// not told); of other keys the browser tells always, but for macOS while Command is held.
function step(room, chance) {
  const kind = chance();
  const held = [...room.hands];
  if (kind < 0.45) room.press(pick(CODES, chance));
  else if (kind < 0.7 && held.length) room.lift(pick(held, chance));
  else if (kind < 0.76 && held.length) {
    const code = pick(held, chance);
    room.lift(code, !(code in MODIFIERS));
  } else if (kind < 0.8 && held.length) room.keyboard.down(room.event(pick(held, chance), { repeat: true }));
  else if (kind < 0.84) room.keyboard.check(room.event(""));
  else if (kind < 0.87) room.keyboard.beforeAction();
  else if (kind < 0.9) room.keyboard.beforeText();
  else if (kind < 0.92) room.keyboard.combination(["ControlLeft", "AltLeft", "Delete"]);
  else if (kind < 0.94) room.keyboard.stick(pick(["ControlLeft", "AltLeft", "MetaLeft"], chance));
  else if (kind < 0.96) room.keyboard.shortcut(pick(["x", "日", ""], chance));
  else if (kind < 0.97) room.keyboard.release();
  else room.pass(chance() * 100);
}

describe("no key is stuck", () => {
  for (const platform of ["other", "windows", "mac"]) {
    for (const mode of ["keys", "text"]) {
      test(`${platform}, ${mode}: after hands are off and one event says so, the guest holds nothing`, () => {
        for (let seed = 1; seed <= 400; seed += 1) {
          const chance = random(seed);
          const room = new Room(platform, mode);
          for (let count = 0; count < 60; count += 1) step(room, chance);
          for (const code of [...room.hands]) room.lift(code, !(code in MODIFIERS) || chance() < 0.5);
          room.pass(100);
          room.keyboard.check(room.event(""));
          assert.deepEqual([...room.guest], [], `seed ${seed}`);
        }
      });

      test(`${platform}, ${mode}: losing the keyboard at any time empties the guest's hands`, () => {
        for (let seed = 1; seed <= 200; seed += 1) {
          const chance = random(1000 + seed);
          const room = new Room(platform, mode);
          for (let count = 0; count < 25; count += 1) step(room, chance);
          room.keyboard.release();
          room.pass(1000);
          assert.deepEqual([...room.guest], [], `seed ${seed}`);
        }
      });
    }
  }

  test("Super that the system took away is let go of by the next move of the pointer", () => {
    const room = new Room("other", "keys");
    room.press("MetaLeft");
    room.lift("MetaLeft", false);
    assert.deepEqual([...room.guest], [scancode("MetaLeft")]);
    room.keyboard.check(room.event(""));
    assert.deepEqual([...room.guest], []);
  });

  test("a modifier that this browser never flags stays until its release", () => {
    const room = new Room("other", "keys");
    const plain = { metaKey: false };
    room.keyboard.down(room.event("MetaLeft", plain));
    room.keyboard.down(room.event("KeyL", plain));
    assert.ok(room.guest.has(scancode("MetaLeft")));
    room.keyboard.up(room.event("KeyL", plain));
    room.keyboard.up(room.event("MetaLeft", plain));
    assert.deepEqual([...room.guest], []);
  });

  test("AltGr keeps its own, whichever way the browser flags it", () => {
    const room = new Room("other", "keys");
    const altGraph = { getModifierState: (name) => name === "AltGraph" };
    room.keyboard.down(room.event("AltRight", { key: "AltGraph", ...altGraph }));
    room.keyboard.down(room.event("KeyQ", { key: "@", ...altGraph }));
    assert.ok(room.guest.has(scancode("AltRight")));
    room.keyboard.check(room.event(""));
    assert.ok(!room.guest.has(scancode("AltRight")));
  });

  test("Windows: an AltGr that a busy page hears of late takes its Control back", () => {
    const room = new Room("windows", "keys");
    room.keyboard.down(room.event("ControlLeft"));
    room.pass(200); // the timer is over, the event was told long ago
    room.keyboard.down(room.event("AltRight", { key: "AltGraph", timeStamp: 1 }));
    assert.deepEqual([...room.guest], [scancode("AltRight")]);
  });
});

describe("modifiers for one key", () => {
  test("hold for the next key and no longer", () => {
    const room = new Room("other", "keys");
    assert.ok(room.keyboard.stick("ControlLeft"));
    assert.ok(room.keyboard.stick("AltLeft"));
    room.keyboard.tap("Delete");
    assert.deepEqual([...room.guest], []);
    assert.deepEqual(room.keyboard.stuck, []);
  });

  test("make a shortcut of a letter that comes as text, and leave other text alone", () => {
    const sent = [];
    const keyboard = new Keyboard((message) => sent.push(message), "other", { setTimeout: () => 0, clearTimeout: () => {} });
    keyboard.stick("ControlLeft");
    assert.ok(keyboard.shortcut("c"));
    assert.deepEqual(sent.map(({ down, scancode: code, keysym }) => [down, code, keysym]),
      [[1, 0x1d, 0], [1, 0, 0x63], [0, 0, 0x63], [0, 0x1d, 0]]);
    keyboard.stick("ControlLeft");
    assert.ok(!keyboard.shortcut("日本"));
    assert.deepEqual(keyboard.stuck, []);
  });
});

// "UI Events KeyboardEvent code Values" (W3C), section 3, but for keys that no PC keyboard has a code for.
const STANDARD = `
  Backquote Backslash BracketLeft BracketRight Comma Digit0 Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8
  Digit9 Equal IntlBackslash IntlRo IntlYen KeyA KeyB KeyC KeyD KeyE KeyF KeyG KeyH KeyI KeyJ KeyK KeyL KeyM KeyN KeyO
  KeyP KeyQ KeyR KeyS KeyT KeyU KeyV KeyW KeyX KeyY KeyZ Minus Period Quote Semicolon Slash
  AltLeft AltRight Backspace CapsLock ContextMenu ControlLeft ControlRight Enter MetaLeft MetaRight ShiftLeft
  ShiftRight Space Tab Convert KanaMode Lang1 Lang2 Lang3 Lang4 NonConvert
  Delete End Help Home Insert PageDown PageUp ArrowDown ArrowLeft ArrowRight ArrowUp
  NumLock Numpad0 Numpad1 Numpad2 Numpad3 Numpad4 Numpad5 Numpad6 Numpad7 Numpad8 Numpad9 NumpadAdd NumpadComma
  NumpadDecimal NumpadDivide NumpadEnter NumpadEqual NumpadMultiply NumpadSubtract
  Escape F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12 F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 F23 F24 PrintScreen ScrollLock
  Pause BrowserBack BrowserFavorites BrowserForward BrowserHome BrowserRefresh BrowserSearch BrowserStop Eject
  LaunchApp1 LaunchApp2 LaunchMail MediaPlayPause MediaSelect MediaStop MediaTrackNext MediaTrackPrevious Power Sleep
  AudioVolumeDown AudioVolumeMute AudioVolumeUp WakeUp Copy Cut Paste Undo Hiragana Katakana`.trim().split(/\s+/);
// No scan code of set 1 stands for these; what they print still arrives, as text.
const WITHOUT = `
  NumpadBackspace NumpadClear NumpadClearEntry NumpadHash NumpadMemoryAdd NumpadMemoryClear NumpadMemoryRecall
  NumpadMemoryStore NumpadMemorySubtract NumpadParenLeft NumpadParenRight NumpadStar Fn FnLock Lang5 Hyper Super Turbo
  Abort Resume Suspend Again Find Open Props Select Unidentified`.trim().split(/\s+/);

test("every key of the standard has its scan code, but for those that have none", () => {
  assert.deepEqual(STANDARD.filter((code) => !scancode(code)), []);
  assert.deepEqual(WITHOUT.filter((code) => scancode(code)), []);
  const known = new Set([...STANDARD, "OSLeft", "OSRight", "VolumeMute", "VolumeDown", "VolumeUp", "LaunchMediaPlayer",
    "LaunchCalculator"]);
  assert.deepEqual([...SCANCODES.keys()].filter((code) => !known.has(code)), []);
});
