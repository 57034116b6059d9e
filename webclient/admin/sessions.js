// The sessions that run, live: as a table or side by side, and what can be done to them.

import { request } from "../api.js";
import { announce, h, icon } from "../dom.js";
import { blank, button, chip, Frame } from "../parts/frame.js";
import { Table } from "../parts/table.js";
import { moment } from "../parts/times.js";
import { mayTo } from "../rights.js";
import { t } from "../strings.js";
import { actionButtons, actionsFor } from "./actions.js";
import { Details } from "./details.js";
import { Grid } from "./grid.js";
import { follow } from "../parts/live.js";
import { fits, idleSince, idleText, nameOf, STATES, stateText, take, viewersText } from "./sessionlist.js";
import { Thumbnails } from "../parts/thumbnails.js";

const IDLE_TIME = 15_000; // so often hosts are asked since when nobody typed
const TICK = 5000; // so often texts of times are made anew

const now = () => Date.now() / 1000;
const COLUMNS = () => [
  { key: "number", title: t("sessions.number"), text: ({ number }) => number, value: ({ number }) => number, number: true },
  { key: "user", title: t("sessions.user"), text: ({ user }) => user },
  { key: "desktop", title: t("sessions.desktop"), text: ({ title }) => title },
  { key: "state", title: t("sessions.state"), text: stateText, value: ({ state }) => STATES.indexOf(state), draw: (row) => chip(stateText(row), row.state) },
  { key: "idle", title: t("sessions.idle"), text: (row) => idleText(row, now()), value: (row) => (idleSince(row) === null ? null : now() - idleSince(row)), number: true },
  { key: "started", title: t("sessions.started"), text: ({ started }) => moment(started), value: ({ started }) => started, number: true },
  { key: "viewers", title: t("sessions.viewers"), text: viewersText },
  { key: "host", title: t("sessions.host"), text: ({ host }) => host, value: ({ host }) => host, number: true },
];

export function page(app) {
  const frame = new Frame(app, t("sessions.title"));
  const sessions = new Map();
  const thumbnails = new Thumbnails();
  const filter = { text: new URLSearchParams(location.search).get("text") ?? "", state: "" };
  let isGrid = false;
  let isTold = false; // whether the list has come
  let drawing = null;

  const table = new Table({
    label: t("sessions.title"), columns: COLUMNS(), id: ({ id }) => id, name: nameOf, opened: open, chose: bar,
  });
  const grid = new Grid(thumbnails, { peeks: (session) => mayTo(app.user, "peek", session), opened: open });
  const details = new Details(frame, thumbnails, closed);
  const search = h("input", { type: "search", value: filter.text, "aria-label": t("sessions.search"), placeholder: t("sessions.search") });
  const state = h("select", { "aria-label": t("sessions.state") },
    [["", t("sessions.anystate")], ...STATES.map((each) => [each, t(`state.${each}`)])].map(([value, text]) => h("option", { value }, text)));
  const count = h("p", { class: "quiet count", role: "status" });
  const chosenBar = h("div", { class: "chosen", role: "group", "aria-label": t("sessions.acts"), hidden: true });
  const list = h("div", { class: "list" }, table.element);
  const ways = ["table", "grid"].map((way) => button(t(`sessions.${way}`), () => showAs(way), { "aria-pressed": String(way === "table"), class: "button small" }));

  search.addEventListener("input", () => { filter.text = search.value; draw(); });
  state.addEventListener("change", () => { filter.state = state.value; draw(); });
  frame.body.append(
    h("div", { class: "filters" }, h("div", { class: "search" }, icon("search"), search), state,
      h("div", { class: "ways", role: "group", "aria-label": t("sessions.ways") }, ways), count),
    chosenBar, h("div", { class: "split-view" }, list, details.element));

  function showAs(way) {
    isGrid = way === "grid";
    ways.forEach((each, at) => each.setAttribute("aria-pressed", String((at === 1) === isGrid)));
    if (!isGrid) grid.clear();
    list.replaceChildren(isGrid ? grid.element : table.element);
    draw();
  }

  // Once for all that has happened since the last picture.
  function draw() {
    drawing ??= requestAnimationFrame(() => {
      drawing = null;
      if (frame.isLeft || !isTold) return;
      const shown = [...sessions.values()].filter((each) => fits(each, filter));
      const isNone = sessions.size === 0;
      const empty = isNone ? blank(t("sessions.none"), t("sessions.none.hint")) : blank(t("sessions.nofit"), t("sessions.nofit.hint"), "search");
      if (isGrid) grid.show(shown, empty);
      else table.show(shown, empty);
      const text = shown.length === sessions.size ? t("sessions.count", { count: sessions.size }) : t("sessions.count.of", { shown: shown.length, count: sessions.size });
      if (count.textContent !== text) count.textContent = text;
      const looked = details.id && sessions.get(details.id);
      if (looked) details.update(looked);
      else if (details.id) {
        details.close();
        closed();
        announce(t("sessions.over"));
      }
      bar();
    });
  }

  let last = null; // the session that was looked at

  function open(session) {
    frame.body.classList.add("has-details"); // first: what gets the focus is at its place then
    details.open(sessions.get(session.id) ?? session);
    for (const each of [table, grid]) each.current(session.id);
    last = session.id;
  }

  function closed() {
    frame.body.classList.remove("has-details");
    for (const each of [table, grid]) each.current(null);
    (isGrid ? grid : table).focus(last);
  }

  function bar() {
    const chosen = [...table.chosen].map((id) => sessions.get(id)).filter(Boolean);
    const isShown = chosen.length > 0 && !isGrid;
    const acts = isShown ? actionsFor(frame, chosen) : [];
    const key = JSON.stringify([chosen.map(({ id }) => id), acts.map((each) => each.key)]);
    chosenBar.hidden = !isShown;
    if (key === chosenBar.dataset.key) return;
    chosenBar.dataset.key = key;
    const clear = button(t("sessions.choose.none"), () => table.choose([]), { class: "button small" });
    chosenBar.replaceChildren(h("b", { role: "status" }, t("sessions.chosen", { count: chosen.length })), ...actionButtons(acts), clear);
  }

  const idle = frame.every(IDLE_TIME, () => frame.try(async () => {
    take(sessions, { kind: "idle", told: await request("GET", "sessions?idle=true") });
    draw();
  }, "list"));
  const ticking = frame.every(TICK, draw);
  list.replaceChildren(h("p", { class: "plain", role: "status" }, t("app.loading")));

  return frame.page(() => {
    frame.onLeave(() => thumbnails.stop());
    frame.onLeave(follow({
      told: (event) => {
        if (!isTold) list.replaceChildren(isGrid ? grid.element : table.element);
        isTold = true;
        take(sessions, event);
        draw();
      },
      lost: (isLost) => frame.complain(isLost ? t("sessions.lost") : "", "line"),
      over: () => app.signedOut(t("signin.again")),
    }));
    idle();
    ticking();
  });
}
