// Who is in the session: initials at its edge, a panel that tells more, and what is asked and said about who controls.

import { announce, h, stylesheet } from "../dom.js";
import { lines, section, SidePanel } from "../parts/panel.js";
import { t } from "../strings.js";
import { Control, DialogKind, PersonKind } from "../wire/tsg.js";
import { actsOn, edgeOf, hueOf, initialsOf, sinceText, standing } from "./persons.js";

const ASKED_SECONDS = 30; // so long somebody waits for an answer
const MOST = 5; // initials at the edge

export class People {
  #options;
  #hasControl = false;
  #since = 0; // when the message came, ms
  #asking = new Set(); // ids of those whose question is shown
  #standing = standing(null, false);
  #inviting = null; // loaded when the panel is opened first
  #panel;
  #now = h("div");
  element;

  // session: its id; own: whether it is one's own; whose(): its person's name; send(message); say(edge): what
  // edgeOf() gives; dialogs: a Dialogs; refocus(); changed(standing); opened(isOpen): of the panel.
  constructor(options) {
    this.#options = options;
    this.#panel = new SidePanel(t("people.title"), () => this.#closed());
    this.element = h("button", {
      type: "button", class: "company", hidden: true, onclick: () => this.toggle(),
    });
  }

  get panel() {
    return this.#panel.element;
  }

  get controls() {
    return this.#standing.controls;
  }

  get isShared() {
    return this.#standing.others.length > 0;
  }

  // A connection stands. control: whether its input is taken.
  greeted(control) {
    this.#hasControl = control;
    this.show(null);
  }

  // message: People, or null where nothing is known.
  show(message) {
    const before = this.#standing;
    this.#since = performance.now();
    this.#standing = standing(message, this.#hasControl);
    this.#askAll();
    this.#draw();
    this.#tellChanges(before);
    this.#options.say(edgeOf(this.#standing, this.#options.whose()));
    this.#options.changed(this.#standing);
  }

  // The person has answered a question of #askAll().
  answered(id, yes) {
    this.#options.send({ name: "SetControl", id: Number(id.slice("control-".length)), on: yes });
  }

  async toggle() {
    if (!this.#panel.element.hidden) {
      this.#panel.close();
      this.#closed();
      return;
    }
    await Promise.all([
      stylesheet("pages.css").catch(() => {}), // without it, it is less pretty
      this.#options.own && !this.#inviting ? this.#loadInviting() : null,
    ]);
    this.#panel.open(t("people.title"));
    this.#panel.show([this.#now, this.#inviting?.element]);
    this.#options.opened(true);
    this.#draw();
    this.#inviting?.refresh();
  }

  // Without a network there is nobody to invite: the list of people is shown all the same.
  async #loadInviting() {
    try {
      const { InvitationForm } = await import("./inviting.js");
      this.#inviting = new InvitationForm(this.#options.session);
    } catch (error) {
      console.warn(error);
    }
  }

  #closed() {
    this.#options.opened(false);
    this.#options.refocus();
  }

  #askAll() {
    const { others, decides } = this.#standing;
    const asking = decides ? others.filter(({ control }) => control === Control.ASKS) : [];
    const { dialogs } = this.#options;
    for (const id of this.#asking) {
      if (asking.some((each) => each.id === id)) continue;
      this.#asking.delete(id);
      dialogs.over(`control-${id}`);
    }
    for (const { id, name } of asking) {
      if (this.#asking.has(id)) continue;
      this.#asking.add(id);
      const title = t("people.asks", { who: name });
      const text = t("people.asks.text");
      dialogs.show({ id: `control-${id}`, kind: DialogKind.SHADOW_CONTROL, seconds: ASKED_SECONDS, sender: name, title, text });
    }
  }

  // For those who cannot see the initials change.
  #tellChanges(before) {
    const now = this.#standing;
    const names = (list) => list.map(({ name }) => name).join(", ");
    const came = now.others.filter(({ id }) => before.people.length && !before.people.some((each) => each.id === id));
    const left = before.others.filter(({ id }) => !now.people.some((each) => each.id === id));
    if (before.asks && !now.asks) announce(t(now.controls ? "people.granted" : "people.denied"));
    else if (before.me && now.me && before.controls !== now.controls) announce(t(now.controls ? "people.granted" : "people.taken"));
    else if (came.length) announce(t("people.came", { who: names(came) }));
    else if (left.length) announce(t("people.left", { who: names(left) }));
  }

  #draw() {
    const { people, others } = this.#standing;
    this.element.hidden = !others.length;
    const shown = others.slice(0, MOST);
    const rest = others.length - shown.length;
    this.element.replaceChildren(...shown.map(avatar), ...(rest ? [h("span", { class: "person" }, `+${rest}`)] : []));
    this.element.setAttribute("aria-label", t("people.here", { who: others.map(({ name }) => name).join(", ") }));
    this.element.title = others.map(({ name }) => name).join(", ");
    if (this.#panel.element.hidden) return;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key;
    const rows = people.map((person) => [this.#about(person), this.#actions(person)]);
    this.#now.replaceChildren(section(t("people.now"), lines(rows, t("people.alone"))));
    if (focused) /** @type {HTMLElement | null} */ (this.#now.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus();
  }

  #about(person) {
    const { me } = this.#standing;
    const waited = Math.floor((performance.now() - this.#since) / 1000);
    const what = person.control === Control.HAS ? "people.controls" : person.control === Control.ASKS ? "people.wants" : "people.watches";
    const kind = { [PersonKind.OWNER]: "people.owner", [PersonKind.HELPER]: "people.helper" }[person.kind] ?? "people.guest";
    const name = person === me ? t("people.you", { who: person.name }) : person.name;
    return h("span", { class: "person-row" }, avatar(person),
      h("span", { class: "person-words" }, h("b", {}, name),
        h("small", { class: "quiet" }, [t(kind), t(what), sinceText(person.seconds + waited)].join(" · "))));
  }

  #actions(person) {
    const acts = actsOn(person, this.#standing);
    if (!acts.length) return null;
    return h("span", { class: "person-acts" }, acts.map(({ key, message, danger }) => h("button", {
      type: "button", class: danger ? "button small is-away" : "button small", "data-key": `${key}-${person.id}`,
      "aria-label": `${t(key)}: ${person.name}`, onclick: () => this.#options.send(message),
    }, t(key))));
  }
}

function avatar(person) {
  const controls = person.control === Control.HAS ? " is-controlling" : "";
  return h("span", { class: `person is-hue-${hueOf(person.id)}${controls}`, "aria-hidden": "true" }, initialsOf(person.name));
}
