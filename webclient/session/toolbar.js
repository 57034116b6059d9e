// The bar at the session's top edge. It slides away while the guest is used and comes back when the
// pointer touches the edge, when its handle is pressed, or with Control+Alt+Shift. Pinned, it stays, and
// the guest has the room below it.
//
// What it offers is a list of entries, so that each part of the client brings its own:
//
//   {id, label, hint, icon, kind, action, hidden, pressed, badge, keep, items}
//
//   kind    "button": calls action()
//           "toggle": calls action(), and shows `pressed`
//           "menu":   opens items(), a list as menu.js takes it
//           "item":   no button; it stands in the menu "More": itself, or what items() returns
//   hint    more words for the same, optional
//   hidden  not offered at present
//   badge   a short text at the button's corner, such as a number
//   keep    stays a button where there is little room; others move into "More" there, the last ones first
//
// Whatever changes is told by set(id, {…}).

import { h, icon, iconButton, setIcon } from "../dom.js";
import { menuButton } from "../menu.js";
import { remembered } from "../parts/remembered.js";
import { t } from "../strings.js";

const HIDE_TIME = 2500;
const pinned = remembered("toolbar.pinned", [false, true]);

export class Toolbar {
  #entries;
  #buttons = new Map(); // id → {button, holder}
  #folded = new Set(); // ids of those that have no room
  #bar;
  #pin;
  #timer = null;
  #gone = new AbortController();

