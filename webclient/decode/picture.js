// The guest's picture on a canvas: frames in, whole pictures out.
//
// Parts of a picture gather in `#changes` and are drawn together with the part that says LAST, within one
// task, so that the canvas never shows half of a change. History pixels wait in `#staging`, which is
// one screen large, and bitmaps in the list: memory is bounded by the screen whatever is sent.

import { copySource, Encoding, FrameFlag, MAX_OPERATIONS } from "../wire/tsg.js";
import { DecodeError } from "./errors.js";
import { decodeJpeg } from "./jpeg.js";

export class Picture {
  #canvas;
  #context;
  #history;
  #staging = null;
  #pixels = null;
  #changes = [];
  #bitmapPixels = 0;

  // canvas: an OffscreenCanvas (or a canvas); history: a HistoryDecoder.
  constructor(canvas, history) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#history = history;
  }

  get width() {
    return this.#staging?.width ?? 0;
  }

  get height() {
    return this.#staging?.height ?? 0;
  }

  // A new connection brings a new stream; what is on the canvas stays.
  restart(history) {
    this.#history = history;
    this.#drop();
  }

  // The screen has a new size; what fits of the old picture stays until frames replace it.
  resize(width, height) {
    this.#drop();
    if (this.width === width && this.height === height) return;
    this.#staging = new ImageData(width, height);
    this.#pixels = new Uint32Array(this.#staging.data.buffer);
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    const kept = new OffscreenCanvas(this.#canvas.width, this.#canvas.height);
    kept.getContext("2d").drawImage(this.#canvas, 0, 0);
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context.drawImage(kept, 0, 0);
  }

  // Decodes one Frame message. Returns true when the picture is whole and may be drawn.
  async add({ flags, operations, history }) {
    this.#check(operations);
    const stream = operations.filter(({ encoding }) => encoding === Encoding.HISTORY);
    const newStream = Boolean(flags & FrameFlag.NEW_STREAM);
    this.#history.decode(history, newStream, stream, this.#pixels, this.width);
    const changes = this.#changes; // a restart meanwhile leaves this list behind
    const decoded = operations.map(async (operation) => ({
      ...operation,
      data: null,
      source: operation.encoding === Encoding.COPY ? copySource(operation.data) : null,
      bitmap: operation.encoding === Encoding.JPEG ? await decodeJpeg(operation) : null,
    }));
    changes.push(...(await Promise.all(decoded)));
    return Boolean(flags & FrameFlag.LAST);
  }

  draw() {
    for (const { x, y, width, height, source, bitmap } of this.#changes) {
      if (source) this.#context.drawImage(this.#canvas, ...source, width, height, x, y, width, height);
      else if (bitmap) this.#context.drawImage(bitmap, x, y, width, height);
      else this.#context.putImageData(this.#staging, 0, 0, x, y, width, height);
    }
    this.#drop();
  }

  // What the canvas shows, as a promise of a PNG file.
  file() {
    return this.#canvas.convertToBlob({ type: "image/png" });
  }

  #check(operations) {
    if (!this.#staging) throw new DecodeError("a frame before the screen's size");
    if (this.#changes.length + operations.length > 4 * MAX_OPERATIONS) {
      throw new DecodeError("too many parts of one picture");
    }
    for (const { encoding, x, y, width, height, data } of operations) {
      this.#checkRectangle(x, y, width, height);
      if (encoding === Encoding.COPY) this.#checkRectangle(...copySource(data), width, height);
      if (encoding === Encoding.JPEG) this.#bitmapPixels += width * height;
    }
    if (this.#bitmapPixels > 4 * this.width * this.height) throw new DecodeError("too many pixels in one picture");
  }

  #checkRectangle(x, y, width, height) {
    if (x + width > this.width || y + height > this.height) throw new DecodeError("a rectangle off the screen");
  }

  #drop() {
    for (const { bitmap } of this.#changes) bitmap?.close();
    this.#changes = [];
    this.#bitmapPixels = 0;
  }
}
