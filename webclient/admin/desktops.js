// What is published, what stands ready for it, and the hosts that run it.

import { request } from "../api.js";
import { announce, h } from "../dom.js";
import { form } from "../parts/form.js";
import { at, blank, button, chip, Frame } from "../parts/frame.js";
import { follow } from "../header.js";
import { Table } from "../parts/table.js";
import { may } from "../rights.js";
import { t } from "../strings.js";

const EVERY = 4000;
const MODES = ["enable", "drain-until-restart", "drain", "disable"];
const MODE_KINDS = { enable: "active", disable: "ended" };
const STATE_KINDS = { up: "active", starting: "starting", asleep: "", leaving: "idle", down: "bad" };

const kindText = (kind) => t(`kind.${["qemu", "qemu-shared", "rfb", "testcard"].includes(kind) ? kind : "other"}`);

// How many guests stand ready, of how many that are wanted.
export function poolText({ wanted, ready, starting }) {
  if (!wanted && !ready && !starting) return "";
  return starting ? t("pools.level.starting", { wanted, ready, starting }) : t("pools.level", { wanted, ready });
}

export function whoText({ users, groups }) {
  return [...groups.map((group) => t("pools.group", { group })), ...users].join(", ") || t("pools.nobody");
}

export function page(app) {
  const maySet = may(app.user, "set-hosts");
  const maySeeHosts = may(app.user, "see-hosts");
  const frame = new Frame(app, t("nav.desktops"));

  const pools = new Table({
    label: t("pools.title"), id: ({ desktop }) => desktop, name: ({ title }) => title,
    columns: [
      { key: "title", title: t("pools.desktop"), text: ({ title }) => title },
      { key: "kind", title: t("pools.kind"), text: ({ kind }) => kindText(kind) },
      { key: "in_use", title: t("sessions.title"), text: ({ in_use: used, max }) => (max ? t("pools.used", { used, max }) : used), value: ({ in_use: used }) => used, number: true, draw: sessionsLink },
      { key: "pool", title: t("pools.ready"), text: poolText, value: ({ ready }) => ready },
      { key: "who", title: t("pools.who"), text: whoText },
      { key: "trouble", title: t("pools.trouble"), text: ({ trouble }) => trouble, draw: ({ trouble }) => (trouble ? h("span", { class: "trouble" }, trouble) : "") },
    ],
  });
  const hosts = new Table({
    label: t("hosts.title"), id: ({ host }) => String(host), name: ({ host }) => t("sessions.host.of", { host }),
    columns: [
      { key: "host", title: t("sessions.host"), text: ({ host }) => host, value: ({ host }) => host, number: true },
      { key: "state", title: t("sessions.state"), text: ({ state }) => t(`hosts.state.${state}`), draw: ({ state }) => chip(t(`hosts.state.${state}`), STATE_KINDS[state]) },
      { key: "mode", title: t("hosts.mode"), text: ({ mode }) => t(`hosts.mode.${mode}`), draw: ({ mode }) => chip(t(`hosts.mode.${mode}`), MODE_KINDS[mode] ?? "idle") },
      { key: "weight", title: t("hosts.weight"), text: ({ weight }) => t("hosts.percent", { weight }), value: ({ weight }) => weight, number: true },
      { key: "sessions", title: t("sessions.title"), text: ({ sessions }) => sessions, value: ({ sessions }) => sessions, number: true },
      { key: "points", title: t("hosts.points"), text: ({ points }) => points, value: ({ points }) => points, number: true },
      { key: "reason", title: t("hosts.reason"), text: ({ reason }) => reason },
      ...(maySet ? [{ key: "set", title: t("hosts.set"), plain: true, text: (row) => JSON.stringify([row.mode, row.weight]), value: ({ host }) => host, draw: setButton }] : []),
    ],
  });
  const whole = h("div", { class: "part-head" });
  const parts = [
    h("section", { class: "block" }, h("div", { class: "part-head" }, h("h2", {}, t("pools.title"))), pools.element),
    maySeeHosts ? h("section", { class: "block" }, whole, hosts.element) : null,
  ];
  frame.body.append(...parts.filter(Boolean));
  pools.show([], t("app.loading"));
  hosts.show([], t("app.loading"));
  let mode = "";

  function sessionsLink({ desktop, title, in_use: used, max }) {
    const text = max ? t("pools.used", { used, max }) : String(used);
    if (!used) return text;
    const name = t("pools.sessions.of", { title, count: used });
    return h("a", { href: `/admin/sessions?text=${encodeURIComponent(title || desktop)}`, "aria-label": name, onclick: (event) => follow(event, app) }, text);
  }

  function setButton(row) {
    const name = t("hosts.set.of", row);
    return button(t("hosts.set"), () => set(row), { class: "button small", "aria-label": name });
  }

  const modeField = (value) => ({
    name: "mode", type: "select", label: t("hosts.mode"), value,
    options: MODES.map((each) => [each, `${t(`hosts.mode.${each}`)} – ${t(`hosts.mode.${each}.hint`)}`]),
  });

  async function set({ host, weight, mode: is }) {
    const done = await form({
      title: t("hosts.set.of", { host }), confirm: t("save"),
      fields: [
        modeField(is),
        { name: "weight", type: "number", label: t("hosts.weight"), hint: t("hosts.weight.hint"), value: weight, min: 1, max: 10_000, required: true },
      ],
      submit: (values) => request("PATCH", at`hosts/${host}`, values),
    });
    if (done) await saved();
  }

  async function setWhole() {
    const done = await form({
      title: t("hosts.whole.set"), text: t("hosts.whole.hint"), confirm: t("save"), fields: [modeField(mode)],
      submit: (values) => request("PATCH", "hosts/all", values),
    });
    if (done) await saved();
  }

  async function saved() {
    announce(t("saved"));
    await refresh();
  }

  function showWhole(is) {
    if (is === mode) return;
    mode = is;
    whole.replaceChildren(h("h2", {}, t("hosts.title")), chip(t("hosts.whole", { mode: t(`hosts.mode.${is}`) }), MODE_KINDS[is] ?? "idle"),
      ...(maySet ? [button(t("hosts.whole.button"), setWhole, { class: "button small" })] : []));
  }

  const refresh = frame.every(EVERY, () => frame.try(async () => {
    const [published, running] = await Promise.all([request("GET", "pools"), maySeeHosts ? request("GET", "hosts") : null]);
    pools.show(published.desktops, blank(t("pools.none"), t("pools.none.hint")));
    if (!running) return;
    showWhole(running.mode);
    hosts.show(running.hosts, blank(t("hosts.none"), t("hosts.none.hint"), "alert"));
  }, "list"));

  return frame.page(refresh);
}
