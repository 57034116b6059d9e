// The list of desktops a person may use.

import * as api from "../api.js";
import { announce, h, icon, iconButton } from "../dom.js";
import { header } from "../header.js";
import * as life from "../life.js";
import { menuButton } from "../menu.js";
import { wishedSize } from "../session/scaling.js";
import { t, time, waitingText } from "../strings.js";
import { keepTicket } from "../tickets.js";

const REFRESH_TIME = 4000;
const ICONS = { qemu: "machine", "qemu-shared": "machine-shared", rfb: "screen-far", testcard: "bars" };

export function desktopsPage(app) {
  const list = h("ul", { class: "cards", "aria-label": t("desktops.title") });
  const problem = h("p", { class: "banner", role: "alert", hidden: true });
  const body = h("div", { class: "desktops-body" }, h("p", { class: "plain", role: "status" }, t("app.loading")));
  let known = [];
  let shown = "";
  let timer = null;
  let isLeft = false;
  const waiting = new Map(); // by desktop: what is told to who waits for it to be started

  // What went wrong with what the person did stays until they do something else; what is wrong with the
  // list itself, until it comes.
  const wrong = { action: "", list: "" };
  function complain(text, about = "action") {
    wrong[about] = text;
    const said = wrong.action || wrong.list;
    problem.hidden = !said;
    problem.replaceChildren(...(said ? [icon("alert"), said] : []));
  }

  function render(desktops) {
    const now = JSON.stringify([desktops, [...waiting]]);
    if (now === shown) return; // keeps the focus, and the page still
    shown = now;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.key;
    if (desktops.length) {
      list.replaceChildren(...desktops.map((desktop) => card(desktop, { open, resume, steer, waiting })));
      body.replaceChildren(list);
    } else {
      body.replaceChildren(emptyState());
    }
    if (focused) body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  async function refresh() {
    clearTimeout(timer);
    try {
      known = await api.desktops();
      if (isLeft) return;
      complain("", "list");
      render(known);
    } catch (error) {
      if (isLeft) return;
      if (error.status === 401) {
        app.signedOut(t("signin.again"));
        return;
      }
      complain(error.message, "list");
    }
    timer = setTimeout(refresh, REFRESH_TIME);
  }

  async function open(desktop, button) {
    complain("");
    button.disabled = true;
    button.textContent = t("desktops.connecting");
    try {
      const size = wishedSize(innerWidth, innerHeight, devicePixelRatio);
      const waits = (before) => {
        waiting.set(desktop.id, waitingText(before));
        render(known);
      };
      const given = await api.connect(desktop.id, size, waits, () => !isLeft);
      if (given === null) return;
      keepTicket(given.session, given.ticket);
      resume(desktop, given.session);
    } catch (error) {
      waiting.delete(desktop.id);
      if (error.status === 401) app.signedOut(t("signin.again"));
      complain(error.message);
      shown = "";
      refresh();
    }
  }

  function resume(desktop, session) {
    app.go(`/session/${encodeURIComponent(session)}`, { desktop: desktop.id, title: desktop.title });
  }

  // act: what life.js or api.js does to a session; told: what is announced when it is done.
  async function steer(desktop, act, told) {
    try {
      if ((await act(desktop.session.id, desktop.title)) === false) return;
      complain("");
      announce(told);
    } catch (error) {
      if (error.status === 401) app.signedOut(t("signin.again"));
      complain(error.message);
    }
    refresh();
  }

  const element = h("div", { class: "page" },
    header(app, complain),
    h("main", { class: "desktops" },
      h("div", { class: "heading" },
        h("h1", { tabindex: -1 }, t("desktops.title")),
        h("p", { class: "quiet" }, t("desktops.greeting", { name: app.user.name }))),
      problem,
      body));
  return {
    element,
    title: t("desktops.title"),
    shown: () => {
      element.querySelector("h1").focus();
      refresh();
    },
    leave: () => {
      isLeft = true;
      clearTimeout(timer);
    },
  };
}

function emptyState() {
  return h("div", { class: "blank" },
    h("span", { class: "blank-icon" }, icon("empty")),
    h("h2", {}, t("desktops.empty")),
    h("p", {}, t("desktops.empty.hint")));
}

function card(desktop, { open, resume, steer, waiting }) {
  const { id, title, description, kind } = desktop;
  const session = desktop.session && desktop.session.state !== "ended" ? desktop.session : null;
  const isSingle = desktop.single ?? true;
  const wait = waiting.get(id);
  const verb = !session ? "connect" : isSingle ? "resume" : "another";
  const start = h("button", {
    type: "button", class: "button primary", "data-key": `open-${id}`, disabled: wait !== undefined,
    "aria-label": t(`desktops.${verb}.of`, { title }), onclick: () => open(desktop, start),
  }, t(wait === undefined ? `desktops.${verb}` : "desktops.waiting"));
  // From blue over violet to rose, always the same for one desktop.
  const hue = 200 + [...id].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) % 120, 7);
  const banner = h("div", { class: "card-banner", "aria-hidden": "true" }, icon(ICONS[kind] ?? "monitor"));
  banner.style.setProperty("--hue", String(hue));
  return h("li", { class: "card" },
    banner,
    h("div", { class: "card-body" },
      h("p", { class: "card-kind" }, t(`kind.${kind in ICONS ? kind : "other"}`)),
      h("h2", {}, title),
      h("p", { class: "card-text" }, description || ""),
      wait !== undefined ? h("p", { class: "chip starting", role: "status" }, h("span", { class: "dot" }), wait)
        : isSingle || !session ? chip(session) : running(desktop, { resume, steer }),
      h("div", { class: "card-actions" }, start, isSingle && session ? moreOf(desktop, session, steer) : null)));
}

