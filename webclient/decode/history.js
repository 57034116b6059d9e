// History operations: rectangles whose pixels come out of the viewer's zstd stream, row by row.

import { DecodeError } from "./errors.js";
import { windowSize } from "./zstd.js";

// B, G, R, x in memory to R, G, B, opaque: both seen as little-endian 32-bit numbers.
export function swizzle(source, from, target, to, count) {
  for (let end = from + count; from < end; from += 1, to += 1) {
    const pixel = source[from];
    target[to] = 0xff000000 | ((pixel & 0xff) << 16) | (pixel & 0xff00) | ((pixel >>> 16) & 0xff);
  }
}

// Writes pixels that arrive in pieces of any size into a list of rectangles of one picture.
class RectangleWriter {
  constructor(rectangles, picture, stride) {
    this.rectangles = rectangles;
    this.picture = picture;
    this.stride = stride;
    this.index = 0;
    this.row = 0;
    this.column = 0;
  }

  write(pixels) {
    let from = 0;
    while (from < pixels.length) {
      const { x, y, width, height } = this.rectangles[this.index];
      const count = Math.min(width - this.column, pixels.length - from);
      swizzle(pixels, from, this.picture, (y + this.row) * this.stride + x + this.column, count);
      from += count;
      this.column += count;
      if (this.column < width) continue;
      this.column = 0;
      this.row += 1;
      if (this.row < height) continue;
      this.row = 0;
      this.index += 1;
    }
  }
}

export class HistoryDecoder {
  #stream;
  #maxWindow;
  #open = false;

  // windowLog: log2 of the largest window to allow, from the ServerHello.
  constructor(stream, windowLog) {
    this.#stream = stream;
    this.#maxWindow = 2 ** windowLog;
    stream.restart();
  }

  // Decodes one history chunk into `picture`, RGBA pixels in rows of `stride`. The rectangles lie inside
  // it. Throws DecodeError; nothing more can be decoded then until a new stream begins.
  decode(chunk, newStream, rectangles, picture, stride) {
    if (newStream) {
      this.#open = false;
      if (windowSize(chunk) > this.#maxWindow) throw new DecodeError("the stream's window is larger than agreed");
      this.#stream.restart();
      this.#open = true;
    }
    if (!chunk.length && !rectangles.length) return;
    if (!this.#open) throw new DecodeError("no stream has begun");
    const total = rectangles.reduce((sum, { width, height }) => sum + 4 * width * height, 0);
    const writer = new RectangleWriter(rectangles, picture, stride);
    this.#open = false;
    this.#stream.decode(chunk, total, (pixels) => writer.write(pixels));
    this.#open = true;
  }
}
