// The router: which page the address stands for, and who is signed in.

import * as api from "./api.js";
import { h, icon, stylesheet } from "./dom.js";
import { desktopsPage } from "./pages/desktops.js";
import { sessionPage } from "./pages/session.js";
import { signInPage } from "./pages/signin.js";
import { pagesFor } from "./rights.js";
import { t } from "./strings.js";
import { applyTheme } from "./theme.js";

const root = document.getElementById("app");
const RETRY_TIME = 3000;

let user = null;
let turn = 0; // how many pages were asked for
let leave = null; // what the present page wants done before another takes its place

// What pages need of the rest: moving on, and the person's name.
const app = {
  get user() {
    return user;
  },
  go(path, state = {}) {
    history.pushState(state, "", path);
    show();
  },
  signedIn(person) {
    user = person;
    show();
  },
  signedOut(message = "") {
    user = null;
    show(message);
  },
};

// Pages that few people open, loaded when they do; each module exports `page`.
const LATER = {
  "/account": () => import("./pages/account.js"),
  "/invitation": () => import("./pages/invitation.js"),
  "/keys": () => import("./pages/keys.js"),
  "/admin/sessions": () => import("./admin/sessions.js"),
  "/admin/users": () => import("./admin/users.js"),
  "/admin/desktops": () => import("./admin/desktops.js"),
  "/admin/audit": () => import("./admin/audit.js"),
};

// → a page, or a promise of one.
function pageFor(path) {
  if (Object.hasOwn(LATER, path)) return pageOf(path);
  const session = /^\/session\/([\w-]+)$/.exec(path);
  if (session) return sessionPage(app, session[1], shadowOf(location.search));
  return path === "/" || path === "/desktops" ? desktopsPage(app) : blankPage("empty", "app.nowhere");
}

// How the address asks to look on at somebody else's session: "view", "control", or null.
function shadowOf(search) {
  const way = new URLSearchParams(search).get("shadow");
  if (way === null) return null;
  return way === "control" ? way : "view";
}

async function pageOf(path) {
  const [, name] = /^\/admin\/(\w+)$/.exec(path) ?? [];
  if (name && !pagesFor(user).includes(name)) return blankPage("empty", "app.notyours");
  try {
    const [{ page }] = await Promise.all([LATER[path](), stylesheet("/static/pages.css")]);
    return page(app);
  } catch {
    // A module that could not be loaded cannot be asked for again by this page, only by a new one.
    return blankPage("lost", "app.unloaded", { label: t("notice.reload"), action: () => location.reload() });
  }
}

function blankPage(picture, key, { label, action } = { label: t("notice.back"), action: () => app.go("/") }) {
  const button = h("button", { type: "button", class: "button primary", onclick: action }, label);
  const element = h("main", { class: "blank" },
    h("span", { class: "blank-icon" }, icon(picture)),
    h("h1", {}, t(key)),
    h("p", {}, t(`${key}.hint`)),
    button);
  return { element, title: t(key), shown: () => button.focus() };
}

// A page is {element, title, leave(), shown()}.
function show(message = "") {
  leave?.();
  leave = null;
  turn += 1;
  const mine = turn;
  const isOpen = location.pathname === "/invitation"; // also to who has not signed in
  const page = user || isOpen ? pageFor(location.pathname) : signInPage(app, message);
  if (!(page instanceof Promise)) put(page);
  else page.then((made) => (mine === turn ? put(made) : made.leave?.())); // somebody may have gone on meanwhile
}

function put(page) {
  leave = page.leave;
  document.title = page.title ? `${page.title} · ${t("product")}` : t("product");
  root.replaceChildren(page.element);
  page.shown?.();
}

function showUnreachable(reason) {
  const again = h("button", { type: "button", class: "button primary", onclick: () => start() }, t("app.retry"));
  root.replaceChildren(h("main", { class: "blank", role: "alert" },
    h("span", { class: "blank-icon" }, icon("lost")),
    h("h1", {}, t("app.unreachable")),
    h("p", {}, t("app.unreachable.hint")),
    reason ? h("p", { class: "quiet" }, reason) : null,
    again));
}

let retrying = null;

async function start() {
  clearTimeout(retrying);
  try {
    user = await api.me();
  } catch (error) {
    showUnreachable(error.status ? error.message : "");
    retrying = setTimeout(start, RETRY_TIME);
    return;
  }
  show();
}

applyTheme();
root.append(h("p", { class: "plain", role: "status" }, t("app.loading")));
addEventListener("popstate", () => show());
start();
