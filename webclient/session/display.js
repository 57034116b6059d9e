// Where the guest's screen lies in the window, and the pointer's shape over it.

import { MAX_CURSOR } from "../wire/tsg.js";
import { fit, toGuest, wishedSize } from "./scaling.js";

const LARGEST = 128; // CSS pixels; browsers ignore larger pointers

export class Display {
  #stage;
  #canvas;
  #screen = { width: 1, height: 1 };
  #placed = { left: 0, top: 0, scale: 1 };
  #cursor = null;

  // stage: the element that the screen fills; canvas: in it, absolutely placed.
  constructor(stage, canvas) {
    this.#stage = stage;
    this.#canvas = canvas;
  }

  // The screen that would fill the stage, as [width, height] in guest pixels.
  get wished() {
    return wishedSize(this.#stage.clientWidth, this.#stage.clientHeight, devicePixelRatio);
  }

  get screen() {
    return this.#screen;
  }

  setScreen(width, height) {
    this.#screen = { width, height };
    this.layout();
  }

  layout() {
    const box = { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
    if (!box.width || !box.height) return;
    const scale = this.#placed.scale;
    this.#placed = fit(box, this.#screen, devicePixelRatio);
    const { left, top, width, height, exact } = this.#placed;
    const style = { left, top, width, height };
    for (const [name, value] of Object.entries(style)) this.#canvas.style[name] = `${value}px`;
    this.#canvas.classList.toggle("is-exact", exact);
    if (scale !== this.#placed.scale) this.#showCursor();
  }

  // The guest's pixel under a place of the window, {x, y} in CSS pixels.
  toGuest({ x, y }) {
    const { left, top } = this.#stage.getBoundingClientRect();
    return toGuest({ x: x - left, y: y - top }, this.#placed, this.#screen);
  }

  setCursor(cursor) {
    this.#cursor = cursor;
    this.#showCursor();
  }

  #showCursor() {
    if (!this.#cursor) return;
    const { width, height, hot_x: hotX, hot_y: hotY, pixels } = this.#cursor;
    const isSane = width > 0 && height > 0 && width <= MAX_CURSOR && height <= MAX_CURSOR;
    // A guest that hides its pointer often only means that it draws none: a dot shows where it is.
    this.#stage.style.cursor = isSane
      ? cursorStyle(picture(width, height, pixels), hotX, hotY, this.#placed.scale)
      : cursorStyle(dot(), 3, 3, 1);
  }
}

// A CSS cursor of a picture drawn at `scale` CSS pixels per pixel.
function cursorStyle(source, hotX, hotY, scale) {
  const shrink = Math.min(scale, LARGEST / source.width, LARGEST / source.height);
  const side = (length) => Math.max(1, Math.round(length * shrink));
  const canvas = document.createElement("canvas");
  canvas.width = side(source.width);
  canvas.height = side(source.height);
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  const spot = (at, length) => Math.max(0, Math.min(length - 1, Math.round(at * shrink)));
  return `url("${canvas.toDataURL()}") ${spot(hotX, canvas.width)} ${spot(hotY, canvas.height)}, default`;
}

// B, G, R, A to a canvas.
function picture(width, height, pixels) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  for (let at = 0; at < pixels.length; at += 4) {
    image.data[at] = pixels[at + 2];
    image.data[at + 1] = pixels[at + 1];
    image.data[at + 2] = pixels[at];
    image.data[at + 3] = pixels[at + 3];
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function dot() {
  const canvas = document.createElement("canvas");
  canvas.width = 7;
  canvas.height = 7;
  const context = canvas.getContext("2d");
  for (const [radius, colour] of /** @type {[number, string][]} */ ([[3, "#fff"], [2, "#000"]])) {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(3.5, 3.5, radius, 0, 2 * Math.PI);
    context.fill();
  }
  return canvas;
}
