// The statistics panel: where time goes as a bar and a table, what is slow in words, and the line's figures.

import { h } from "../dom.js";
import { bytes, milliseconds, t } from "../strings.js";
import { splitOf } from "./split.js";

export class Panel {
  #total = h("p", { class: "split-total" });
  #verdict = h("p", { class: "split-verdict" });
  #bar = h("div", { class: "split-bar", "aria-hidden": "true" });
  #rows = h("tbody");
  #table;
  #split;
  #figures = h("p", { class: "statistics-figures" });

  constructor() {
    const heads = ["stage", "typical", "slow", "share"].map((key) => h("th", { scope: "col" }, t(`split.head.${key}`)));
    this.#table = h("table", {}, h("thead", {}, h("tr", {}, heads)), this.#rows);
    const about = [h("h2", {}, t("split.title")), this.#total, this.#bar, this.#verdict, this.#table];
    this.#split = h("div", { class: "split", hidden: true }, about);
    this.element = h("section", { class: "statistics", hidden: true, "aria-label": t("session.statistics") },
      this.#split, this.#figures);
  }

  // figures: a line of text. message: the server's Statistics, or null while there is none.
  show(figures, message) {
    this.#figures.textContent = figures;
    this.#split.hidden = message === null;
    if (message === null) return;
    const { stages, total, verdict } = splitOf(message);
    this.#total.hidden = total === null;
    if (total) this.#total.replaceChildren(h("b", {}, milliseconds(total.p50)), ` ${t("split.total", { late: milliseconds(total.p95) })}`);
    this.#verdict.textContent = t(verdict.key, verdict.values);
    this.#bar.hidden = total === null;
    this.#bar.replaceChildren(...stages.filter(({ share }) => share).map(segment));
    this.#table.hidden = !stages.length;
    this.#table.classList.toggle("has-shares", total !== null);
    this.#rows.replaceChildren(...stages.map(row));
  }
}

// What the server knows of the line, as a line of text.
export function lineText({ rate, round_trip_us, frames_ahead, bytes_ahead }) {
  return [
    rate ? t("split.line.rate", { rate: bytes(rate) }) : t("split.line.free"),
    ...(round_trip_us ? [t("split.line.trip", { trip: milliseconds(round_trip_us / 1000) })] : []),
    t("split.line.ahead", { frames: frames_ahead, bytes: bytes(bytes_ahead) }),
  ].join(" · ");
}

function segment({ name, share }) {
  const element = h("span", { class: `split-part is-${name}` });
  element.style.flexGrow = share; // not as an attribute: the page's policy forbids those
  return element;
}

function row({ name, p50, p95, share }) {
  const stage = h("th", { scope: "row" }, h("span", { class: `split-dot is-${name}` }), t(`split.stage.${name}`));
  return h("tr", {}, stage, h("td", {}, milliseconds(p50)), h("td", {}, milliseconds(p95)),
    h("td", {}, share === null ? "" : t("split.share", { share: Math.round(100 * share) })));
}
