// The router: which page the address stands for, and who is signed in.

import * as api from "./api.js";
import { announce, h, icon, stylesheet } from "./dom.js";
import { inWords } from "./errors.js";
import { keepForLater, stale } from "./install.js";
import { desktopsPage } from "./pages/desktops.js";
import { openingPage } from "./pages/opening.js";
import { signInPage } from "./pages/signin.js";
import { pagesFor } from "./rights.js";
import { t } from "./strings.js";
import { applyTheme } from "./theme.js";
import { takeWanted } from "./wanted.js";

const root = document.getElementById("app");
const RETRY_TIME = 3000;
const WARM_TIME = 1500;

let user = null;
let turn = 0; // how many pages were asked for
let leave = null; // what the present page wants done before another takes its place

// What pages need of the rest: moving on, and the person's name.
const app = {
  get user() {
    return user;
  },
  // isInstead: the present page is none that one would come back to.
  go(path, state = {}, isInstead = false) {
    if (stale()) {
      location.assign(path); // a page of the server's version
      return;
    }
    if (isInstead) history.replaceState(state, "", path);
    else history.pushState(state, "", path);
    show();
  },
  signedIn(person) {
    user = person;
    goWhereWanted();
    show();
  },
  signedOut(message = "") {
    user = null;
    show(message);
  },
};

// Pages that are loaded when somebody opens them; each module exports `page`.
const LATER = {
  "/account": () => import("./pages/account.js"),
  "/invitation": () => import("./pages/invitation.js"),
  "/client": () => import("./pages/client.js"),
  "/keys": () => import("./pages/keys.js"),
  "/admin/sessions": () => import("./admin/sessions.js"),
  "/admin/users": () => import("./admin/users.js"),
  "/admin/desktops": () => import("./admin/desktops.js"),
  "/admin/audit": () => import("./admin/audit.js"),
};

const sessionParts = () => Promise.all([import("./pages/session.js"), stylesheet("session.css")]);
const laterParts = (path) => Promise.all([LATER[path](), stylesheet("pages.css"), stylesheet("session.css")]);

// → a page, or a promise of one.
function pageFor(path) {
  if (Object.hasOwn(LATER, path)) return pageOf(path);
  const session = /^\/session\/([\w-]+)$/.exec(path);
  if (session) return loaded(sessionParts(), ({ sessionPage }) => sessionPage(app, session[1], shadowOf(location.search)));
  const desktop = /^\/desktop\/([^/]+)$/.exec(path);
  if (desktop) return openingPage(app, nameIn(desktop[1]));
  return path === "/" || path === "/desktops" ? desktopsPage(app) : blankPage("empty", "app.nowhere");
}

function nameIn(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // then there is no desktop of that name
  }
}

// How the address asks to look on at somebody else's session: "view", "control", or null.
function shadowOf(search) {
  const way = new URLSearchParams(search).get("shadow");
  if (way === null) return null;
  return way === "control" ? way : "view";
}

function pageOf(path) {
  const [, name] = /^\/admin\/(\w+)$/.exec(path) ?? [];
  if (name && !pagesFor(user).includes(name)) return blankPage("empty", "app.notyours");
  return loaded(laterParts(path), ({ page }) => page(app));
}

// parts: a promise of the page's module and its styles.
async function loaded(parts, make) {
  try {
    const [module] = await parts;
    return make(module);
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
  const isOpen = ["/invitation", "/client"].includes(location.pathname); // also to who has not signed in
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

function goWhereWanted() {
  const path = takeWanted();
  if (path && (location.pathname === "/" || location.pathname === "/desktops")) history.replaceState({}, "", path);
}

function showUnreachable(reason) {
  const key = navigator.onLine ? "app.unreachable" : "app.offline";
  const title = `${t(key)} · ${t("product")}`;
  if (document.title === title) return; // said already
  document.title = title;
  announce(t(key));
  const again = h("button", { type: "button", class: "button primary", onclick: () => start() }, t("app.retry"));
  root.replaceChildren(h("main", { class: "blank" },
    h("span", { class: "blank-icon" }, icon("lost")),
    h("h1", {}, t(key)),
    h("p", {}, t(`${key}.hint`)),
    reason ? h("p", { class: "quiet" }, reason) : null,
    again));
}

let retrying = null;

async function start() {
  clearTimeout(retrying);
  retrying = null;
  try {
    user = await api.me();
  } catch (error) {
    showUnreachable(error.status ? error.message : "");
    retrying = setTimeout(start, RETRY_TIME);
    return;
  }
  if (user) goWhereWanted();
  show();
}

// Pages go on as they are; the next one that is opened is of the new version.
function offerReload() {
  const reload = h("button", { type: "button", class: "button small", onclick: () => location.reload() }, t("notice.reload"));
  document.body.append(h("div", { class: "update", role: "status" }, icon("info"), h("span", {}, t("app.stale")), reload));
}

api.speak(inWords);
applyTheme();
root.append(h("p", { class: "plain", role: "status" }, t("app.loading")));
addEventListener("popstate", () => show());
addEventListener("stale", offerReload);
addEventListener("online", () => retrying !== null && start());
start().then(keepForLater);
// What most people open next is there when they do.
addEventListener("load", () => setTimeout(() => sessionParts().catch(() => {}), WARM_TIME));
