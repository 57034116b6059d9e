// A voice as the microphone gives it, cut into what is sent: 20 ms of 16-bit samples, 24,000 a second.

import { VOICE_RATE } from "../wire/numbers.js";

const SAMPLES = VOICE_RATE / 50;

export class VoiceCutter {
  #step; // of the microphone's samples for one of ours
  #send;
  #sum = 0;
  #weight = 0;
  #piece = new Int16Array(SAMPLES);
  #count = 0;

  // rate: of the microphone, at least 8,000; send(bytes): takes a piece.
  constructor(rate, send) {
    this.#step = rate / VOICE_RATE;
    this.#send = send;
  }

  // Takes samples from -1 to 1. Each of ours is the mean of the time it stands for.
  take(samples) {
    for (const sample of samples) {
      let rest = 1;
      while (this.#weight + rest >= this.#step) {
        const part = this.#step - this.#weight;
        this.#put((this.#sum + sample * part) / this.#step);
        rest -= part;
        this.#sum = this.#weight = 0;
      }
      this.#sum += sample * rest;
      this.#weight += rest;
    }
  }

  #put(sample) {
    this.#piece[this.#count] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
    this.#count += 1;
    if (this.#count < SAMPLES) return;
    this.#send(new Uint8Array(this.#piece.buffer));
    this.#piece = new Int16Array(SAMPLES);
    this.#count = 0;
  }
}
