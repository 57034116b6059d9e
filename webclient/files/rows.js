// The rows of uploads: how far one is, and what can be done about it.

import { h, iconButton } from "../dom.js";
import { bytes, t } from "../strings.js";
import { speedOf } from "./transfers.js";

// actions: {pause, resume, cancel}, each of a number. → {element, show(item)}
export function row(item, actions) {
  const name = item.path.split("/").at(-1);
  const bar = h("progress", { max: 100, value: 0 });
  const text = h("span", { class: "files-state" });
  const button = (icon, word, act) => iconButton(icon, t(`files.${word}`, { name }), () => act(item.number));
  const pause = button("pause", "pause", actions.pause);
  const resume = button("play", "resume", actions.resume);
  const cancel = button("cross", "cancel", actions.cancel);
  const label = h("span", { class: "files-upload-name", title: item.path }, name);
  const element = h("li", {}, h("div", { class: "files-upload" }, label, text, bar), h("div", { class: "files-upload-acts" }, pause, resume, cancel));

  function show(now) {
    const percent = now.size ? Math.floor((100 * now.offset) / now.size) : now.state === "done" ? 100 : 0;
    bar.value = percent;
    bar.setAttribute("aria-label", t("files.progress", { name, percent }));
    bar.hidden = ["done", "cancelled"].includes(now.state);
    element.dataset.state = now.state;
    text.textContent = stateText(now, name);
    const had = element.contains(document.activeElement);
    pause.hidden = !["queued", "checking", "sending", "waiting"].includes(now.state);
    resume.hidden = !["paused", "failed"].includes(now.state);
    cancel.hidden = ["done", "cancelled", "finishing"].includes(now.state);
    if (had && !element.contains(document.activeElement?.closest("button:not([hidden])") ?? null)) {
      /** @type {HTMLElement} */ (element.querySelector("button:not([hidden])"))?.focus();
    }
  }

  show(item);
  return { element, show };
}

// An upload of another page or an earlier one. giveUp(one)
export function unfinishedRow(one, giveUp) {
  const name = one.path.split("/").at(-1);
  const percent = one.bytes ? Math.floor((100 * one.offset) / one.bytes) : 0;
  const state = t("files.state.unfinished", { done: bytes(one.offset), size: bytes(one.bytes) });
  const bar = h("progress", { max: 100, value: percent, "aria-label": t("files.progress", { name, percent }) });
  const cancel = iconButton("cross", t("files.cancel", { name }), () => giveUp(one), { "data-key": `unfinished-${one.id}` });
  const about = h("div", { class: "files-upload" }, h("span", { class: "files-upload-name", title: one.path }, name), h("span", { class: "files-state" }, state), bar);
  return h("li", { "data-state": "unfinished" }, about, h("div", { class: "files-upload-acts" }, cancel));
}

function stateText(item, name) {
  const values = { done: bytes(item.offset), size: bytes(item.size), message: item.message };
  if (item.state === "done" && item.stored) {
    const given = item.stored.path.split("/").at(-1);
    return given === name.normalize("NFC") ? t("files.state.done") : t("files.state.done.other", { name: given });
  }
  const speed = item.state === "sending" ? speedOf(item) : null;
  if (speed) return t("files.state.sending.speed", { ...values, rate: bytes(speed.rate), left: leftText(speed.left) });
  return t(`files.state.${item.state}`, values);
}

function leftText(seconds) {
  if (seconds < 90) return t("files.left.seconds", { count: Math.max(1, Math.ceil(seconds)) });
  if (seconds < 5400) return t("files.left.minutes", { count: Math.round(seconds / 60) });
  return t("files.left.hours", { count: Math.round(seconds / 3600) });
}
