// What runs on the browser's sound threads: one end plays, the other takes the microphone's samples.
/* global AudioWorkletProcessor, registerProcessor, sampleRate */

import { JitterBuffer } from "./jitter.js";
import { VoiceCutter } from "./voice.js";

const TELL_EACH = 0.5; // s

// Plays what comes in by the port that it is given; tells how it goes by its own.
class Player extends AudioWorkletProcessor {
  #buffer = new JitterBuffer();
  #frames = 0;
  #wasPlaying = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      data.port.onmessage = ({ data: { left, right } }) => this.#buffer.push(left, right);
    };
  }

  process(_, [[left, right]]) {
    this.#buffer.pull(left, right);
    this.#frames += left.length;
    const { isPlaying, waiting, underruns } = this.#buffer;
    if (isPlaying !== this.#wasPlaying || (isPlaying && this.#frames > TELL_EACH * sampleRate)) {
      this.#frames = 0;
      this.#wasPlaying = isPlaying;
      this.port.postMessage({ isPlaying, wait: (1000 * waiting) / sampleRate, underruns, left: this.#buffer.left });
    }
    return true;
  }
}

// Cuts what the microphone hears, and sends it through the port that it is given.
class Recorder extends AudioWorkletProcessor {
  #cutter = null;

  constructor() {
    super();
    this.port.onmessage = ({ data: { port } }) => {
      this.#cutter = new VoiceCutter(sampleRate, (piece) => port.postMessage(piece, [piece.buffer]));
    };
  }

  process([[samples]]) {
    if (samples) this.#cutter?.take(samples);
    return true;
  }
}

registerProcessor("tsgateway-player", Player);
registerProcessor("tsgateway-recorder", Recorder);
