// Questions and answers in a window of their own.

import { h } from "./dom.js";
import { t } from "./strings.js";

// Returns a promise of true when the person confirms. danger: whether something is lost for good then.
export function ask({ title, text, confirm, danger = true, parent = document.body }) {
  return new Promise((resolve) => {
    const finish = (answer) => () => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const cancel = h("button", { type: "button", class: "button", autofocus: true, onclick: finish(false) }, t("cancel"));
    const accept = h("button", { type: "button", class: danger ? "button danger" : "button primary", onclick: finish(true) }, confirm);
    const words = [h("h2", { id: "ask-title" }, title), h("p", {}, text)];
    const attributes = { class: "dialog", "aria-labelledby": "ask-title", oncancel: finish(false) };
    const dialog = h("dialog", attributes, ...words, h("div", { class: "actions" }, cancel, accept));
    parent.append(dialog);
    dialog.showModal();
  });
}

// Says something that the person has to know; the promise is kept when they have put it away.
export function tell({ title, text, parent = document.body }) {
  return new Promise((/** @type {(value?: void) => void} */ resolve) => {
    const finish = () => {
      dialog.remove();
      resolve();
    };
    const close = h("button", { type: "button", class: "button", autofocus: true, onclick: () => dialog.close() }, t("close"));
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "tell-title", onclose: finish },
      h("h2", { id: "tell-title" }, title), h("p", {}, text), h("div", { class: "actions" }, close));
    parent.append(dialog);
    dialog.showModal();
  });
}
