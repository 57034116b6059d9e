// A button that opens a menu, after the ARIA "menu button" pattern.

import { h, icon } from "./dom.js";

let count = 0;

// items() → list of {label, hint, icon, checked, danger, lang, href, download, action}, {heading}, or null for a line; asked at
// each opening.
export function menuButton(button, items, label) {
  count += 1;
  const menu = h("div", { class: "menu", popover: "auto", role: "menu", id: `menu-${count}`, "aria-label": label });
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("popovertarget", menu.id);
  menu.addEventListener("beforetoggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    menu.classList.remove("is-placed"); // it is not shown where it was measured, nor where it was before
    if (event.newState === "open") fill(menu, items());
  });
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    place(menu, button);
    menu.querySelector("[role^=menuitem]")?.focus();
  });
  menu.addEventListener("keydown", (event) => moveFocus(event, menu));
  return h("div", { class: "menu-holder" }, button, menu);
}

function fill(menu, items) {
  menu.classList.toggle("has-marks", items.some((item) => item && (item.icon || item.checked !== undefined)));
  menu.replaceChildren(...items.map((item) => entry(item, menu)));
  menu.querySelector("button")?.setAttribute("tabindex", "0"); // a long menu scrolls for the keyboard, too
}

function entry(item, menu) {
  if (item === null) return h("hr", { role: "separator" });
  if (item.heading) return h("p", { class: "menu-heading", role: "presentation" }, item.heading);
  const isChoice = item.checked !== undefined;
  const attributes = {
    type: "button",
    role: isChoice ? "menuitemradio" : "menuitem",
    "aria-checked": isChoice ? String(item.checked) : null,
    class: item.danger ? "menu-item danger" : "menu-item",
    tabindex: -1,
    lang: item.lang ?? null,
    onclick: () => {
      menu.hidePopover();
      item.action?.();
    },
  };
  const mark = isChoice ? (item.checked ? "check" : null) : item.icon;
  const words = h("span", { class: "menu-words" }, item.label, item.hint ? h("small", {}, item.hint) : null);
  const content = [h("span", { class: "menu-mark" }, mark ? icon(mark) : null), words];
  // A link opens a window of its own, as only links may without asking.
  if (item.href) return h("a", { ...attributes, type: null, href: item.href, ...(item.download ? { download: "" } : { target: "_blank", rel: "noopener" }) }, content);
  return h("button", attributes, content);
}

// Below the button, or above where there is no room, always inside the window.
function place(menu, button) {
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const gap = 8;
  const left = Math.max(gap, Math.min(at.right - width, innerWidth - width - gap));
  const isBelow = at.bottom + gap + height <= innerHeight;
  menu.style.left = `${left}px`;
  menu.style.top = `${isBelow ? at.bottom + gap : Math.max(gap, at.top - gap - height)}px`;
  menu.classList.add("is-placed");
}

function moveFocus(event, menu) {
  const entries = [...menu.querySelectorAll("[role^=menuitem]")];
  const at = entries.indexOf(document.activeElement);
  const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: entries.length - 1 }[event.key];
  if (event.key === "Tab") menu.hidePopover();
  if (target === undefined) return;
  event.preventDefault();
  entries[(target + entries.length) % entries.length]?.focus();
}
