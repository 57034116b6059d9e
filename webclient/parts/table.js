// A table that people sort, choose from and walk through by keys (the ARIA "grid" pattern, row by row). It keeps
// its rows from one showing to the next and touches only what has changed, so that a thousand of them may
// change every second.

import { h, icon } from "../dom.js";
import { t } from "../strings.js";
import { sorted } from "./sorting.js";

// columns: [{key, title, text(row), value(row), draw(row), number, plain}]; value: what it is sorted by, its text
// without; plain: it is not sorted by; draw: nodes in place of the text, made anew when the text changes. id(row): what it is known by.
// name(row): what screen readers call it. opened(row): somebody wants to see it. chose(): the choice has changed.
export class Table {
  #columns;
  #options;
  #rows = new Map(); // by id: {row, tr, cells, texts, box}
  #order = [];
  #sort;
  #body = h("tbody", { role: "rowgroup" });
  #heads = new Map();
  #all = null;
  #picker;
  #empty = h("div", { class: "table-empty", hidden: true });
  #anchor = null;
  chosen = new Set();

  constructor({ label, columns, sort = null, ...options }) {
    this.#columns = columns;
    this.#options = options;
    this.#sort = sort ?? { key: columns[0].key, isDescending: false };
    const attributes = { class: "table", role: "grid", "aria-label": label, "aria-multiselectable": options.chose ? "true" : null };
    this.table = h("table", attributes,
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, this.#chooser(), columns.map((column) => this.#head(column)))), this.#body);
    this.#picker = this.#sortPicker();
    this.element = h("div", { class: "table-holder" }, this.#picker, this.table, this.#empty);
    this.#body.addEventListener("keydown", (event) => this.#key(event));
    this.#body.addEventListener("click", (event) => this.#click(event));
    this.#markSort();
  }

  // rows: those to be shown, in any order. empty: nodes that are shown when there are none.
  show(rows, empty = t("table.empty")) {
    const value = this.#valueOf(this.#sort.key);
    const id = this.#options.id;
    const order = sorted(rows, value, this.#sort.isDescending, id);
    const ids = new Set(order.map(id));
    const focused = document.activeElement?.closest?.("tr");
    const at = this.#order.findIndex((each) => this.#rows.get(each)?.tr === focused);
    for (const [key, { tr }] of this.#rows) {
      if (ids.has(key)) continue;
      tr.remove();
      this.#rows.delete(key);
      this.chosen.delete(key);
    }
    for (const row of order) this.#fill(row);
    this.#place(order.map(id));
    this.table.setAttribute("aria-rowcount", String(order.length + 1));
    this.#empty.hidden = order.length > 0;
    this.table.hidden = this.#picker.hidden = order.length === 0;
    if (order.length === 0) this.#empty.replaceChildren(...[empty].flat());
    if (at >= 0 && !focused.isConnected) this.#focus(Math.min(at, order.length - 1));
    this.#markChosen();
  }

  // Marks the row that is looked at elsewhere on the page; null: none.
  current(id) {
    for (const [key, { tr }] of this.#rows) tr.toggleAttribute("data-current", key === id);
  }

  focus(id) {
    this.#focus(Math.max(0, this.#order.indexOf(id)));
  }

  choose(ids) {
    this.chosen = new Set(ids);
    this.#changed();
  }

  #valueOf(key) {
    const column = this.#columns.find((each) => each.key === key);
    return column.value ?? column.text;
  }

  #head(column) {
    if (column.plain) return h("th", { role: "columnheader", class: `is-${column.key}` }, h("span", { class: "visually-hidden" }, column.title));
    const button = h("button", { type: "button", class: "table-sort", onclick: () => this.#sortBy(column.key) },
      h("span", {}, column.title), icon("down"));
    const head = h("th", { role: "columnheader", scope: "col", class: `is-${column.key}${column.number ? " is-number" : ""}` }, button);
    this.#heads.set(column.key, head);
    return head;
  }

  // On narrow screens there are no heads to press.
  #sortPicker() {
    const options = this.#columns.filter(({ plain }) => !plain).flatMap(({ key, title }) => [
      h("option", { value: `${key}+` }, t("table.up", { title })), h("option", { value: `${key}-` }, t("table.down", { title })),
    ]);
    const picker = h("select", {
      onchange: () => this.#sortBy(picker.value.slice(0, -1), picker.value.endsWith("-")),
    }, options);
    this.picked = picker;
    return h("label", { class: "table-picker" }, h("span", {}, t("table.sort")), picker);
  }

  #sortBy(key, isDescending = this.#sort.key === key && !this.#sort.isDescending) {
    this.#sort = { key, isDescending };
    this.#markSort();
    this.show([...this.#rows.values()].map(({ row }) => row));
  }

  #markSort() {
    const { key, isDescending } = this.#sort;
    for (const [each, head] of this.#heads) {
      head.setAttribute("aria-sort", each !== key ? "none" : isDescending ? "descending" : "ascending");
    }
    this.picked.value = `${key}${isDescending ? "-" : "+"}`;
  }

