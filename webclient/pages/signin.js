// Signing in, step by step: name and password or a provider, then what steps.js asks for.

import * as api from "../api.js";
import { appearance } from "../appearance.js";
import { h, icon, logo } from "../dom.js";
import { t } from "../strings.js";
import { keepWanted } from "../wanted.js";
import { field, secretField, stepForms } from "./steps.js";

const BEGUN_ELSEWHERE = /^#challenge=([\w-]+)$/;

// A form is {title, lead, fields, answer(), focus(), submit}: `answer` gives what is to be sent, or throws a text.
export function signInPage(app, message) {
  const title = h("h1", { id: "signin-title", tabindex: "-1" });
  const lead = h("p", { class: "quiet" });
  const place = h("div");
  const error = h("p", { class: "form-error", role: "alert", id: "signin-error" });
  const ways = h("div", { class: "signin-ways" });
  let present = null;
  let countdown = null;

  function say(text) {
    error.replaceChildren(...(text ? [icon("alert"), text] : []));
    for (const input of place.querySelectorAll("input")) input.toggleAttribute("aria-invalid", Boolean(text));
  }

  function show(form, text = "") {
    clearInterval(countdown);
    const submit = h("button", { class: "button primary wide", type: "submit" }, form.submit);
    present = { ...form, button: submit };
    title.textContent = form.title;
    lead.textContent = form.lead;
    place.replaceChildren(h("form", { class: "signin-form", novalidate: true, onsubmit: send },
      ...form.fields, error, submit, form.other ?? null));
    ways.hidden = Boolean(form.isStep);
    say(text);
    form.focus();
  }

  function wait(seconds) {
    const { button } = present;
    const until = Date.now() + 1000 * seconds;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      button.disabled = left > 0;
      say(left > 0 ? t("signin.throttled", { seconds: left }) : "");
      if (left <= 0) clearInterval(countdown);
    };
    clearInterval(countdown);
    countdown = setInterval(tick, 1000);
    tick();
  }

  async function send(event) {
    event.preventDefault();
    const form = present;
    if (form.button.disabled) return;
    const { problem, request } = form.answer();
    if (problem) {
      say(problem);
      form.focus();
      return;
    }
    form.button.disabled = true;
    form.button.textContent = t("signin.busy");
    try {
      goOn(await request());
    } catch (failure) {
      form.button.disabled = false;
      form.button.textContent = form.submit;
      if (failure.code === "challenge_over") show(password(), failure.message);
      else if (failure.status === 429) wait(failure.retryAfter ?? 30);
      else say(failure.code === "wrong_password" ? t("signin.wrong") : failure.message);
      present.focus();
    }
  }

  // outcome: what the server answers to each step.
  function goOn({ user, next, recovery_codes: codes }) {
    if (next) show(forms[next.step](next));
    else if (codes?.length) show(forms.recovery(codes, user));
    else app.signedIn(user);
  }

  function password() {
    const name = h("input", {
      id: "name", name: "username", autocomplete: "username", autocapitalize: "none", spellcheck: "false",
      required: true, maxlength: 128,
    });
    const [secret, shown] = secretField("password", "current-password");
    return {
      title: t("signin.title"),
      lead: t("signin.lead"),
      submit: t("signin.submit"),
      fields: [field("name", t("signin.name"), name), field("password", t("signin.password"), shown)],
      focus: () => {
        const first = name.value.trim() ? secret : name;
        first.select();
        first.focus();
      },
      answer: () => {
        if (!name.value.trim() || !secret.value) return { problem: t("signin.missing") };
        return { request: () => api.signIn(name.value.trim(), secret.value) };
      },
    };
  }

  const forms = stepForms(() => show(password()));

  async function showWays() {
    const providers = await api.providers().catch(() => []); // whoever has a password can do without
    const links = providers.map(({ id, title: name }) => h("a", {
      class: "button wide", href: `/api/v1/login/oidc/${encodeURIComponent(id)}`, onclick: keepWanted,
    }, t("signin.by", { name })));
    if (links.length) ways.replaceChildren(h("p", { class: "divider" }, h("span", {}, t("signin.or"))), ...links);
  }

  // Who comes back from a provider may have a step to go; it is in the address, which nobody needs to see.
  async function begin() {
    const [, challenge] = BEGUN_ELSEWHERE.exec(location.hash) ?? [];
    if (!challenge) return;
    history.replaceState(history.state, "", location.pathname);
    try {
      goOn(await api.showStep(challenge));
    } catch (failure) {
      say(failure.message);
    }
  }

  const element = h("main", { class: "signin" },
    h("div", { class: "corner" }, appearance()),
    h("section", { class: "panel signin-panel", "aria-labelledby": "signin-title" },
      h("div", { class: "brand" }, logo(), h("span", {}, t("product"))),
      title, lead, place, ways));
  show(password(), message);
  return {
    element,
    title: t("signin.title"),
    shown: () => {
      present.focus();
      showWays();
      begin();
    },
    leave: () => clearInterval(countdown),
  };
}
