// Who else sees this screen: a mark at its edge that stays as long as it lasts, with a way to end it. For somebody
// who looks on themselves it says whose session it is.

import { h, icon } from "../dom.js";
import { t } from "../strings.js";
import { ShadowState } from "../wire/tsg.js";

// What a Shadow message says, to a viewer that looks on itself (`own`) or to the session's person.
export function markText({ state, who }, own) {
  const uses = state !== ShadowState.VIEW; // one of a later version is not said to be less than it is
  if (own) return t(uses ? "shadow.using" : "shadow.seeing", { who });
  return t(uses ? "shadow.used" : "shadow.seen", { who });
}

export class Marks {
  #own;
  #stop;
  #shown = new Map(); // id → element
  #said = null; // what say() shows
  element = h("div", { class: "marks", role: "status" });

  // own: whether this viewer looks on itself. stop(id): the person ends it.
  constructor({ own, stop }) {
    this.#own = own;
    this.#stop = stop;
  }

  // Says something else there in place of what a viewer that looks on says of itself: {text, label, message}, or null;
  // send(message): the button was pressed.
  say(said, send) {
    const wasInside = this.#said?.contains(document.activeElement);
    this.#said?.remove();
    this.#said = null;
    if (!said) return;
    const button = said.label
      ? h("button", { type: "button", class: "button", onclick: () => send(said.message) }, said.label) : null;
    this.#said = h("section", { class: "mark is-own is-said" }, icon("eye"), h("p", {}, said.text), button);
    this.element.prepend(this.#said);
    if (wasInside) button?.focus();
  }

  // message: a Shadow.
  show(message) {
    this.#shown.get(message.id)?.remove();
    this.#shown.delete(message.id);
    if (message.state === ShadowState.OVER) return;
    const end = h("button", { type: "button", class: "button", onclick: () => this.#stop(message.id) }, t("shadow.stop"));
    const mark = h("section", { class: this.#own ? "mark is-own" : "mark" },
      icon("eye"), h("p", {}, markText(message, this.#own)), this.#own ? null : end);
    this.#shown.set(message.id, mark);
    this.element.append(mark);
  }

  // The connection is gone: a new one is told who is there.
  clear() {
    this.#shown.clear();
    this.#said = null;
    this.element.replaceChildren();
  }
}
