// Sessions side by side, with small pictures of their screens.

import { h, icon } from "../dom.js";
import { chip } from "../parts/frame.js";
import { sorted } from "../parts/sorting.js";
import { t } from "../strings.js";
import { nameOf, stateText } from "./sessionlist.js";

// peeks(session): whether its picture may be shown. opened(session): somebody wants to see it.
export class Grid {
  #tiles = new Map(); // by session: {element, image, words, said}
  #thumbnails;
  #options;

  constructor(thumbnails, options) {
    this.#thumbnails = thumbnails;
    this.#options = options;
    this.element = h("ul", { class: "tiles", "aria-label": t("sessions.title") });
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  // empty: nodes that are shown when there is no session.
  show(sessions, empty) {
    const ids = new Set(sessions.map(({ id }) => id));
    for (const id of [...this.#tiles.keys()]) if (!ids.has(id)) this.#drop(id);
    const order = sorted(sessions, ({ number }) => number, false, ({ id }) => id);
    for (const [at, session] of order.entries()) {
      const { element } = this.#tile(session);
      if (this.element.children[at] !== element) this.element.insertBefore(element, this.element.children[at] ?? null);
    }
    this.empty?.remove();
    this.empty = sessions.length ? null : h("li", { class: "tiles-empty" }, empty);
    if (this.empty) this.element.append(this.empty);
  }

  clear() {
    for (const id of [...this.#tiles.keys()]) this.#drop(id);
  }

  current(id) {
    for (const [key, { element }] of this.#tiles) element.toggleAttribute("data-current", key === id);
  }

  focus(id) {
    this.#tiles.get(id)?.element.querySelector("button").focus();
  }

  #drop(id) {
    const { element, image } = this.#tiles.get(id);
    this.#thumbnails.remove(image);
    element.remove();
    this.#tiles.delete(id);
  }

  #tile(session) {
    let kept = this.#tiles.get(session.id);
    if (!kept) {
      const image = h("img", { alt: "", hidden: true });
      const words = h("span", { class: "tile-words" });
      const button = h("button", { type: "button", class: "tile", onclick: () => this.#options.opened(kept.session) },
        h("span", { class: "tile-screen" }, icon("monitor"), image), words);
      kept = { element: h("li", {}, button), image, words, said: "" };
      this.#tiles.set(session.id, kept);
      if (this.#options.peeks(session)) this.#thumbnails.add(image, session.id);
    }
    kept.session = session;
    const said = `${nameOf(session)} ${stateText(session)}`;
    if (said !== kept.said) {
      kept.said = said;
      kept.words.replaceChildren(
        h("b", {}, session.user), h("span", { class: "tile-title" }, t("sessions.tile", session)), chip(stateText(session), session.state));
    }
    return kept;
  }

  #key(event) {
    const buttons = [...this.element.querySelectorAll(".tile")];
    const at = buttons.indexOf(document.activeElement);
    if (at < 0) return;
    const top = buttons[0].getBoundingClientRect().top;
    const wide = buttons.filter((each) => each.getBoundingClientRect().top === top).length;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide, ArrowUp: -wide, Home: -at, End: buttons.length - 1 - at };
    if (!(event.key in steps)) return;
    event.preventDefault();
    buttons[Math.min(Math.max(at + steps[event.key], 0), buttons.length - 1)].focus();
  }
}
