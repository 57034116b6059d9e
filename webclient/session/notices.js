// What the person is told while there is no picture, or none that moves. One pure function decides, one
// draws: whatever happens, something is shown.

import { h, icon } from "../dom.js";
import { t } from "../strings.js";
import { CloseCode, SessionState } from "../wire/tsg.js";
import { Cause } from "./connection.js";
import { spoken } from "./reasons.js";

const GONE_AFTER = 4; // attempts

// Of the codes that end a connection for good: the sentences and what can be done.
const ENDINGS = {
  [CloseCode.SESSION_ENDED]: ["ended", "power", ["again", "back"]],
  [CloseCode.TICKET]: ["refused", "alert", ["again", "back"]],
  [CloseCode.TAKEN_OVER]: ["taken", "monitor", ["takeback", "back"]],
  [CloseCode.SIGNED_OUT]: ["signedout", "leave", ["signin"]],
  [CloseCode.IN_USE]: ["inuse", "monitor", ["tryagain", "back"]],
  [CloseCode.DISCONNECTED]: ["disconnected", "unplug", ["reconnect", "back"]],
  [CloseCode.SHADOW_OVER]: ["shadowover", "eye-off", ["askagain", "back"]],
  [CloseCode.VERSION]: ["version", "alert", ["reload", "back"]],
};
// The server's words for these are meant for people; for others they are details, or say what is said anyway.
const FOR_PEOPLE = new Set(["ended", "refused", "inuse", "disconnected", "shadowover"]);
const OTHER_ENDING = ["protocol", "alert", ["reload", "back"]];

/** @typedef {object} Notice
 * What is to be shown: see noticeFor.
 * @property {string} key
 * @property {string} title
 * @property {string[]} actions
 * @property {string} [icon]
 * @property {string} [text]
 * @property {string} [detail]
 * @property {boolean} [busy]
 * @property {boolean} [isFinal]
 * @property {boolean} [keepsPicture]
 * @property {number} [progress]
 * @property {number} [attempt]
 * @property {number} [delay]
 */

// Why it is tried again, by the code of the last connection's end, or by its cause.
const RETRIES = {
  [CloseCode.SHUTDOWN]: "shutdown",
  [CloseCode.SERVER_ERROR]: "hostlost",
  [CloseCode.LIMIT]: "tooslow",
  [CloseCode.TIMEOUT]: "silent",
  [Cause.OFFLINE]: "offline",
  [Cause.SILENT]: "silent",
  [Cause.SLEPT]: "slept",
};
// These are true however often it has been tried.
const LASTING = new Set(["offline"]);

// situation: {status: last status of the connection, guest: last State message or null, hasPicture,
// title, canStartAgain, shadow: whether it is somebody else's session, isGuest: by an invitation and without an account,
// isStale: the picture is from an earlier connection}. Returns null when the picture can be used, else {key, icon, text, actions, busy,
// progress, detail, attempt, delay, isFinal}.
/** @returns {Notice | null} */
export function noticeFor(situation) {
  const notice = noticeOf(situation);
  if (notice === null || !situation.isGuest) return notice;
  // Who has no account has no desktops to go back to.
  return { ...notice, actions: notice.actions.filter((action) => action !== "back" && action !== "signin") };
}

