// A program on this machine wants to be signed in as whoever uses this browser. It is asked here, so that no other page can do it.

import * as api from "../api.js";
import { h, icon, logo } from "../dom.js";
import { t } from "../strings.js";
import { keepWanted } from "../wanted.js";
import { signInPage } from "./signin.js";

const LOOPBACK = /^http:\/\/(?:127\.0\.0\.1|\[::1\]):[1-9]\d{0,4}(?:\/[\w-]{0,64})?$/;

// → {redirect, state, challenge, client, by} of the address, null when it is not whole or leads elsewhere. The gateway looks again.
export function askedFor(search) {
  const said = new URLSearchParams(search);
  const [redirect, state, challenge, client] = ["redirect_uri", "state", "code_challenge", "client"].map((name) => said.get(name) ?? "");
  const isWhole = LOOPBACK.test(redirect) && /^[\w-]{16,128}$/.test(state) && /^[\w-]{43}$/.test(challenge);
  if (!isWhole || !client || said.get("code_challenge_method") !== "S256") return null;
  return { redirect, state, challenge, client: client.slice(0, 80), by: said.get("by") ?? "" };
}

export function page(app) {
  const asked = askedFor(location.search);
  const element = h("div", { class: "invitation" });

  function put(heading, ...content) {
    element.replaceChildren(h("main", { class: "signin" },
      h("section", { class: "panel signin-panel invitation-panel" },
        h("div", { class: "brand" }, logo(), t("product")),
        h("h1", {}, heading),
        content)));
  }

  function none() {
    const button = h("button", { type: "button", class: "button wide", onclick: () => app.go("/") }, t("invitation.home"));
    put(t("client.none"), h("p", {}, t("client.none.text")), button);
    button.focus();
  }

  function signIn() {
    if (asked.by) {
      keepWanted();
      location.replace(`/api/v1/login/oidc/${encodeURIComponent(asked.by)}`);
      return;
    }
    const made = signInPage(app, t("client.signin", { client: asked.client }));
    element.replaceChildren(made.element);
    made.shown();
  }

  function ask() {
    const problem = h("div", { class: "form-error", role: "alert" });
    const yes = h("button", { type: "button", class: "button primary wide" }, t("client.yes"));
    const no = h("button", { type: "button", class: "button wide", onclick: () => leave("access_denied") }, t("client.no"));
    yes.addEventListener("click", async () => {
      yes.disabled = true;
      try {
        location.assign(await api.handOver(asked));
      } catch (error) {
        yes.disabled = false;
        if (error.status === 401) app.signedOut();
        else problem.replaceChildren(icon("alert"), error.message);
      }
    });
    const other = h("button", { type: "button", class: "button wide", onclick: somebodyElse }, t("client.other"));
    put(t("client.title"),
      h("p", {}, t("client.asks", { client: asked.client, who: app.user.name })),
      h("p", { class: "quiet" }, t("client.sure")),
      problem, yes, no, other);
    no.focus();
  }

  async function somebodyElse() {
    await api.signOut().catch(() => {}); // who is signed in still is asked again
    app.signedOut();
  }

  function leave(error) {
    location.assign(`${asked.redirect}?${new URLSearchParams({ error, state: asked.state })}`);
  }

  return {
    element,
    title: t("client.title"),
    shown: () => {
      if (!asked) none();
      else if (app.user) ask();
      else signIn();
    },
  };
}
