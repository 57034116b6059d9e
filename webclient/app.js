// The router: which page the address stands for, and who is signed in.

import * as api from "./api.js";
import { h, icon } from "./dom.js";
import { desktopsPage } from "./pages/desktops.js";
import { sessionPage } from "./pages/session.js";
import { signInPage } from "./pages/signin.js";
import { t } from "./strings.js";
import { applyTheme } from "./theme.js";

const root = document.getElementById("app");
const RETRY_TIME = 3000;

let user = null;
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

function pageFor(path) {
  const session = /^\/session\/([\w-]+)$/.exec(path);
  if (session) return sessionPage(app, session[1], shadowOf(location.search));
  return path === "/" || path === "/desktops" ? desktopsPage(app) : nowherePage();
}

// How the address asks to look on at somebody else's session: "view", "control", or null.
function shadowOf(search) {
  const way = new URLSearchParams(search).get("shadow");
  if (way === null) return null;
  return way === "control" ? way : "view";
}

function nowherePage() {
  const back = h("button", { type: "button", class: "button primary", onclick: () => app.go("/") }, t("notice.back"));
  const element = h("main", { class: "blank" },
    h("span", { class: "blank-icon" }, icon("empty")),
    h("h1", {}, t("app.nowhere")),
    h("p", {}, t("app.nowhere.hint")),
    back);
  return { element, title: t("app.nowhere"), shown: () => back.focus() };
}

// A page is {element, title, leave(), shown()}.
function show(message = "") {
  leave?.();
  const page = user ? pageFor(location.pathname) : signInPage(app, message);
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