/** @returns {Notice | null} */
function noticeOf({ status, guest, hasPicture, title, canStartAgain, shadow = false, isStale = false }) {
  const { state, code, reason } = status;
  if (state === "over") {
    const [key, symbol, actions] = ENDINGS[code] ?? OTHER_ENDING;
    const possible = actions.filter((action) => action !== "again" || canStartAgain);
    const isForPeople = FOR_PEOPLE.has(key);
    const detail = isForPeople || key === "taken" || key === "signedout" ? "" : reason;
    const text = isForPeople ? spoken(reason) : "";
    return { key, icon: symbol, actions: possible, text, detail, isFinal: true, title };
  }
  if (state === "broken") {
    return { key: "broken", icon: "alert", actions: ["reload", "back"], detail: reason, isFinal: true, title };
  }
  const isRetrying = state === "waiting" || (state === "connecting" && status.attempt > 0);
  if (isRetrying) {
    const { attempt, delay, cause } = status;
    const why = RETRIES[cause] ?? RETRIES[code] ?? "lost";
    const key = attempt > GONE_AFTER && !LASTING.has(why) ? "gone" : why;
    return { key, icon: "lost", actions: ["retry", "back"], busy: true, attempt, delay, title, keepsPicture: hasPicture };
  }
  if (state === "connecting" || state === "idle") return { key: "connecting", busy: true, actions: ["back"], title };
  if (guest?.state === SessionState.STARTING) {
    return { key: "starting", busy: true, actions: ["back"], title, progress: guest.progress, text: spoken(guest.text) };
  }
  if (shadow && guest?.text && !hasPicture) return { key: "asking", busy: true, actions: ["back"], title, text: spoken(guest.text) };
  // A running session that has something to say is one whose screen is away for now.
  if (guest?.text) return { key: "paused", busy: true, actions: ["back"], title, text: spoken(guest.text) };
  if (!hasPicture) return { key: "waiting", busy: true, actions: ["back"], title };
  // What is on the screen is what was there before the cut: it does not pass for what is there now.
  if (isStale) return { key: "returning", busy: true, actions: ["back"], title, keepsPicture: true };
  return null;
}

// delay: ms until the attempt, undefined when it is under way.
export function attemptText(attempt, delay = undefined) {
  const seconds = Math.round(delay / 1000);
  return seconds > 0 ? t("notice.attempt.in", { attempt, seconds }) : t("notice.attempt", { attempt });
}

// Whether `notice` says the same as `before` and only got further: then updateNotice() is enough, and a
// button that is being pressed stays where it is.
export function isProgress(notice, before) {
  const lasting = ({ key, title, actions, detail, attempt }) => JSON.stringify([key, title, actions, detail, !attempt]);
  return before !== null && lasting(notice) === lasting(before);
}

/**
 * @param {HTMLElement} element
 * @param {Notice} notice
 */
export function updateNotice(element, { key, title, text, progress, attempt, delay }) {
  element.querySelector("#notice-text").textContent = text || t(`notice.${key}.text`, { title });
  if (attempt) element.querySelector(".attempt").textContent = attemptText(attempt, delay);
  const bar = element.querySelector("progress");
  if (!bar) return;
  if (Number.isInteger(progress) && progress <= 100) bar.value = progress;
  else bar.removeAttribute("value");
}

// actions: {name: function}. Returns the notice's element.
/**
 * @param {Notice} notice
 * @param {Record<string, any>} actions
 */
export function drawNotice(notice, actions) {
  const { key, title, busy, isFinal, attempt, detail } = notice;
  const buttons = notice.actions.map((name, index) => h("button", {
    type: "button", class: index === 0 && name !== "back" ? "button primary" : "button", onclick: actions[name],
  }, t(`notice.${name}`)));
  const bar = key === "starting" && h("progress", { max: 100 });
  const attributes = { class: "notice", role: isFinal ? "alertdialog" : "status", "aria-labelledby": "notice-title",
    "aria-describedby": "notice-text", "data-notice": key };
  const element = h("section", attributes,
    notice.icon && isFinal ? h("span", { class: "notice-icon" }, icon(notice.icon)) : null,
    busy && !bar ? h("span", { class: "spinner", "aria-hidden": "true" }) : null,
    h("h1", { id: "notice-title" }, t(`notice.${key}`, { title })),
    h("p", { id: "notice-text" }),
    bar || null,
    attempt ? h("p", { class: "quiet attempt", "aria-live": "off" }) : null,
    detail ? h("p", { class: "quiet" }, t("notice.detail", { detail })) : null,
    h("div", { class: "actions" }, buttons));
  updateNotice(element, notice);
  return element;
}
