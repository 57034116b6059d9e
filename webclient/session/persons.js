// What a People message means, for whoever reads it: pure.

import { t } from "../strings.js";
import { Control, PersonKind, SharingRight } from "../wire/tsg.js";

const HUES = 8;

// The number of somebody's colour.
export function hueOf(id) {
  return id % HUES;
}

// At most two letters that stand for a name.
export function initialsOf(name) {
  const words = name.replace(/\(.*\)/, "").split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toLocaleUpperCase()).join("") || "?";
}

// minutes of `seconds`, in words.
export function sinceText(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return t("people.since.now");
  if (minutes < 60) return t("people.since.minutes", { minutes });
  return t("people.since.hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/**
 * How one stands to the others. people: in the order they came, without oneself in `others`.
 * @param {{you: number, rights: number, people: any[]} | null} message a People message, null while there was none
 * @param {boolean} hasControl what ServerHello said
 */
export function standing(message, hasControl) {
  const people = message?.people ?? [];
  const me = people.find(({ id }) => id === message?.you) ?? null;
  const rights = message?.rights ?? 0;
  return {
    people, me,
    others: people.filter((each) => each !== me),
    controls: me === null ? hasControl : me.control === Control.HAS,
    asks: me?.control === Control.ASKS,
    isOwner: me?.kind === PersonKind.OWNER,
    mayAsk: Boolean(rights & SharingRight.ASK),
    decides: Boolean(rights & SharingRight.DECIDE),
    takes: Boolean(rights & SharingRight.TAKE),
    controllers: people.filter(({ control }) => control === Control.HAS),
  };
}

/**
 * What is said at the edge of the screen: {text, label, message} or null. message: what the button sends.
 * whose: the session's person, for those who look on.
 */
export function edgeOf({ me, controls, asks, isOwner, mayAsk, decides, controllers }, whose) {
  if (me === null) return null;
  if (isOwner) {
    if (controls) return null;
    const who = controllers.map(({ name }) => name).join(", ");
    return { text: t("people.controlled", { who }), label: t("people.takeback"), message: { name: "SetControl", id: me.id, on: 1 } };
  }
  const text = t(controls ? "shadow.using" : "shadow.seeing", { who: whose });
  if (asks) return { text: t("people.asked"), label: t("people.ask.cancel"), message: { name: "AskControl", on: 0 } };
  if (mayAsk) return { text, label: t("people.ask"), message: { name: "AskControl", on: 1 } };
  const gives = controls && decides;
  return { text, label: gives ? t("people.giveback") : "", message: gives ? { name: "SetControl", id: me.id, on: 0 } : null };
}

/** What can be done about somebody: [{key, message, danger}], from a standing. */
export function actsOn(person, { me, isOwner, decides, takes }) {
  if (person === me) return [];
  const set = (on) => ({ name: "SetControl", id: person.id, on });
  const acts = [];
  if (person.control === Control.ASKS && decides) {
    acts.push({ key: "people.allow", message: set(1) }, { key: "people.refuse", message: set(0) });
  } else if (person.control === Control.NONE && decides && person.kind !== PersonKind.HELPER) {
    acts.push({ key: "people.give", message: set(1) });
  } else if (person.control === Control.HAS && takes && person.kind !== PersonKind.OWNER) {
    acts.push({ key: "people.take", message: set(0) });
  }
  if (isOwner && person.kind !== PersonKind.OWNER) {
    acts.push({ key: "people.send", message: { name: "StopShadow", id: person.id }, danger: true });
  }
  return acts;
}
