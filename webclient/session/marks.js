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
  element = h("div", { class: "marks", role: "status" });

  // own: whether this viewer looks on itself. stop(id): the person ends it.
  constructor({ own, stop }) {
    this.#own = own;
    this.#stop = stop;
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
    this.element.replaceChildren();
  }
}
