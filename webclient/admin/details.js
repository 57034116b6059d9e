// One session in full: its screen, who looks at it, where its time goes, what can be done to it.

import { request } from "../api.js";
import { h, icon, iconButton } from "../dom.js";
import { Panel } from "../session/panel.js";
import { at, chip, facts } from "../parts/frame.js";
import { moment } from "../parts/times.js";
import { mayTo } from "../rights.js";
import { t } from "../strings.js";
import { actionButtons, actionsFor } from "./actions.js";
import { idleText, nameOf, statisticsOf, stateText } from "./sessionlist.js";

const EVERY = 3000;
// The session's own panel speaks to its person.
const WORDS = { "split.quiet": "sessions.quiet", "split.stage.client": "sessions.stage.client", "split.slow.client": "sessions.slow.client" };

export class Details {
  #frame;
  #thumbnails;
  #session = null;
  #timer = null;
  #image = null;
  #head = h("div", { class: "details-head" });
  #acts = h("div", { class: "details-acts" });
  #facts = h("div");
  #viewers = h("div");
  #slow = h("div");
  #said = "";

  // closed(): it was put away.
  constructor(frame, thumbnails, closed) {
    this.#frame = frame;
    this.#thumbnails = thumbnails;
    this.screen = h("div", { class: "details-screen" });
    this.heading = h("h2", { tabindex: -1 });
    const close = iconButton("cross", t("close"), () => {
      this.close();
      closed();
    });
    this.#head.append(this.heading, close);
    this.element = h("aside", { class: "details", hidden: true, "aria-label": t("sessions.details") },
      this.#head, this.screen, this.#acts, this.#facts, this.#viewers, this.#slow);
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.target.closest("dialog, .menu")) close.click();
    });
    frame.onLeave(() => this.close());
  }

  get id() {
    return this.#session?.id ?? null;
  }

  open(session) {
    this.close();
    this.element.hidden = false;
    this.#image = h("img", { alt: t("sessions.screen", { whom: nameOf(session) }) });
    this.screen.replaceChildren(icon("monitor"), this.#image);
    this.screen.hidden = !mayTo(this.#frame.app.user, "peek", session);
    if (!this.screen.hidden) this.#thumbnails.add(this.#image, session.id, 640);
    for (const part of [this.#viewers, this.#slow]) part.replaceChildren();
    this.update(session);
    this.#ask();
    this.heading.focus();
  }

  // The session as it is now.
  update(session) {
    this.#session = session;
    const now = Date.now() / 1000;
    const pairs = [
      [t("sessions.state"), chip(stateText(session), session.state)],
      [t("sessions.text"), session.text],
      [t("sessions.user"), session.user], [t("sessions.desktop"), session.title],
      [t("sessions.idle"), idleText(session, now)], [t("sessions.started"), moment(session.started)],
      [t("sessions.since"), moment(session.since)], [t("sessions.host"), t("sessions.host.of", session)],
      [t("sessions.id"), h("code", {}, session.id)],
    ];
    this.heading.textContent = nameOf(session);
    const said = JSON.stringify([session, idleText(session, now)]);
    if (said === this.#said) return; // keeps the focus
    this.#said = said;
    this.#facts.replaceChildren(facts(pairs));
    const acts = actionsFor(this.#frame, [session]);
    const keys = acts.map(({ key }) => key).join();
    if (keys !== this.#acts.dataset.keys) {
      this.#acts.dataset.keys = keys;
      this.#acts.replaceChildren(...actionButtons(actionsOf(this.#frame, () => this.#session, acts)));
    }
  }

  close() {
    clearTimeout(this.#timer);
    if (this.#image) this.#thumbnails.remove(this.#image);
    this.#image = this.#session = null;
    this.#said = this.#acts.dataset.keys = "";
    this.element.hidden = true;
  }

  async #ask() {
    const session = this.#session;
    const address = at`sessions/${session.id}`;
    const { app } = this.#frame;
    try {
      const [viewers, stats] = await Promise.all([
        request("GET", `${address}/viewers`),
        mayTo(app.user, "measure", session) ? request("GET", `${address}/stats`) : null,
      ]);
      if (this.#session?.id !== session.id) return;
      this.#showViewers(viewers.viewers);
      if (stats) this.#showStatistics(stats);
    } catch (error) {
      if (error.status === 401) {
        app.signedOut(t("signin.again"));
        return; // else: it has just ended, or the host is away; the list says so
      }
    }
    if (this.#session?.id === session.id) this.#timer = setTimeout(() => this.#ask(), EVERY);
  }

  #showViewers(viewers) {
    const rows = viewers.map(({ name, user, address, shadow, since }) => h("li", {},
      h("b", {}, name), ` ${[user, address, moment(since)].filter(Boolean).join(" · ")}`,
      shadow ? [" ", chip(t(`sessions.shadow.${shadow}`), "idle")] : []));
    const said = JSON.stringify(viewers);
    if (said === this.#viewers.dataset.said && this.#viewers.childElementCount) return;
    this.#viewers.dataset.said = said;
    this.#viewers.replaceChildren(h("h3", {}, t("sessions.viewers")),
      rows.length ? h("ul", { class: "lines" }, rows) : h("p", { class: "quiet" }, t("sessions.viewers.none")));
  }

  #showStatistics(stats) {
    if (!this.#slow.childElementCount) {
      this.panel = new Panel(WORDS);
      this.panel.element.hidden = false;
      this.#slow.replaceChildren(this.panel.element);
    }
    this.panel.show(t("sessions.frames", { frames: stats.frames }), statisticsOf(stats));
  }
}

// The same actions, of the session as it is when they are taken.
function actionsOf(frame, session, acts) {
  return acts.map((each) => ({ ...each, run: () => actionsFor(frame, [session()]).find(({ key }) => key === each.key)?.run() }));
}
