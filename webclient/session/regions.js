// Outlines over the picture: which parts of it came last, and by which way. For who wants to know what is sent.

import { h } from "../dom.js";
import { Encoding } from "../wire/tsg.js";

const STAYS = 700; // ms
const MOST = 400; // outlines at a time
const WIDTH = 2; // CSS pixels

// The custom properties of session.css that have the colours; so has the key in the panel.
export const WAYS = Object.freeze({
  [Encoding.HISTORY]: "exact", [Encoding.JPEG]: "still", [Encoding.COPY]: "copy", [Encoding.VIDEO]: "video",
});

export class Regions {
  #toStage;
  #shown = []; // {region: [encoding, x, y, width, height], until}
  #drawing = false;
  #colours = null;
  element = /** @type {HTMLCanvasElement} */ (h("canvas", { class: "regions", hidden: true, "aria-hidden": "true" }));

  // toStage({x, y} of the guest) → {x, y} in the stage.
  constructor(toStage) {
    this.#toStage = toStage;
  }

  get isOn() {
    return !this.element.hidden;
  }

  turn(on) {
    this.element.hidden = !on;
    this.#shown = [];
    const style = getComputedStyle(this.element);
    this.#colours = Object.fromEntries(Object.entries(WAYS).map(([encoding, way]) => [encoding, style.getPropertyValue(`--way-${way}`)]));
  }

  // regions: [encoding, x, y, width, height] of one picture.
  show(regions) {
    if (!this.isOn) return;
    const until = performance.now() + STAYS;
    this.#shown = [...this.#shown, ...regions.map((region) => ({ region, until }))].slice(-MOST);
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const now = performance.now();
    this.#shown = this.#shown.filter(({ until }) => until > now);
    this.#drawing = this.isOn && this.#shown.length > 0;
    const canvas = this.element;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * devicePixelRatio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    for (const { region: [encoding, x, y, across, down], until } of this.#shown) {
      const from = this.#toStage({ x, y });
      const to = this.#toStage({ x: x + across, y: y + down });
      context.globalAlpha = (until - now) / STAYS;
      // Light around the colour, so that it is seen on any ground.
      for (const [width, colour] of [[2 * WIDTH, "#fffc"], [WIDTH, this.#colours[encoding] ?? "#000"]]) {
        context.lineWidth = Number(width);
        context.strokeStyle = String(colour);
        context.strokeRect(from.x + WIDTH, from.y + WIDTH, Math.max(to.x - from.x - 2 * WIDTH, 1), Math.max(to.y - from.y - 2 * WIDTH, 1));
      }
    }
    if (this.#drawing) requestAnimationFrame(() => this.#draw());
  }
}
