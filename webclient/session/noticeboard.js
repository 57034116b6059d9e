// Where the session says what stands in the way of its picture: draws what notices.js decides, and only what has changed.

import { h } from "../dom.js";
import { attemptText, drawNotice, isProgress, noticeFor, updateNotice } from "./notices.js";

export class NoticeBoard {
  element = h("div", { class: "notice-holder" });
  #actions;
  #refocus;
  #shown = null;
  #counting = null;

  // actions(): {name: function}, what can be done about it; refocus(): gives the keyboard back to the desktop.
  constructor(actions, refocus) {
    this.#actions = actions;
    this.#refocus = refocus;
  }

  // situation: see noticeFor. → whether anything is said.
  show(situation) {
    const notice = noticeFor(situation);
    const before = this.#shown;
    if (JSON.stringify(notice) === JSON.stringify(before)) return notice !== null;
    this.#shown = notice;
    clearInterval(this.#counting);
    if (notice?.delay) this.#countDown(notice);
    if (notice && isProgress(notice, before)) updateNotice(this.element, notice);
    else this.#draw(notice, before);
    return notice !== null;
  }

  #draw(notice, before) {
    const hadFocus = this.element.contains(document.activeElement);
    if (notice === null) {
      this.element.replaceChildren();
      if (hadFocus || before) this.#refocus();
      return;
    }
    this.element.replaceChildren(drawNotice(notice, this.#actions()));
    if (notice.isFinal || hadFocus) this.element.querySelector("button")?.focus();
  }

  /** @param {import("./notices.js").Notice} notice */
  #countDown({ attempt, delay }) {
    const at = performance.now() + delay;
    this.#counting = setInterval(() => {
      this.element.querySelector(".attempt").textContent = attemptText(attempt, at - performance.now());
    }, 1000);
  }

  stop() {
    clearInterval(this.#counting);
  }
}
