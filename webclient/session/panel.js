// The statistics panel: where time goes as a bar and a table, what is slow in words, and the line's figures.

import { h } from "../dom.js";
import { bytes, milliseconds, number, t } from "../strings.js";
import { qualityOf } from "./quality.js";
import { WAYS } from "./regions.js";
import { splitOf } from "./split.js";

const LEAST = 0.005; // a share below that has no part of the bar

export class Panel {
  #total = h("p", { class: "split-total" });
  #verdict = h("p", { class: "split-verdict" });
  #advice = h("p", { class: "split-advice", hidden: true });
  #quality = h("p", { class: "quality", hidden: true });
  #bar = h("div", { class: "split-bar", "aria-hidden": "true" });
  #rows = h("tbody");
  #table;
  #split;
  #figures = h("p");
  #line = h("p");

  #words;

  // words: keys of sentences that are to be said in place of others; outline(on): shows which parts of the picture
  // came how, left out where there is no picture.
  constructor(words = {}, outline = null) {
    this.#words = words;
    const heads = ["stage", "typical", "slow", "share"].map((key) => h("th", { scope: "col" }, t(`split.head.${key}`)));
    this.#table = h("table", {}, h("thead", {}, h("tr", {}, heads)), this.#rows);
    const about = [h("h2", {}, t("split.title")), this.#total, this.#bar, this.#verdict, this.#advice, this.#table];
    this.#split = h("div", { class: "split", hidden: true }, about);
    this.element = h("section", { class: "statistics", hidden: true, "aria-label": t("session.statistics") },
      this.#quality, this.#split, h("div", { class: "statistics-figures" }, this.#figures, this.#line),
      outline ? outlining(outline) : null);
  }

  // statistics: what a worker measures, with what the server does.
  showOwn({ bytes: rate, frames, decode, present, roundTrip, typicalTrip, jitter, silence, total, ways, server }) {
    const line = t("session.statistics.line", {
      rate: `${bytes(rate)}/s`, frames: number(frames), decode: milliseconds(decode),
      present: milliseconds(present), trip: milliseconds(roundTrip), total: bytes(total),
    });
    const parts = ways.map(({ way, detail, rate: often }) =>
      t(`session.statistics.${way}`, { detail, rate: number(often) }));
    this.show([line, ...parts].join(" · "), server, { roundTrip: typicalTrip, jitter, silence });
  }

  // figures: a line of text. message: the server's Statistics, or null while there is none. line: what qualityOf()
  // takes but the rate, or null.
  show(figures, message, line = null) {
    this.#showQuality(line && qualityOf({ ...line, rate: message?.rate ?? 0 }), line);
    this.#figures.textContent = unbroken(figures);
    this.#split.hidden = this.#line.hidden = message === null;
    if (message === null) return;
    this.#line.textContent = unbroken(lineText(message));
    const { stages, total, verdict } = splitOf(message);
    this.#total.hidden = total === null;
    if (total) this.#total.replaceChildren(...headline(total));
    this.#verdict.textContent = t(this.#words[verdict.key] ?? verdict.key, verdict.values);
    this.#advice.hidden = !verdict.advice || Object.keys(this.#words).length > 0;
    this.#advice.textContent = verdict.advice ? t(verdict.advice) : "";
    this.#bar.hidden = total === null;
    this.#bar.replaceChildren(...stages.filter(({ share }) => share >= LEAST).map(segment));
    this.#table.hidden = !stages.length;
    this.#table.classList.toggle("has-shares", total !== null);
    this.#rows.replaceChildren(...stages.map((stage) => row(stage, this.#words)));
  }

  #showQuality(quality, line) {
    this.#quality.hidden = quality === null;
    if (quality === null) return;
    const bars = h("span", { class: "quality-bars", "data-level": quality.level, "aria-hidden": "true" }, [1, 2, 3, 4].map(() => h("i")));
    const figures = line.roundTrip === null ? "" : t("quality.figures", { trip: milliseconds(line.roundTrip), jitter: milliseconds(line.jitter ?? 0) });
    this.#quality.replaceChildren(bars, `${t("quality.title")}: `, h("b", {}, t(quality.key)), h("span", { class: "quality-figures" }, figures));
  }
}

// One line with a check box, and what the colours mean.
function outlining(outline) {
  const box = h("input", { type: "checkbox", onchange: () => outline(/** @type {HTMLInputElement} */ (box).checked) });
  const key = Object.values(WAYS).map((way) => h("span", { class: `way is-${way}` }, t(`regions.${way}`)));
  return h("div", { class: "outlining" }, h("label", {}, box, h("span", {}, t("regions.show"))), h("p", { class: "ways" }, key));
}

// No line ends between a number and its unit.
function unbroken(text) {
  return text.replace(/(\d) (?=[A-Za-z%])/g, "$1\u00a0");
}

function headline({ p50, p95 }) {
  const late = t("split.late", { late: milliseconds(p95) });
  return [h("b", {}, milliseconds(p50)), ` ${t("split.total")}`, h("span", {}, late)];
}

// What the server knows of the line.
function lineText({ rate, round_trip_us, bytes_ahead }) {
  return [
    rate ? t("split.line.rate", { rate: bytes(rate) }) : t("split.line.free"),
    ...(round_trip_us ? [t("split.line.trip", { trip: milliseconds(round_trip_us / 1000) })] : []),
    ...(bytes_ahead ? [t("split.line.ahead", { bytes: bytes(bytes_ahead) })] : []),
  ].join(" · ");
}

function segment({ name, share }) {
  const element = h("span", { class: `split-part is-${name}` });
  element.style.flexGrow = share; // not as an attribute: the page's policy forbids those
  return element;
}

function row({ name, p50, p95, share }, words) {
  const key = `split.stage.${name}`;
  const stage = h("th", { scope: "row" }, h("span", { class: `split-dot is-${name}` }), t(words[key] ?? key));
  return h("tr", {}, stage, h("td", {}, milliseconds(p50)), h("td", {}, milliseconds(p95)),
    h("td", {}, share === null ? "" : t("split.share", { share: Math.round(100 * share) })));
}
