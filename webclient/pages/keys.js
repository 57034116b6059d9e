// The keyboard's test of itself: what this browser and this system let a page know of a keyboard, and so a guest; as
// something to look at, and as a text for whoever helps.

import { announce, h, stylesheet } from "../dom.js";
import { keyboardDrawing } from "../input/drawing.js";
import { platformOf } from "../input/keyboard.js";
import { scancode } from "../input/scancodes.js";
import { Findings, layoutOf, ShortcutTest, shortcutsOf } from "../input/selftest.js";
import { language } from "../languages.js";
import { button, chip, facts, Frame } from "../parts/frame.js";
import { pagePart } from "../parts/panel.js";
import { t } from "../strings.js";

await stylesheet("keys.css"); // before anybody can click where something else will be

const SHOWN = 6; // of the last keys
const platform = platformOf(navigator);

export function page(app) {
  return new KeysPage(app).page;
}

class KeysPage {
  page;
  #findings = new Findings();
  #layout = new Map(); // code → character, as the browser tells
  #runs = { window: new ShortcutTest(shortcutsOf(platform)), full: null };
  #where = null; // which of the runs goes on
  #gone = new AbortController();
  #drawing = keyboardDrawing(t("keys.drawing"));
  #facts = h("div");
  #last = h("ol", { class: "keys-last", "aria-label": t("keys.last") });
  #asked = h("p", { class: "keys-asked" });
  #area;
  #field;
  #results = h("div");
  #report = h("pre", { class: "keys-report", tabindex: 0 });
  #copied = h("span", { class: "quiet", role: "status" });

