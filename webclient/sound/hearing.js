// The worker's part of sound: what comes from the guest is decoded and handed straight to the loudspeakers' thread,
// past the page; a voice comes from the microphone's thread and goes to the server.

import { Capability, SOUND_RATE } from "../wire/numbers.js";
import { SoundFormat } from "../wire/sound.js";

const HEARD_EACH = 20; // pieces; the server sends 100 ahead at most
const MOST_WAITING = 100; // pieces that the decoder may have to do
const OPUS = { codec: "opus", sampleRate: SOUND_RATE, numberOfChannels: 2 };

export class Hearing {
  #send;
  #tell;
  #format;
  #decoder = null;
  #speakers = null; // the port to them
  #microphone = null; // the port from it
  #isOffered = false;
  #wanted = true;
  #hasAsked = false;
  #pieces = 0;

  // send(message): to the server; tell(details): to the page, which answers by `speakers` when something is played.
  constructor(send, tell) {
    this.#send = send;
    this.#tell = tell;
    this.#format = best();
  }

  greeted({ capabilities }) {
    this.#isOffered = capabilities.includes(Capability.SOUND);
    this.#tell({ offered: this.#isOffered });
    this.#listen();
    if (this.#microphone) this.#send({ name: "Speak", on: 1 }); // the line was cut, the person speaks on
  }

  // Whether this message was for it.
  received(message) {
    if (message.name === "Microphone") this.#tell({ speaks: message.state });
    else if (message.name === "Sound") this.#take(message);
    else return false;
    return true;
  }

  // The person wants to hear, or not; who does not is sent nothing.
  want(isWanted) {
    this.#wanted = isWanted;
    this.#listen();
  }

  // The loudspeakers are there (a MessagePort).
  speakers(port) {
    this.#speakers = port;
  }

  // The microphone is there, or null: it is off.
  microphone(port) {
    this.#microphone?.close();
    this.#microphone = port;
    if (this.#isOffered) this.#send({ name: "Speak", on: port ? 1 : 0 });
    if (port) port.onmessage = ({ data }) => this.#send({ name: "Voice", samples: data });
  }

  async #listen() {
    const format = await this.#format;
    if (this.#isOffered) this.#send({ name: "Listen", format: this.#wanted ? format : SoundFormat.NONE });
  }

  #take({ at, format, data }) {
    this.#pieces += 1;
    if (this.#pieces % HEARD_EACH === 0) this.#send({ name: "Heard", at });
    if (!this.#speakers) {
      if (!this.#hasAsked) this.#tell({ plays: true });
      this.#hasAsked = true;
      return;
    }
    if (format === SoundFormat.PCM) this.#play(...fromPcm(data));
    else if (format === SoundFormat.OPUS) this.#decode(at, data);
  }

  #decode(at, data) {
    this.#decoder ??= this.#opened();
    if (this.#decoder.decodeQueueSize > MOST_WAITING) return;
    this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: Math.round((at * 1e6) / SOUND_RATE), data }));
  }

  #opened() {
    const decoder = new AudioDecoder({
      output: (decoded) => this.#decoded(decoded),
      error: (error) => this.#failed(error),
    });
    decoder.configure(OPUS);
    return decoder;
  }

  #decoded(decoded) {
    const channel = (number) => {
      const samples = new Float32Array(decoded.numberOfFrames);
      decoded.copyTo(samples, { planeIndex: Math.min(number, decoded.numberOfChannels - 1), format: "f32-planar" });
      return samples;
    };
    const [left, right] = [channel(0), channel(1)];
    decoded.close();
    this.#play(left, right);
  }

  // It said that it could. Plain samples need no decoder.
  #failed(error) {
    console.warn(`This browser does not decode Opus after all: ${error.message}`);
    this.#decoder = null;
    this.#format = Promise.resolve(SoundFormat.PCM);
    this.#listen();
  }

  #play(left, right) {
    this.#speakers.postMessage({ left, right }, [left.buffer, right.buffer]);
  }
}

async function best() {
  try {
    const { supported } = await AudioDecoder.isConfigSupported(OPUS);
    return supported ? SoundFormat.OPUS : SoundFormat.PCM;
  } catch {
    return SoundFormat.PCM; // there is no such thing as an AudioDecoder
  }
}

// Two channels of samples at SOUND_RATE, from frames of two 16-bit samples at half of it.
export function fromPcm(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const count = data.byteLength / 4;
  const channel = (number) => {
    const samples = new Float32Array(2 * count);
    for (let at = 0; at < count; at += 1) {
      const here = view.getInt16(4 * at + 2 * number, true) / 32768;
      const next = at + 1 < count ? view.getInt16(4 * at + 4 + 2 * number, true) / 32768 : here;
      samples[2 * at] = here;
      samples[2 * at + 1] = (here + next) / 2;
    }
    return samples;
  };
  return [channel(0), channel(1)];
}
