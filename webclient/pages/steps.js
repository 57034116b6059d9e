// What signing in may ask for after the password: a code, setting a second factor up, a new password.

import * as api from "../api.js";
import { h, iconButton, setIcon } from "../dom.js";
import { t } from "../strings.js";

const SHORTEST_CODE = 6;

export function field(id, label, ...inputs) {
  return h("div", { class: "field" }, h("label", { for: id }, label), ...inputs);
}

// → [the input, the input with a button that shows what is typed]
export function secretField(id, autocomplete) {
  const input = h("input", { id, name: id, type: "password", autocomplete, required: true, maxlength: 1024 });
  const reveal = iconButton("eye", t("signin.show"), () => {
    const isShown = input.type === "text";
    input.type = isShown ? "password" : "text";
    const label = t(isShown ? "signin.show" : "signin.hide");
    reveal.setAttribute("aria-pressed", String(!isShown));
    reveal.setAttribute("aria-label", label);
    reveal.title = label;
    setIcon(reveal, isShown ? "eye" : "eye-off");
    input.focus();
  }, { "aria-pressed": "false", class: "icon-button reveal" });
  return [input, h("div", { class: "with-button" }, input, reveal)];
}

function codeInput() {
  return h("input", {
    id: "code", name: "code", autocomplete: "one-time-code", inputmode: "numeric", pattern: "[0-9 ]*",
    maxlength: 16, required: true, class: "code", spellcheck: "false",
  });
}

function focusing(input) {
  return () => {
    input.select();
    input.focus();
  };
}

// The forms by step (signin.js has what a form is). again: begins anew with the password.
export function stepForms(again) {
  const back = () => h("button", { type: "button", class: "link", onclick: again }, t("signin.back"));

  function code({ challenge }) {
    const digits = codeInput();
    const recovery = h("input", {
      id: "recovery", name: "recovery", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: 64,
    });
    const fields = [field("code", t("second.code"), digits), field("recovery", t("second.recovery"), recovery)];
    let isRecovery = false;
    const other = h("button", { type: "button", class: "link", onclick: () => change(!isRecovery) });
    function change(to) {
      isRecovery = to;
      fields.forEach((each, number) => { each.hidden = Boolean(number) !== to; });
      other.textContent = t(to ? "second.use.code" : "second.use.recovery");
      focus();
    }
    const focus = () => focusing(isRecovery ? recovery : digits)();
    change(false);
    return {
      isStep: true,
      title: t("second.title"),
      lead: t("second.lead"),
      submit: t("signin.go"),
      fields,
      focus,
      other: h("div", { class: "links" }, other, back()),
      answer: () => {
        const text = (isRecovery ? recovery : digits).value.trim();
        if (text.length < SHORTEST_CODE) return { problem: t(isRecovery ? "second.recovery.missing" : "second.missing") };
        return { request: () => api.answerStep(challenge, isRecovery ? { recovery: text } : { code: text }) };
      },
    };
  }

  function enrol({ challenge, secret, qr }) {
    const digits = codeInput();
    const grouped = secret.match(/.{1,4}/g)?.join(" ") ?? "";
    const picture = h("img", {
      class: "qr", alt: t("enrol.picture"), src: `data:image/svg+xml,${encodeURIComponent(qr)}`, width: 200, height: 200,
    });
    return {
      isStep: true,
      title: t("enrol.title"),
      lead: t("enrol.lead"),
      submit: t("signin.go"),
      fields: [
        picture,
        h("details", { class: "secret" }, h("summary", {}, t("enrol.by-hand")), h("code", {}, grouped)),
        field("code", t("enrol.code"), digits),
      ],
      focus: focusing(digits),
      other: h("div", { class: "links" }, back()),
      answer: () => {
        if (digits.value.trim().length < SHORTEST_CODE) return { problem: t("second.missing") };
        return { request: () => api.answerStep(challenge, { code: digits.value.trim() }) };
      },
    };
  }

  function password({ challenge }) {
    const [first, firstShown] = secretField("new-password", "new-password");
    const [second, secondShown] = secretField("new-password-again", "new-password");
    return {
      isStep: true,
      title: t("renew.title"),
      lead: t("renew.lead"),
      submit: t("renew.submit"),
      fields: [
        field("new-password", t("renew.password"), firstShown),
        field("new-password-again", t("renew.again"), secondShown),
      ],
      focus: focusing(first),
      other: h("div", { class: "links" }, back()),
      answer: () => {
        if (!first.value) return { problem: t("renew.missing") };
        if (first.value !== second.value) return { problem: t("renew.differ") };
        return { request: () => api.answerStep(challenge, { password: first.value }) };
      },
    };
  }

  // Once, at the end: codes for the day on which the device is lost. user: who has signed in.
  function recovery(codes, user) {
    const list = h("ul", { class: "codes", tabindex: "0", "aria-label": t("codes.title") },
      ...codes.map((each) => h("li", {}, h("code", {}, each))));
    return {
      isStep: true,
      title: t("codes.title"),
      lead: t("codes.lead"),
      submit: t("codes.done"),
      fields: [list],
      focus: () => list.focus(),
      other: h("div", { class: "links" },
        h("button", { type: "button", class: "link", onclick: () => navigator.clipboard.writeText(codes.join("\n")) },
          t("codes.copy")),
        h("button", { type: "button", class: "link", onclick: () => print() }, t("codes.print"))),
      answer: () => ({ request: async () => ({ user }) }),
    };
  }

  return { code, enrol, password, recovery };
}
