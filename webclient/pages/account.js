// One's own account: colours and language, password, second factor, sign-ins elsewhere, tokens for programs.

import { alerts, turnAlerts } from "../alerts.js";
import { tokenText } from "../parts/tokens.js";
import { lines, pagePart } from "../parts/panel.js";
import { request } from "../api.js";
import { ask } from "../dialog.js";
import { announce, h } from "../dom.js";
import { form, secret } from "../parts/form.js";
import { at, button, chip, facts, Frame } from "../parts/frame.js";
import { moment } from "../parts/times.js";
import { chooseLanguage, chosenLanguage, LANGUAGES } from "../languages.js";
import { t } from "../strings.js";
import { choose, present, themes } from "../theme.js";

export function page(app) {
  const frame = new Frame(app, t("account.title"), t("account.lead"));
  frame.element.querySelector("main").classList.add("narrow");
  frame.body.append(h("p", { class: "plain", role: "status" }, t("app.loading")));

  async function refresh() {
    await frame.try(async () => {
      const [account, signIns, tokens] = await Promise.all(["account", "account/sign-ins", "tokens"].map((each) => request("GET", each)));
      const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key;
      frame.body.replaceChildren(
        whoPart(account), appearancePart(), alertsPart(), passwordPart(account), factorPart(account), signInsPart(signIns.sign_ins), tokensPart(tokens.tokens));
      if (focused) frame.body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }, "list");
  }

  const act = (key, label, run, attributes = {}) => button(label, run, { class: "button small", "data-key": key, ...attributes });
  const part = (...parts) => h("div", { class: "block surface" }, pagePart(...parts));

  // Does something and says so. words: of a question, where one is asked first.
  async function does(work, told, words = null) {
    if (words && !(await ask(words))) return;
    const isDone = await frame.try(async () => {
      await work();
      return true;
    });
    if (isDone) announce(told);
    await refresh();
  }

  function whoPart({ name, display_name: display, groups, method }) {
    return part(t("account.who"), facts([
      [t("users.name"), name], [t("users.display"), display], [t("users.groups"), groups.join(", ")], [t("account.method"), method],
    ]));
  }

  // Kept by this browser, for everybody who uses it: it has to be known before anybody has signed in.
  function appearancePart() {
    const chosen = (id, label, options, value, choose) => {
      const select = h("select", { id, "data-key": id, onchange: () => choose(select.value) },
        options.map(([each, text]) => h("option", { value: each, selected: each === value }, text)));
      return h("div", { class: "field" }, h("label", { for: id }, label), select);
    };
    const colours = themes.map((each) => [each, t(`theme.${each}`)]);
    const languages = [["", t("language.auto")], ...Object.entries(LANGUAGES)];
    return part(t("account.appearance"), h("div", { class: "stack" }, h("p", { class: "quiet" }, t("account.appearance.text")),
      h("div", { class: "fields" },
        chosen("colours", t("theme.label"), colours, present(), (theme) => {
          choose(theme);
          announce(t("saved"));
        }),
        chosen("language", t("language.label"), languages, chosenLanguage() ?? "", (code) => chooseLanguage(code || null)))));
  }

  function alertsPart() {
    const now = alerts();
    const turn = (isOn, told) => act("alerts", t(`account.alerts.turn-${isOn ? "on" : "off"}`), async () => {
      if ((await turnAlerts(isOn)) === (isOn ? "on" : "off")) announce(told);
      await refresh();
    });
    const chosen = now === "on" ? turn(false, t("account.alerts.off")) : now === "off" && turn(true, t("account.alerts.on"));
    return part(t("account.alerts"), h("div", { class: "stack" },
      h("p", {}, chip(t(`account.alerts.${now === "on" ? "on" : "off"}`), now === "on" ? "active" : "idle")),
      h("p", { class: "quiet" }, t(["denied", "missing"].includes(now) ? `account.alerts.${now}` : "account.alerts.text"))), chosen);
  }

  function passwordPart({ source }) {
    const isLocal = source === "local";
    const text = isLocal ? t("account.password.text") : t("account.password.elsewhere", { source });
    return part(t("account.password"), h("p", { class: "quiet" }, text), isLocal && act("password", t("account.password.change"), changePassword));
  }

  async function changePassword() {
    const password = { type: "password", required: true, maxlength: 1024 };
    const done = await form({
      title: t("account.password.change"), confirm: t("account.password.change"),
      fields: [
        { name: "username", label: t("users.name"), value: app.user.name, autocomplete: "username", hidden: true }, // for password safes
        { ...password, name: "old", label: t("account.password.old"), autocomplete: "current-password" },
        { ...password, name: "new", label: t("account.password.new"), autocomplete: "new-password" },
        { ...password, name: "again", label: t("account.password.again"), autocomplete: "new-password" },
      ],
      submit: async ({ again, old, new: wanted }) => {
        if (again !== wanted) throw new Error(t("account.password.differ"));
        await request("POST", "account/password", { old, new: wanted });
      },
    });
    if (!done) return;
    announce(t("account.password.changed"));
    await refresh();
  }

  function factorPart({ totp, totp_required: isRequired, recovery_codes: left, source }) {
    if (source !== "local" && !totp) {
      return part(t("users.totp"), h("p", { class: "quiet" }, t("account.totp.elsewhere", { source })));
    }
    const text = totp ? t("account.totp.left", { left }) : t(isRequired ? "account.totp.required" : "account.totp.text");
    const content = h("div", { class: "stack" }, h("p", {}, chip(t(totp ? "users.totp.on" : "users.totp.off"), totp ? "active" : "idle")), h("p", { class: "quiet" }, text));
    const acts = totp
      ? [act("codes", t("account.codes.renew"), renewCodes), !isRequired && act("remove", t("account.totp.remove"), removeFactor)]
      : [act("totp", t("account.totp.begin"), beginFactor)];
    return part(t("users.totp"), content, ...acts);
  }

  const code = () => ({ name: "code", label: t("account.code"), autocomplete: "one-time-code", inputmode: "numeric", maxlength: 32 });
  const showCodes = ({ recovery_codes: codes }) => secret({ title: t("account.codes"), text: t("account.codes.text"), values: codes });

  async function beginFactor() {
    const setup = await form({
      title: t("account.totp.begin"), text: t("account.totp.who"), confirm: t("account.totp.next"),
      fields: [
        { name: "username", label: t("users.name"), value: app.user.name, autocomplete: "username", hidden: true },
        { type: "password", required: true, maxlength: 1024, name: "password", label: t("account.password.old"), autocomplete: "current-password" },
      ],
      submit: (body) => request("POST", "account/totp", { password: body.password }),
    });
    if (!setup) return;
    const url = URL.createObjectURL(new Blob([setup.qr], { type: "image/svg+xml" }));
    const made = await form({
      title: t("account.totp.begin"), confirm: t("account.totp.confirm"),
      text: h("span", { class: "setup" }, t("account.totp.scan"), h("img", { class: "qr", src: url, alt: t("account.totp.qr") }),
        h("span", {}, t("account.totp.secret"), " ", h("code", {}, setup.secret))),
      fields: [{ ...code(), required: true }],
      submit: (body) => request("POST", "account/totp/confirm", { code: body.code.trim() }),
    });
    URL.revokeObjectURL(url);
    if (made) await showCodes(made);
    await refresh();
  }

  async function renewCodes() {
    const made = await form({
      title: t("account.codes.renew"), text: t("account.codes.renew.text"), confirm: t("account.codes.renew"), fields: [{ ...code(), required: true }],
      submit: (body) => request("POST", "account/totp/recovery", { code: body.code.trim() }),
    });
    if (made) await showCodes(made);
    await refresh();
  }

  async function removeFactor() {
    const done = await form({
      title: t("account.totp.remove"), text: t("account.totp.remove.text"), confirm: t("account.totp.remove"), danger: true,
      fields: [code(), { name: "recovery", label: t("account.recovery"), maxlength: 64 }],
      submit: (body) => request("POST", "account/totp/remove", { code: body.code.trim(), recovery: body.recovery.trim() }),
    });
    if (done) announce(t("account.totp.removed"));
    await refresh();
  }

  function tokensPart(tokens) {
    const rows = tokens.map((token) => [tokenText(token), act(`token-${token.id}`, t("tokens.revoke"),
      () => does(() => request("DELETE", at`tokens/${token.id}`), t("tokens.revoked"),
        { title: t("tokens.revoke.ask", token), text: t("tokens.revoke.text"), confirm: t("tokens.revoke") }),
      { "aria-label": t("tokens.revoke.of", token) })]);
    return part(t("tokens.title"), lines(rows, t("tokens.none")), act("token", t("tokens.new"), newToken));
  }

  async function newToken() {
    const roles = [...new Set((app.user.roles ?? []).map(({ role }) => role))];
    const some = roles.length ? [{ name: "roles", type: "checks", label: t("tokens.which"), value: roles, options: roles.map((each) => [each, t(`role.${each}`)]) }] : [];
    const made = await form({
      title: t("tokens.new"), text: t("tokens.text"), confirm: t("tokens.make"),
      fields: [
        { name: "name", label: t("tokens.name"), hint: t("tokens.name.hint"), required: true, maxlength: 64 },
        { name: "days", type: "number", label: t("tokens.days"), hint: t("tokens.days.hint"), value: 90, min: 1, max: 3650 },
        { name: "read_only", type: "checkbox", label: t("tokens.readonly.only") },
        ...some,
      ],
      submit: ({ roles: chosen = [], ...body }) => request("POST", "tokens", { ...body, roles: chosen.length === roles.length ? null : chosen }),
    });
    if (made) await secret({ title: t("tokens.secret", made), text: t("tokens.secret.text"), values: [made.secret] });
    await refresh();
  }

  function signInsPart(rows) {
    const shown = rows.map(({ id, method, address, used, current }) => [
      [t("users.signin", { method, address, when: moment(used) }), current ? [" ", chip(t("account.here"), "active")] : []].flat(),
      current ? null : act(`end-${id}`, t("account.end"), () => does(() => request("DELETE", at`account/sign-ins/${id}`), t("account.ended")),
        { "aria-label": t("account.end.of", { address, when: moment(used) }) }),
    ]);
    const others = rows.some(({ current }) => !current) && act("others", t("account.end.others"), () => does(
      () => request("DELETE", "account/sign-ins"), t("account.ended"),
      { title: t("account.end.ask"), text: t("account.end.text"), confirm: t("account.end.others") }));
    return part(t("users.signins"), lines(shown, t("users.signins.none")), others);
  }

  return frame.page(refresh);
}
