// What the pages for administrators and the account's page have in common: the top, a heading, what went wrong,
// and requests that a sign-in's end does not surprise.

import { t } from "../strings.js";
import { h, icon } from "../dom.js";
import { header } from "../header.js";
import "../admin/strings.js";

// An address of the API, its values made safe: at`users/${name}/password`.
export function at(parts, ...values) {
  return parts.reduce((whole, part, index) => whole + encodeURIComponent(values[index - 1]) + part);
}

export class Frame {
  #problem = h("p", { class: "banner", role: "alert", hidden: true });
  #left = [];
  #wrong = { action: "", line: "", list: "" };
  isLeft = false;

  // title: the page's; actions: nodes beside it.
  constructor(app, title, lead, actions = []) {
    this.app = app;
    this.title = title;
    this.body = h("div", { class: "admin-body" });
    this.element = h("div", { class: "page" },
      header(app, (text) => this.complain(text)),
      h("main", { class: "admin" },
        h("div", { class: "admin-heading" },
          h("div", {}, h("h1", { tabindex: -1 }, title), lead ? h("p", { class: "quiet" }, lead) : null),
          h("div", { class: "admin-actions" }, actions)),
        this.#problem,
        this.body));
  }

  // As the router wants it. start(): called once it is shown.
  page(start) {
    return {
      element: this.element,
      title: this.title,
      shown: () => {
        this.element.querySelector("h1").focus();
        start();
      },
      leave: () => {
        this.isLeft = true;
        for (const end of this.#left.splice(0)) end();
      },
    };
  }

  // What is to be done when somebody goes to another page.
  onLeave(end) {
    if (this.isLeft) end();
    else this.#left.push(end);
  }

  // What went wrong with what somebody did stays until they do something else; what is wrong with a list
  // (about "list", "line"), until it comes. "": nothing.
  complain(text, about = "action") {
    if (this.#wrong[about] === text) return;
    this.#wrong[about] = text;
    const said = this.#wrong.action || this.#wrong.line || this.#wrong.list;
    this.#problem.hidden = !said;
    this.#problem.replaceChildren(...(said ? [icon("alert"), h("span", {}, said)] : []));
  }

  // Does something that asks the server. → what it returns; undefined after a complaint.
  async try(work, about = "action") {
    try {
      if (about === "action") this.complain("");
      const result = await work();
      this.complain("", about);
      return result;
    } catch (error) {
      if (this.isLeft) return undefined;
      if (error.status === 401) this.app.signedOut(t("signin.again"));
      else this.complain(error.message, about);
      return undefined;
    }
  }

  // Does something now and so often, as long as somebody looks at the page.
  every(milliseconds, work) {
    let timer = null;
    const go = async () => {
      clearTimeout(timer);
      if (this.isLeft) return;
      if (!document.hidden) await work();
      if (!this.isLeft) timer = setTimeout(go, milliseconds);
    };
    const look = () => document.hidden || go();
    document.addEventListener("visibilitychange", look);
    this.onLeave(() => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    });
    return go;
  }
}

export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "button", onclick, ...attributes }, label);
}

// A list of what things are called and what they are; pairs of label and nodes, those without are left out.
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return h("dl", { class: "facts" }, shown.map(([label, value]) => [h("dt", {}, label), h("dd", {}, value)]).flat());
}

export function blank(title, hint, picture = "empty") {
  return h("div", { class: "blank" },
    h("span", { class: "blank-icon" }, icon(picture)), h("h2", {}, title), hint ? h("p", {}, hint) : null);
}

export function chip(text, kind = "") {
  return h("span", { class: `chip ${kind}` }, h("span", { class: "dot" }), text);
}
