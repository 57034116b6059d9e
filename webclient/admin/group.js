// One group in full: who is in it, and its roles.

import { request } from "../api.js";
import { ask } from "../dialog.js";
import { announce, h } from "../dom.js";
import { form } from "../parts/form.js";
import { at, button, facts } from "../parts/frame.js";
import { moment } from "../parts/times.js";
import { t } from "../strings.js";
import { lines, section, SidePanel } from "../parts/panel.js";
import { rolesOf } from "./roles.js";

export class GroupPanel extends SidePanel {
  #context;

  constructor(context) {
    super(t("groups.details"), context.closed);
    this.#context = context;
  }

  open(name) {
    super.open(name);
    this.update();
  }

  update() {
    const { known, maySet } = this.#context;
    const group = known.groups.find(({ name }) => name === this.name);
    if (!this.name || !group) return;
    const members = known.users.filter(({ groups }) => groups.includes(group.name));
    const rows = members.map(({ name, display_name: display }) => [
      display ? t("users.both", { name, display }) : name,
      maySet && button(t("groups.remove"), () => this.#member("DELETE", name), {
        class: "button small", "data-key": `member-${name}`, "aria-label": t("groups.remove.of", { name }),
      }),
    ]);
    const add = maySet && button(t("groups.add"), () => this.#add(members), { class: "button small", "data-key": "add" });
    this.show([
      maySet ? h("div", { class: "details-acts" },
        button(t("groups.do.edit"), () => this.#edit(group), { class: "button small", "data-key": "edit" }),
        button(t("groups.do.delete"), () => this.#delete(), { class: "button small is-danger", "data-key": "delete" })) : null,
      facts([[t("groups.description"), group.description], [t("users.created"), moment(group.created)]]),
      section(t("groups.members"), lines(rows, t("groups.nobody")), add),
      rolesOf(this.#context, { group: group.name }),
    ].filter(Boolean));
  }

  async #edit(group) {
    const done = await form({
      title: t("groups.edit", group), confirm: t("save"),
      fields: [{ name: "description", label: t("groups.description"), value: group.description, maxlength: 256 }],
      submit: (values) => request("PATCH", at`groups/${group.name}`, values),
    });
    if (done) await this.#done(t("saved"));
  }

  async #add(members) {
    const inside = new Set(members.map(({ name }) => name));
    const others = this.#context.known.users.filter(({ name }) => !inside.has(name));
    const done = await form({
      title: t("groups.add.title", { name: this.name }), confirm: t("groups.add"),
      fields: [{ name: "user", type: "select", label: t("groups.who"), options: others.map(({ name }) => [name, name]) }],
      submit: ({ user }) => request("PUT", at`groups/${this.name}/members/${user}`, {}),
    });
    if (done) await this.#done(t("saved"));
  }

  async #member(method, name) {
    await this.#context.frame.try(() => request(method, at`groups/${this.name}/members/${name}`));
    await this.#done(t("groups.removed", { name }));
  }

  async #delete() {
    const values = { name: this.name };
    if (!(await ask({ title: t("groups.delete.ask", values), text: t("groups.delete.text"), confirm: t("groups.do.delete") }))) return;
    const isDone = await this.#context.frame.try(async () => {
      await request("DELETE", at`groups/${values.name}`);
      return true;
    });
    if (!isDone) return;
    this.close();
    this.#context.closed();
    await this.#done(t("groups.deleted", values));
  }

  async #done(text) {
    announce(text);
    await this.#context.refresh();
  }
}
