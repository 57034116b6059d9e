// What the person is told or asked in a window over the picture (Dialog messages of the protocol): a message that
// somebody sends, or whether somebody may look on.

import { alertPerson } from "../alerts.js";
import { h, icon } from "../dom.js";
import { t } from "../strings.js";
import { DialogKind } from "../wire/tsg.js";
import { left } from "./banner.js";

// Whoever types while a dialog appears has not read it: so long it takes no answer, ms.
const UNREAD_TIME = 700;

const BUTTONS = {
  [DialogKind.MESSAGE]: { symbol: "info", ending: "dialog.closes", yes: "dialog.ok" },
  [DialogKind.SHADOW_VIEW]: { symbol: "eye", ending: "dialog.refuses", yes: "dialog.allow", no: "dialog.refuse" },
  [DialogKind.SHADOW_CONTROL]: { symbol: "eye", ending: "dialog.refuses", yes: "dialog.allow", no: "dialog.refuse" },
};

// What a Dialog message that came at `now` (ms) shows; null for a kind of a later version. `until` is null where it
// waits for ever.
export function question({ id, kind, seconds, sender, title, text }, now) {
  const buttons = BUTTONS[kind];
  if (!buttons) return null;
  const isMessage = kind === DialogKind.MESSAGE;
  const asked = isMessage || typeof id === "string" ? null : kind === DialogKind.SHADOW_VIEW ? "view" : "control";
  return {
    id, ...buttons, from: isMessage ? sender : "",
    // Whoever asks to look on is asked about in the person's own language.
    title: asked ? t(`shadow.asks.${asked}`, { who: sender }) : title || t("dialog.message"),
    text: asked ? t("shadow.asks.text") : text,
    until: seconds ? now + 1000 * seconds : null,
  };
}

export class Dialogs {
  #answer;
  #closed;
  #parent;
  #now;
  #open = new Map(); // id → {element, counting}

  // answer(id, yes); closed(): none is open any more. now() → ms.
  constructor({ parent, answer, closed, now = () => performance.now() }) {
    this.#parent = parent;
    this.#answer = answer;
    this.#closed = closed;
    this.#now = now;
  }

  // message: a Dialog.
  show(message) {
    const asked = question(message, this.#now());
    if (!asked || this.#open.has(asked.id)) return;
    const since = this.#now();
    const finish = (yes) => () => {
      if (this.#now() - since < UNREAD_TIME) return;
      this.over(asked.id);
      this.#answer(asked.id, yes);
    };
    const clock = h("p", { class: "asking-left", "aria-live": "off" });
    const button = (label, kind, yes) => h("button", { type: "button", class: `button${kind}`, onclick: finish(yes) }, t(label));
    const name = `asking-${asked.id}`;
    const element = h("dialog", {
      class: "dialog asking", tabindex: -1, "aria-labelledby": name, "aria-describedby": `${name}-text`,
      "data-kind": message.kind,
      oncancel: (event) => {
        event.preventDefault();
        finish(asked.no ? 0 : 1)();
      },
    },
    h("div", { class: "asking-head" },
      h("span", { class: "asking-icon" }, icon(asked.symbol)),
      h("div", {},
        h("h2", { id: name }, asked.title),
        asked.from ? h("p", { class: "asking-from" }, t("dialog.from", { sender: asked.from })) : null)),
    h("p", { class: "asking-text", id: `${name}-text` }, asked.text),
    h("div", { class: "actions" }, clock,
      asked.no ? button(asked.no, "", 0) : null,
      button(asked.yes, " primary", 1)));
    this.#parent.append(element);
    alertPerson(asked.title, asked.text, name);
    element.showModal();
    element.focus(); // not a button: what is being typed is no answer
    const count = () => {
      clock.textContent = asked.until === null ? "" : t(asked.ending, { time: left(asked.until, this.#now()) });
    };
    count();
    this.#open.set(asked.id, { element, counting: asked.until === null ? null : setInterval(count, 250) });
  }

  // Closes one, which nobody waits for any more.
  over(id) {
    const open = this.#open.get(id);
    if (!open) return;
    this.#open.delete(id);
    clearInterval(open.counting);
    open.element.close();
    open.element.remove();
    if (!this.#open.size) this.#closed();
  }

  // The connection is gone: a new one is told what is still open.
  clear() {
    for (const id of [...this.#open.keys()]) this.over(id);
  }
}
