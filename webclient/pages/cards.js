// The card of a desktop: what it is, what runs of it, and what can be done. Names may be anybody's: they are shown as
// text, whatever is in them, and keep their direction to themselves (<bdi>).

import * as api from "../api.js";
import { h, icon, iconButton } from "../dom.js";
import * as life from "../life.js";
import { menuButton } from "../menu.js";
import { moment } from "../parts/times.js";
import { t, time } from "../strings.js";
import { runningOf } from "./listing.js";

const ICONS = { qemu: "machine", "qemu-shared": "machine-shared", rfb: "screen-far", testcard: "bars" };

export const kindOf = ({ kind }) => t(`kind.${Object.hasOwn(ICONS, kind) ? kind : "other"}`);

// acts: {open(desktop, button), resume(desktop, session), steer(desktop, session, act, told), favour(desktop),
// copyLink(address)}; wait: what is told to who waits for it, or undefined; screens: Shots. → the card.
export function card(desktop, { acts, wait, screens }) {
  const { title, description, single: isSingle = true } = desktop;
  const running = runningOf(desktop);
  const session = running[0] ?? null;
  return h("li", { class: running.length ? "card is-running" : "card" },
    screenOf(desktop, isSingle ? session : null, { acts, screens }),
    h("div", { class: "card-body" },
      h("h2", {}, h("bdi", {}, title)),
      h("p", { class: "card-kind" }, aboutOf(desktop, running)),
      description ? h("p", { class: "card-text", dir: "auto" }, description) : null,
      wait !== undefined ? h("p", { class: "chip starting", role: "status" }, h("span", { class: "dot" }), wait)
        : isSingle || !session ? chip(session) : sessionsOf(desktop, running, { acts, screens }),
      actionsOf(desktop, session, { acts, wait })));
}

function aboutOf(desktop, running) {
  const used = desktop.used && !running.length ? t("desktops.used", { when: moment(desktop.used) }) : null;
  return [kindOf(desktop), used].filter(Boolean).join(" · ");
}

// The top of the card: the session's screen where one runs, else a picture of what it is.
function screenOf(desktop, session, { acts, screens }) {
  const { id, title, kind, favourite: isFavourite } = desktop;
  // From blue over violet to rose, always the same for one desktop.
  const hue = 200 + [...id].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) % 120, 7);
  const picture = h("div", { class: "card-banner", "aria-hidden": "true" }, icon(ICONS[kind] ?? "monitor"));
  picture.style.setProperty("--hue", String(hue));
  if (session) {
    picture.append(screens.of(session.id, 480));
    picture.classList.add("is-screen");
    picture.addEventListener("click", () => acts.resume(desktop, session.id)); // as the button below, for the mouse
  }
  const label = t("desktops.favourite.of", { title });
  const star = iconButton(isFavourite ? "star-full" : "star", label, () => acts.favour(desktop), {
    class: "icon-button star", "aria-pressed": String(Boolean(isFavourite)), "data-key": `star-${id}`,
  });
  return h("div", { class: "card-top" }, picture, star);
}

function actionsOf(desktop, session, { acts, wait }) {
  const { id, title, single: isSingle = true } = desktop;
  const verb = !session ? "connect" : isSingle ? "resume" : "another";
  const start = h("button", {
    type: "button", class: "button primary", "data-key": `open-${id}`, disabled: wait !== undefined,
    "aria-label": wait === undefined ? t(`desktops.${verb}.of`, { title }) : null, onclick: () => acts.open(desktop, start),
  }, t(wait === undefined ? `desktops.${verb}` : "desktops.waiting"));
  return h("div", { class: "card-actions" }, start, more(desktop, isSingle ? session : null, `/desktop/${encodeURIComponent(id)}`, acts));
}

// A menu: what to do with the session, if it is about one, and with the address.
function more(desktop, session, path, acts) {
  const { id, title, single = true } = desktop;
  const label = t(session ? "desktops.more.of" : "desktops.menu.of", { title });
  const button = iconButton("more", label, null, { "data-key": `more-${single || !session ? id : session.id}` });
  const items = () => [
    ...(session ? [...life.lifeItems({
      disconnect: session.viewers > 0 && (() => acts.steer(desktop, session, api.disconnect, t("state.disconnected"))),
      logOff: () => acts.steer(desktop, session, life.logOff, t("state.ended")),
      reset: () => acts.steer(desktop, session, life.reset, t("state.ended")),
    }), null] : []),
    { label: t("desktops.window"), icon: "window", href: path },
    { label: t("desktops.file"), icon: "download", href: `/api/v1/desktops/${encodeURIComponent(id)}/connection-file`, download: true },
    { label: t("desktops.link"), icon: "link", action: () => acts.copyLink(new URL(path, location.origin).href) },
  ];
  return menuButton(button, items, label);
}

// Each session of a desktop that is started anew at every opening.
function sessionsOf(desktop, running, { acts, screens }) {
  const { title } = desktop;
  return h("ul", { class: "card-sessions", "aria-label": t("desktops.running", { title }) },
    ...running.map((session) => {
      const screen = h("span", { class: "card-mini", "aria-hidden": "true" }, icon("monitor"), screens.of(session.id, 160));
      return h("li", {},
        screen,
        chip(session),
        h("button", {
          type: "button", class: "button small", "data-key": `resume-${session.id}`,
          "aria-label": t("desktops.resume.of", { title }), onclick: () => acts.resume(desktop, session.id),
        }, t("desktops.resume")),
        more(desktop, session, `/session/${encodeURIComponent(session.id)}`, acts));
    }));
}

function chip(session) {
  if (!session) return h("p", { class: "chip" }, h("span", { class: "dot" }), t("desktops.ready"));
  const { viewers, started, progress, text } = session;
  const state = session.state;
  const isStarting = state === "starting";
  const known = isStarting && Number.isInteger(progress) && progress <= 100;
  const words = [known ? t("state.starting.percent", { percent: progress }) : t(`state.${state}`)];
  if (isStarting && text) words.push(text);
  if (viewers) words.push(viewers === 1 ? t("state.viewers.one") : t("state.viewers.many", { count: viewers }));
  if (started && !isStarting) words.push(t("state.since", { time: time(new Date(1000 * started)) }));
  return h("p", { class: `chip ${state}` }, h("span", { class: "dot" }), h("bdi", {}, words.join(" · ")));
}
