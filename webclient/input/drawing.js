// A drawing of a keyboard that shows which keys are held and which have been seen. It has the keys of all shapes:
// the one beside the left Shift that Europeans have, and those of Japan and Brazil.

import { h } from "../dom.js";

const ROWS = [
  "Escape F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F11 F12 PrintScreen ScrollLock Pause",
  "Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal IntlYen Backspace",
  "Tab KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter",
  "CapsLock KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backslash",
  "ShiftLeft IntlBackslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash IntlRo ShiftRight",
  "ControlLeft MetaLeft AltLeft NonConvert Lang2 Space Lang1 Convert KanaMode AltRight MetaRight ContextMenu ControlRight",
  "Insert Delete Home End PageUp PageDown ArrowLeft ArrowUp ArrowDown ArrowRight",
  "NumLock Numpad7 Numpad8 Numpad9 NumpadDivide NumpadMultiply NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd",
  "Numpad1 Numpad2 Numpad3 NumpadEnter Numpad0 NumpadDecimal NumpadComma",
].map((row) => row.split(" "));

const LABELS = {
  Escape: "Esc", PrintScreen: "Prt", ScrollLock: "Scr", Pause: "Pause", Backspace: "⌫", Tab: "Tab", Enter: "⏎", CapsLock: "Caps",
  ShiftLeft: "⇧", ShiftRight: "⇧", ControlLeft: "Ctrl", ControlRight: "Ctrl", MetaLeft: "Super", MetaRight: "Super", AltLeft: "Alt",
  AltRight: "AltGr", ContextMenu: "Menu", Space: "", NonConvert: "無変換", Convert: "変換", KanaMode: "かな", Lang1: "かな", Lang2: "英数",
  IntlYen: "¥", IntlRo: "ろ", IntlBackslash: "<", Insert: "Ins", Delete: "Del", PageUp: "PgUp", PageDown: "PgDn", ArrowLeft: "←",
  ArrowUp: "↑", ArrowDown: "↓", ArrowRight: "→", NumLock: "Num", NumpadDivide: "/", NumpadMultiply: "*", NumpadSubtract: "−",
  NumpadAdd: "+", NumpadEnter: "⏎", NumpadDecimal: ".", NumpadComma: ",", Backquote: "`", Minus: "-", Equal: "=",
  BracketLeft: "[", BracketRight: "]", Semicolon: ";", Quote: "'", Backslash: "\\", Comma: ",", Period: ".", Slash: "/",
};

// name: what it is, for who cannot see it. → {element, label(Map of codes to characters), mark(code, isDown), release()}.
export function keyboardDrawing(name) {
  const keys = new Map();
  const make = (code) => {
    const label = LABELS[code] ?? code.replace(/^(Key|Digit|Numpad)/, "");
    const key = h("span", { class: `keys-key${label.length > 1 ? " is-word" : ""}`, "data-code": code }, label);
    keys.set(code, key);
    return key;
  };
  const element = h("div", { class: "keys-drawing", role: "img", "aria-label": name }, ROWS.map((row) => h("div", { class: "keys-row" }, row.map(make))));
  return {
    element,
    label(characters) {
      for (const [code, character] of characters) if (keys.has(code)) keys.get(code).textContent = character.toUpperCase();
    },
    mark(code, isDown) {
      const key = keys.get(code);
      key?.classList.toggle("is-down", isDown);
      key?.classList.add("is-seen");
    },
    release() {
      for (const key of keys.values()) key.classList.remove("is-down");
    },
  };
}
