// The page's part of sound: what the person wants, and who does it: the worker, the loudspeakers, the microphone.

import { announce } from "../dom.js";
import { remembered } from "../parts/remembered.js";
import { t } from "../strings.js";
import { MicrophoneState } from "../wire/sound.js";
import { Microphone } from "./microphone.js";
import { SoundPanel } from "./panel.js";
import { Speakers } from "./speakers.js";

const LOUDEST = 100;
const VOLUMES = Array.from({ length: 21 }, (_, step) => LOUDEST - 5 * step);

const muted = remembered("sound.muted", [false, true]);
const volume = remembered("sound.volume", VOLUMES);
const speaker = remembered("sound.speaker", null);
const microphone = remembered("sound.microphone", null);

export class Sound {
  #worker;
  #toolbar;
  #speakers;
  #microphone;
  #panel;
  #gone = new AbortController();
  #shown = ""; // how the toolbar has it
  #state = {
    offered: null, speaks: /** @type {number} */ (MicrophoneState.NONE), isBlocked: false, isOn: false, delay: null, problem: null, devices: [],
  };

  // worker(details, transfer): tells the session's worker; toolbar: {set(change), button()} of this entry; refocus():
  // the guest is to have the keyboard again.
  constructor({ worker, toolbar, refocus }) {
    this.#worker = worker;
    this.#toolbar = toolbar;
    this.#speakers = new Speakers({ volume: this.#loudness, device: speaker.value }, {
      ready: (port) => this.#worker({ speakers: port }, [port]),
      blocked: (isBlocked) => this.#set({ isBlocked }),
      delay: (delay) => this.#set({ delay }),
      failed: (error) => this.#fail("device", error),
    });
    this.#microphone = new Microphone({
      voice: (port) => this.#voice(port),
      failed: (reason) => this.#fail(reason),
    });
    this.#panel = new SoundPanel({
      mute: (isMuted) => this.#mute(isMuted),
      volume: (value) => this.#setVolume(value),
      speaker: (device) => this.#chooseSpeaker(device),
      speak: () => this.#toggleMicrophone(),
      microphone: (device) => this.#chooseMicrophone(device),
      opened: () => this.#findDevices(),
      closed: refocus,
    });
    this.element = this.#panel.element;
    this.#listen();
  }

  get entry() {
    return {
      id: "sound", kind: "button", icon: muted.value ? "sound-off" : "sound", label: t("sound.title"),
      action: () => {
        this.#panel.open(this.#toolbar.button());
        this.#draw();
        this.#panel.focus();
      },
    };
  }

  // What the worker tells: {offered}, {speaks}, {plays}.
  told({ offered, speaks, plays }) {
    if (offered !== undefined) this.#set({ offered });
    if (speaks !== undefined) this.#maySpeak(speaks);
    if (plays) this.#speakers.open();
  }

  // The worker is a new one.
  begin() {
    this.#worker({ want: !muted.value });
    this.#draw();
  }

  stop() {
    this.#gone.abort();
    this.#microphone.stop();
    this.#speakers.close();
  }

  get #loudness() {
    // The ear takes a square for what is even.
    return muted.value ? 0 : (volume.value / LOUDEST) ** 2;
  }

  #listen() {
    const { signal } = this.#gone;
    const resume = () => this.#speakers.resume();
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, resume, { signal, capture: true });
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#findDevices(), { signal });
  }

  #mute(isMuted) {
    muted.value = isMuted;
    this.#speakers.volume = this.#loudness;
    this.#worker({ want: !isMuted });
    this.#set({});
  }

  #setVolume(value) {
    volume.value = VOLUMES.find((one) => one <= value) ?? 0;
    this.#speakers.volume = this.#loudness;
    this.#draw();
  }

  #chooseSpeaker(device) {
    speaker.value = device;
    this.#speakers.choose(device);
    this.#draw();
  }

  #chooseMicrophone(device) {
    microphone.value = device;
    if (this.#microphone.isOn) this.#microphone.start(device);
    this.#draw();
  }

  #toggleMicrophone() {
    this.#set({ problem: null });
    if (this.#microphone.isOn) this.#microphone.stop();
    else this.#microphone.start(microphone.value).then(() => this.#findDevices());
  }

  #voice(port) {
    this.#worker({ microphone: port }, port ? [port] : []);
    this.#set({ isOn: port !== null });
    announce(t(port ? "sound.microphone.ison" : "sound.microphone.isoff"));
  }

  // Whether somebody else has begun to speak, or the guest does not listen any more.
  #maySpeak(speaks) {
    const isOver = speaks === MicrophoneState.TAKEN || speaks === MicrophoneState.NONE;
    const isLost = isOver && this.#state.speaks === MicrophoneState.OWN && this.#microphone.isOn;
    this.#state.speaks = speaks;
    if (isLost) {
      this.#microphone.stop();
      this.#fail(speaks === MicrophoneState.TAKEN ? "taken" : "deaf");
    } else this.#set({});
  }

  #fail(problem, error = null) {
    if (error) console.warn(`sound: ${error.message}`);
    this.#set({ problem });
    announce(t(`sound.problem.${problem}`));
  }

  async #findDevices() {
    const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
    this.#set({ devices: devices.filter(({ deviceId }) => deviceId && deviceId !== "default") });
  }

  #set(change) {
    Object.assign(this.#state, change);
    this.#draw();
  }

  #draw() {
    const { isOn, isBlocked, problem } = this.#state;
    const hint = isBlocked && !muted.value ? t("sound.blocked") : isOn ? t("sound.microphone.ison") : "";
    const icon = isOn ? "microphone" : muted.value ? "sound-off" : "sound";
    const entry = { icon, hint, badge: (isBlocked && !muted.value) || problem ? "!" : null };
    if (JSON.stringify(entry) !== this.#shown) this.#toolbar.set(entry); // it measures itself
    this.#shown = JSON.stringify(entry);
    if (!this.#panel.isOpen) return;
    this.#panel.show({
      ...this.#state,
      isMuted: muted.value, volume: volume.value, speaker: speaker.value, microphone: microphone.value,
      canChoose: this.#speakers.canChoose,
    });
  }
}
