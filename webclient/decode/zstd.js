// One zstd stream that stays open across messages.
//
// zstddec's own interface decodes whole buffers and keeps its WebAssembly exports to itself, and it loads
// the module from a data: address, which our content policy refuses. So the module is taken out of the
// package's file, where it stands as one base64 string, and driven directly.

import { DecodeError } from "./errors.js";

const CHUNK = 1 << 20;
const MAGIC = 0xfd2fb528;

// Compiles the decoder out of the text of zstddec/dist/zstddec-stream.mjs.
export async function compileZstd(packageText) {
  const [, base64] = /"([A-Za-z0-9+/]{10000,}={0,2})"/.exec(packageText) ?? [];
  if (!base64) throw new Error("the zstd decoder is not where it should be in zstddec-stream.mjs");
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return WebAssembly.compile(bytes);
}

// Bytes of history that a zstd frame beginning with `bytes` asks its decoder to keep (RFC 8878 §3.1.1.1).
export function windowSize(bytes) {
  const need = (count) => {
    if (bytes.length < count) throw new DecodeError("the stream's header is cut off");
  };
  need(6);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new DecodeError("not a zstd stream");
  const descriptor = bytes[4];
  const singleSegment = descriptor & 0x20;
  if (!singleSegment) {
    const exponent = bytes[5] >> 3;
    const base = 2 ** (10 + exponent);
    return base + (base / 8) * (bytes[5] & 7);
  }
  const at = 5 + [0, 1, 2, 4][descriptor & 3];
  const size = [1, 2, 4, 8][descriptor >> 6];
  need(at + size);
  if (size === 1) return bytes[at];
  if (size === 2) return view.getUint16(at, true) + 256;
  return size === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

export class ZstdStream {
  #zstd;
  #context;
  #output;
  #structs; // ZSTD_outBuffer, then ZSTD_inBuffer: {pointer, size, position}, 4 bytes each
  #input = 0;
  #inputSize = 0;

  /** @param {WebAssembly.Module} module */
  static async create(module) {
    const imports = { env: { emscripten_notify_memory_growth() {} } };
    const { exports } = await WebAssembly.instantiate(module, imports);
    return new ZstdStream(exports);
  }

  constructor(exports) {
    this.#zstd = exports;
    this.#output = exports.malloc(CHUNK);
    this.#structs = exports.malloc(24);
    this.#context = exports.ZSTD_createDCtx();
  }

  // Forgets all history: what comes next begins a new stream.
  restart() {
    this.#zstd.ZSTD_freeDCtx(this.#context);
    this.#context = this.#zstd.ZSTD_createDCtx();
  }

  // Decodes `bytes`, which must yield exactly `total` bytes, a multiple of 4; calls take(pixels) with
  // Uint32Array pieces that are valid during the call only. Throws DecodeError.
  decode(bytes, total, take) {
    const source = this.#place(bytes);
    let consumed = 0;
    let left = total;
    let kept = 0; // bytes of a pixel begun at the end of the last piece
    for (let more = true; more;) {
      // Room for a little more than is expected shows a chunk that yields too much.
      const room = Math.min(CHUNK, kept + left + 4);
      const step = this.#step(source, bytes.length, consumed, room, kept);
      left -= step.filled - kept;
      if (left < 0) throw new DecodeError("the history chunk yields more than its rectangles");
      // A full buffer may leave pixels inside the decoder even when all its input is taken.
      const moved = step.consumed > consumed || step.filled > kept;
      consumed = step.consumed;
      kept = this.#deliver(step.filled, take);
      more = moved && (consumed < bytes.length || step.filled === room);
    }
    if (consumed < bytes.length) throw new DecodeError("the stream is stuck");
    if (left || kept) throw new DecodeError("the history chunk yields less than its rectangles");
  }

  // Copies compressed bytes into the decoder's memory.
  #place(bytes) {
    if (bytes.length > this.#inputSize) {
      if (this.#input) this.#zstd.free(this.#input);
      this.#inputSize = Math.max(bytes.length, 1 << 16);
      this.#input = this.#zstd.malloc(this.#inputSize);
      if (!this.#input) throw new DecodeError("no memory for the stream");
    }
    new Uint8Array(this.#zstd.memory.buffer, this.#input, bytes.length).set(bytes);
    return this.#input;
  }

  #step(source, size, consumed, room, kept) {
    const layout = [this.#output, room, kept, source, size, consumed];
    new Uint32Array(this.#zstd.memory.buffer, this.#structs, 6).set(layout);
    const result = this.#zstd.ZSTD_decompressStream(this.#context, this.#structs, this.#structs + 12) >>> 0;
    // Results above 2^32 - 120 are error codes; 0 says that the stream has ended, which ours never does.
    if (result > 0xffffff88) throw new DecodeError(`zstd error ${0x100000000 - result}`);
    if (result === 0) throw new DecodeError("the stream has ended");
    const after = new Uint32Array(this.#zstd.memory.buffer, this.#structs, 6); // memory may have moved
    return { filled: after[2], consumed: after[5] };
  }

  // Hands on the whole pixels and moves the rest to the front; returns how many bytes that is.
  #deliver(filled, take) {
    const rest = filled % 4;
    const buffer = this.#zstd.memory.buffer;
    if (filled >= 4) take(new Uint32Array(buffer, this.#output, (filled - rest) / 4));
    new Uint8Array(buffer).copyWithin(this.#output, this.#output + filled - rest, this.#output + filled);
    return rest;
  }
}
