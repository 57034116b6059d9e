// Keys as the guest's keyboard has them: every key goes out by its place (scan code), with the keysym it
// has here as a hint. The guest's layout decides what it types.
//
// What is not a plain key event is passed to the text side (see input/text.js): composition, on-screen
// keyboards and, in text mode, everything that prints.

import { isCharacter, keysym, keysymOfCharacter } from "./keysyms.js";
import { scancode } from "./scancodes.js";

const ALTGR_TIME = 50; // ms within which Windows follows its made-up Control with the real AltGr
const MODIFIERS = new Set([
  "ShiftLeft", "ShiftRight", "ControlLeft", "ControlRight", "AltLeft", "AltRight",
  "MetaLeft", "MetaRight", "OSLeft", "OSRight",
]);
// Which keys an event's flags speak of, and how it says that one of them is held. AltGr may count as Control and
// Alt, or as neither.
const FLAGS = [
  { codes: ["ShiftLeft", "ShiftRight"], isHeld: ({ shiftKey }) => shiftKey },
  { codes: ["ControlLeft", "ControlRight"], isHeld: (event) => event.ctrlKey || hasAltGraph(event) },
  { codes: ["AltLeft", "AltRight"], isHeld: (event) => event.altKey || hasAltGraph(event) },
  { codes: ["MetaLeft", "MetaRight", "OSLeft", "OSRight"], isHeld: ({ metaKey }) => metaKey },
];
// Windows reports only the press of these, or a release that does not belong to it.
const WITHOUT_RELEASE = new Set(["ZenkakuHankaku", "Zenkaku", "Hankaku", "Hiragana", "Katakana", "Romaji",
  "KanaMode", "Alphanumeric", "HangulMode", "HanjaMode"]);

export function isModifier(code) {
  return MODIFIERS.has(code);
}

function hasAltGraph(event) {
  return Boolean(event.getModifierState?.("AltGraph"));
}

// True while an input method or an on-screen keyboard is at work: the key itself says nothing.
export function isComposing(event) {
  return event.isComposing || event.keyCode === 229 || ["Process", "Unidentified", "Dead"].includes(event.key)
    && !event.code;
}

export class Keyboard {
  #send;
  #platform;
  #clock;
  #held = new Map(); // code → {scancode, keysym} as pressed
  #heldControl = null; // a ControlLeft that may be the beginning of an AltGr
  #controlTime = -Infinity; // when ControlLeft was last pressed, by the events' clock
  #sticky = new Set(); // modifiers of the row of keys on the screen, kept for the next key
  #flagged = new Set(); // modifiers whose flag the browser has set since they were pressed
  #mode = "keys";
  #lazy = new Map(); // text mode: modifiers held here and not (yet) in the guest

  // send(message); platform: "mac", "windows" or "other"; clock: {setTimeout, clearTimeout}.
  constructor(send, platform, clock) {
    this.#send = send;
    this.#platform = platform;
    this.#clock = clock;
  }

  // "keys": the guest's layout; "text": this computer's layout.
  set mode(mode) {
    this.release();
    this.#mode = mode;
  }

  get mode() {
    return this.#mode;
  }