function moreOf(desktop, session, steer) {
  const { id, title, single = true } = desktop;
  const key = `more-${single ? id : session.id}`;
  const mine = { ...desktop, session };
  const button = iconButton("more", t("desktops.more.of", { title }), null, { "data-key": key });
  const items = () => life.lifeItems({
    disconnect: session.viewers > 0 && (() => steer(mine, api.disconnect, t("state.disconnected"))),
    logOff: () => steer(mine, life.logOff, t("state.ended")),
    reset: () => steer(mine, life.reset, t("state.ended")),
  });
  return menuButton(button, items, t("desktops.more.of", { title }));
}

// Each session of a desktop that is started anew at every opening.
function running(desktop, { resume, steer }) {
  const { title } = desktop;
  return h("ul", { class: "card-sessions", "aria-label": t("desktops.running", { title }) },
    ...desktop.sessions.map((session) => h("li", {},
      chip(session),
      h("button", {
        type: "button", class: "button", "data-key": `resume-${session.id}`,
        "aria-label": t("desktops.resume.of", { title }), onclick: () => resume(desktop, session.id),
      }, t("desktops.resume")),
      moreOf(desktop, session, steer))));
}

function chip(session) {
  if (!session) return h("p", { class: "chip" }, h("span", { class: "dot" }), t("desktops.ready"));
  const { viewers, started, progress, text } = session;
  const state = session.state;
  const isStarting = state === "starting";
  const known = isStarting && Number.isInteger(progress) && progress <= 100;
  const parts = [known ? t("state.starting.percent", { percent: progress }) : t(`state.${state}`)];
  if (isStarting && text) parts.push(text);
  if (viewers) parts.push(viewers === 1 ? t("state.viewers.one") : t("state.viewers.many", { count: viewers }));
  if (started && !isStarting) parts.push(t("state.since", { time: time(new Date(1000 * started)) }));
  return h("p", { class: `chip ${state}` }, h("span", { class: "dot" }), parts.join(" · "));
}
