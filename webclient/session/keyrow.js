// The row of keys that on-screen keyboards lack, above one: Esc, Tab, modifiers that wait for the next key, arrows and
// function keys.

import { h } from "../dom.js";
import { t } from "../strings.js";

/** @type {[string, string][]} */
const KEYS = [
  ["Escape", "Esc"], ["Tab", "Tab"], ["ControlLeft", "Ctrl"], ["AltLeft", "Alt"], ["MetaLeft", "Super"],
  ["ArrowLeft", "←"], ["ArrowUp", "↑"], ["ArrowDown", "↓"], ["ArrowRight", "→"],
  ["Home", "Home"], ["End", "End"], ["PageUp", "PgUp"], ["PageDown", "PgDn"], ["Delete", "Del"],
];
/** @type {[string, string][]} */
const FUNCTIONS = Array.from({ length: 12 }, (_, index) => [`F${index + 1}`, `F${index + 1}`]);
const STICKY = new Set(["ControlLeft", "AltLeft", "MetaLeft"]);

export class KeyRow {
  #keyboard;
  #buttons = new Map();
  #more = h("div", { class: "keyrow-keys", hidden: true });

  // keyboard: a Keyboard; field: where an on-screen keyboard types, which may use up the modifiers.
  constructor(keyboard, field) {
    this.#keyboard = keyboard;
    const make = ([code, label]) => this.#button(code, label, () => {
      if (STICKY.has(code)) keyboard.stick(code);
      else keyboard.tap(code);
      this.update();
    });
    const fn = this.#button("Fn", "Fn", () => {
      this.#more.hidden = !this.#more.hidden;
      fn.setAttribute("aria-pressed", String(!this.#more.hidden));
    });
    fn.setAttribute("aria-pressed", "false");
    this.#more.append(...FUNCTIONS.map(make));
    this.element = h("div", { class: "keyrow", role: "toolbar", "aria-label": t("session.keyrow"), hidden: true },
      this.#more, h("div", { class: "keyrow-keys" }, KEYS.map(make), fn));
    // A press must not take the focus: the keyboard on the screen would go.
    this.element.addEventListener("pointerdown", (event) => event.preventDefault());
    // The guest's screen ends where it begins, with or without the function keys.
    new ResizeObserver(() => {
      this.element.parentElement?.style.setProperty("--keyrow", `${this.element.offsetHeight}px`);
    }).observe(this.element);
    for (const name of ["input", "keydown", "compositionend"]) field.addEventListener(name, () => this.update());
    this.update();
  }

  // Shows which modifiers wait.
  update() {
    for (const code of STICKY) this.#buttons.get(code).setAttribute("aria-pressed", String(this.#keyboard.stuck.includes(code)));
  }

  #button(code, label, onclick) {
    const name = code.startsWith("Arrow") ? t(`session.keyrow.${code}`) : null;
    const button = h("button", { type: "button", class: "keyrow-key", "data-code": code, "aria-label": name, onclick }, label);
    this.#buttons.set(code, button);
    return button;
  }
}
