// Pictures on a canvas are what the operations say, whether what moves is moved on the canvas or in memory.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";

import { Picture } from "../../webclient/decode/picture.js";
import { Encoding, FrameFlag } from "../../webclient/wire/tsg.js";

const [WIDTH, HEIGHT] = [216, 120]; // the last column of cells is half a cell

// A canvas of 32-bit pixels; what is drawn onto itself is read before it is written, as browsers do.
class Canvas {
  constructor(width, height) {
    Object.assign(this, { width, height, pixels: new Uint32Array(width * height), selfCopies: 0, read: [] });
  }

  getContext() {
    return {
      putImageData: ({ data, width }, _left, _top, x, y, across, down) => {
        const pixels = new Uint32Array(data.buffer);
        for (let row = y; row < y + down; row += 1) this.pixels.set(pixels.subarray(row * width + x, row * width + x + across), row * this.width + x);
      },
      drawImage: (from, left, top, across = from.width, down = from.height, x = left, y = top) => {
        if (from === this) this.selfCopies += 1;
        const source = from.pixels.slice();
        for (let row = 0; row < Math.min(down, this.height); row += 1) {
          const start = (top + row) * from.width + left;
          this.pixels.set(source.subarray(start, start + Math.min(across, this.width)), (y + row) * this.width + x);
        }
      },
      getImageData: (x, y, width, height) => {
        this.read.push([x, y, width, height]);
        const pixels = new Uint32Array(width * height);
        for (let row = 0; row < height; row += 1) {
          const start = (y + row) * this.width + x;
          pixels.set(this.pixels.subarray(start, start + width), row * width);
        }
        return { width, height, data: new Uint8ClampedArray(pixels.buffer) };
      },
    };
  }
}

// Stands for the zstd stream: a rectangle's pixels are its `colour` and the pixel's number.
const history = {
  decode(chunk, _newStream, rectangles, pixels, stride) {
    if (chunk === "broken") throw new RangeError("broken");
    for (const { x, y, width, height, colour } of rectangles) fill(pixels, stride, [x, y, width, height], colour);
  },
};
const videos = {
  restart() {},
  async decode({ width, height, colour }) {
    const bitmap = { width, height, pixels: new Uint32Array(width * height), close() {} };
    fill(bitmap.pixels, width, [0, 0, width, height], colour);
    return bitmap;
  },
};

function fill(pixels, stride, [x, y, width, height], colour) {
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) pixels[(y + row) * stride + x + column] = colour + row * width + column;
  }
}

function copy(left, top, x, y, width, height) {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint16(0, left);
  new DataView(data.buffer).setUint16(2, top);
  return { encoding: Encoding.COPY, x, y, width, height, data };
}

const drawn = (encoding, x, y, width, height, colour) => ({ encoding, x, y, width, height, colour, data: new Uint8Array(0) });
const whole = (colour) => drawn(Encoding.HISTORY, 0, 0, WIDTH, HEIGHT, colour);
const last = (...operations) => ({ flags: FrameFlag.LAST, operations, history: new Uint8Array(0) });

describe("pictures", () => {
  let canvases;
  let pictures;
  const show = async (...frames) => {
    for (const picture of pictures) {
      for (const frame of frames) if (await picture.add(frame)) picture.draw();
    }
  };
  const same = (message) => assert.deepEqual(canvases[1].pixels, canvases[0].pixels, message);

  beforeEach(() => {
    globalThis.OffscreenCanvas = /** @type {any} */ (Canvas);
    globalThis.ImageData = /** @type {any} */ (class {
      constructor(width, height) {
        Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
      }
    });
    canvases = [false, true].map(() => new Canvas(WIDTH, HEIGHT));
    pictures = canvases.map((canvas) => new Picture(/** @type {any} */ (canvas), history, videos));
    pictures[1].inMemory = true;
    for (const picture of pictures) picture.resize(WIDTH, HEIGHT);
  });
  afterEach(() => {
    delete globalThis.OffscreenCanvas;
    delete globalThis.ImageData;
  });

  test("exact pixels that move are moved in memory, up and down and aside", async () => {
    await show(last(whole(1000)));
    const moves = [[0, 20, 0, 0, WIDTH, 100], [0, 0, 0, 30, WIDTH, 90], [16, 0, 0, 16, 200, 64], [0, 3, 5, 3, 100, 50]];
    for (const [number, move] of moves.entries()) {
      await show(last(copy(.../** @type {[number, number, number, number, number, number]} */ (move)), drawn(Encoding.HISTORY, 3, 5, 60, 20, 1e6 * number)));
      same(String(move));
    }
    assert.deepEqual(canvases.map(({ selfCopies }) => selfCopies), [4, 0]);
  });

  test("what a video or a broken picture has covered is read back once, and no more than that", async () => {
    await show(last(whole(1000)), last(drawn(Encoding.VIDEO, 70, 30, 50, 40, 5e6)));
    await show(last(copy(0, 16, 0, 0, 48, 104)), last(copy(0, 16, 0, 0, WIDTH, 104)), last(copy(0, 16, 0, 0, WIDTH, 104)));
    same();
    assert.deepEqual(canvases[1].read, [[64, 16, 64, 64]]);
    for (const picture of pictures) {
      const broken = { ...last(copy(0, 16, 0, 0, WIDTH, 104)), history: "broken" };
      await assert.rejects(picture.add(/** @type {any} */ (broken)), RangeError);
    }
    await show(last(copy(0, 16, 0, 0, WIDTH, 104)));
    same();
    assert.deepEqual(canvases[1].read.slice(1), [[0, 16, WIDTH, 104]]);
  });

  test("whatever comes, both ways are the same", async () => {
    let seed = 7;
    const random = (below) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const size = () => [1 + random(WIDTH), 1 + random(HEIGHT)];
    const some = (encoding) => {
      const [width, height] = size();
      return drawn(encoding, random(WIDTH - width + 1), random(HEIGHT - height + 1), width, height, random(1e9));
    };
    const someCopy = () => {
      const [width, height] = size();
      const [right, lower] = [WIDTH - width + 1, HEIGHT - height + 1];
      return copy(random(right), random(lower), random(right), random(lower), width, height);
    };
    const several = (most, make) => Array.from({ length: random(most) }, make);
    await show(last(whole(1)));
    for (let number = 0; number < 200; number += 1) {
      if (random(9) === 0) await show(last(whole(random(1e9))));
      const parts = [{ ...last(...several(3, someCopy)), flags: 0 }, { ...last(...several(3, someCopy)), flags: 0 }];
      const rest = several(4, () => some(random(3) ? Encoding.HISTORY : Encoding.VIDEO));
      await show(...parts, last(...rest));
      same(`picture ${number}`);
    }
    assert.equal(canvases[1].selfCopies, 0);
  });
});
