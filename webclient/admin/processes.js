// What runs in a session's guest, and ending it.

import { request } from "../api.js";
import { ask } from "../dialog.js";
import { announce, h } from "../dom.js";
import { sheet } from "../parts/form.js";
import { at, button } from "../parts/frame.js";
import { matches } from "../parts/sorting.js";
import { Table } from "../parts/table.js";
import { duration } from "../parts/times.js";
import { bytes, t } from "../strings.js";
import { nameOf } from "./sessionlist.js";

export async function processes(frame, session, mayEnd) {
  const said = h("p", { class: "form-error", role: "alert" });
  const search = h("input", { type: "search", "aria-label": t("processes.search"), placeholder: t("processes.search") });
  let known = [];

  async function end(row) {
    const words = { title: t("processes.ask", row), text: t("processes.text", { whom: nameOf(session) }), confirm: t("processes.end") };
    if (!(await ask(words))) return;
    await asked(async () => {
      const { forced } = await request("DELETE", `${at`sessions/${session.id}`}/processes/${row.pid}`);
      announce(t(forced ? "processes.killed" : "processes.ended", row));
    });
    await refresh();
  }

  const columns = [
    { key: "name", title: t("processes.name"), text: ({ name }) => name },
    { key: "pid", title: t("processes.pid"), text: ({ pid }) => pid, value: ({ pid }) => pid, number: true },
    { key: "user", title: t("sessions.user"), text: ({ user }) => user },
    { key: "memory", title: t("processes.memory"), text: ({ memory }) => bytes(memory), value: ({ memory }) => memory, number: true },
    { key: "cpu", title: t("processes.cpu"), text: ({ cpu_seconds: cpu }) => t("processes.seconds", { cpu }), value: ({ cpu_seconds: cpu }) => cpu, number: true },
    { key: "seconds", title: t("processes.runs"), text: ({ seconds }) => (seconds ? duration(seconds) : ""), value: ({ seconds }) => seconds, number: true },
    mayEnd && {
      key: "end", title: t("processes.end"), plain: true, text: ({ pid }) => pid,
      draw: (row) => button(t("processes.end"), () => end(row), { class: "button small is-danger", "aria-label": t("processes.end.of", row) }),
    },
  ].filter(Boolean);
  const table = new Table({
    label: t("processes.title", { whom: nameOf(session) }), columns, id: ({ pid }) => String(pid), name: ({ name }) => name,
    sort: { key: "memory", isDescending: true },
  });
  const show = () => table.show(known.filter(({ name, pid, user }) => matches([name, String(pid), user], search.value)), t("processes.none"));
  search.addEventListener("input", show);

  async function asked(work) {
    try {
      said.replaceChildren();
      await work();
    } catch (error) {
      said.replaceChildren(error.message);
      show();
    }
  }

  const refresh = () => asked(async () => {
    known = (await request("GET", `${at`sessions/${session.id}`}/processes`)).processes;
    show();
  });
  const again = button(t("processes.again"), refresh);
  const title = t("processes.title", { whom: nameOf(session) });
  sheet({ title, wide: true, content: [h("div", { class: "filters" }, search), said, h("div", { class: "scroll" }, table.element)], actions: [again] });
  table.show([], t("app.loading"));
  await refresh();
}
