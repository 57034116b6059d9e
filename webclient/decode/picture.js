// The guest's picture on a canvas: frames in, whole pictures out.
//
// Parts of a picture gather in `#changes` and are drawn together with the part that says LAST, within one
// task, so that the canvas never shows half of a change. History pixels wait in `#staging`, which is
// one screen large, and bitmaps in the list: memory is bounded by the screen whatever is sent.
// Pictures of videos are kept few, for a decoder may come to a halt when too many of its pictures are open.

import { copySource, Encoding, FrameFlag, MAX_OPERATIONS, MAX_VIDEO_STREAMS } from "../wire/tsg.js";
import { DecodeError } from "./errors.js";
import { decodeJpeg } from "./jpeg.js";
import { Curtain } from "./curtain.js";
import { Staging } from "./staging.js";

const MAX_VIDEO_PICTURES = 2 * MAX_VIDEO_STREAMS; // in one picture

export class Picture {
  #canvas;
  #context;
  #history;
  #staging = null;
  #videos;
  #curtain;
  #changes = []; // operations with what they were decoded to
  inMemory = false; // what moves is moved in memory, where the canvas is slow at it

  // canvas: an OffscreenCanvas (or a canvas); history: a HistoryDecoder; videos: Videos; resized(width, height): the
  // canvas shows a picture of this size now.
  constructor(canvas, history, videos, resized = (_width, _height) => {}) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#curtain = new Curtain(canvas, this.#context, resized);
    this.#history = history;
    this.#videos = videos;
  }

  get width() {
    return this.#staging?.image.width ?? 0;
  }

  get height() {
    return this.#staging?.image.height ?? 0;
  }

  // A new connection brings a new stream; what is on the canvas stays.
  restart(history) {
    this.#history = history;
    this.#videos.restart();
    this.#abandon();
  }

  // The screen has a new size. The canvas has it once there is something to see in it; the old picture stays until then.
  resize(width, height) {
    this.#abandon();
    if (this.width === width && this.height === height) return;
    this.#staging = new Staging(width, height);
  }

  // Decodes one Frame message. Returns true when the picture is whole and may be drawn.
  async add({ flags, operations, history }) {
    this.#check(operations);
    this.#stage(operations);
    const changes = this.#changes; // a restart meanwhile leaves this list behind
    const decoding = Promise.allSettled(operations.map((operation) => this.#decode(operation)));
    let error = this.#decodeHistory(flags, operations, history);
    for (const outcome of await decoding) {
      if (outcome.status === "rejected") {
        error ??= outcome.reason;
        continue;
      }
      if (outcome.value.bitmap) replace(changes, outcome.value);
      changes.push(outcome.value);
    }
    if (changes !== this.#changes) close(changes);
    else if (error) this.#abandon();
    if (error) throw error;
    return Boolean(flags & FrameFlag.LAST);
  }

  // For a Frame message that cannot be shown: its videos go on, since later pictures of theirs build on it.
  async skip({ operations }) {
    const videos = operations.filter(({ encoding }) => encoding === Encoding.VIDEO).slice(0, MAX_VIDEO_PICTURES);
    const decoded = await Promise.allSettled(videos.map((operation) => this.#videos.decode(operation)));
    for (const outcome of decoded) if (outcome.status === "fulfilled") outcome.value?.close();
  }

  draw() {
    const { canvas, context } = this.#curtain.stage(this.width, this.height);
    for (const { isStaged, x, y, width, height, source, bitmap } of this.#changes) {
      const place = [x, y, width, height];
      if (isStaged) context.putImageData(this.#staging.image, 0, 0, ...place);
      else if (source) context.drawImage(canvas, ...source, width, height, ...place);
      else if (bitmap) context.drawImage(bitmap, 0, 0, width, height, ...place);
    }
    this.#drop();
    this.#curtain.drawn();
  }

  // What the canvas shows, as a promise of a PNG file.
  file() {
    return this.#canvas.convertToBlob({ type: "image/png" });
  }

  // Moves in memory what is moved there, and notes where that will be what the canvas shows. History pixels are decoded
  // after it: copies are the first of a picture.
  #stage(operations) {
    const copies = operations.filter(({ encoding }) => encoding === Encoding.COPY);
    if (this.inMemory && copies.length) this.#readBack(copies);
    for (const { encoding, x, y, width, height, data } of operations) {
      const place = [x, y, width, height];
      if (encoding === Encoding.HISTORY) this.#staging.drawn(...place);
      else if (this.inMemory && encoding === Encoding.COPY) this.#staging.move(...copySource(data), ...place);
      else this.#staging.covered(...place);
    }
  }

  // Brings what will be moved into memory, where it is on the canvas only.
  #readBack(copies) {
    if (this.#changes.length) this.draw(); // copies of the same picture that came before
    const { context } = this.#curtain.stage(this.width, this.height);
    for (const { width, height, data } of copies) {
      const unknown = this.#staging.unknown(...copySource(data), width, height);
      if (unknown) this.#staging.learn(context.getImageData(...unknown), unknown[0], unknown[1]);
    }
  }

  async #decode(operation) {
    const { encoding, data } = operation;
    const isStaged = encoding === Encoding.HISTORY || (this.inMemory && encoding === Encoding.COPY);
    const decoded = { ...operation, data: null, source: null, bitmap: null, isStaged };
    if (encoding === Encoding.COPY) decoded.source = copySource(data);
    else if (encoding === Encoding.JPEG) decoded.bitmap = await decodeJpeg(operation);
    else if (encoding === Encoding.VIDEO) decoded.bitmap = await this.#videos.decode(operation);
    return decoded;
  }

  // Returns the error instead of throwing it.
  #decodeHistory(flags, operations, history) {
    const stream = operations.filter(({ encoding }) => encoding === Encoding.HISTORY);
    const newStream = Boolean(flags & FrameFlag.NEW_STREAM);
    try {
      this.#history.decode(history, newStream, stream, this.#staging.pixels, this.width);
      return null;
    } catch (error) {
      return error;
    }
  }

  #check(operations) {
    if (!this.#staging) throw new DecodeError("a frame before the screen's size");
    if (this.#changes.length + operations.length > 4 * MAX_OPERATIONS) {
      throw new DecodeError("too many parts of one picture");
    }
    let [pixels, videos] = [0, 0];
    for (const { encoding, width, height } of [...this.#changes, ...operations]) {
      if (encoding === Encoding.JPEG || encoding === Encoding.VIDEO) pixels += width * height;
      if (encoding === Encoding.VIDEO) videos += 1;
    }
    if (videos > MAX_VIDEO_PICTURES) throw new DecodeError("too many videos in one picture");
    if (pixels > 4 * this.width * this.height) throw new DecodeError("too many pixels in one picture");
    let isFirst = this.#changes.every(({ source }) => source);
    for (const { encoding, x, y, width, height, data } of operations) {
      this.#checkRectangle(x, y, width, height);
      isFirst &&= encoding === Encoding.COPY;
      if (encoding !== Encoding.COPY) continue;
      this.#checkRectangle(...copySource(data), width, height);
      // What stands here would be copied with pixels that belong to later operations.
      if (!isFirst) throw new DecodeError("a copy after other parts of its picture");
    }
  }

  #checkRectangle(x, y, width, height) {
    if (x + width > this.width || y + height > this.height) throw new DecodeError("a rectangle off the screen");
  }

  // What was decoded of a picture is not drawn: what is in memory is not what the canvas shows.
  #abandon() {
    this.#staging?.forget();
    this.#drop();
  }

  #drop() {
    close(this.#changes);
    this.#changes = [];
  }
}

// Takes a picture out of the list that `newer` will cover before anybody could see it: while a large change
// arrives in parts, a film goes on, and nothing else bounds how many pictures of it would wait.
function replace(changes, newer) {
  const isSame = ({ bitmap, x, y, width, height }) =>
    bitmap && x === newer.x && y === newer.y && width === newer.width && height === newer.height;
  for (let at = changes.length - 1; at >= 0 && changes[at].encoding !== Encoding.COPY; at -= 1) {
    if (!isSame(changes[at])) continue;
    close(changes.splice(at, 1));
    return;
  }
}

function close(changes) {
  for (const { bitmap } of changes.splice(0)) bitmap?.close();
}
