// A text box over the guest's screen: write with any input method, look at it, then send it as typing.

import { h } from "../dom.js";
import { t } from "../strings.js";

// send(text); closed() when the person puts it away.
export function textBox(send, closed) {
  const area = h("textarea", { rows: 2, "aria-label": t("session.box.label"), placeholder: t("session.box.label") });
  const submit = () => {
    send(area.value);
    area.value = "";
    area.focus();
  };
  const close = () => {
    box.remove();
    closed();
  };
  const box = h("form", {
    class: "textbox",
    onsubmit: (event) => {
      event.preventDefault();
      submit();
    },
    onkeydown: (event) => {
      if (event.isComposing || event.keyCode === 229) return;
      if (event.key === "Escape") close();
      if (event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      submit();
    },
  },
  area,
  h("div", { class: "textbox-side" },
    h("button", { type: "submit", class: "button primary" }, t("session.box.send")),
    h("button", { type: "button", class: "button", onclick: close }, t("close"))),
  h("small", { class: "quiet" }, t("session.box.hint")));
  return { element: box, focus: () => area.focus() };
}
