// The clipboard's panel: what either side holds, by hand what the browser does not do by itself, and why something
// does not pass. Whatever comes from a desktop is shown as text.

import { h } from "../dom.js";
import { section, SidePanel } from "../parts/panel.js";
import { spoken } from "../session/reasons.js";
import { bytes, t } from "../strings.js";

const SHOWN = 2000; // characters

// actions: {take(), give(content), read() → a promise of a content}; closed().
export class ClipboardPanel extends SidePanel {
  #actions;
  #address = null; // of the picture that is shown
  #picture = null;
  #field;
  #failed = "";

  constructor(actions, closed) {
    super(t("clipboard.title"), closed);
    this.element.classList.add("clipboard");
    this.#actions = actions;
    this.#field = h("textarea", {
      rows: 3, "aria-label": t("clipboard.field"), placeholder: t("clipboard.field.hint"), spellcheck: "false",
      "data-key": "field",
    });
  }

  // state: of Clipboard.
  update(state) {
    if (this.element.hidden) return;
    this.show([
      section(t("clipboard.out"), h("div", { class: "clipboard-side" }, this.#out(state))),
      section(t("clipboard.in"), h("div", { class: "clipboard-side" }, this.#in(state))),
      h("p", { class: "clipboard-error", role: "status" }, this.#failed || spoken(state.error)),
    ]);
  }

  close() {
    this.#drop();
    super.close();
  }

  #out({ may, answers, copy }) {
    if (!may.out) return sentence("clipboard.out.forbidden");
    if (!answers) return sentence("clipboard.silent");
    if (!copy) return sentence("clipboard.out.nothing");
    const said = { size: bytes(copy.size) };
    const isOpen = copy.status === "large" || copy.status === "waiting" || copy.status === "done";
    return [
      sentence(`clipboard.out.${copy.status}`, said),
      ...this.#preview(copy.contents),
      isOpen && this.#button("take", t("clipboard.take"), () => this.#actions.take()),
    ];
  }

  #in({ may, answers, mine }) {
    if (!may.in) return sentence("clipboard.in.forbidden");
    if (!answers) return sentence("clipboard.silent");
    return [
      sentence(mine ? "clipboard.in.held" : "clipboard.in.nothing"),
      mine && h("pre", {}, shortened(mine.text ?? mine.html ?? t("clipboard.picture"))),
      this.#button("read", t("clipboard.read"), () => this.#read()),
      this.#field,
      this.#button("send", t("clipboard.send"), () => this.#actions.give({ text: this.#field.value })),
    ];
  }

  async #read() {
    this.#failed = "";
    try {
      await this.#actions.give(await this.#actions.read());
    } catch {
      this.#failed = t("clipboard.read.failed");
      this.#actions.again();
    }
  }

  #button(key, label, action) {
    return h("button", { type: "button", class: "button", "data-key": key, onclick: action }, label);
  }

  #preview({ text, html, png }) {
    if (png && png !== this.#picture) {
      this.#drop();
      this.#picture = png;
      this.#address = URL.createObjectURL(png);
    }
    const shown = text ?? html;
    return [
      png && h("img", { src: this.#address, alt: t("clipboard.picture") }),
      shown !== undefined && h("pre", { tabindex: 0, "aria-label": t("clipboard.content") }, shortened(shown)),
    ];
  }

  #drop() {
    if (this.#address) URL.revokeObjectURL(this.#address);
    this.#address = this.#picture = null;
  }
}

function sentence(key, values = {}) {
  return h("p", { class: "quiet" }, t(key, values));
}

function shortened(text) {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)} …` : text;
}
