// A link to a desktop: opens it, in this window.

import * as api from "../api.js";
import { h, icon } from "../dom.js";
import { wishedSize } from "../session/scaling.js";
import { t, waitingText } from "../strings.js";
import { keepTicket } from "../tickets.js";

// desktop: its id, as somebody wrote it.
export function openingPage(app, desktop) {
  const picture = h("span", { class: "blank-icon" });
  const heading = h("h1", { tabindex: -1 });
  const text = h("p", { role: "status" });
  const acts = h("div", { class: "blank-acts" });
  const element = h("main", { class: "blank" }, picture, heading, text, acts);
  let title = null;
  let isLeft = false;

  function say(name, said, words, ...buttons) {
    picture.replaceChildren(icon(name));
    heading.textContent = said;
    text.textContent = words;
    acts.replaceChildren(...buttons);
  }

  const act = (key, onclick, kind = "") => h("button", { type: "button", class: `button ${kind}`, onclick }, t(key));
  const back = (kind) => act("notice.back", () => app.go("/", {}, true), kind);

  function refused(error) {
    if (error.status === 401) app.signedOut(t("signin.again"));
    else if (error.status === 404) say("empty", t("opening.gone"), t("opening.gone.text"), back("primary"));
    else say("alert", t("opening.failed"), error.message, act("app.retry", open, "primary"), back());
    acts.querySelector("button")?.focus();
  }

  async function open() {
    say("monitor", title === null ? t("desktops.connecting") : t("notice.connecting", { title }), t("notice.connecting.text"), back());
    heading.focus();
    const waits = (before) => {
      text.textContent = waitingText(before);
    };
    try {
      title ??= (await api.desktops()).find(({ id }) => id === desktop)?.title ?? null;
      if (isLeft) return;
      if (title !== null) heading.textContent = t("notice.connecting", { title });
      const size = wishedSize(innerWidth, innerHeight, devicePixelRatio);
      const given = await api.connect(desktop, size, waits, () => !isLeft);
      if (given === null) return;
      keepTicket(given.session, given.ticket);
      app.go(`/session/${encodeURIComponent(given.session)}`, { desktop, title: title ?? desktop }, true);
    } catch (error) {
      if (!isLeft) refused(error);
    }
  }

  return {
    element,
    title: t("desktops.connecting"),
    shown: open,
    leave: () => {
      isLeft = true;
    },
  };
}
