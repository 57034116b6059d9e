// VIDEO operations: every stream has one of the browser's decoders, which gives one picture for one chunk.
//
// A decoder that does anything else (errs, stays silent, gives two pictures, or one of another size) has failed,
// and so has its codec, for as long as this page lives: the server then sends the region by other means.

import { clock } from "../clock.js";
import { VideoFlag, videoPicture } from "../wire/tsg.js";
import { CAPABILITIES, decoderConfig, NAMES, statedSize } from "./codecs.js";
import { DecodeError } from "./errors.js";

export const PATIENCE = 2000; // ms to wait for a picture; what comes after it waits too
const MAX_REASON = 80; // characters: 256 bytes of UTF-8 at most, as the protocol wants it

// Whether the picture is the rectangle's, or larger by the one column or row that makes its sides even.
export function fits(picture, { width, height }) {
  return fitsSide(picture.width, width) && fitsSide(picture.height, height);
}

const fitsSide = (side, wanted) => side === wanted || side === wanted + (wanted % 2);

// One stream, from a key picture to the next.
class Stream {
  #decoder;
  #timers;
  #faulty;
  #waiting = []; // for pictures, in the order of their chunks: {timestamp, resolve, timer}
  #count = 0;
  #retired = false;
  #closed = false;

  // faulty(reason) is called once when the decoder does what it should not. Throws what the decoder throws.
  constructor(codec, config, { Decoder, timers, faulty }) {
    this.codec = codec;
    this.#timers = timers;
    this.#faulty = faulty;
    this.#decoder = new Decoder({
      output: (frame) => this.#take(frame),
      error: (error) => this.#err(error),
    });
    this.#decoder.configure(config);
  }

  get isOpen() {
    return !this.#closed;
  }

  // Returns a promise of the chunk's VideoFrame, which the caller closes, or of null when there is none.
  decode(makeChunk, isKey) {
    return new Promise((resolve) => {
      const timestamp = this.#count;
      this.#count += 1;
      const timer = this.#timers.setTimeout(() => this.#fail("no picture came"), PATIENCE);
      this.#waiting.push({ timestamp, resolve, timer });
      try {
        this.#decoder.decode(makeChunk({ type: isKey ? "key" : "delta", timestamp }));
      } catch (error) {
        this.#fail(error.message);
      }
    });
  }

  // Another stream takes its place: it ends with the pictures that are still to come.
  retire() {
    this.#retired = true;
    if (!this.#waiting.length) this.close();
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    for (const { resolve, timer } of this.#waiting.splice(0)) {
      this.#timers.clearTimeout(timer);
      resolve(null);
    }
    if (this.#decoder.state !== "closed") this.#decoder.close();
  }

  #take(frame) {
    if (this.#closed) {
      frame.close();
      return;
    }
    const next = this.#waiting.shift();
    if (frame.timestamp !== next?.timestamp) {
      frame.close();
      if (next) this.#waiting.unshift(next);
      this.#fail("a picture too many");
      return;
    }
    this.#timers.clearTimeout(next.timer);
    next.resolve(frame);
    if (this.#retired && !this.#waiting.length) this.close();
  }

  // Browsers take decoders back that have had nothing to do for minutes: a video that has ended is not a fault.
  #err(error) {
    if (error.name === "QuotaExceededError" && !this.#waiting.length) this.close();
    else this.#fail(error.message);
  }

  #fail(reason) {
    if (this.#closed) return;
    this.close();
    this.#faulty(reason);
  }
}

export class Videos {
  #outside;
  #failed;
  #streams = new Map();
  #able = [];
  #broken = new Set();

  // failed(codec, reason) is called once for a codec that fails. Decoder and Chunk: the browser's
  // VideoDecoder and EncodedVideoChunk.
  constructor(failed, outside = {}) {
    this.#failed = failed;
    this.#outside = { Decoder: globalThis.VideoDecoder, Chunk: globalThis.EncodedVideoChunk, timers: clock, ...outside };
  }

  // Codecs found to work here, before any video comes.
  allow(codecs) {
    this.#able = codecs;
  }

  // What to tell the server: the capabilities of the codecs that work and have not failed.
  get capabilities() {
    return this.#able.filter((codec) => !this.#broken.has(codec)).map((codec) => CAPABILITIES[codec]);
  }

  // A new connection begins all its streams itself.
  restart() {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }

  // Returns a promise of a VideoFrame that fits the operation's rectangle; the caller closes it. Null when
  // the codec has failed. Calls are taken in order. Throws DecodeError when the stream has not begun.
  async decode({ data, width, height }) {
    const { stream: number, codec, flags, chunk } = videoPicture(data);
    const isKey = Boolean(flags & VideoFlag.KEY);
    if (!this.#broken.has(codec) && isKey) this.#begin(number, codec, chunk, { width, height });
    if (this.#broken.has(codec)) return null;
    const stream = this.#streams.get(number);
    if (stream?.codec !== codec || !stream.isOpen) throw new DecodeError(`video ${number} has not begun`);
    const { Chunk } = this.#outside;
    const frame = await stream.decode((details) => new Chunk({ ...details, data: chunk }), isKey);
    if (!frame) return null;
    const { visibleRect: seen, displayWidth, displayHeight } = frame;
    if (fits(seen, { width, height }) && seen.width === displayWidth && seen.height === displayHeight) return frame;
    frame.close();
    this.#fail(codec, `a picture of ${displayWidth}×${displayHeight} for ${width}×${height}`);
    return null;
  }

  #begin(number, codec, chunk, size) {
    this.#streams.get(number)?.retire();
    this.#streams.delete(number);
    try {
      const stated = statedSize(codec, chunk);
      if (stated && !fits(stated, size)) {
        throw new DecodeError(`a video of ${stated.width}×${stated.height} for ${size.width}×${size.height}`);
      }
      const faulty = (reason) => this.#fail(codec, reason);
      const stream = new Stream(codec, decoderConfig(codec, size.width, size.height, chunk), {
        ...this.#outside,
        faulty,
      });
      this.#streams.set(number, stream);
    } catch (error) {
      this.#fail(codec, error.message);
    }
  }

  #fail(codec, reason) {
    if (this.#broken.has(codec)) return;
    this.#broken.add(codec);
    for (const [number, stream] of this.#streams) {
      if (stream.codec !== codec) continue;
      stream.close();
      this.#streams.delete(number);
    }
    this.#failed(codec, `${NAMES[codec]}: ${reason}`.slice(0, MAX_REASON));
  }
}
