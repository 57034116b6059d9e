// The audit: what happened, whether it is as it was written, and taking it elsewhere.

import { request } from "../api.js";
import { h, icon } from "../dom.js";
import { field, sheet } from "../parts/form.js";
import { blank, button, chip, facts, Frame } from "../parts/frame.js";
import { Table } from "../parts/table.js";
import { exactly } from "../parts/times.js";
import { t } from "../strings.js";
import { SidePanel } from "../parts/panel.js";
import { checkText, FIELDS, outcomeKind, queryOf } from "./records.js";

const PAGE = 100;
const CHECK_TIME = 1000;
const TYPES = { since: "datetime-local", until: "datetime-local", text: "search" };

const COLUMNS = () => [
  { key: "time", title: t("audit.time"), text: ({ time }) => exactly(new Date(time)), value: ({ seq }) => seq },
  { key: "kind", title: t("audit.kind"), text: ({ kind }) => kind, draw: ({ kind }) => h("code", {}, kind) },
  { key: "who", title: t("audit.who"), text: ({ who }) => who },
  { key: "address", title: t("audit.address"), text: ({ address }) => address },
  { key: "target", title: t("audit.target"), text: ({ target }) => target },
  { key: "outcome", title: t("audit.outcome"), text: ({ outcome }) => outcome, draw: ({ outcome }) => (outcome ? chip(outcome, outcomeKind(outcome)) : "") },
];

export function page(app) {
  const frame = new Frame(app, t("audit.title"), null, [
    button(t("audit.verify"), verify), h("a", { class: "button", download: "audit.jsonl" }, t("audit.export")),
  ]);
  const exporting = frame.element.querySelector("a[download]");
  const fields = Object.fromEntries(FIELDS.map((name) => [name, field("audit", { name, label: t(`audit.${name}`), type: TYPES[name] ?? "text", maxlength: 200 })]));
  const table = new Table({
    label: t("audit.title"), columns: COLUMNS(), id: ({ seq }) => String(seq), sort: { key: "time", isDescending: true },
    name: ({ kind, who }) => `${kind} ${who}`, opened: open,
  });
  const panel = new SidePanel(t("audit.details"), closed);
  const older = button(t("audit.older"), () => go(false), { hidden: true });
  const count = h("p", { class: "quiet count", role: "status" });
  const check = h("div", { class: "check-result", role: "status", hidden: true });
  const search = h("form", { class: "audit-search", role: "search", onsubmit: (event) => {
    event.preventDefault();
    go(true);
  } },
  h("div", { class: "audit-go" }, fields.text.element,
    h("button", { type: "submit", class: "button primary" }, icon("search"), t("audit.search")),
    button(t("audit.clear"), clear)),
  h("details", { class: "audit-more", open: matchMedia("(min-width: 46rem)").matches },
    h("summary", {}, t("audit.filters")),
    h("div", {}, FIELDS.filter((name) => name !== "text").map((name) => fields[name].element))));
  frame.body.append(search, check, h("div", { class: "filters" }, count),
    h("div", { class: "split-view" }, h("div", { class: "list" }, table.element, h("div", { class: "older" }, older)), panel.element));

  let records = [];
  let next = null;
  let asked = null; // the query whose records are shown

  const wanted = () => Object.fromEntries(FIELDS.map((name) => [name, fields[name].value()]));

  async function go(isNew) {
    const query = isNew ? queryOf(wanted(), { limit: PAGE }) : `${asked}&before=${next}`;
    older.disabled = true;
    const found = await frame.try(() => request("GET", `audit?${query}`));
    older.disabled = false;
    if (!found) return;
    if (isNew) asked = query;
    records = isNew ? found.records : [...records, ...found.records];
    next = found.next;
    older.hidden = next === null;
    // The route for an export has no words to look for in all of a record.
    const { text, ...kept } = wanted();
    exporting.href = `/api/v1/audit/export?${queryOf(kept)}`;
    exporting.title = text ? t("audit.export.text") : "";
    table.show(records, blank(t("audit.none"), t("audit.none.hint"), "search"));
    count.textContent = t(next === null ? "audit.count" : "audit.count.more", { count: records.length });
  }

  function clear() {
    search.reset();
    go(true);
  }

  let last = null; // the record that was looked at

  function open(record) {
    frame.body.classList.add("has-details"); // first: what gets the focus is at its place then
    panel.open(record.kind);
    const { seq, time, who, address, target, outcome, details, prev } = record;
    panel.show([
      facts([
        [t("audit.time"), exactly(new Date(time))], [t("audit.who"), who], [t("audit.address"), address], [t("audit.target"), target],
        [t("audit.outcome"), outcome && chip(outcome, outcomeKind(outcome))], [t("audit.seq"), String(seq)],
        [t("audit.prev"), h("code", {}, prev)],
      ]),
      h("h3", {}, t("audit.more")),
      Object.keys(details).length ? h("pre", { tabindex: 0, "aria-label": t("audit.more") }, JSON.stringify(details, null, 2)) : h("p", { class: "quiet" }, t("audit.nomore")),
    ]);
    table.current(String(seq));
    last = String(seq);
  }

  function closed() {
    frame.body.classList.remove("has-details");
    table.current(null);
    table.focus(last);
  }

  async function verify() {
    let state = await frame.try(() => request("POST", "audit/verify", {}));
    while (state && !frame.isLeft) {
      showCheck(state);
      if (state.state !== "running") return;
      await new Promise((resolve) => setTimeout(resolve, CHECK_TIME));
      state = await frame.try(() => request("GET", "audit/verify"));
    }
  }

  function showCheck(state) {
    const { kind, text } = checkText(state);
    const list = button(t("audit.check.show"), () => findings(state), { class: "button small" });
    check.hidden = false;
    check.className = `check-result is-${kind}`;
    check.replaceChildren(icon(kind === "bad" ? "alert" : kind === "active" ? "check" : "clock"), h("span", {}, text), state.findings.length ? list : "");
  }

  return frame.page(() => go(true));
}

function findings({ findings: found, more }) {
  const rows = found.map(({ what, segment, line, seq, text }) => h("li", {},
    h("b", {}, t("audit.finding", { what, seq, segment, line })), " ", text));
  const rest = more ? h("p", { class: "quiet" }, t("audit.finding.more", { more })) : null;
  sheet({ title: t("audit.findings"), wide: true, content: [h("ul", { class: "lines" }, rows), rest].filter(Boolean) });
}
