// Files of a session: dropped onto it they are uploaded, and the panel shows the folder that the desktop shares.
// The page carries only this until somebody wants either.

import { announce, h, icon, stylesheet } from "../dom.js";
import { t } from "../strings.js";
import { dropped } from "./dropped.js";

export class Files {
  #session;
  #parent;
  #refocus;
  #badge;
  #loading = null;
  #panel = null;
  #veil = null;
  #depth = 0;

  // parent: the session's element, over which files are dropped. refocus(): the guest is to have the keyboard again.
  // badge(text): what the toolbar's button says in its corner.
  constructor({ session, parent, refocus, badge, signal }) {
    this.#session = session;
    this.#parent = parent;
    this.#refocus = refocus;
    this.#badge = badge;
    const over = (event) => hasFiles(event) && event.preventDefault();
    parent.addEventListener("dragenter", (event) => this.#enter(event), { signal });
    parent.addEventListener("dragover", over, { signal });
    parent.addEventListener("dragleave", (event) => hasFiles(event) && this.#leave(), { signal });
    parent.addEventListener("drop", (event) => this.#drop(event), { signal });
    addEventListener("beforeunload", (event) => this.#panel?.isWorking && event.preventDefault(), { signal });
    signal.addEventListener("abort", () => this.#panel?.stop());
  }

  async toggle() {
    const panel = await this.#load();
    if (panel.isOpen) {
      panel.close();
      this.#refocus();
    } else panel.open();
  }

  // The panel, loaded when it is wanted first.
  async #load() {
    this.#loading ??= Promise.all([import("./panel.js"), stylesheet("files/files.css")]);
    try {
      const [{ FilesPanel }] = await this.#loading;
      if (!this.#panel) {
        this.#panel = new FilesPanel({ session: this.#session, refocus: this.#refocus, badge: this.#badge });
        this.#parent.append(this.#panel.element, this.#panel.toast);
      }
      return this.#panel;
    } catch (error) {
      this.#loading = null; // the server was away: the next time may be better
      announce(t("files.unreachable"));
      throw error;
    }
  }

  #enter(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#depth += 1;
    if (this.#veil) return;
    this.#veil = h("div", { class: "drop-veil" }, h("div", { class: "drop-words" }, icon("upload"), h("p", {}, t("files.drop"))));
    this.#parent.append(this.#veil);
    this.#load().catch(() => {});
  }

  #leave() {
    this.#depth -= 1;
    if (this.#depth > 0) return;
    this.#depth = 0;
    this.#veil?.remove();
    this.#veil = null;
  }

  async #drop(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#depth = 1;
    this.#leave();
    const finding = dropped(event.dataTransfer); // now: afterwards the browser tells nothing of it any more
    const panel = await this.#load();
    panel.open();
    await panel.take(finding);
  }
}

function hasFiles({ dataTransfer }) {
  return [...(dataTransfer?.types ?? [])].includes("Files");
}
