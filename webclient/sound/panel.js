// The panel for sound: mute, volume, which loudspeakers, and the microphone.

import { h, icon } from "../dom.js";
import { number, t } from "../strings.js";
import { MicrophoneState } from "../wire/sound.js";

let count = 0;

export class SoundPanel {
  #status = h("p", { class: "quiet sound-status", role: "status" });
  #problem = h("p", { class: "sound-problem", role: "alert" });
  #controls;
  #mute;
  #volume;
  #speaker;
  #speak;
  #microphone;
  #microphoneStatus = h("p", { class: "quiet" });

  // actions: {mute(isMuted), volume(0 to 100), speaker(id), speak(), microphone(id), opened(), closed()}.
  constructor(actions) {
    count += 1;
    this.#mute = h("input", { type: "checkbox", onchange: () => actions.mute(this.#mute.checked) });
    this.#volume = h("input", {
      type: "range", min: 0, max: 100, step: 5, oninput: () => actions.volume(this.#volume.valueAsNumber),
    });
    this.#speaker = h("select", { onchange: () => actions.speaker(this.#speaker.value) });
    this.#microphone = h("select", { onchange: () => actions.microphone(this.#microphone.value) });
    this.#speak = h("button", { type: "button", class: "button", onclick: () => actions.speak() });
    this.#controls = h("div", { class: "sound-controls" },
      h("label", { class: "sound-check" }, this.#mute, t("sound.mute")),
      field(t("sound.volume"), this.#volume), field(t("sound.speaker"), this.#speaker),
      h("h3", {}, t("sound.microphone")), this.#microphoneStatus, this.#speak, field(t("sound.microphone.which"), this.#microphone));
    const title = h("h2", { id: `sound-title-${count}` }, t("sound.title"));
    this.element = h("div", { class: "sound-panel", popover: "auto", tabindex: -1, role: "dialog", "aria-labelledby": title.id },
      title, this.#status, this.#problem, this.#controls);
    this.element.addEventListener("toggle", ({ newState }) => {
      if (newState === "open") actions.opened();
      else actions.closed();
    });
  }

  get isOpen() {
    return this.element.matches(":popover-open");
  }

  // button: what it belongs to; it opens below.
  open(button) {
    this.element.showPopover({ source: button });
  }

  focus() {
    (this.#controls.hidden ? this.element : this.#mute).focus();
  }

  show(state) {
    const { offered, isMuted, volume, canChoose, devices, problem } = state;
    this.#status.textContent = statusText(state);
    this.#problem.hidden = problem === null;
    this.#problem.textContent = problem === null ? "" : t(`sound.problem.${problem}`);
    this.#controls.hidden = !offered;
    this.#mute.checked = isMuted;
    this.#volume.valueAsNumber = volume;
    this.#volume.setAttribute("aria-valuetext", `${number(volume)} %`);
    const speakers = devices.filter(({ kind }) => kind === "audiooutput");
    choices(this.#speaker, speakers, state.speaker, t("sound.speaker.system"), (one) => t("sound.speaker.number", { number: one }));
    this.#speaker.parentElement.hidden = !canChoose || !speakers.length;
    this.#showMicrophone(state);
  }

  #showMicrophone({ speaks, isOn, microphone, devices }) {
    const isPossible = speaks !== MicrophoneState.NONE;
    this.#microphoneStatus.textContent = t(`sound.microphone.${microphoneState(speaks, isOn)}`);
    this.#speak.hidden = !isPossible;
    this.#speak.setAttribute("aria-pressed", String(isOn));
    this.#speak.replaceChildren(icon("microphone"), t(isOn ? "sound.microphone.off" : "sound.microphone.on"));
    const microphones = devices.filter(({ kind }) => kind === "audioinput");
    choices(this.#microphone, microphones, microphone, t("sound.microphone.system"), (one) => t("sound.microphone.number", { number: one }));
    this.#microphone.parentElement.hidden = !isPossible || !microphones.length;
  }
}

function statusText({ offered, isMuted, isBlocked, delay }) {
  if (offered === null) return t("sound.unknown");
  if (!offered) return t("sound.none");
  if (isMuted) return t("sound.muted");
  if (isBlocked) return t("sound.blocked");
  return delay === null ? t("sound.silent") : t("sound.plays", { delay: number(delay) });
}

function microphoneState(speaks, isOn) {
  if (speaks === MicrophoneState.NONE) return "none";
  if (isOn) return "ison";
  return speaks === MicrophoneState.TAKEN ? "taken" : "isoff";
}

function field(label, input) {
  return h("label", { class: "sound-field" }, h("span", {}, label), input);
}

// Fills a list of devices, unless it shows them already: a list that is open would close.
function choices(select, devices, chosen, system, nameless) {
  const options = [["", system], ...devices.map(({ deviceId, label }, index) => [deviceId, label || nameless(index + 1)])];
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  }
  select.value = options.some(([value]) => value === chosen) ? chosen : "";
}
