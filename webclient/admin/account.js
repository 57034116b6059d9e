// One account in full, and what administrators do to it.

import { request } from "../api.js";
import { ask } from "../dialog.js";
import { announce } from "../dom.js";
import { form, secret } from "../parts/form.js";
import { at, button, facts } from "../parts/frame.js";
import { moment } from "../parts/times.js";
import { may } from "../rights.js";
import { t } from "../strings.js";
import { lines, section, SidePanel } from "../parts/panel.js";
import { tokenText } from "../parts/tokens.js";
import { rolesOf } from "./roles.js";
import { putInto, sourceText, stateChip } from "./users.js";

export class AccountPanel extends SidePanel {
  #context;
  #signIns = [];
  #tokens = null; // null: not for who asks

  constructor(context) {
    super(t("users.details"), context.closed);
    this.#context = context;
  }

  open(name) {
    super.open(name);
    this.#signIns = [];
    this.#tokens = null;
    this.update();
    this.#ask();
  }

  get #user() {
    return this.#context.known.users.find(({ name }) => name === this.name);
  }

  async #ask() {
    const name = this.name;
    const { frame } = this.#context;
    const maySeeTokens = may(frame.app.user, "see-tokens") || name === frame.app.user.name;
    await frame.try(async () => {
      const [signIns, tokens] = await Promise.all([
        request("GET", at`users/${name}/sign-ins`),
        maySeeTokens ? request("GET", at`tokens?user=${name}`) : null,
      ]);
      if (name !== this.name) return;
      this.#signIns = signIns.sign_ins;
      this.#tokens = tokens?.tokens ?? null;
      this.update();
    }, "list");
  }

  update() {
    const user = this.#user;
    if (!this.name || !user) return;
    const { maySet } = this.#context;
    this.heading.textContent = user.display_name ? t("users.both", { name: user.name, display: user.display_name }) : user.name;
    this.show([
      maySet ? this.#actions(user) : null,
      facts([
        [t("users.state"), stateChip(user)],
        [t("users.groups"), user.groups.join(", ") || t("users.nogroups")],
        [t("users.source"), sourceText(user.source)], [t("users.key"), user.source_key],
        [t("users.totp"), t(user.totp ? "users.totp.on" : "users.totp.off")],
        [t("users.created"), moment(user.created)],
      ]),
      rolesOf(this.#context, { user: user.name }),
      this.#signInsPart(user, maySet),
      this.#tokens && this.#tokensPart(),
    ].filter(Boolean));
  }

  #actions(user) {
    const act = (key, run, attributes = {}) => button(t(`users.do.${key}`), run, { class: "button small", "data-key": key, ...attributes });
    return [
      act("edit", () => this.#edit(user)),
      user.source === "local" && act("password", () => this.#password(user)),
      user.totp && act("totp", () => this.#asked("totp", () => request("DELETE", at`users/${user.name}/totp`))),
      act("delete", () => this.#delete(user), { class: "button small is-danger" }),
    ].filter(Boolean).reduce((bar, each) => {
      bar.append(each);
      return bar;
    }, Object.assign(document.createElement("div"), { className: "details-acts" }));
  }

  #signInsPart(user, maySet) {
    const rows = this.#signIns.map(({ method, address, used }) => [t("users.signin", { method, address, when: moment(used) }), null]);
    const end = maySet && rows.length > 0 && button(t("users.do.signout"), () => this.#asked("signout", async () => {
      await request("DELETE", at`users/${user.name}/sign-ins`);
      await this.#ask();
    }), { class: "button small", "data-key": "signout" });
    return section(t("users.signins"), lines(rows, t("users.signins.none")), end);
  }

  #tokensPart() {
    const maySet = may(this.#context.frame.app.user, "set-tokens") || this.name === this.#context.frame.app.user.name;
    const rows = this.#tokens.map((token) => [tokenText(token), maySet && button(t("tokens.revoke"), () => this.#revoke(token), {
      class: "button small", "data-key": `token-${token.id}`, "aria-label": t("tokens.revoke.of", token),
    })]);
    return section(t("tokens.title"), lines(rows, t("tokens.none")));
  }

  async #edit(user) {
    const done = await form({
      title: t("users.edit", user), confirm: t("save"),
      fields: [
        { name: "display_name", label: t("users.display"), value: user.display_name, maxlength: 128 },
        {
          name: "groups", type: "checks", label: t("users.groups"), value: user.groups,
          options: this.#context.known.groups.map(({ name }) => [name, name]),
        },
        { name: "enabled", type: "checkbox", label: t("users.enable"), hint: t("users.enable.hint"), value: user.enabled },
        { name: "must_change", type: "checkbox", label: t("users.mustchange"), value: user.must_change },
      ],
      submit: async ({ groups, ...values }) => {
        const change = Object.fromEntries(Object.entries(values).filter(([key, value]) => value !== user[key]));
        if (Object.keys(change).length) await request("PATCH", at`users/${user.name}`, change);
        await putInto(user.name, user.groups, groups);
      },
    });
    if (done) await this.#done(t("saved"));
  }

  async #password(user) {
    const set = await form({
      title: t("users.password.of", user), text: t("users.password.text"), confirm: t("users.do.password.random"),
      fields: [{ name: "must_change", type: "checkbox", label: t("users.mustchange"), value: true }],
      submit: (values) => request("POST", at`users/${user.name}/password`, { ...values, password: null }),
    });
    if (!set) return;
    await secret({ title: t("users.password.of", user), text: t("users.password.once", user), values: [set.password] });
    await this.#done(t("saved"));
    await this.#ask();
  }

  async #delete(user) {
    const name = user.name;
    if (await this.#asked("delete", () => request("DELETE", at`users/${name}`))) {
      this.close();
      this.#context.closed();
    }
  }

  async #revoke(token) {
    const words = { title: t("tokens.revoke.ask", token), text: t("tokens.revoke.text"), confirm: t("tokens.revoke") };
    if (!(await ask(words))) return;
    await this.#context.frame.try(() => request("DELETE", at`tokens/${token.id}`));
    announce(t("tokens.revoked"));
    await this.#ask();
  }

  // Asks before something that cannot be taken back. → whether it was done.
  async #asked(key, work) {
    const values = { name: this.name };
    const words = { title: t(`users.${key}.ask`, values), text: t(`users.${key}.text`, values), confirm: t(`users.do.${key}`) };
    if (!(await ask(words))) return false;
    const isDone = (await this.#context.frame.try(async () => {
      await work();
      return true;
    })) === true;
    if (isDone) await this.#done(t(`users.${key}.done`, values));
    return isDone;
  }

  async #done(text) {
    announce(text);
    await this.#context.refresh();
  }
}
