// What is seen while a guest changes its screen's size. A guest begins with a dark screen and paints its desktop anew;
// all of that would be a flash. So pictures of another size are drawn behind the curtain, where nobody sees them, and the
// old one stays, until they are more than dark, or for a moment: some desktops are dark.

const HOLD = 250; // ms
const SIDE = 16; // pixels of the small picture in which is looked whether all is dark
const DARK = 24; // of 255: a channel below is

export class Curtain {
  #canvas;
  #context;
  #resized;
  #hidden = null; // {canvas, context} of another size than what is seen
  #small = null;
  #timer = null;
  #isFirst = true;

  // canvas and its 2D context: what is seen; resized(width, height): it has another size now.
  constructor(canvas, context, resized) {
    this.#canvas = canvas;
    this.#context = context;
    this.#resized = resized;
  }

  // Where a picture of this size is to be drawn, as {canvas, context}. What fits of the one before stays on it.
  stage(width, height) {
    const seen = { canvas: this.#canvas, context: this.#context };
    if (this.#hidden && !hasSize(this.#hidden.canvas, width, height)) this.#forget();
    if (this.#hidden) return this.#hidden;
    if (hasSize(this.#canvas, width, height) && !this.#isFirst) return seen;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { alpha: false });
    context.drawImage(this.#canvas, 0, 0);
    this.#hidden = { canvas, context };
    return this.#hidden;
  }

  // A picture has been drawn.
  drawn() {
    if (!this.#hidden) return;
    if (this.#isFirst || !this.#isDark()) this.#open();
    else this.#timer ??= setTimeout(() => this.#open(), HOLD);
  }

  #open() {
    const { canvas } = this.#hidden;
    this.#forget();
    this.#isFirst = false;
    this.#canvas.width = canvas.width;
    this.#canvas.height = canvas.height;
    this.#context.drawImage(canvas, 0, 0);
    this.#resized(canvas.width, canvas.height);
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#timer = this.#hidden = null;
  }

  #isDark() {
    this.#small ??= new OffscreenCanvas(SIDE, SIDE).getContext("2d", { alpha: false, willReadFrequently: true });
    this.#small.drawImage(this.#hidden.canvas, 0, 0, SIDE, SIDE);
    const { data } = this.#small.getImageData(0, 0, SIDE, SIDE);
    return data.every((value, at) => at % 4 === 3 || value < DARK);
  }
}

function hasSize(canvas, width, height) {
  return canvas.width === width && canvas.height === height;
}
