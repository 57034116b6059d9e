// The desktops a person may use, and what runs of them.

import * as api from "../api.js";
import { announce, h, icon } from "../dom.js";
import { header } from "../header.js";
import { follow } from "../parts/live.js";
import { Shots } from "../parts/thumbnails.js";
import { wishedSize } from "../session/scaling.js";
import { t, waitingText } from "../strings.js";
import { keepTicket } from "../tickets.js";
import { card, kindOf } from "./cards.js";
import { changesOf, shownOf, steady } from "./listing.js";

const ASK_TIME = 4000; // without events
const CALM_TIME = 30_000; // with them: for what no event tells
const SOON = 250;
const FILTERS = ["all", "running", "favourites"];
const FEW = 2; // are seen at a glance

export function desktopsPage(app) {
  const list = h("ul", { class: "cards", "aria-label": t("desktops.title") });
  const problem = h("p", { class: "banner", role: "alert", hidden: true });
  const body = h("div", { class: "desktops-body" }, h("p", { class: "plain", role: "status" }, t("app.loading")));
  const screens = new Shots();
  const waiting = new Map(); // by desktop: what is told to who waits for it to be started
  const cards = new Map(); // by desktop: {made: what it was made of, element}
  let known = null;
  let order = [];
  let only = "all";
  let timer = null;
  let unfollow = null;
  let isFollowing = false;
  let isLeft = false;

  // What went wrong with what the person did stays until they do something else; what is wrong with the
  // list itself, until it comes.
  const wrong = { action: "", list: "" };
  function complain(text, about = "action") {
    wrong[about] = text;
    const said = wrong.action || wrong.list;
    problem.hidden = !said;
    problem.replaceChildren(...(said ? [icon("alert"), said] : []));
  }

  function failed(error, about) {
    if (isLeft) return;
    if (error.status === 401) app.signedOut(t("signin.again"));
    else complain(error.message, about);
  }

  const search = h("input", {
    type: "search", "aria-label": t("desktops.search"), placeholder: t("desktops.search"), autocomplete: "off",
    spellcheck: "false", maxlength: 100, oninput: () => found(),
  });
  const ways = h("div", { class: "ways", role: "group", "aria-label": t("desktops.filter") }, FILTERS.map((each) => h("button", {
    type: "button", class: "button", "aria-pressed": String(each === only), "data-only": each, onclick: () => narrow(each),
  }, t(`desktops.filter.${each}`))));
  const tools = h("div", { class: "desktops-tools", hidden: true },
    h("div", { class: "search" }, icon("search"), search), ways);

  function narrow(to) {
    only = to;
    for (const each of ways.children) each.setAttribute("aria-pressed", String(each.dataset.only === only));
    found();
  }

  function found() {
    render();
    announce(t("desktops.found", { count: list.isConnected ? list.children.length : 0 }));
  }

  function cardOf(desktop) {
    const wait = waiting.get(desktop.id);
    const made = JSON.stringify([desktop, wait]);
    const kept = cards.get(desktop.id);
    if (kept?.made === made) return kept.element; // keeps the focus, and the page still
    const element = card(desktop, { acts, wait, screens });
    cards.set(desktop.id, { made, element });
    return element;
  }

  function render() {
    tools.hidden = known.length <= FEW && !known.some(({ favourite }) => favourite) && !search.value && only === "all";
    order = steady(order, known);
    const shown = shownOf(known, { text: search.value, only, kindOf })
      .sort((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key;
    if (shown.length) {
      const wanted = shown.map(cardOf);
      const isSame = wanted.length === list.children.length && wanted.every((each, at) => each === list.children[at]);
      if (!isSame) list.replaceChildren(...wanted);
      if (!list.isConnected) body.replaceChildren(list);
    } else {
      list.replaceChildren();
      body.replaceChildren(emptyState());
    }
    for (const id of [...cards.keys()]) if (!order.includes(id)) cards.delete(id);
    screens.sweep();
    if (focused && /** @type {HTMLElement} */ (document.activeElement)?.dataset?.key !== focused) {
      body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  function emptyState() {
    const key = known.length ? (only === "favourites" && !search.value ? "desktops.nofavourites" : "desktops.nofit") : "desktops.empty";
    return h("div", { class: "blank" },
      h("span", { class: "blank-icon" }, icon(known.length ? "search" : "empty")),
      h("h2", {}, t(key)),
      h("p", {}, t(`${key}.hint`)));
  }

  function tell(before) {
    const said = changesOf(before, known).map(({ title, state }) => t("desktops.told", { title, state: t(`state.${state}`) }));
    if (said.length) announce(said.join(" "));
  }

  async function refresh() {
    clearTimeout(timer);
    timer = null;
    try {
      const before = known;
      const asked = await api.desktops();
      if (isLeft) return;
      known = asked;
      complain("", "list");
      render();
      if (before) tell(before);
    } catch (error) {
      failed(error, "list");
    }
    if (!isLeft && !timer && !document.hidden) timer = setTimeout(refresh, isFollowing ? CALM_TIME : ASK_TIME);
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(refresh, SOON);
  }

  // A stream of events takes one of the few connections that a browser opens to a server: only while it is looked at.
  function look() {
    unfollow?.();
    unfollow = null;
    isFollowing = false;
    if (document.hidden) {
      clearTimeout(timer);
      timer = null;
      return;
    }
    refresh();
    unfollow = follow({
      user: app.user.name,
      told: ({ kind }) => kind !== "sessions" && soon(),
      lost: (isLost) => {
        if (isLost && isFollowing) soon();
        isFollowing = !isLost;
      },
      over: () => app.signedOut(t("signin.again")),
    });
  }

  async function open(desktop, button) {
    complain("");
    button.disabled = true;
    button.textContent = t("desktops.connecting");
    try {
      const size = wishedSize(innerWidth, innerHeight, devicePixelRatio);
      const waits = (before) => {
        waiting.set(desktop.id, waitingText(before));
        render();
      };
      const given = await api.connect(desktop.id, size, waits, () => !isLeft);
      if (given === null) return;
      keepTicket(given.session, given.ticket);
      resume(desktop, given.session);
    } catch (error) {
      waiting.delete(desktop.id);
      cards.delete(desktop.id);
      failed(error, "action");
      refresh();
    }
  }

  function resume(desktop, session) {
    app.go(`/session/${encodeURIComponent(session)}`, { desktop: desktop.id, title: desktop.title });
  }

  // act: what life.js or api.js does to a session; told: what is announced when it is done.
  async function steer(desktop, session, act, told) {
    try {
      if ((await act(session.id, desktop.title)) === false) return;
      complain("");
      announce(told);
    } catch (error) {
      failed(error, "action");
    }
    refresh();
  }

  async function favour(desktop) {
    complain("");
    const isFavourite = !desktop.favourite;
    try {
      await api.favour(desktop.id, isFavourite);
      announce(t(isFavourite ? "desktops.favourite.on" : "desktops.favourite.off", { title: desktop.title }));
    } catch (error) {
      failed(error, "action");
    }
    await refresh();
  }

  async function copyLink(address) {
    try {
      await navigator.clipboard.writeText(address);
      announce(t("desktops.link.copied"));
    } catch {
      complain(t("desktops.link.failed", { address }));
    }
  }

  const acts = { open, resume, steer, favour, copyLink };
  const element = h("div", { class: "page" },
    header(app, complain),
    h("main", { class: "desktops" },
      h("div", { class: "heading" },
        h("h1", { tabindex: -1 }, t("desktops.title")),
        h("p", { class: "quiet" }, t("desktops.greeting", { name: app.user.name })),
        tools),
      problem,
      body));
  return {
    element,
    title: t("desktops.title"),
    shown: () => {
      element.querySelector("h1").focus();
      document.addEventListener("visibilitychange", look);
      look();
    },
    leave: () => {
      isLeft = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
      unfollow?.();
      screens.stop();
    },
  };
}
