// The clipboard in a session's page: joins the connection, the browser, the keyboard and the panel.

import { clock } from "../clock.js";
import { t } from "../strings.js";
import * as browser from "./browser.js";
import { Clipboard } from "./clipboard.js";
import { ClipboardPanel } from "./panel.js";
import { Pasting } from "./pasting.js";

export class SessionClipboard {
  #clipboard;
  #pasting;
  #panel;
  #stage;
  #signal;
  #looks = 0; // how often it was asked to look, since the look that goes on began

  // stage: where keys of the desktop arrive; keyboard: a Keyboard; send(message); refocus(); signal: aborted when
  // the page is left; changed({badge}): for the toolbar's entry.
  constructor({ stage, keyboard, send, refocus, signal, changed }) {
    this.#stage = stage;
    this.#signal = signal;
    this.#clipboard = new Clipboard({
      send, browser, clock,
      changed: () => {
        this.#panel.update(this.#clipboard.state);
        changed({ badge: ["large", "waiting"].includes(this.#clipboard.state.copy?.status) ? "!" : "" });
      },
    });
    this.#pasting = new Pasting({
      keyboard, clock,
      give: (content) => this.#clipboard.give(content),
      takes: () => this.#clipboard.takes,
    });
    this.#panel = new ClipboardPanel({
      take: () => this.#clipboard.take(),
      give: (content) => this.#clipboard.give(content),
      read: browser.read,
      again: () => this.#panel.update(this.#clipboard.state),
    }, refocus);
    this.#listen();
  }

  get element() {
    return this.#panel.element;
  }

  greeted(hello) {
    this.#clipboard.greeted(hello.capabilities);
  }

  lost() {
    this.#pasting.release();
    this.#clipboard.lost();
  }

  message(message) {
    this.#clipboard.message(message);
    if (message.name === "ClipboardState") this.#look();
  }

  toggle() {
    if (this.#panel.element.hidden) {
      this.#panel.open(t("clipboard.title"));
      this.#panel.update(this.#clipboard.state);
    } else {
      this.#panel.close();
    }
  }

  // Comes back to this window, perhaps with something copied elsewhere.
  async #look() {
    this.#looks += 1;
    if (this.#looks > 1) return; // one look at a time; another one follows
    try {
      const isHere = !document.hidden && document.hasFocus();
      if (isHere && this.#clipboard.takes && await browser.isReadable()) await this.#clipboard.give(await browser.read());
    } catch {
      // Not now: the next paste brings it.
    }
    const isAsked = this.#looks > 1;
    this.#looks = 0;
    if (isAsked) this.#look();
  }

  #on(target, names, listener, options = {}) {
    for (const name of names) target.addEventListener(name, listener, { ...options, signal: this.#signal });
  }

  #listen() {
    this.#on(this.#stage, ["keydown", "keyup"], (event) => {
      const { held, lets } = this.#pasting.key(event);
      if (!held) return;
      event.stopImmediatePropagation();
      if (!lets) event.preventDefault();
    }, { capture: true });
    this.#on(document, ["paste"], (event) => {
      if (!this.#stage.contains(document.activeElement)) return; // it is for a field of the page
      event.preventDefault();
      this.#pasting.pasted(browser.pasted(event));
    });
    this.#on(window, ["keydown", "keyup", "pointerdown", "pointerup"], () => this.#clipboard.gesture(), { capture: true });
    this.#on(window, ["focus"], () => {
      this.#clipboard.gesture();
      this.#look();
    });
    this.#on(window, ["blur", "pagehide"], () => this.#pasting.release());
  }
}
