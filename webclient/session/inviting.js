// In the panel of people: making a link that lets others look on, and the links there are.

import { h, icon } from "../dom.js";
import * as invitations from "../invitations.js";
import { lines, section } from "../parts/panel.js";
import { moment } from "../parts/times.js";
import { t } from "../strings.js";

const TIMES = [60, 8 * 60, 24 * 60, 7 * 24 * 60]; // minutes

export class InvitationForm {
  #session;
  #allowed = null;
  #listed = [];
  #made = null; // the link made last
  #form;
  #answer = h("div", { class: "invite-made", role: "status" });
  #list = h("div");
  element = h("div", { class: "invite" });

  constructor(session) {
    this.#session = session;
    this.#form = this.#makeForm();
  }

  // Asks the gateway what there is.
  async refresh() {
    try {
      const { allowed, invitations: listed } = await invitations.list(this.#session);
      this.#allowed = allowed;
      this.#listed = listed;
    } catch (error) {
      this.#say(error.message);
    }
    this.#draw();
  }

  #draw() {
    if (this.#allowed === null) return;
    const isOff = this.#allowed === "off";
    this.#form.querySelector("[name=who]").closest(".field").hidden = this.#allowed !== "anybody";
    const making = isOff ? h("p", { class: "quiet" }, t("invite.off")) : this.#form;
    this.#list.replaceChildren(...(this.#listed.length ? [section(t("invite.list"), lines(this.#rows(), ""))] : []));
    if (!this.element.contains(making)) this.element.replaceChildren(section(t("invite.title"), making), this.#answer, this.#list);
  }

  #rows() {
    return this.#listed.map((each) => {
      const may = t(each.control ? "invite.control" : "invite.watch");
      const who = t(each.anybody ? "invite.anybody" : "invite.signedin");
      const used = t("invite.used", { count: each.guests.length, uses: each.uses });
      const until = t("invite.until", { time: moment(each.expires) });
      const words = [h("b", {}, `${may} · ${who}`), h("small", { class: "quiet" }, [used, until].join(" · ")),
        each.guests.length ? h("small", { class: "quiet" }, each.guests.join(", ")) : null];
      const revoke = h("button", {
        type: "button", class: "button small", "data-key": `revoke-${each.id}`,
        "aria-label": t("invite.revoke.label", { what: `${may}, ${who}, ${until}` }), onclick: () => this.#revoke(each.id),
      }, t("invite.revoke"));
      return [h("span", { class: "person-words" }, words.filter(Boolean)), revoke];
    });
  }

  #makeForm() {
    const choice = (name, label, options) => {
      const id = `invite-${name}`;
      const items = options.map(([value, text]) => h("option", { value }, text));
      return h("div", { class: "field" }, h("label", { for: id }, label), h("select", { id, name }, items));
    };
    const uses = h("input", { id: "invite-uses", name: "uses", type: "number", min: 1, max: 100, value: 1, required: true, inputmode: "numeric" });
    const ask = h("input", { type: "checkbox", name: "ask", checked: true });
    return h("form", {
      class: "invite-form",
      onsubmit: (event) => {
        event.preventDefault();
        this.#make(new FormData(this.#form));
      },
    },
    choice("may", t("invite.may"), [["watch", t("invite.watch")], ["control", t("invite.control")]]),
    choice("who", t("invite.who"), [["signed-in", t("invite.signedin")], ["anybody", t("invite.anybody")]]),
    choice("minutes", t("invite.expires"), TIMES.map((minutes) => [String(minutes), t(`invite.minutes.${minutes}`)])),
    h("div", { class: "field" }, h("label", { for: "invite-uses" }, t("invite.uses")), uses),
    h("label", { class: "check" }, ask, t("invite.ask")),
    h("button", { type: "submit", class: "button primary wide" }, t("invite.make")));
  }

  async #make(values) {
    const wanted = {
      control: values.get("may") === "control", anybody: this.#allowed === "anybody" && values.get("who") === "anybody",
      ask: values.get("ask") !== null, minutes: Number(values.get("minutes")), uses: Number(values.get("uses")),
    };
    try {
      const { path } = await invitations.make(this.#session, wanted);
      this.#made = `${location.origin}${path}`;
      this.#show(this.#made);
    } catch (error) {
      this.#say(error.message);
    }
    await this.refresh();
  }

  async #revoke(id) {
    try {
      await invitations.revoke(id);
      this.#say(t("invite.revoked"));
    } catch (error) {
      this.#say(error.message);
    }
    await this.refresh();
  }

  #say(text) {
    this.#answer.replaceChildren(h("p", { class: "quiet" }, text));
  }

  #show(link) {
    const field = h("input", { id: "invite-link", readonly: true, value: link, onfocus: ({ target }) => target.select() });
    const copy = h("button", { type: "button", class: "button", onclick: () => this.#copy(field, copy) }, icon("copy"), t("invite.copy"));
    this.#answer.replaceChildren(
      h("div", { class: "field" }, h("label", { for: "invite-link" }, t("invite.link")), h("div", { class: "invite-link" }, field, copy)),
      h("p", { class: "quiet" }, t("invite.once")));
    field.focus();
  }

  async #copy(field, button) {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.replaceChildren(icon("check"), t("invite.copied"));
    } catch {
      this.#answer.append(h("p", { class: "quiet" }, t("invite.copy.failed")));
    }
  }
}
