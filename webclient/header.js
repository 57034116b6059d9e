// The top of every page around a session: where one can go, the colours, one's account.

import * as api from "./api.js";
import { appearance } from "./appearance.js";
import { h, icon, logo } from "./dom.js";
import { menuButton } from "./menu.js";
import { pagesFor } from "./rights.js";
import { t } from "./strings.js";

// complain: told in a sentence why signing out did not work.
export function header(app, complain) {
  const account = h("button", {
    type: "button", class: "account", "aria-label": t("desktops.account", { name: app.user.name }),
  }, h("span", { class: "avatar", "aria-hidden": "true" }, initials(app.user.name)),
  h("span", { class: "account-name" }, app.user.name), icon("down"));
  const groups = (app.user.groups ?? []).join(", ");
  const items = () => [
    {
      label: t("account.title"), icon: "user", action: () => app.go("/account"),
      hint: groups ? t("desktops.groups", { groups }) : null,
    },
    { label: t("session.keyboard.test"), icon: "keyboard", action: () => app.go("/keys") },
    { label: t("desktops.signout"), icon: "leave", action: () => signOut(app, complain) },
  ];
  return h("header", { class: "top" },
    h("a", { class: "brand", href: "/", "aria-label": t("nav.home"), onclick: (event) => follow(event, app) },
      logo(), h("span", {}, t("product"))),
    navigation(app),
    h("div", { class: "top-right" },
      appearance(),
      menuButton(account, items, t("desktops.account", { name: app.user.name }))));
}

// Nothing for people who have desktops only.
function navigation(app) {
  const pages = pagesFor(app.user);
  if (!pages.length) return null;
  const here = location.pathname;
  const link = (href, text, isHere) => h("a", {
    href, "aria-current": isHere ? "page" : null, onclick: (event) => follow(event, app),
  }, text);
  const nav = h("nav", { class: "nav", "aria-label": t("nav.label") },
    link("/desktops", t("nav.mine"), here === "/" || here === "/desktops"),
    ...pages.map((page) => link(`/admin/${page}`, t(`nav.${page}`), here === `/admin/${page}`)));
  // On a narrow screen it scrolls.
  requestAnimationFrame(() => nav.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" }));
  return nav;
}

// A link within the portal; with a modifier it opens a tab, as links do.
export function follow(event, app) {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  app.go(event.currentTarget.getAttribute("href"));
}

// Only the server can end a sign-in: without it the person is as signed in as before, and has to know.
async function signOut(app, complain) {
  try {
    await api.signOut();
  } catch (error) {
    if (error.status !== 401) {
      complain(t("desktops.signout.failed", { reason: error.message }));
      return;
    }
  }
  history.replaceState({}, "", "/");
  app.signedOut();
}

function initials(name) {
  return name.split(/[\s._-]+/).filter(Boolean).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
}
