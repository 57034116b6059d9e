// Asks for a name.

import { h } from "../dom.js";
import { t } from "../strings.js";

// → a promise of the name, null when the person has thought better of it.
export function askName({ title, label, value = "", confirm, parent }) {
  return new Promise((resolve) => {
    let answer = null;
    const input = h("input", { id: "files-name-input", type: "text", required: true, autocomplete: "off", spellcheck: "false", maxlength: 255, autofocus: true });
    input.value = value;
    const cancel = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("cancel"));
    const accept = h("button", { type: "submit", class: "button primary" }, confirm);
    const form = h("form", {
      method: "dialog",
      onsubmit: () => {
        answer = input.value.trim() || null;
      },
    }, h("h2", { id: "files-name-title" }, title),
    h("div", { class: "field files-field" }, h("label", { for: "files-name-input" }, label), input),
    h("div", { class: "actions" }, cancel, accept));
    const finish = () => {
      dialog.remove();
      resolve(answer);
    };
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "files-name-title", onclose: finish }, form);
    parent.append(dialog);
    dialog.showModal();
    input.setSelectionRange(0, value.lastIndexOf(".") > 0 ? value.lastIndexOf(".") : value.length);
  });
}
