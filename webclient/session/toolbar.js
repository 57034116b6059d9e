// The bar at the session's top edge. It slides away while the guest is used and comes back when the
// pointer touches the edge, when its handle is pressed, or with Control+Alt+Shift.

import { h, icon, iconButton, setIcon } from "../dom.js";
import { lifeItems } from "../life.js";
import { menuButton } from "../menu.js";
import { t } from "../strings.js";
import { themeItems } from "../theme.js";

const HIDE_TIME = 2500;

export const COMBINATIONS = [
  ["Ctrl+Alt+Del", ["ControlLeft", "AltLeft", "Delete"]],
  ["Ctrl+Alt+Backspace", ["ControlLeft", "AltLeft", "Backspace"]],
  ["Ctrl+Esc", ["ControlLeft", "Escape"]],
  ["Ctrl+W", ["ControlLeft", "KeyW"]],
  ["Ctrl+T", ["ControlLeft", "KeyT"]],
  ["Alt+Tab", ["AltLeft", "Tab"]],
  ["Alt+F4", ["AltLeft", "F4"]],
  ["Ctrl+Alt+F1", ["ControlLeft", "AltLeft", "F1"]],
  ["Ctrl+Alt+F2", ["ControlLeft", "AltLeft", "F2"]],
  ["Super", ["MetaLeft"]],
  ["Print Screen", ["PrintScreen"]],
];

export class Toolbar {
  #timer = null;
  #full;

  // actions: {combination(codes), mode(name), modeNow(), screenKeyboard(), textBox(), statistics(),
  // picture(), disconnect(), logOff(), reset(), fullScreen(), refocus() when the guest is to have the keyboard again}.
  constructor(title, actions) {
    this.#full = iconButton("full", t("session.full"), actions.fullScreen);
    this.name = h("span", { class: "toolbar-name" }, title);
    this.watching = h("span", { class: "chip", hidden: true }, t("session.watching"));
    const menu = (name, label, items) => menuButton(iconButton(name, label), items, label);
    const bar = h("div", { class: "toolbar-bar", role: "toolbar", "aria-label": t("session.toolbar") },
      this.name,
      this.watching,
      this.#full,
      menu("command", t("session.keys"), () => COMBINATIONS.map(([label, codes]) => ({
        label, action: () => actions.combination(codes),
      }))),
      menu("keyboard", t("session.keyboard"), () => keyboardItems(actions)),
      menu("more", t("session.more"), () => moreItems(actions)),
      iconButton("unplug", `${t("session.disconnect")} (${t("session.disconnect.hint")})`, actions.disconnect));
    const handle = h("button", {
      type: "button", class: "toolbar-handle", "aria-label": t("session.toolbar.show"), onclick: () => this.show(true),
    }, icon("down"));
    this.element = h("div", { class: "toolbar" }, bar, handle);
    this.element.addEventListener("pointerenter", () => this.show());
    this.element.addEventListener("pointerleave", () => this.#hideSoon());
    this.element.addEventListener("focusin", () => this.show());
    this.element.addEventListener("focusout", () => this.#hideSoon());
    bar.addEventListener("keydown", (event) => {
      // In a menu it is the menu's: it closes that.
      if (event.key === "Escape" && !event.target.closest(".menu")) actions.refocus();
    });
  }

  // takeFocus: moves the keyboard to the bar.
  show(takeFocus = false) {
    clearTimeout(this.#timer);
    this.element.classList.remove("is-hidden");
    if (takeFocus) this.#full.focus();
    else this.#hideSoon();
  }

  setFull(isFull) {
    setIcon(this.#full, isFull ? "full-off" : "full");
    const label = t(isFull ? "session.full.off" : "session.full");
    this.#full.setAttribute("aria-label", label);
    this.#full.title = label;
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #hideSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const isUsed = this.element.matches(":hover, :focus-within") || this.element.querySelector(":popover-open");
      if (isUsed) this.#hideSoon();
      else this.element.classList.add("is-hidden");
    }, HIDE_TIME);
  }
}

function keyboardItems(actions) {
  const choice = (mode) => ({
    label: t(`session.keyboard.${mode}`),
    hint: t(`session.keyboard.${mode}.hint`),
    checked: actions.modeNow() === mode,
    action: () => actions.mode(mode),
  });
  return [
    choice("keys"),
    choice("text"),
    null,
    { label: t("session.box"), icon: "text", action: actions.textBox },
    { label: t("session.keyboard.screen"), icon: "keyboard", action: actions.screenKeyboard },
  ];
}

function moreItems(actions) {
  return [
    { label: t("session.statistics"), icon: "pulse", action: actions.statistics },
    { label: t("session.picture"), icon: "camera", action: actions.picture },
    null,
    { heading: t("theme.label") },
    ...themeItems(actions.refocus),
    null,
    { label: t("session.disconnect"), hint: t("session.disconnect.hint"), icon: "unplug", action: actions.disconnect },
    ...lifeItems({ logOff: actions.logOff, reset: actions.reset }),
  ];
}