  // Takes a keydown. Returns false when the event should go on to the text side.
  down(event) {
    this.check(event);
    if (isComposing(event)) return false;
    if (this.#mode === "text") return this.#downAsText(event);
    if (!scancode(event.code) && isCharacter(event.key)) return false;
    if (this.#beginsAltGr(event)) return true;
    this.#dropFakeControl(event);
    const press = () => this.#press(event.code || event.key, scancode(event.code), keysym(event));
    if (isModifier(event.code)) press();
    else this.#withSticky(press);
    this.#afterDown(event);
    return true;
  }

  // Takes a keyup. Returns false when it belongs to the text side.
  up(event) {
    this.#sendHeldControl();
    const name = event.code || event.key;
    const lazy = this.#lazy.get(name);
    if (lazy) this.#tap(name, lazy);
    const isHeld = this.#held.has(name);
    this.#flagged.delete(name);
    this.#letGo(name);
    if (this.#platform === "mac" && /^(Meta|OS)/.test(event.code)) this.#letGoAllButModifiers();
    this.check(event);
    return isHeld || Boolean(lazy);
  }

  // Takes any event that has the modifiers' flags. A modifier that the browser knew to be held, and now says is
  // not, was let go where no page could hear it: in another window, or in the system's own shortcuts.
  check(event) {
    for (const { codes, isHeld } of FLAGS) {
      const mine = codes.filter((code) => code !== event.code && (this.#held.has(code) || this.#lazy.has(code)));
      for (const code of mine) {
        if (isHeld(event)) this.#flagged.add(code);
        else if (this.#flagged.has(code)) {
          this.#flagged.delete(code);
          this.#lazy.delete(code);
          this.#letGo(code);
        }
      }
    }
    if (isModifier(event.code) && FLAGS.some(({ codes, isHeld }) => codes.includes(event.code) && isHeld(event))) {
      this.#flagged.add(event.code);
    }
  }

  // Whether any of these is held here, in the guest or for it.
  holds(...codes) {
    const isWaiting = this.#heldControl !== null && codes.includes("ControlLeft");
    return isWaiting || codes.some((code) => this.#held.has(code) || this.#lazy.has(code));
  }

  // The keyboard is lost: let go of everything.
  release() {
    this.#clock.clearTimeout(this.#heldControl?.timer);
    this.#heldControl = null;
    this.#held.clear();
    this.#lazy.clear();
    this.#flagged.clear();
    this.#sticky.clear();
    this.#send({ name: "ReleaseKeys" });
  }

  // Presses and releases a combination, such as ["ControlLeft", "AltLeft", "Delete"].
  combination(codes) {
    const keys = codes.map((code) => [code, scancode(code)]);
    for (const [code, number] of keys) this.#press(code, number, 0);
    for (const [code] of keys.reverse()) this.#letGo(code);
  }

  // Presses and releases one key by name; for on-screen keyboards, which report no place.
  tap(code, symbol = 0) {
    const name = code || `character ${symbol}`;
    this.#withSticky(() => {
      this.#press(name, scancode(code), symbol);
      this.#letGo(name);
    });
  }

  // Keeps a modifier for the next key; asked for once more it is pressed by itself. → whether it is kept now.
  stick(code) {
    if (this.#sticky.delete(code)) {
      this.#press(code, scancode(code), 0);
      this.#letGo(code);
    } else this.#sticky.add(code);
    return this.#sticky.has(code);
  }

  // Text that comes while modifiers are kept for the next key is a shortcut where a key types it. → whether it was.
  shortcut(text) {
    const isOne = this.#sticky.size > 0 && text.length === 1 && text > " " && text <= "~";
    if (isOne) this.tap("", keysymOfCharacter(text));
    this.#sticky.clear();
    return isOne;
  }

  // The modifiers that are kept for the next key.
  get stuck() {
    return [...this.#sticky];
  }

  // Text is about to be typed: modifiers held in the guest would spoil it.
  beforeText() {
    for (const [name, key] of this.#held) {
      if (!isModifier(name)) continue;
      this.#letGo(name);
      this.#lazy.set(name, { ...key, used: true });
    }
  }

  // A click or a key that does not print is about to go out: it needs the modifiers held here.
  beforeAction() {
    this.#sendHeldControl();
    for (const [name, { scancode: code, keysym: symbol }] of this.#lazy) this.#press(name, code, symbol);
    this.#lazy.clear();
  }

  #downAsText(event) {
    const name = event.code || event.key;
    const isShortcut = !hasAltGraph(event) && (event.ctrlKey || event.altKey || event.metaKey);
    if (event.key === "Dead" || event.key === "AltGraph") return false;
    const isMacOption = this.#platform === "mac" && event.altKey && !event.ctrlKey && !event.metaKey;
    if (isCharacter(event.key) && (!isShortcut || isMacOption)) return false;
    if (isModifier(event.code)) {
      const used = this.#lazy.get(name)?.used ?? false;
      if (!this.#held.has(name)) {
        this.#lazy.set(name, { scancode: scancode(event.code), keysym: keysym(event), used });
      }
      return true;
    }
    this.beforeAction();
    // By its character alone: the place it has here may be another letter's in the guest.
    const code = isCharacter(event.key) ? 0 : scancode(event.code);
    this.#withSticky(() => this.#press(name, code, keysym(event)));
    this.#afterDown(event);
    return true;
  }

  // Presses a key with the modifiers that are kept for it.
  #withSticky(press) {
    const own = [...this.#sticky].filter((code) => !this.#held.has(code));
    this.#sticky.clear();
    for (const code of own) this.#press(code, scancode(code), 0);
    press();
    for (const code of own.reverse()) this.#letGo(code);
  }

  // Text mode: a modifier pressed and let go without another key, which opens menus.
  #tap(name, { scancode: code, keysym: symbol, used }) {
    this.#lazy.delete(name);
    if (used || /^Shift/.test(name)) return;
    this.#press(name, code, symbol);
    this.#letGo(name);
  }

  #press(name, code, symbol) {
    if (!code && !symbol) return;
    this.#held.set(name, { scancode: code, keysym: symbol });
    this.#send({ name: "Key", down: 1, scancode: code, keysym: symbol });
  }

  #letGo(name) {
    const key = this.#held.get(name);
    if (!key) return;
    this.#held.delete(name);
    this.#send({ name: "Key", down: 0, ...key });
  }

  #letGoAllButModifiers() {
    for (const name of [...this.#held.keys()]) if (!isModifier(name)) this.#letGo(name);
  }

  #afterDown(event) {
    const name = event.code || event.key;
    // macOS tells no release of a key while Command is held, and of Caps Lock only half.
    const isSwallowed = this.#platform === "mac" && (event.code === "CapsLock"
      || (event.metaKey && !isModifier(event.code)));
    const isHalf = this.#platform === "windows" && WITHOUT_RELEASE.has(event.key);
    if (isSwallowed || isHalf) this.#letGo(name);
  }

  // Windows tells AltGr as ControlLeft, at once followed by AltRight: hold ControlLeft back for a moment.
  #beginsAltGr(event) {
    if (this.#platform !== "windows" || event.code !== "ControlLeft" || event.repeat) return false;
    this.#sendHeldControl();
    this.#controlTime = event.timeStamp;
    const key = { scancode: scancode(event.code), keysym: keysym(event) };
    const timer = this.#clock.setTimeout(() => this.#sendHeldControl(), ALTGR_TIME);
    this.#heldControl = { ...key, timer };
    return true;
  }

  #dropFakeControl(event) {
    const control = this.#heldControl;
    const isFake = event.code === "AltRight" && !event.repeat && event.timeStamp - this.#controlTime < ALTGR_TIME;
    if (control && isFake) {
      this.#clock.clearTimeout(control.timer);
      this.#heldControl = null;
      return;
    }
    if (isFake) this.#letGo("ControlLeft"); // a busy page heard of AltGr too late
    this.#sendHeldControl();
  }

  #sendHeldControl() {
    const control = this.#heldControl;
    if (!control) return;
    this.#clock.clearTimeout(control.timer);
    this.#heldControl = null;
    this.#press("ControlLeft", control.scancode, control.keysym);
  }
}

// "mac", "windows" or "other", from what the browser tells of itself.
export function platformOf(navigator) {
  const name = navigator.userAgentData?.platform || navigator.platform || "";
  if (/^mac|^i(phone|pad|pod)/i.test(name)) return "mac";
  return /^win/i.test(name) ? "windows" : "other";
}
