// The picture in memory: history pixels are decoded to it, and drawn from it. It also knows where it is what the canvas
// shows: not where a JPEG or a video was drawn since. With those read back, parts of the screen can be moved in it.
//
// A browser without a GPU that draws a canvas onto itself copies all of it first. That takes 6.6 ms where full HD
// scrolls; moving rows in memory and putting them on the canvas takes 1.6 ms.

const SIDE = 16; // pixels of the cells in which is noted what is known; servers send multiples of it

export class Staging {
  image;
  pixels; // of the image, as 32-bit numbers
  #columns;
  #rows;
  #known; // of each cell, 1 where all its pixels are what the canvas shows

  constructor(width, height) {
    this.image = new ImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.#columns = Math.ceil(width / SIDE);
    this.#rows = Math.ceil(height / SIDE);
    this.#known = new Uint8Array(this.#columns * this.#rows);
  }

  // What the canvas shows is not known to be here any more.
  forget() {
    this.#known.fill(0);
  }

  // Something that is not here is drawn there.
  covered(x, y, width, height) {
    this.#mark(0, Math.floor(x / SIDE), Math.floor(y / SIDE), Math.ceil((x + width) / SIDE), Math.ceil((y + height) / SIDE));
  }

  // What is here is drawn there.
  drawn(x, y, width, height) {
    const end = (side, of) => (side === of ? Math.ceil(side / SIDE) : Math.floor(side / SIDE));
    const [right, bottom] = [end(x + width, this.image.width), end(y + height, this.image.height)];
    this.#mark(1, Math.ceil(x / SIDE), Math.ceil(y / SIDE), right, bottom);
  }

  // What the canvas shows from x, y on is put here, an ImageData.
  learn({ data, width, height }, x, y) {
    const pixels = new Uint32Array(data.buffer);
    for (let row = 0; row < height; row += 1) {
      this.pixels.set(pixels.subarray(row * width, (row + 1) * width), (y + row) * this.image.width + x);
    }
    this.drawn(x, y, width, height);
  }

  // Returns the least rectangle of cells, as [x, y, width, height], that holds all of this one that is not known, or null.
  unknown(x, y, width, height) {
    let [left, top, right, bottom] = [Infinity, Infinity, -1, -1];
    for (let row = Math.floor(y / SIDE); row < Math.ceil((y + height) / SIDE); row += 1) {
      const cells = this.#known.subarray(row * this.#columns, (row + 1) * this.#columns);
      const some = cells.subarray(Math.floor(x / SIDE), Math.ceil((x + width) / SIDE));
      if (!some.includes(0)) continue;
      left = Math.min(left, Math.floor(x / SIDE) + some.indexOf(0));
      right = Math.max(right, Math.floor(x / SIDE) + some.lastIndexOf(0) + 1);
      top = Math.min(top, row);
      bottom = row + 1;
    }
    if (right < 0) return null;
    const inside = [Math.min(right * SIDE, this.image.width), Math.min(bottom * SIDE, this.image.height)];
    return [left * SIDE, top * SIDE, inside[0] - left * SIDE, inside[1] - top * SIDE];
  }

  // Moves a rectangle, which is known, from `left`, `top` to `x`, `y`.
  move(left, top, x, y, width, height) {
    const stride = this.image.width;
    for (let step = 0; step < height; step += 1) {
      const row = top < y ? height - 1 - step : step; // none is overwritten before it has moved
      const from = (top + row) * stride + left;
      this.pixels.copyWithin((y + row) * stride + x, from, from + width);
    }
    this.drawn(x, y, width, height);
  }

  #mark(value, left, top, right, bottom) {
    if (left >= right) return;
    for (let row = top; row < bottom; row += 1) {
      this.#known.fill(value, row * this.#columns + left, row * this.#columns + right);
    }
  }
}

const BY_PROCESSOR = /swiftshader|llvmpipe|softpipe|software|basic render/i;

// Whether this browser draws without a GPU. Takes some 20 ms.
export function drawsSlowly() {
  const context = new OffscreenCanvas(1, 1).getContext("webgl", { failIfMajorPerformanceCaveat: true });
  if (!context) return true;
  const details = context.getExtension("WEBGL_debug_renderer_info");
  const renderer = context.getParameter(details ? details.UNMASKED_RENDERER_WEBGL : context.RENDERER);
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return BY_PROCESSOR.test(renderer);
}
