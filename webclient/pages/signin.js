// Sign-in: name, password, and what went wrong.

import * as api from "../api.js";
import { h, icon, iconButton, logo, setIcon } from "../dom.js";
import { menuButton } from "../menu.js";
import { t } from "../strings.js";
import { themeIcon, themeItems } from "../theme.js";

export function signInPage(app, message) {
  const name = h("input", {
    id: "name", name: "username", autocomplete: "username", autocapitalize: "none", spellcheck: "false",
    required: true, maxlength: 128,
  });
  const password = h("input", {
    id: "password", name: "password", type: "password", autocomplete: "current-password", required: true,
    maxlength: 1024,
  });
  const reveal = iconButton("eye", t("signin.show"), () => toggle(password, reveal), {
    "aria-pressed": "false", class: "icon-button reveal",
  });
  const error = h("p", { class: "form-error", role: "alert", id: "signin-error" });
  const submit = h("button", { class: "button primary wide", type: "submit" }, t("signin.submit"));
  const form = h("form", { class: "signin-form", novalidate: true, onsubmit: (event) => send(event) },
    field("name", t("signin.name"), name),
    field("password", t("signin.password"), h("div", { class: "with-button" }, password, reveal)),
    error,
    submit);
  let countdown = null;

  function say(text) {
    error.replaceChildren(...(text ? [icon("alert"), text] : []));
    for (const input of [name, password]) input.toggleAttribute("aria-invalid", Boolean(text));
  }

  function wait(seconds) {
    const until = Date.now() + 1000 * seconds;
    const tick = () => {
      const left = Math.ceil((until - Date.now()) / 1000);
      submit.disabled = left > 0;
      say(left > 0 ? t("signin.throttled", { seconds: left }) : "");
      if (left <= 0) clearInterval(countdown);
    };
    clearInterval(countdown);
    countdown = setInterval(tick, 1000);
    tick();
  }

  async function send(event) {
    event.preventDefault();
    if (submit.disabled) return;
    if (!name.value.trim() || !password.value) {
      say(t("signin.missing"));
      (name.value.trim() ? password : name).focus();
      return;
    }
    submit.disabled = true;
    submit.textContent = t("signin.busy");
    try {
      app.signedIn(await api.signIn(name.value.trim(), password.value));
    } catch (failure) {
      submit.disabled = false;
      if (failure.status === 429) wait(failure.retryAfter ?? 30);
      else say(failure.status === 401 ? t("signin.wrong") : failure.message);
      password.select();
      password.focus();
    }
    submit.textContent = t("signin.submit");
  }

  if (message) say(message);
  const themeButton = iconButton(themeIcon(), t("theme.label"));
  const theme = menuButton(themeButton, () => themeItems(() => setIcon(themeButton, themeIcon())), t("theme.label"));
  const element = h("main", { class: "signin" },
    h("div", { class: "corner" }, theme),
    h("section", { class: "panel signin-panel", "aria-labelledby": "signin-title" },
      h("div", { class: "brand" }, logo(), h("span", {}, t("product"))),
      h("h1", { id: "signin-title" }, t("signin.title")),
      h("p", { class: "quiet" }, t("signin.lead")),
      form));
  return {
    element,
    title: t("signin.title"),
    shown: () => name.focus(),
    leave: () => clearInterval(countdown),
  };
}

function field(id, label, input) {
  return h("div", { class: "field" }, h("label", { for: id }, label), input);
}

function toggle(password, button) {
  const isShown = password.type === "text";
  password.type = isShown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!isShown));
  button.setAttribute("aria-label", t(isShown ? "signin.show" : "signin.hide"));
  button.title = t(isShown ? "signin.show" : "signin.hide");
  setIcon(button, isShown ? "eye" : "eye-off");
  password.focus();
}
