// The panel beside a list that tells about one of its rows.

import { h, iconButton } from "../dom.js";
import { t } from "../strings.js";

// closed(): it was put away.
export class SidePanel {
  name = null; // whom or what it tells about

  constructor(label, closed) {
    this.heading = h("h2", { tabindex: -1 });
    this.body = h("div", { class: "details-body" });
    const close = iconButton("cross", t("close"), () => {
      this.close();
      closed();
    });
    this.element = h("aside", { class: "details", hidden: true, "aria-label": label },
      h("div", { class: "details-head" }, this.heading, close), this.body);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close.click();
    });
  }

  open(name) {
    this.name = name;
    this.element.hidden = false;
    this.heading.textContent = name;
    this.heading.focus();
  }

  close() {
    this.name = null;
    this.element.hidden = true;
    this.body.replaceChildren();
  }

  // Shows nodes; the focus stays where it was, if that is still there.
  show(nodes) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key;
    const wasInside = this.body.contains(document.activeElement);
    this.body.replaceChildren(...nodes.flat().filter(Boolean));
    const again = focused && this.body.querySelector(`[data-key="${CSS.escape(focused)}"]`);
    if (wasInside) (again || this.heading).focus();
  }
}

// A part of a panel, or of a page: a heading, what there is of it, and what can be done.
export function section(title, content, ...actions) {
  return part(h("h3", {}, title), content, actions);
}

export function pagePart(title, content, ...actions) {
  return part(h("h2", { class: "small" }, title), content, actions);
}

function part(heading, content, actions) {
  return h("section", { class: "part" }, h("div", { class: "part-head" }, heading, actions.filter(Boolean)), content);
}

// items: [nodes, action or null]; empty: what is said when there are none.
export function lines(items, empty) {
  if (!items.length) return h("p", { class: "quiet" }, empty);
  return h("ul", { class: "lines" }, items.map(([content, action]) => h("li", {}, h("span", {}, content), action)));
}