  #chooser() {
    if (!this.#options.chose) return null;
    this.#all = h("input", { type: "checkbox", "aria-label": t("table.all"), onchange: () => this.choose(this.#all.checked ? this.#order : []) });
    return h("th", { role: "columnheader", class: "is-box" }, this.#all);
  }

  #fill(row) {
    const id = this.#options.id(row);
    let kept = this.#rows.get(id);
    if (!kept) {
      const cells = this.#columns.map((column, at) => h(at ? "td" : "th", {
        role: at ? "gridcell" : "rowheader", class: `is-${column.key}${column.number ? " is-number" : ""}`, "data-label": column.title,
      }));
      const name = this.#options.name(row);
      const box = this.#options.chose && h("input", { type: "checkbox", tabindex: -1, "aria-label": t("table.choose", { name }) });
      const tr = h("tr", { role: "row", tabindex: -1, "data-id": id }, box ? h("td", { role: "gridcell", class: "is-box" }, box) : null, cells);
      kept = { tr, cells, box, texts: [] };
      this.#rows.set(id, kept);
    }
    kept.row = row;
    for (const [at, column] of this.#columns.entries()) {
      const text = String(column.text(row) ?? "");
      if (kept.texts[at] === text) continue;
      kept.texts[at] = text;
      kept.cells[at].replaceChildren(...(column.draw ? [column.draw(row)].flat() : [text]));
      kept.cells[at].classList.toggle("is-empty", !text);
    }
  }

  #place(order) {
    const isSame = order.length === this.#order.length && order.every((id, at) => this.#order[at] === id);
    this.#order = order;
    if (!isSame) {
      const focused = /** @type {HTMLElement | null} */ (document.activeElement);
      this.#body.replaceChildren(...order.map((id) => this.#rows.get(id).tr));
      if (this.#body.contains(focused)) focused.focus({ preventScroll: true });
    }
    if (order.length && !this.#body.querySelector("tr[tabindex='0']")) this.#rows.get(order[0]).tr.tabIndex = 0;
  }

  #focus(at) {
    const tr = this.#rows.get(this.#order[at])?.tr;
    if (!tr) return;
    this.#body.querySelector("tr[tabindex='0']")?.setAttribute("tabindex", "-1");
    tr.tabIndex = 0;
    tr.focus();
    tr.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const tr = event.target.closest("tr");
    if (event.target !== tr && event.target.type !== "checkbox") return;
    const at = this.#order.indexOf(tr.dataset.id);
    const last = this.#order.length - 1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last, PageDown: at + 10, PageUp: at - 10 }[event.key];
    if (to !== undefined) {
      const target = Math.min(Math.max(to, 0), last);
      if (event.shiftKey && this.#options.chose) this.#range(at, target);
      this.#focus(target);
    } else if (event.key === "Enter") this.#options.opened?.(this.#rows.get(tr.dataset.id).row);
    else if (event.key === " " && this.#options.chose && event.target === tr) this.#toggle(tr.dataset.id);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey) && this.#options.chose) this.choose(this.#order);
    else if (event.key === "Escape" && this.chosen.size) this.choose([]);
    else return;
    event.preventDefault();
  }

  #click(event) {
    const tr = event.target.closest("tr");
    if (!tr || event.target.closest("button, a")) return;
    const id = tr.dataset.id;
    if (event.target.closest(".is-box")) {
      if (event.shiftKey && this.#anchor !== null) this.#range(this.#order.indexOf(this.#anchor), this.#order.indexOf(id));
      else this.#toggle(id);
      return;
    }
    this.#focus(this.#order.indexOf(id));
    this.#options.opened?.(this.#rows.get(id).row);
  }

  #toggle(id) {
    this.#anchor = id;
    if (!this.chosen.delete(id)) this.chosen.add(id);
    this.#changed();
  }

  #range(from, to) {
    for (let at = Math.max(0, Math.min(from, to)); at <= Math.max(from, to); at += 1) this.chosen.add(this.#order[at]);
    this.#changed();
  }

  #changed() {
    this.#markChosen();
    this.#options.chose?.();
  }

  #markChosen() {
    if (!this.#options.chose) return;
    for (const [id, { tr, box }] of this.#rows) {
      const isChosen = this.chosen.has(id);
      box.checked = isChosen;
      tr.setAttribute("aria-selected", String(isChosen));
    }
    this.#all.checked = this.chosen.size > 0 && this.chosen.size === this.#order.length;
    this.#all.indeterminate = this.chosen.size > 0 && this.chosen.size < this.#order.length;
  }
}
