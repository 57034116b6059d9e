// One upload: from where the server has it to its end, through cuts and pauses. No network and no clock of its own.
//
// The server keeps what has come, under a name that is made of the file's path, size and time. So there is nothing
// to remember here: after a reload of the page, or on another machine, the same file goes on where it was. What the
// server has is compared by its SHA-256 with the file's beginning; if that differs, all is sent anew.

export const SMALLEST_PIECE = 256 * 1024;
export const LARGEST_PIECE = 4 * 1024 * 1024; // MAX_PIECE of tsgateway/transports/http.py
const PIECE_TIME = 700; // ms that a piece should take: then pausing is quick, and keys find gaps
const LONGEST_TIME = 3000; // unless larger pieces are worth it: where each of them waits long for its answer
const READ = 4 * 1024 * 1024;
const WAITS = [500, 1000, 2000, 4000, 8000]; // ms between tries while the server is away

// States, in which it stays ↔ passes: queued → checking → sending → finishing → done; paused, waiting (for the
// server), failed (may be resumed), cancelled.

export class Upload {
  state = "queued";
  offset = 0;
  message = ""; // why it has failed, or waits
  stored = null; // {path, bytes, sha256} at its end
  #server;
  #makeHash;
  #clock;
  #changed;
  #hash = null;
  #hashed = 0;
  #id = null;
  #piece = SMALLEST_PIECE;
  #rate = 0; // bytes a ms, of the last piece
  #stop = null; // an AbortController while it works

  // file: a File. target: {folder, path}: where, and what it shall be called there. server: {begin, piece, end,
  // cancel}, see server.js. makeHash: see sha256.js. clock: {now(), wait(ms, signal)}. changed(): it has.
  constructor(file, target, { server, makeHash, clock, changed }) {
    this.file = file;
    this.target = target;
    this.#server = server;
    this.#makeHash = makeHash;
    this.#clock = clock;
    this.#changed = changed;
  }

  get isOver() {
    return ["done", "cancelled"].includes(this.state);
  }

  // Works until it is done, has failed, or was paused or cancelled. Never throws.
  async run() {
    if (this.isOver || this.#stop) return;
    const stop = (this.#stop = new AbortController());
    let tries = 0;
    while (!stop.signal.aborted) {
      const before = this.offset;
      try {
        await this.#begin(stop.signal);
        await this.#send(stop.signal);
        await this.#finish(stop.signal);
        break;
      } catch (error) {
        if (stop.signal.aborted) break;
        if (this.offset > before) tries = 0;
        if (!isPassing(error)) {
          this.#go("failed", error.message);
          break;
        }
        this.#go("waiting", error.message);
        await this.#clock.wait(WAITS[Math.min(tries, WAITS.length - 1)], stop.signal);
        tries += 1;
      }
    }
    if (this.#stop === stop) this.#stop = null;
  }

  pause() {
    if (this.isOver || this.state === "failed") return;
    this.#halt();
    this.#go("paused");
  }

  // What has come is thrown away, here and there.
  async cancel() {
    if (this.isOver) return;
    this.#halt();
    this.#go("cancelled");
    if (this.#id) await this.#server.cancel(this.#id).catch(() => {}); // the server gives it up by itself in time
  }

  // To be run again, by whoever has room for it.
  queue() {
    if (!this.isOver && !this.#stop) this.#go("queued");
  }

  #halt() {
    this.#stop?.abort();
    this.#stop = null;
  }

  #go(state, message = "") {
    this.state = state;
    this.message = message;
    this.#changed(this);
  }

  async #begin(signal) {
    this.#go("checking");
    let begun = await this.#beginAt(signal);
    await this.#hashTo(begun.offset, signal);
    if (this.#hash.digest() !== begun.sha256) {
      await this.#server.cancel(begun.id, signal);
      begun = await this.#beginAt(signal);
      await this.#hashTo(begun.offset, signal);
    }
    signal.throwIfAborted();
    this.offset = begun.offset;
    this.#go("sending");
  }

  async #beginAt(signal) {
    const { size, lastModified } = this.file;
    const begun = await this.#server.begin({ ...this.target, size, changed: Math.max(0, lastModified / 1000) }, signal);
    this.#id = begun.id;
    return begun;
  }

  async #hashTo(offset, signal) {
    if (!this.#hash || this.#hashed > offset) {
      this.#hash = await this.#makeHash();
      this.#hashed = 0;
    }
    while (this.#hashed < offset) {
      signal.throwIfAborted();
      this.#take(await this.#read(this.#hashed, Math.min(offset, this.#hashed + READ)));
      this.offset = this.#hashed;
      this.#changed(this);
    }
  }

  #take(bytes) {
    this.#hash.update(bytes);
    this.#hashed += bytes.length;
  }

  async #read(from, to) {
    const bytes = new Uint8Array(await this.file.slice(from, to).arrayBuffer());
    if (bytes.length !== to - from) throw new Error("the file has become shorter");
    return bytes;
  }

  async #send(signal) {
    while (this.offset < this.file.size) {
      const bytes = await this.#read(this.offset, Math.min(this.file.size, this.offset + this.#piece));
      const began = this.#clock.now();
      const { offset } = await this.#server.piece(this.#id, this.offset, bytes, signal);
      signal.throwIfAborted();
      this.#take(bytes);
      this.offset = offset;
      this.#pace(bytes.length, this.#clock.now() - began);
      this.#changed(this);
    }
  }

  // The next piece is larger or smaller, so that it takes about PIECE_TIME, or longer as long as that is faster.
  #pace(size, took) {
    const rate = size / Math.max(took, 1);
    const isFaster = rate > 1.2 * this.#rate && took < LONGEST_TIME;
    const wanted = took < PIECE_TIME || isFaster ? 2 * this.#piece : took > LONGEST_TIME ? this.#piece / 2 : this.#piece;
    this.#rate = rate;
    this.#piece = Math.max(SMALLEST_PIECE, Math.min(LARGEST_PIECE, wanted));
  }

  async #finish(signal) {
    this.#go("finishing");
    this.stored = await this.#server.end(this.#id, this.#hash.digest(), signal);
    this.#go("done");
  }
}

// Whether it may go well after a while: the server is away or busy, or has lost or got more than we know.
function isPassing({ status, code }) {
  return status === 0 || status === 502 || status === 503 || status === 504 || code === "wrong_offset" ||
    code === "no_such_upload";
}