  // refocus(): the guest is to have the keyboard again.
  constructor(title, entries, refocus) {
    this.#entries = entries;
    this.name = h("span", { class: "toolbar-name" }, title);
    this.watching = h("span", { class: "chip", hidden: true }, t("session.watching"));
    this.#pin = toggleButton({ icon: "pin", label: t("session.pin"), action: () => this.#setPinned(!this.isPinned) });
    const more = iconButton("more", t("session.more"));
    const buttons = entries.filter(({ kind }) => kind !== "item").map((entry) => this.#make(entry));
    this.#bar = h("div", { class: "toolbar-bar", role: "toolbar", "aria-label": t("session.toolbar") },
      this.#pin, this.name, this.watching, buttons, menuButton(more, () => this.#moreItems(), t("session.more")));
    const handle = h("button", {
      type: "button", class: "toolbar-handle", "aria-label": t("session.toolbar.show"), onclick: () => this.show(true),
    }, icon("down"));
    this.element = h("div", { class: "toolbar" }, this.#bar, handle);
    this.#listen(refocus);
    this.#setPinned(pinned.value);
  }

  get isPinned() {
    return this.element.classList.contains("is-pinned");
  }

  // takeFocus: moves the keyboard to the bar.
  show(takeFocus = false) {
    clearTimeout(this.#timer);
    this.element.classList.remove("is-hidden");
    this.#fold();
    if (takeFocus) this.#stops().at(1)?.focus();
    else this.#hideSoon();
  }

  // Changes an entry: any of label, icon, hidden, pressed, badge.
  set(id, change) {
    const entry = this.#entries.find((one) => one.id === id);
    if (!entry) throw new Error(`no entry "${id}" in the toolbar`);
    Object.assign(entry, change);
    const made = this.#buttons.get(id);
    if (!made) return;
    dress(made.button, entry);
    this.#fold();
  }

  // The button of an entry, for what opens beside it; the one of "More" while it has no room of its own.
  button(id) {
    const { button, holder } = this.#buttons.get(id);
    return holder.hidden ? this.#bar.querySelector(":scope > .menu-holder:last-child > button") : button;
  }

  stop() {
    clearTimeout(this.#timer);
    this.#gone.abort();
  }

  #make(entry) {
    const button = entry.kind === "toggle" ? toggleButton(entry) : iconButton(entry.icon, entry.label, entry.action ?? null);
    const holder = entry.kind === "menu" ? menuButton(button, entry.items, entry.label) : button;
    button.dataset.entry = entry.id;
    this.#buttons.set(entry.id, { button, holder });
    dress(button, entry);
    holder.hidden = Boolean(entry.hidden);
    return holder;
  }

  #listen(refocus) {
    const { signal } = this.#gone;
    this.element.addEventListener("pointerenter", () => this.show());
    this.element.addEventListener("pointerleave", () => this.#hideSoon());
    this.element.addEventListener("focusin", () => this.show());
    this.element.addEventListener("focusout", () => this.#hideSoon());
    addEventListener("resize", () => this.#fold(), { signal });
    this.#bar.addEventListener("keydown", (event) => {
      if (event.target.closest(".menu")) return; // there it is the menu's: Escape closes it
      if (event.key === "Escape") refocus();
      else this.#moveFocus(event);
    });
  }

  #stops() {
    return [...this.#bar.querySelectorAll(":scope > button, :scope > .menu-holder > button")]
      .filter((button) => button.checkVisibility());
  }

  // Arrows go from button to button, as in every toolbar; so does Tab.
  #moveFocus(event) {
    const stops = this.#stops();
    const at = stops.indexOf(document.activeElement);
    const target = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: stops.length - 1 }[event.key];
    if (target === undefined || at < 0) return;
    event.preventDefault();
    stops[(target + stops.length) % stops.length].focus();
  }

  // Where there is little room, the last buttons become entries of "More".
  #fold() {
    const shown = this.#entries.filter(({ id, hidden }) => this.#buttons.has(id) && !hidden);
    const show = (entry, isShown) => {
      this.#buttons.get(entry.id).holder.hidden = !isShown;
    };
    for (const entry of this.#entries) if (this.#buttons.has(entry.id)) show(entry, shown.includes(entry));
    this.#folded.clear();
    const movable = shown.filter(({ keep }) => !keep);
    while (movable.length && this.#bar.scrollWidth > this.#bar.clientWidth) {
      const entry = movable.pop();
      this.#folded.add(entry.id);
      show(entry, false);
    }
  }

  #moreItems() {
    const groups = [];
    const folded = this.#entries.filter(({ id, kind }) => this.#folded.has(id) && kind !== "menu");
    if (folded.length) groups.push(folded.map(itemOf));
    for (const { id, kind, label, items } of this.#entries) {
      if (this.#folded.has(id) && kind === "menu") groups.push([{ heading: label }, ...items()]);
    }
    const own = this.#entries.filter(({ kind, hidden }) => kind === "item" && !hidden);
    const single = own.filter(({ items }) => !items).map(itemOf);
    if (single.length) groups.push(single);
    groups.push(...own.filter(({ items }) => items).map(({ items }) => items()).filter(({ length }) => length));
    return groups.flatMap((group, index) => (index ? [null, ...group] : group));
  }

  #setPinned(isPinned) {
    pinned.value = isPinned;
    this.element.classList.toggle("is-pinned", isPinned);
    this.#pin.setAttribute("aria-pressed", String(isPinned));
    if (!isPinned) this.#hideSoon();
  }

  #hideSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const isUsed = this.element.matches(":hover, :focus-within") || this.element.querySelector(":popover-open");
      if (isUsed) this.#hideSoon();
      else if (!this.isPinned) this.element.classList.add("is-hidden");
    }, HIDE_TIME);
  }
}

function toggleButton({ icon: name, label, action }) {
  return iconButton(name, label, action, { "aria-pressed": "false" });
}

function itemOf({ label, hint, icon: name, action, kind, pressed }) {
  return { label, hint, icon: name, action, ...(kind === "toggle" && pressed ? { icon: "check" } : {}) };
}

function dress(button, { label, hint, icon: name, kind, pressed, badge }) {
  const words = [hint ? `${label} (${hint})` : label, badge].filter(Boolean).join(", ");
  button.setAttribute("aria-label", words);
  button.title = words;
  setIcon(button, name);
  if (kind === "toggle") button.setAttribute("aria-pressed", String(Boolean(pressed)));
  button.querySelector(".toolbar-badge")?.remove();
  if (badge) button.append(h("span", { class: "toolbar-badge", "aria-hidden": "true" }, badge));
}
