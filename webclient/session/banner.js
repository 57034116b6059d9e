// What the server announces while the picture goes on: that a limit is about to strike, above all. A calm
// banner at the upper edge, which counts down.

import { alertPerson } from "../alerts.js";
import { h, icon, iconButton } from "../dom.js";
import { t } from "../strings.js";
import { NoticeLevel } from "../wire/tsg.js";
import { spoken } from "./reasons.js";

const URGENT_TIME = 15_000; // ms left from which on it looks urgent

// A Notice that came at `now` (ms) → {text, level, until}, null when it takes back the last one. `until` is null
// where there is nothing to wait for.
export function announcement({ level, seconds, text }, now) {
  if (!text) return null;
  const known = Object.values(NoticeLevel).includes(level) ? level : NoticeLevel.WARNING;
  return { text: spoken(text), level: known, until: seconds ? now + 1000 * seconds : null };
}

// How much time is left, as people read it: "0:45", "12:00", "1:05:00".
export function left(until, now) {
  const all = Math.max(0, Math.ceil((until - now) / 1000));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

export function isUrgent(until, now) {
  return until !== null && until - now <= URGENT_TIME;
}

export class Banner {
  #stay;
  #counting = null;
  #said = null;

  // stay(): the person has said that they are there; put(): they have put it away. now() → ms.
  constructor({ stay, put, now = () => performance.now() }) {
    this.#stay = stay;
    this.put = put;
    this.now = now;
    this.element = h("div", { class: "announcement-holder", role: "status" });
  }

  // notice: a Notice message, or null for none.
  show(notice) {
    const said = notice && announcement(notice, this.now());
    clearInterval(this.#counting);
    this.#said = said;
    if (!said) {
      this.element.replaceChildren();
      return;
    }
    alertPerson(document.title, said.text, "announcement");
    const clock = said.until !== null && h("span", { class: "announcement-left", "aria-hidden": "true" });
    this.element.replaceChildren(h("section", { class: "announcement", "data-level": said.level },
      h("span", { class: "announcement-icon" }, icon(said.level === NoticeLevel.INFORMATION ? "info" : "clock")),
      h("p", {}, said.text),
      clock || null,
      said.level === NoticeLevel.ABSENCE
        ? h("button", { type: "button", class: "button primary", onclick: () => this.#close(this.#stay) }, t("banner.stay"))
        : iconButton("cross", t("close"), () => this.#close(this.put))));
    if (!clock) return;
    this.#count();
    this.#counting = setInterval(() => this.#count(), 250);
  }

  stop() {
    clearInterval(this.#counting);
  }

  #close(then) {
    this.show(null);
    then();
  }

  #count() {
    const now = this.now();
    this.element.querySelector(".announcement-left").textContent = left(this.#said.until, now);
    this.element.firstChild.classList.toggle("is-urgent", isUrgent(this.#said.until, now));
  }
}
