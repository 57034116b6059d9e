// Accounts and groups.

import { request } from "../api.js";
import { announce, h, icon } from "../dom.js";
import { form, secret } from "../parts/form.js";
import { at, blank, button, chip, Frame } from "../parts/frame.js";
import { matches } from "../parts/sorting.js";
import { Table } from "../parts/table.js";
import { moment } from "../parts/times.js";
import { may } from "../rights.js";
import { t } from "../strings.js";
import { AccountPanel } from "./account.js";
import { GroupPanel } from "./group.js";

const USERS = () => [
  { key: "name", title: t("users.name"), text: ({ name }) => name },
  { key: "display", title: t("users.display"), text: ({ display_name: name }) => name },
  { key: "groups", title: t("users.groups"), text: ({ groups }) => groups.join(", ") },
  { key: "source", title: t("users.source"), text: ({ source }) => sourceText(source) },
  { key: "totp", title: t("users.totp"), text: ({ totp }) => (totp ? t("users.yes") : "") },
  { key: "state", title: t("users.state"), text: userState, draw: stateChip },
  { key: "created", title: t("users.created"), text: ({ created }) => moment(created), value: ({ created }) => created, number: true },
];
const GROUPS = () => [
  { key: "name", title: t("users.name"), text: ({ name }) => name },
  { key: "description", title: t("groups.description"), text: ({ description }) => description },
  { key: "members", title: t("groups.members"), text: ({ members }) => members, value: ({ members }) => members, number: true },
  { key: "created", title: t("users.created"), text: ({ created }) => moment(created), value: ({ created }) => created, number: true },
];

export const sourceText = (source) => (source === "local" ? t("users.local") : source);

export function userState({ enabled, must_change: mustChange }) {
  if (!enabled) return t("users.disabled");
  return t(mustChange ? "users.mustchange.short" : "users.enabled");
}

export function stateChip(user) {
  const kind = user.must_change ? "idle" : "active";
  return chip(userState(user), user.enabled ? kind : "");
}

export function page(app) {
  const maySet = may(app.user, "set-users");
  const make = maySet ? h("button", { type: "button", class: "button primary", onclick: () => (view.is === "users" ? newUser() : newGroup()) }) : null;
  const frame = new Frame(app, t("users.title"), null, [make]);
  const view = { is: "users" };
  const known = { users: null, groups: [], roles: [], desktops: [] };

  const tables = {
    users: new Table({ label: t("users.title"), columns: USERS(), id: ({ name }) => name, name: ({ name }) => name, opened: openUser }),
    groups: new Table({ label: t("groups.title"), columns: GROUPS(), id: ({ name }) => name, name: ({ name }) => name, opened: openGroup }),
  };
  const context = { frame, known, maySet, mayGive: may(app.user, "set-roles"), refresh, closed };
  const panels = { users: new AccountPanel(context), groups: new GroupPanel(context) };
  const search = h("input", { type: "search", "aria-label": t("users.search"), placeholder: t("users.search"), oninput: () => draw() });
  const count = h("p", { class: "quiet count", role: "status" });
  const ways = ["users", "groups"].map((each) => button(t(`${each}.title`), () => showAs(each), { class: "button small", "aria-pressed": "false" }));
  const list = h("div", { class: "list" });
  const aside = h("div", { class: "aside" }, panels.users.element, panels.groups.element);
  frame.body.append(
    h("div", { class: "filters" }, h("div", { class: "search" }, icon("search"), search),
      h("div", { class: "ways", role: "group", "aria-label": t("users.ways") }, ways), count),
    h("div", { class: "split-view" }, list, aside));

  function showAs(which) {
    view.is = which;
    ways.forEach((each, place) => each.setAttribute("aria-pressed", String((place === 0) === (which === "users"))));
    for (const panel of Object.values(panels)) panel.close();
    frame.body.classList.remove("has-details");
    make?.replaceChildren(icon("plus"), t(`${which}.new`));
    draw();
  }

  function draw() {
    if (known.users === null) {
      list.replaceChildren(h("p", { class: "plain", role: "status" }, t("app.loading")));
      return;
    }
    const table = tables[view.is];
    const texts = ({ name, display_name: display = "", description = "", groups = [] }) => [name, display, description, ...groups];
    const shown = known[view.is].filter((each) => matches(texts(each), search.value));
    table.show(shown, blank(t(`${view.is}.nofit`), t("sessions.nofit.hint"), "search"));
    if (list.firstChild !== table.element) list.replaceChildren(table.element);
    const all = known[view.is].length;
    count.textContent = shown.length === all ? t(`${view.is}.count`, { count: all }) : t("table.count.of", { shown: shown.length, count: all });
  }

  async function refresh() {
    await frame.try(async () => {
      const [users, groups, roles] = await Promise.all(["users", "groups", "roles"].map((each) => request("GET", each)));
      Object.assign(known, { users: users.users, groups: groups.groups, roles: roles.roles });
      draw();
      for (const panel of Object.values(panels)) panel.update();
    }, "list");
  }

  function openUser(user) {
    panels.groups.close();
    opened("users", user.name);
    panels.users.open(user.name);
  }

  function openGroup(group) {
    panels.users.close();
    opened("groups", group.name);
    panels.groups.open(group.name);
  }

  let last = null; // whom was looked at

  function opened(which, name) {
    frame.body.classList.add("has-details"); // first: what gets the focus is at its place then
    tables[which].current(name);
    last = name;
  }

  function closed() {
    frame.body.classList.remove("has-details");
    tables[view.is].current(null);
    tables[view.is].focus(last);
  }

  async function newUser() {
    const made = await form({
      title: t("users.new"), text: t("users.new.hint"), confirm: t("users.make"),
      fields: [
        { name: "name", label: t("users.name"), required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false" },
        { name: "display_name", label: t("users.display"), maxlength: 128 },
        { name: "groups", type: "checks", label: t("users.groups"), value: ["users"], options: known.groups.map(({ name }) => [name, name]) },
        { name: "must_change", type: "checkbox", label: t("users.mustchange"), value: true },
      ],
      submit: (values) => request("POST", "users", { ...values, name: values.name.trim(), password: null }),
    });
    if (!made) return;
    announce(t("users.made", made));
    await refresh();
    if (made.password) await secret({ title: t("users.password.of", made), text: t("users.password.once", made), values: [made.password] });
    openUser(made);
  }

  async function newGroup() {
    const made = await form({
      title: t("groups.new"), confirm: t("users.make"),
      fields: [
        { name: "name", label: t("users.name"), required: true, maxlength: 64, autocapitalize: "none", spellcheck: "false" },
        { name: "description", label: t("groups.description"), maxlength: 256 },
      ],
      submit: async (values) => {
        await request("POST", "groups", { ...values, name: values.name.trim() });
        return values.name.trim();
      },
    });
    if (!made) return;
    announce(t("groups.made", { name: made }));
    await refresh();
    openGroup({ name: made });
  }

  showAs("users");
  return frame.page(async () => {
    await refresh();
    const pools = await request("GET", "pools").catch(() => ({ desktops: [] })); // only to name desktops in a form
    known.desktops = pools.desktops.map(({ desktop, title }) => [desktop, title]);
  });
}

// Puts somebody into the groups they are to be in, and out of the others.
export async function putInto(name, before, after) {
  for (const group of after.filter((each) => !before.includes(each))) {
    await request("PUT", at`groups/${group}/members/${name}`, {});
  }
  for (const group of before.filter((each) => !after.includes(each))) {
    await request("DELETE", at`groups/${group}/members/${name}`);
  }
}