  constructor(app) {
    const frame = new Frame(app, t("keys.title"), t("keys.lead"));
    frame.element.querySelector("main").classList.add("narrow");
    const part = (...parts) => h("div", { class: "block surface" }, pagePart(...parts));
    this.#area = h("div", { class: "keys-area", tabindex: 0, role: "application", "aria-label": t("keys.area") },
      this.#drawing.element, h("p", { class: "quiet" }, t("keys.area.hint")), this.#last);
    this.#field = h("textarea", { rows: 2, "aria-label": t("keys.text"), placeholder: t("keys.text.placeholder") });
    const copy = button(t("keys.copy"), () => this.#copy());
    frame.body.append(
      part(t("keys.browser"), this.#facts),
      part(t("keys.keyboard"), h("div", { class: "stack" }, h("p", { class: "quiet" }, t("keys.keyboard.text")),
        h("p", { class: "quiet" }, t("keys.shortcuts.text")), this.#steps(), this.#area, this.#results)),
      part(t("keys.text"), h("div", { class: "stack" }, h("p", { class: "quiet" }, t("keys.text.text")), this.#field)),
      part(t("keys.report"), h("div", { class: "stack" }, h("p", { class: "quiet" }, t("keys.report.text")), this.#report, this.#copied), copy));
    frame.onLeave(() => this.#leave());
    this.page = frame.page(() => this.#start());
  }

  #steps() {
    const start = button(t("keys.start"), () => this.#run("window"), { class: "button primary" });
    const full = button(t("keys.full"), () => this.#runFull(), { hidden: !document.fullscreenEnabled });
    const nothing = button(t("keys.nothing"), () => {
      this.#current?.lost("said");
      this.#show();
      this.#area.focus({ preventScroll: true });
    }, { hidden: true, class: "button keys-nothing" });
    return h("div", { class: "keys-steps" }, this.#asked, h("div", { class: "actions" }, start, full, nothing));
  }

  get #current() {
    return this.#where && this.#runs[this.#where];
  }

  async #start() {
    const { signal } = this.#gone;
    const on = (target, name, listener) => target.addEventListener(name, listener, { signal });
    on(document, "keydown", (event) => this.#key(event));
    on(document, "keyup", (event) => this.#key(event));
    on(window, "blur", () => this.#lost("away"));
    on(document, "visibilitychange", () => document.hidden && this.#lost("away"));
    on(document, "fullscreenchange", () => this.#fullChanged());
    on(window, "beforeunload", (event) => {
      if (!this.#current?.current) return;
      event.preventDefault(); // the browser asks before it closes: the test goes on, and knows
      this.#lost("closing");
    });
    on(window, "resize", () => this.#resized());
    on(this.#field, "compositionend", ({ data }) => {
      this.#findings.composed = data;
      this.#show();
    });
    this.#show();
    const layout = await navigator.keyboard?.getLayoutMap?.().catch(() => null);
    for (const [code, character] of layout ?? []) this.#layout.set(code, character);
    this.#drawing.label(this.#layout);
    this.#show();
  }

  #leave() {
    this.#gone.abort();
    navigator.keyboard?.unlock?.();
    if (document.fullscreenElement) document.exitFullscreen();
  }

  #key(event) {
    const { type, code, key, ctrlKey, altKey, shiftKey } = event;
    const isHere = event.target === this.#area;
    // The way out for who has no mouse: every other key stays in.
    if (isHere && ctrlKey && altKey && shiftKey) {
      this.#asked.parentElement.querySelector("button")?.focus();
      return;
    }
    const isAsked = isHere && this.#current?.current;
    if (isHere) event.preventDefault();
    if (type === "keydown") this.#findings.feed(event);
    if (isAsked) this.#current.feed(event);
    this.#drawing.mark(code, type === "keydown");
    if (isHere && type === "keydown") this.#note(event);
    if (isHere || key === "Process") this.#show();
  }

  #note({ code, key, repeat }) {
    const number = scancode(code);
    const what = number ? t("keys.sent", { code: number.toString(16) }) : t("keys.unsent");
    const words = [code || t("keys.nameless"), key, what, repeat ? t("keys.repeated") : ""].filter(Boolean);
    this.#last.prepend(h("li", {}, words.join(" · ")));
    while (this.#last.children.length > SHOWN) this.#last.lastElementChild.remove();
  }

  #lost(reason) {
    this.#drawing.release();
    if (!this.#current?.current) return;
    this.#current.lost(reason);
    this.#show();
  }

  // F11 makes a window as large as the screen without a word to the page.
  #resized() {
    if (this.#current?.current?.code === "F11" && !document.fullscreenElement && innerHeight === screen.height) this.#lost("full");
  }

  #run(where) {
    this.#runs[where] = new ShortcutTest(shortcutsOf(platform));
    this.#where = where;
    this.#show();
    this.#area.focus({ preventScroll: true });
    this.#asked.scrollIntoView({ block: "start" });
  }

  async #runFull() {
    const ok = await document.documentElement.requestFullscreen({ navigationUI: "hide" }).then(() => true, () => false);
    if (!ok) return;
    await navigator.keyboard?.lock?.().catch(() => {});
    this.#run("full");
  }

  #fullChanged() {
    if (document.fullscreenElement) return;
    navigator.keyboard?.unlock?.();
    if (this.#where === "full") this.#lost("full");
    this.#where = this.#where === "full" && !this.#runs.full.current ? null : this.#where;
  }

  #show() {
    const asked = this.#current?.current;
    const isDone = this.#where !== null && !asked;
    const words = asked ? t("keys.press", { keys: asked.label }) : t(isDone ? "keys.done" : "keys.ready");
    if (words !== this.#asked.textContent) {
      this.#asked.textContent = words;
      announce(words);
    }
    this.#asked.parentElement.querySelector(".keys-nothing").hidden = !asked;
    this.#facts.replaceChildren(facts(this.#facings()));
    this.#results.replaceChildren(...this.#tables());
    this.#report.textContent = this.#text();
  }

  // What there is to say of browser and keyboard: pairs of label and text.
  #facings() {
    const { altGr, dead, repeats, composed, unknown, seen } = this.#findings;
    const printed = this.#layout.size ? this.#layout : seen;
    const layout = layoutOf(printed);
    const yes = (is) => t(is ? "keys.yes" : "keys.no");
    return [
      [t("keys.fact.system"), `${/** @type {any} */ (navigator).userAgentData?.platform || navigator.platform} (${platform})`],
      [t("keys.fact.agent"), navigator.userAgent],
      [t("keys.fact.language"), `${navigator.languages.join(", ")} (${language})`],
      [t("keys.fact.layout"), layout ? t("keys.layout", { layout }) : t(printed.size ? "keys.layout.other" : "keys.layout.unknown")],
      [t("keys.fact.told"), yes(this.#layout.size > 0)],
      [t("keys.fact.lock"), yes(Boolean(navigator.keyboard?.lock))],
      [t("keys.fact.touch"), yes(navigator.maxTouchPoints > 0)],
      [t("keys.fact.altgr"), t(`keys.altgr.${altGr ?? "unseen"}`)],
      [t("keys.fact.dead"), dead.size ? [...dead].join(", ") : t("keys.unseen")],
      [t("keys.fact.repeat"), repeats ? t("keys.yes") : t("keys.unseen")],
      [t("keys.fact.method"), composed ? t("keys.method", { text: composed }) : t("keys.unseen")],
      [t("keys.fact.unknown"), unknown.size ? [...unknown].join(", ") : t("keys.unseen")],
    ];
  }

  #tables() {
    return this.#shownRuns().map(([where, run]) => h("section", { class: "keys-results" },
      h("h3", {}, t(`keys.where.${where}`)),
      h("ul", {}, [...run.results].map(([label, { result, reason }]) => h("li", {},
        h("kbd", {}, label), chip(verdict(result), result === "arrives" ? "active" : "idle"),
        reason ? h("span", { class: "quiet" }, t(`keys.reason.${reason}`)) : null)))));
  }

  #shownRuns() {
    return Object.entries(this.#runs).filter(([, run]) => run?.results.size);
  }

  #text() {
    const lines = [t("keys.title"), new Date().toISOString(), ""];
    for (const [label, value] of this.#facings()) lines.push(`${label}: ${value}`);
    for (const [where, run] of this.#shownRuns()) {
      lines.push("", t(`keys.where.${where}`));
      for (const [label, { result, reason }] of run.results) {
        lines.push(`  ${label}: ${[verdict(result), reason && t(`keys.reason.${reason}`)].filter(Boolean).join(", ")}`);
      }
    }
    const seen = [...this.#findings.seen].map(([code, key]) => `${code}=${key}`).join(" ");
    return [...lines, "", `${t("keys.seen")}: ${seen || "–"}`].join("\n");
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#report.textContent);
      this.#copied.textContent = t("keys.copied");
    } catch {
      getSelection().selectAllChildren(this.#report); // the browser forbids it: Ctrl+C then does
      this.#copied.textContent = t("keys.copy.self");
    }
  }
}

function verdict(result) {
  return t(`keys.result.${result}`);
}
