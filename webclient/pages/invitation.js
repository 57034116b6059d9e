// An invitation: what it is for, who comes, and then the session itself. The link's secret never leaves by an address.

import { h, icon, logo } from "../dom.js";
import * as invitations from "../invitations.js";
import { moment } from "../parts/times.js";
import { spoken } from "../session/reasons.js";
import { t } from "../strings.js";
import { keepTicket } from "../tickets.js";
import { sessionPage } from "./session.js";
import { signInPage } from "./signin.js";

export function page(app) {
  return new InvitationPage(app);
}

class InvitationPage {
  #app;
  #invitation = invitations.taken();
  #inside = null; // the session's page, or that of signing in
  #gone = false;
  title = t("invitation.title");
  element = h("div", { class: "invitation" });

  constructor(app) {
    this.#app = app;
  }

  shown() {
    this.#look();
  }

  leave = () => {
    this.#gone = true;
    this.#inside?.leave?.();
  };

  async #look() {
    if (!this.#invitation) {
      this.#over(t("invitation.none"));
      return;
    }
    this.#put(t("invitation.title"), h("p", { class: "quiet", role: "status" }, t("app.loading")));
    try {
      const about = await invitations.look(this.#invitation.secret);
      if (!this.#gone) this.#offer(about);
    } catch (error) {
      if (!this.#gone) this.#failed(error);
    }
  }

  // about: what look() has answered.
  #offer(about) {
    const { by, title, control, ask, expires, needs } = about;
    const words = [
      h("p", {}, t(control ? "invitation.control" : "invitation.watch", { who: by, title })),
      ask ? h("p", { class: "quiet" }, t("invitation.asked", { who: by })) : null,
      h("p", { class: "quiet" }, t("invitation.until", { time: moment(expires) })),
    ];
    if (needs === "sign-in") {
      const button = h("button", { type: "button", class: "button primary wide", onclick: () => this.#signIn() }, t("signin.submit"));
      this.#put(t("invitation.from", { who: by }), words, h("p", {}, t("invitation.signin")), button);
      button.focus();
      return;
    }
    const isGuest = needs === "name";
    const field = h("input", {
      id: "invitation-name", name: "name", required: true, maxlength: 40, autocomplete: "name", value: this.#invitation.name,
      "aria-describedby": "invitation-hint",
    });
    const problem = h("div", { class: "form-error", role: "alert" });
    const form = h("form", {
      class: "signin-form",
      onsubmit: (event) => {
        event.preventDefault();
        this.#enter(isGuest ? field.value.trim() : "", problem);
      },
    },
    isGuest ? h("div", { class: "field" }, h("label", { for: "invitation-name" }, t("invitation.name")), field,
      h("small", { class: "quiet", id: "invitation-hint" }, t("invitation.name.hint"))) : null,
    isGuest ? null : h("p", { class: "quiet" }, t("invitation.as", { who: this.#app.user?.name ?? "" })),
    problem,
    h("button", { type: "submit", class: "button primary wide" }, t("invitation.enter")));
    this.#put(t("invitation.from", { who: by }), words, form);
    (isGuest ? field : form.querySelector("button")).focus();
  }

  async #enter(name, problem) {
    this.#invitation.name = name;
    try {
      const given = await invitations.trade(this.#invitation);
      if (this.#gone) return;
      this.again(given.again);
      this.#show(given);
    } catch (error) {
      if (error.code === "name_needed") problem.replaceChildren(icon("alert"), t("invitation.name.bad"));
      else if (error.status) this.#failed(error);
      else problem.replaceChildren(icon("alert"), error.message);
    }
  }

  // again: what the next trade brings, so that it counts for nobody else.
  again(again) {
    this.#invitation.again = again;
    invitations.keep(this.#invitation);
  }

  #show({ session, title, ticket, by, control }) {
    keepTicket(session, ticket);
    const invitation = { ...this.#invitation, by, title, keep: (again) => this.again(again) };
    this.#into(sessionPage(this.#app, session, control ? "control" : "view", invitation));
  }

  #signIn() {
    this.#into(signInPage(this.#app, t("invitation.signin")));
  }

  #into(made) {
    this.#inside = made;
    document.title = `${made.title} · ${t("product")}`;
    this.element.replaceChildren(made.element);
    made.shown?.();
  }

  #failed(error) {
    if (error.code === "sign_in_needed" || error.status === 401) this.#signIn();
    else if (error.status) this.#over(t("invitation.over.text"), spoken(error.message));
    else this.#over(error.message, "", { label: t("notice.retry"), action: () => this.#look() });
  }

  #over(text, detail = "", { label, action } = { label: t("invitation.home"), action: () => this.#app.go("/") }) {
    const button = h("button", { type: "button", class: "button wide", onclick: action }, label);
    this.#put(t("invitation.over"), h("p", {}, text), detail ? h("p", { class: "quiet" }, detail) : null, button);
    button.focus();
  }

  #put(heading, ...content) {
    this.element.replaceChildren(h("main", { class: "signin" },
      h("section", { class: "panel signin-panel invitation-panel" },
        h("div", { class: "brand" }, logo(), t("product")),
        h("h1", {}, heading),
        content.flat())));
  }
}
