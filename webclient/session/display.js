// Where the guest's screen lies in the window, and the pointer's shape over it.

import { MAX_CURSOR } from "../wire/tsg.js";
import { edgePull, fit, moved, toGuest, wishedSize } from "./scaling.js";

const LARGEST = 128; // CSS pixels; browsers ignore larger pointers

const MAX_ZOOM = 8;
const EDGE = 48; // CSS pixels at the window's edges where the pointer moves a picture that is larger
const PACE = 1.4; // CSS pixels a millisecond, at most

export class Display {
  #stage;
  #canvas;
  #view;
  #screen = { width: 1, height: 1 };
  #placed = { left: 0, top: 0, width: 1, height: 1, scale: 1, exact: false };
  #zoom = 1;
  #centre = { x: 0.5, y: 0.5 };
  #kept = 0; // a scale that stays while a keyboard covers part of the window
  #pull = null; // {x, y} and when it was last followed
  #cursor = null;

  laidOut = () => {}; // what to do when the picture has another place

  // stage: the element that the screen fills; canvas: in it, absolutely placed; view: what is chosen, a View.
  constructor(stage, canvas, view) {
    this.#stage = stage;
    this.#canvas = canvas;
    this.#view = view;
  }

  // The screen to ask of the guest, as [width, height] in guest pixels.
  get wished() {
    const { fixed, size, scaling } = this.#view;
    const { width, height } = this.#box;
    return fixed ?? wishedSize(width, height, devicePixelRatio, size === "dense" || scaling === "exact");
  }

  get screen() {
    return this.#screen;
  }

  get zoom() {
    return this.#zoom;
  }

  // CSS pixels per guest pixel.
  get scale() {
    return this.#placed.scale;
  }

  get #box() {
    return { width: this.#stage.clientWidth, height: this.#stage.clientHeight };
  }

  setScreen(width, height) {
    this.#screen = { width, height };
    this.#kept = 0;
    this.layout();
  }

  // Another scaling was chosen: the picture is seen from its middle again.
  rescale() {
    this.#zoom = 1;
    this.#centre = { x: 0.5, y: 0.5 };
    this.layout();
  }

  layout() {
    const box = this.#box;
    if (!box.width || !box.height) return;
    const scale = this.#placed.scale;
    const view = { mode: this.#view.scaling, zoom: this.#zoom, centre: this.#centre, scale: this.#kept };
    this.#placed = fit(box, this.#screen, devicePixelRatio, view);
    const { left, top, width, height, exact } = this.#placed;
    for (const [name, value] of Object.entries({ left, top, width, height })) this.#canvas.style[name] = `${value}px`;
    this.#canvas.classList.toggle("is-exact", exact);
    if (scale !== this.#placed.scale) this.#showCursor();
    this.laidOut();
  }

  // Moves the picture by {x, y} CSS pixels, and lets it grow by `factor` around a place of the window.
  pan(place, by, factor = 1) {
    const zoom = Math.max(1, Math.min(MAX_ZOOM, this.#zoom * factor));
    this.#centre = moved(this.#box, this.#placed, this.#inStage(place), by, zoom / this.#zoom);
    this.#zoom = Math.abs(zoom - 1) < 0.02 ? 1 : zoom;
    this.layout();
    this.#settle();
  }

  // A keyboard covers part of the window, or no longer: the picture keeps its size, and `place` of the guest, {x, y} in
  // its pixels, comes into what is left.
  cover(isCovered, place) {
    this.#kept = isCovered ? this.#kept || this.#placed.scale : 0;
    if (isCovered) this.#centre = { x: place.x / this.#screen.width, y: place.y / this.#screen.height };
    this.layout();
    this.#settle();
  }

  get isCovered() {
    return this.#kept > 0;
  }

  // The pointer is here: near an edge it draws the rest of a picture that is larger than the window into view.
  // moved(): that goes on, the pointer is over another pixel.
  approach(place, whenMoved) {
    const wasPulling = this.#pull !== null;
    const { x, y } = edgePull(this.#box, this.#placed, this.#inStage(place), EDGE);
    this.#pull = x || y ? { x, y, time: wasPulling ? this.#pull.time : performance.now() } : null;
    if (this.#pull && !wasPulling) requestAnimationFrame(() => this.#follow(place, whenMoved));
    if (this.#pull) this.#pull.place = place;
  }

  #follow(place, whenMoved) {
    if (!this.#pull) return;
    const now = performance.now();
    const step = Math.min(50, now - this.#pull.time) * PACE;
    this.#pull.time = now;
    this.pan(this.#pull.place, { x: this.#pull.x * step, y: this.#pull.y * step });
    whenMoved(this.#pull.place);
    this.approach(this.#pull.place, whenMoved);
    if (this.#pull) requestAnimationFrame(() => this.#follow(place, whenMoved));
  }

  // The pointer has left the window.
  depart() {
    this.#pull = null;
  }

  // What is in the middle, as far as the edges allow: else a picture pushed against one would stick there.
  #settle() {
    const { left, top, width, height } = this.#placed;
    const box = this.#box;
    this.#centre = { x: (box.width / 2 - left) / width, y: (box.height / 2 - top) / height };
  }

  #inStage({ x, y }) {
    const { left, top } = this.#stage.getBoundingClientRect();
    return { x: x - left, y: y - top };
  }

  // The guest's pixel under a place of the window, {x, y} in CSS pixels.
  toGuest(place) {
    return toGuest(this.#inStage(place), this.#placed, this.#screen);
  }

  // Where a pixel of the guest is in the stage, in CSS pixels.
  toStage({ x, y }) {
    const { left, top, scale } = this.#placed;
    return { x: left + (x + 0.5) * scale, y: top + (y + 0.5) * scale };
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
