// Forms in dialogs: what is to be filled in, what went wrong, and the answer.

import { h, icon } from "../dom.js";
import { t } from "../strings.js";

let count = 0;

// fields: [{name, label, type, value, hint, options: [[value, label]], ...attributes}]; types: those of inputs,
// and textarea, select, checks (several of `options`). submit(values) does the work; what it throws is shown, and
// the form stays. → what submit returned, null when the person thought better of it.
export function form({ title, text = "", fields, confirm, danger = false, submit }) {
  return new Promise((resolve) => {
    count += 1;
    const id = `form-${count}`;
    const made = fields.map((each) => field(id, each));
    const error = h("p", { class: "form-error", role: "alert" });
    const cancel = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("cancel"));
    const accept = h("button", { type: "submit", class: danger ? "button danger" : "button primary" }, confirm);
    const send = async (event) => {
      event.preventDefault();
      if (accept.disabled) return;
      accept.disabled = true;
      error.replaceChildren();
      try {
        result = (await submit(Object.fromEntries(made.map(({ name, value }) => [name, value()])))) ?? true;
        dialog.close();
      } catch (failure) {
        error.replaceChildren(icon("alert"), failure.message);
        accept.disabled = false;
      }
    };
    let result = null;
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": `${id}-title`, onclose: () => {
      dialog.remove();
      resolve(result);
    } },
    h("form", { class: "form", onsubmit: send },
      h("h2", { id: `${id}-title` }, title), text ? h("p", {}, text) : null,
      made.map(({ element }) => element), error, h("div", { class: "actions" }, cancel, accept)));
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("input:not([hidden]), select, textarea")?.focus();
  });
}

// → {name, element, value()}.
export function field(form, { name, label, type = "text", value = undefined, hint = "", options = [], ...attributes }) {
  const id = `${form}-${name}`;
  const says = hint ? { "aria-describedby": `${id}-hint` } : {};
  const words = hint ? h("small", { id: `${id}-hint`, class: "hint" }, hint) : null;
  if (type === "checks") return checks({ id, name, label, value, options, words });
  if (type === "checkbox") {
    const box = h("input", { id, name, type, checked: Boolean(value), ...says, ...attributes });
    return { name, element: h("div", { class: "check" }, box, h("label", { for: id }, label), words), value: () => box.checked };
  }
  const basics = { id, name, ...says, ...attributes };
  let input;
  if (type === "select") {
    input = h("select", basics, options.map(([each, text]) => h("option", { value: each, selected: each === value }, text)));
  } else if (type === "textarea") input = h("textarea", { rows: 4, ...basics }, value ?? "");
  else input = h("input", { type, value: value ?? "", autocomplete: "off", ...basics });
  const read = () => (type === "number" ? (input.value === "" ? null : Number(input.value)) : input.value);
  return { name, input, element: h("div", { class: "field", hidden: attributes.hidden }, h("label", { for: id }, label), input, words), value: read };
}

function checks({ id, name, label, value, options, words }) {
  const boxes = options.map(([each, text], at) => {
    const box = h("input", { type: "checkbox", id: `${id}-${at}`, name, value: each, checked: value.includes(each) });
    return { box, element: h("div", { class: "check" }, box, h("label", { for: `${id}-${at}` }, text)) };
  });
  const element = h("fieldset", { class: "checks" }, h("legend", {}, label), boxes.map((each) => each.element), words);
  return { name, element, value: () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value) };
}

// A dialog that shows something until it is put away. → a promise of that; close(): puts it away.
export function sheet({ title, content, wide = false, actions = [] }) {
  count += 1;
  const close = h("button", { type: "button", class: "button", autofocus: true, onclick: () => dialog.close() }, t("close"));
  const dialog = h("dialog", { class: wide ? "dialog wide" : "dialog", "aria-labelledby": `sheet-${count}` },
    h("h2", { id: `sheet-${count}` }, title), content, h("div", { class: "actions" }, actions, close));
  const closed = new Promise((/** @type {(value?: void) => void} */ resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve();
    });
  });
  document.body.append(dialog);
  dialog.showModal();
  return { closed, dialog, close: () => dialog.close() };
}

// Shows what is told only once, with a button that copies it.
export function secret({ title, text, values }) {
  const said = h("p", { class: "quiet", role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(values.join("\n"));
      said.textContent = t("secret.copied");
    } catch {
      said.textContent = t("secret.notcopied");
    }
  };
  const list = h("ul", { class: "secrets", tabindex: 0, "aria-label": title }, values.map((each) => h("li", {}, h("code", {}, each))));
  const button = h("button", { type: "button", class: "button primary", onclick: copy }, t("secret.copy"));
  return sheet({ title, content: [h("p", {}, text), list, said], actions: [button] }).closed;
}
