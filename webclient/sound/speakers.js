// The loudspeakers: opened when something is played for the first time, and silent as the person wants.

import { SOUND_RATE } from "../wire/numbers.js";

const WORKLET = new URL("./worklet.js", import.meta.url);
const REST = 30_000; // ms of silence after which the device is let go of
const SMOOTH = 0.015; // s in which the volume changes: at once would click

export class Speakers {
  #context = null;
  #gain = null;
  #element = null; // where only elements can choose a device
  #resting = null;
  #events;
  #volume;
  #device;

  // events: {ready(port): sound goes there; blocked(isBlocked): the browser waits for a click; delay(ms): from
  // arrival to the ear; failed(error)}.
  constructor({ volume, device }, events) {
    this.#volume = volume;
    this.#device = device;
    this.#events = events;
  }

  get canChoose() {
    return "setSinkId" in AudioContext.prototype || "setSinkId" in HTMLMediaElement.prototype;
  }

  async open() {
    if (this.#context) return;
    try {
      const context = new AudioContext({ latencyHint: "interactive", sampleRate: SOUND_RATE });
      this.#context = context;
      context.onstatechange = () => this.#changed();
      await context.audioWorklet.addModule(WORKLET);
      const player = new AudioWorkletNode(context, "tsgateway-player", { numberOfInputs: 0, outputChannelCount: [2] });
      player.port.onmessage = ({ data }) => this.#heard(data);
      this.#gain = new GainNode(context, { gain: this.#volume });
      player.connect(this.#gain).connect(context.destination);
      const { port1, port2 } = new MessageChannel();
      player.port.postMessage({ port: port1 }, [port1]);
      this.#events.ready(port2);
      await this.choose(this.#device);
      this.#changed();
    } catch (error) {
      this.#events.failed(error);
    }
  }

  set volume(volume) {
    this.#volume = volume;
    this.#gain?.gain.setTargetAtTime(volume, this.#context.currentTime, SMOOTH);
  }

  // device: its id, "" for the system's own. One that is gone is not asked for again.
  async choose(device) {
    this.#device = device;
    if (!this.#context) return;
    try {
      if (this.#context.setSinkId) await this.#context.setSinkId(device);
      else if (device || this.#element) await this.#through(device);
    } catch {
      this.#device = "";
      if (this.#context?.setSinkId) await this.#context.setSinkId("").catch(() => {});
    }
  }

  // After a click or a key browsers let a page be heard.
  resume() {
    if (this.#context?.state === "suspended" || this.#context?.state === "interrupted") this.#context.resume().catch(() => {});
  }

  close() {
    clearTimeout(this.#resting);
    this.#element?.pause();
    this.#context?.close().catch(() => {});
    this.#context = null;
  }

  async #through(device) {
    if (!this.#element) {
      const stream = new MediaStreamAudioDestinationNode(this.#context);
      this.#gain.disconnect();
      this.#gain.connect(stream);
      this.#element = new Audio();
      this.#element.srcObject = stream.stream;
    }
    await this.#element.setSinkId(device);
    await this.#element.play();
  }

  #changed() {
    if (this.#context && !this.#resting) this.#events.blocked(this.#context.state !== "running");
  }

  #heard({ isPlaying, wait, underruns, left }) {
    clearTimeout(this.#resting);
    this.#resting = null;
    if (!isPlaying) this.#resting = setTimeout(() => this.#rest(), REST);
    const device = this.#context.outputLatency || this.#context.baseLatency || 0;
    this.#events.delay(isPlaying ? wait + 1000 * device : null, { underruns, left });
  }

  // An open device keeps a machine awake.
  #rest() {
    this.#context?.suspend().catch(() => {});
  }

  // Sound comes again after a rest.
  wake() {
    if (!this.#resting) return;
    clearTimeout(this.#resting);
    this.#resting = null;
    this.#context?.resume().catch(() => {});
  }
}
